"""Which nodes may come, read from a cluster file as `ray up` takes it. No Ray starts."""

import time
from types import SimpleNamespace

import pytest

from ftm_ray.config import ClusterSettings, NodeType
from ftm_ray.errors import ConfigError
from ftm_ray.machines.cost import THIS_MACHINE, NodeTime
from ftm_ray.run.nodes import known_nodes, node_times, nodes_in_file, times_of_nodes

FILE = """\
cluster_name: ftm
max_workers: 8
head_node_type: head
available_node_types:
  head: {resources: {CPU: 0}, node_config: {InstanceType: m7i.large}}
  gpu_spot:
    resources: {CPU: 4, GPU: 1, "accelerator_type:L4": 1, memory: 12000000000}
    min_workers: 0
    max_workers: 8
    node_config: {InstanceType: g6.xlarge}
  cpu_spot: {resources: {CPU: 16}, max_workers: 0, node_config: {}}
"""
GPU_SPOT = NodeType(name="gpu_spot", cpus=4, gpus=1, accelerator="L4", max_nodes=8)


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "cluster.yaml"
    path.write_text(FILE)
    return path


def test_what_may_come_is_read_and_what_may_not_is_left_out(file):
    """A head that runs no work, and a kind of which there may be none, are no places for the map."""
    assert nodes_in_file(file) == (GPU_SPOT,)


def test_a_head_that_works_counts_once(file):
    file.write_text(FILE.replace("head: {resources: {CPU: 0}", "head: {resources: {CPU: 8}"))
    assert nodes_in_file(file) == (NodeType(name="head", cpus=8), GPU_SPOT)


@pytest.mark.parametrize("text", ["", "[1, 2]", "available_node_types: {a: 3}", "a: [", "\0"])
def test_a_file_that_is_no_cluster_file_is_named_with_what_is_expected(file, text):
    file.write_text(text)
    with pytest.raises(ConfigError, match=r"cluster\.yaml .*expected available_node_types"):
        nodes_in_file(file)


def test_a_file_that_is_missing_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"none\.yaml"):
        nodes_in_file(tmp_path / "none.yaml")


def test_on_a_cluster_the_configuration_decides_and_then_the_file(file, monkeypatch):
    monkeypatch.setenv("RAY_ADDRESS", "10.0.0.1:6379")  # nobody is asked: Ray is not even started
    mine = NodeType(name="mine", cpus=2)
    assert known_nodes(ClusterSettings(node_types=(mine,), file=str(file))) == (mine,)
    assert known_nodes(ClusterSettings(file=str(file))) == (GPU_SPOT,)
    monkeypatch.setenv("HOME", str(file.parent))
    file.rename(file.parent / "ray_bootstrap_config.yaml")
    assert known_nodes(ClusterSettings()) == (GPU_SPOT,)


# --- how long each was there ---------------------------------------------------------------------------------------

SINCE, NOW = 1000.0, 2000.0
SPOT_G5 = {"ray.io/node-group": "gpu_spot", "ftm-instance-type": "g5.xlarge", "ftm-market": "spot"}


def node(start, end=0.0, labels=(), **told):
    """As Ray's table has it, in seconds."""
    values = {"node_id": b"1", "node_type_name": "", "instance_type_name": "", "node_manager_address": "10.0.0.1"}
    values |= {"start_time_ms": int(start * 1000), "end_time_ms": int(end * 1000), "labels": dict(labels)}
    return SimpleNamespace(**values | told)


def test_only_the_time_of_the_run_counts():
    table = [node(500.0), node(1200.0, 1500.0), node(1900.0), node(100.0, 900.0)]
    assert sorted(one.seconds for one in times_of_nodes(table, SINCE, NOW, {})) == [100.0, 300.0, 1000.0]


def test_a_node_is_called_by_what_it_tells_of_itself_else_by_its_group_else_by_its_address():
    told = times_of_nodes([node(1100.0, labels=SPOT_G5)], SINCE, NOW, {})
    assert told == [NodeTime("g5.xlarge", "spot", 900.0, group="gpu_spot")]
    group = times_of_nodes([node(1100.0, node_type_name="workers")], SINCE, NOW, {})
    assert group == [NodeTime("workers", None, 900.0, group="workers")]
    by_ray = node(1100.0, node_type_name="workers", instance_type_name="c6i.2xlarge")
    assert times_of_nodes([by_ray], SINCE, NOW, {})[0].kind == "c6i.2xlarge"
    assert times_of_nodes([node(1100.0)], SINCE, NOW, {})[0].kind == "10.0.0.1"


def test_the_time_before_a_nodes_ray_counts_once_and_also_where_no_node_came_of_it():
    table = [node(1100.0, labels=SPOT_G5, node_id=b"1"), node(1200.0, labels=SPOT_G5, node_id=b"2")]
    found = times_of_nodes(table, SINCE, NOW, {"gpu_spot": 300.0, "cpu_spot": 60.0})
    assert [(one.kind, one.starting_s) for one in found] == [
        ("g5.xlarge", 300.0),
        ("g5.xlarge", 0.0),
        ("cpu_spot", 60.0),
    ]


def test_a_machine_that_never_joined_was_bought_like_the_others_of_its_group():
    gone = node(100.0, 900.0, labels=SPOT_G5)
    assert times_of_nodes([gone], SINCE, NOW, {"gpu_spot": 300.0}) == [
        NodeTime("gpu_spot", "spot", 0.0, starting_s=300.0, group="gpu_spot")
    ]
    dear = node(200.0, 900.0, labels=SPOT_G5 | {"ftm-market": "on-demand"})
    assert times_of_nodes([gone, dear], SINCE, NOW, {"gpu_spot": 300.0})[0].market is None
    assert times_of_nodes([gone], SINCE, NOW, {"cpu_spot": 300.0})[0].market is None


def test_embedded_ray_is_this_machine(monkeypatch):
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    (one,) = node_times(time.time() - 5, {})
    assert one.kind == THIS_MACHINE and 5 <= one.seconds < 30
