"""A quarter on a cluster that begins with no worker: nodes come for the map, GPU actors share cards, nodes go again."""

import json
import subprocess
import time

import pytest
from autoscaling import AutoscalingCluster, autoscaling_cluster
from command import ftm, start_ftm
from sample import QUARTER, prefetch_sample, published_bytes, record


@pytest.fixture(scope="module")
def cluster():
    with autoscaling_cluster(n_gpu_nodes=2) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def settings(cluster, tmp_path_factory):
    """What a person would give: where the cluster file lies, and here that its cards are no real ones."""
    path = tmp_path_factory.mktemp("settings") / "run.toml"
    path.write_text(f'workers = 3\n[cluster]\nfile = "{cluster.file}"\nactors_per_gpu = 2\ndevice = "cpu"\n')
    return path


def start_run(cluster: AutoscalingCluster, root: str, settings) -> subprocess.Popen:
    arguments = ("run", QUARTER, "--root", root, "--llm", "none", "--config", str(settings))
    return start_ftm(*arguments, environment=cluster.environment())


def status(root: str) -> dict:
    return json.loads(ftm("status", QUARTER, "--root", root, "--json").stdout)


def test_a_quarter_waits_for_nodes_runs_on_shares_of_cards_and_leaves_none(cluster, settings, lake, tmp_path):
    cluster.dry.touch()  # no Spot capacity
    from_zero = prefetch_sample(tmp_path)
    process = start_run(cluster, from_zero.root, settings)
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
        assert max(cluster.counts) == 0
        cluster.dry.unlink()
        output, _ = process.communicate(timeout=420)
    finally:
        process.kill()
    assert process.returncode == 0, output
    cluster.wait_for(0, within_s=60)
    assert max(cluster.counts) == 2  # two actors on one card, the third on another: all asked for at once
    assert "gpu_spot is refused" in output
    assert "nodes: 2 x gpu_spot" in output or "2 x gpu_spot" in output
    assert status(from_zero.root)["waits"] is None
    assert published_bytes(from_zero) == published_bytes(lake)
    assert record(from_zero)["run_id"] == record(lake)["run_id"]
