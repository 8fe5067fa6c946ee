"""A Spot notice under load: the watcher as the cluster file starts it, on a real cluster, EC2 stood in for."""

import json
import os
import subprocess
import sys
import textwrap
import time

import pytest
from metadata_service import MetadataService

#: Rows of half a second in single-row blocks, on actors of which a node holds one; where and when each was done.
WORK = """
    import json, sys, time
    import ray
    from ray.cluster_utils import Cluster
    from ray.data import ActorPoolStrategy, DataContext

    node_file, n = sys.argv[1], 40
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    nodes = [cluster.add_node(num_cpus=1, resources={"spot": 1}) for _ in range(2)]
    ray.init(address=cluster.address, log_to_driver=False, logging_level="ERROR")
    DataContext.get_current().enable_progress_bars = False

    class Work:
        def __call__(self, batch):
            time.sleep(0.5)
            batch["node"] = [ray.get_runtime_context().get_node_id()]
            batch["at"] = [time.time()]
            return batch

    rows, told = [], False
    pool = ActorPoolStrategy(min_size=1, max_size=2, initial_size=2)
    data = ray.data.from_items([{"id": i} for i in range(n)], override_num_blocks=n)
    data = data.map_batches(Work, batch_size=1, num_cpus=0.7, compute=pool)
    for row in data.iter_rows():
        rows.append({"id": int(row["id"]), "node": row["node"], "at": float(row["at"])})
        if len({row["node"] for row in rows}) == 2 and not told:
            told = True
            with open(node_file, "w") as file:
                file.write(cluster.address + " " + nodes[0].node_id)
    print("ROWS " + json.dumps(rows))
    ray.shutdown()
    cluster.shutdown()
"""


@pytest.fixture
def service():
    """The metadata service of the node that will be taken away."""
    made = MetadataService()
    yield made
    made.stop()


def test_a_node_with_a_notice_gets_no_more_work_and_no_row_is_lost_or_done_twice(service, tmp_path):
    script, told = tmp_path / "work.py", tmp_path / "node"
    script.write_text(textwrap.dedent(WORK))
    mine = {key: value for key, value in os.environ.items() if not key.startswith("RAY_")}
    mine |= {"RAY_AUTH_MODE": "disabled", "AWS_EC2_METADATA_SERVICE_ENDPOINT": service.url}
    work = subprocess.Popen([sys.executable, script, told], env=mine, text=True, stdout=subprocess.PIPE)
    try:
        deadline = time.monotonic() + 120
        while not told.exists() or not told.read_text():
            assert work.poll() is None, "the work ended before both nodes had a row"
            assert time.monotonic() < deadline, "the cluster does not start"
            time.sleep(0.1)
        address, node = told.read_text().split()
        words = ["--address", address, "--node-id", node]  # both nodes have this machine's address
        service.announce(seconds=100)
        watcher = subprocess.run(
            [sys.executable, "-m", "ftm_ray.machines.spot_watcher", *words],
            env=mine, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        drained = time.time()
        assert watcher.returncode == 0, watcher.stderr
        assert "drained" in watcher.stderr
        out, _ = work.communicate(timeout=180)
    finally:
        work.kill()
    assert work.returncode == 0
    rows = json.loads(out.partition("ROWS ")[2])
    assert sorted(row["id"] for row in rows) == list(range(40))  # none failed, none twice
    late = [row for row in rows if row["node"] == node and row["at"] > drained + 4]
    assert not late
    assert sum(row["at"] > drained + 4 for row in rows) >= 5  # there was work left that it could have had
