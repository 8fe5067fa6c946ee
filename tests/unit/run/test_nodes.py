"""Which nodes may come, read from a cluster file as `ray up` takes it. No Ray starts."""

import pytest

from ftm_ray.config import ClusterSettings, NodeType
from ftm_ray.errors import ConfigError
from ftm_ray.run.nodes import known_nodes, nodes_in_file

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
