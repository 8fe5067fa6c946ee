"""A Spot notice under load: the watcher as the cluster file starts it, on a real cluster, EC2 stood in for."""

import json
import os
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
from metadata_service import MetadataService

pytestmark = pytest.mark.chaos

N_ROWS = 400
#: Rows of half a second in single-row blocks, on one actor a node; where and when each was done. Once the test has seen
#: enough, what is left takes no time.
WORK = """
    import json, os, sys, time
    import ray
    from ray.cluster_utils import Cluster
    from ray.data import ActorPoolStrategy, DataContext

    folder, n = sys.argv[1], int(sys.argv[2])
    def started():
        for attempts_left in (2, 1, 0):
            try:
                cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
                return cluster, [cluster.add_node(num_cpus=1) for _ in range(2)]
            except Exception:  # Ray gives a node 30 s to start, which on a busy machine can be too short
                if not attempts_left:
                    raise
                time.sleep(5)

    cluster, nodes = started()
    ray.init(address=cluster.address, log_to_driver=False, logging_level="ERROR")
    DataContext.get_current().enable_progress_bars = False

    def tell(name, text):
        with open(f"{folder}/{name}.new", "w") as file:
            file.write(text)
        os.rename(f"{folder}/{name}.new", f"{folder}/{name}")

    class Work:
        def __call__(self, batch):
            time.sleep(0 if os.path.exists(f"{folder}/enough") else 0.5)
            batch["node"] = [ray.get_runtime_context().get_node_id()]
            batch["at"] = [time.time()]
            return batch

    from ftm_ray.machines.spot_watcher import node_of_this_machine
    alive = [node["NodeID"] for node in ray.nodes()]
    assert node_of_this_machine(cluster.address) in alive  # on EC2 one node has one address; here all three
    tell("node", cluster.address + " " + nodes[0].node_id)
    rows, told = [], False
    pool = ActorPoolStrategy(min_size=1, max_size=2, initial_size=2)
    data = ray.data.from_items([{"id": i} for i in range(n)], override_num_blocks=n)
    for row in data.map_batches(Work, batch_size=1, num_cpus=0.7, compute=pool).iter_rows():
        rows.append({"id": int(row["id"]), "node": row["node"], "at": float(row["at"])})
        if len({row["node"] for row in rows}) == 2 and not told:
            told = True
            tell("both", "nodes have work")
    tell("rows", json.dumps(rows))
    ray.shutdown()
    cluster.shutdown()
"""


@pytest.fixture
def service():
    """The metadata service of the node that will be taken away."""
    made = MetadataService()
    yield made
    made.stop()


@pytest.fixture
def work(tmp_path):
    """The cluster with its work, in a process of its own."""
    script = tmp_path / "work.py"
    script.write_text(textwrap.dedent(WORK))
    process = subprocess.Popen([sys.executable, script, tmp_path, str(N_ROWS)], env=environment())
    yield process
    process.kill()


def environment(**more):
    mine = {key: value for key, value in os.environ.items() if not key.startswith("RAY_")}
    return mine | {"RAY_AUTH_MODE": "disabled"} | more


def wait_for(path: Path, work: subprocess.Popen) -> str:
    deadline = time.monotonic() + 240
    while not path.exists():
        assert work.poll() is None, f"the work ended before it told '{path.name}'"
        assert time.monotonic() < deadline, f"the work does not tell '{path.name}'"
        time.sleep(0.1)
    return path.read_text()


def test_a_node_with_a_notice_gets_no_more_work_and_no_row_is_lost_or_done_twice(service, work, tmp_path):
    address, node = wait_for(tmp_path / "node", work).split()
    watcher = subprocess.Popen(
        # The node is named because all nodes of this cluster have this machine's address.
        [sys.executable, "-m", "ftm_ray.machines.spot_watcher", "--address", address, "--node-id", node],
        env=environment(AWS_EC2_METADATA_SERVICE_ENDPOINT=service.url),
        stderr=subprocess.PIPE,
        text=True,
    )
    wait_for(tmp_path / "both", work)
    service.announce(seconds=110)
    _, told = watcher.communicate(timeout=100)
    drained = time.time()
    assert watcher.returncode == 0, told
    assert "drained" in told
    time.sleep(8)
    (tmp_path / "enough").touch()
    rows = json.loads(wait_for(tmp_path / "rows", work))
    assert sorted(row["id"] for row in rows) == list(range(N_ROWS))  # none failed, none twice
    before = [row for row in rows if row["node"] == node and row["at"] < drained]
    late = [row for row in rows if row["node"] == node and row["at"] > drained + 4]
    assert before
    assert not late
    assert sum(row["at"] > drained + 4 for row in rows) >= 5  # there was work left that the node could have had
    work.wait(timeout=60)
