"""A quarter on a cluster that begins with no worker: nodes come for the map, GPU actors share cards, nodes go again.

The same with one node that dies and one that is drained on the way.
"""

import json
import subprocess
import time

import pytest
from autoscaling import AutoscalingCluster, autoscaling_cluster
from command import ftm, start_ftm
from sample import QUARTER, parts, prefetch_sample, published_bytes, record


@pytest.fixture(scope="module")
def cluster():
    with autoscaling_cluster(n_gpu_nodes=3) as cluster:
        yield cluster


#: Of the sample: a firm each.
N_BATCHES = 12


def settings_of(cluster, folder, actors_per_gpu):
    """What a person would give: where the cluster file lies, and here that its cards are no real ones."""
    path = folder / "run.toml"
    share = f"actors_per_gpu = {actors_per_gpu}"
    prices = folder / "prices.toml"
    prices.write_text("[nodes]\ngpu_spot = 36.0\n")
    cost = f'[cost]\nprices = "{prices}"\n'
    path.write_text(f'workers = 3\n[cluster]\nfile = "{cluster.file}"\n{share}\ndevice = "cpu"\n{cost}')
    return path


def start_run(cluster: AutoscalingCluster, root: str, settings) -> subprocess.Popen:
    arguments = ("run", QUARTER, "--root", root, "--llm", "none", "--config", str(settings))
    return start_ftm(*arguments, environment=cluster.environment())


def status(root: str) -> dict:
    return json.loads(ftm("status", QUARTER, "--root", root, "--json").stdout)


def test_a_quarter_waits_for_nodes_runs_on_shares_of_cards_and_leaves_none(cluster, lake, tmp_path):
    cluster.dry.touch()  # no Spot capacity
    from_zero = prefetch_sample(tmp_path / "root")
    process = start_run(cluster, from_zero.root, settings_of(cluster, tmp_path, actors_per_gpu=2))
    try:
        deadline = time.monotonic() + 120
        while not (waits := status(from_zero.root)["waits"]):
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline, "the run does not say what it waits for"
            time.sleep(1)
        while "no Spot capacity in any zone" not in (waits or ""):
            assert time.monotonic() < deadline, waits
            time.sleep(1)
            waits = status(from_zero.root)["waits"]
        assert "since 20" in waits
        assert "gpu_spot is refused" in waits
        assert max(cluster.counts) == 0
        cluster.dry.unlink()
        output, _ = process.communicate(timeout=420)
    finally:
        process.kill()
    assert process.returncode == 0, output
    cluster.wait_for(0, within_s=60)
    assert max(cluster.counts) == 2  # two actors on one card, the third on another: all asked for at once
    assert "2 x gpu_spot" in output
    assert status(from_zero.root)["waits"] is None
    assert published_bytes(from_zero) == published_bytes(lake)
    assert record(from_zero)["run_id"] == record(lake)["run_id"]
    cost = record(from_zero)["cost"]
    by_type = {node["type"]: node for node in cost["nodes"]}
    assert set(by_type) == {"m6i.xlarge", "gpu_spot"}, cost
    head, workers = by_type["m6i.xlarge"], by_type["gpu_spot"]
    assert (workers["n_nodes"], cost["n_actors"]) == (2, 3)
    assert (head["market"], head["usd_per_hour"]) == ("on-demand", 0.192)
    assert 0 < workers["node_s"] < 2 * head["node_s"]  # the head was there all the time, the workers came later
    assert cost["usd"] == pytest.approx(workers["usd"] + head["usd"])
    assert workers["usd"] == pytest.approx((workers["node_s"] + workers["starting_s"]) / 100, abs=1e-4)


@pytest.mark.chaos
def test_a_node_that_dies_and_one_that_is_drained_in_mid_run_change_no_byte(cluster, lake, tmp_path):
    cluster.wait_for(0, within_s=60)
    seen = len(cluster.counts)
    mine = prefetch_sample(tmp_path / "root")
    process = start_run(cluster, mine.root, settings_of(cluster, tmp_path, actors_per_gpu=1))
    try:
        deadline = time.monotonic() + 300
        while len(nodes := cluster.workers()) < 3 or not parts(mine):
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline, f"workers: {cluster.counts}, parts: {len(parts(mine))}"
            time.sleep(0.3)
        assert len(parts(mine)) < N_BATCHES, "all was done before a node could be lost"
        cluster.kill(nodes[0])
        cluster.drain(nodes[1])
        output, _ = process.communicate(timeout=420)
    finally:
        process.kill()
    assert process.returncode == 0, output
    cluster.wait_for(0, within_s=90)
    print("workers:", list(zip(cluster.times, cluster.counts, strict=True))[seen:], output)
    assert max(cluster.counts[seen:]) >= 3  # one more while the node that died is not yet missed
    assert published_bytes(mine) == published_bytes(lake)
    assert record(mine)["run_id"] == record(lake)["run_id"]
