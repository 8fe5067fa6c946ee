"""`ftm cluster render | check` and what `ftm doctor --cluster` says before it asks AWS."""

import json
import tomllib

import pytest
import yaml
from command import ftm, one_error_line

from ftm_ray.cli.cluster_doctor import examine_cluster_file, token_finding
from ftm_ray.config import load_config
from ftm_ray.run.nodes import nodes_in_file

IMAGE = "111122223333.dkr.ecr.us-east-2.amazonaws.com/ftm-ray:0.1.0-g1a2b3c4"


@pytest.fixture
def rendered(tmp_path):
    path = tmp_path / "cluster.yaml"
    result = ftm("cluster", "render", "--bucket", "my-bucket", "--image", IMAGE, "--max-nodes", 2, "--out", path)
    assert result.exit_code == 0, result.output
    return path


def test_render_writes_two_files_that_say_the_same(rendered):
    nodes = yaml.safe_load(rendered.read_text())["available_node_types"]
    settings = tomllib.loads(rendered.with_suffix(".toml").read_text())
    assert nodes["gpu_spot"]["max_workers"] == 2
    assert settings["cluster"]["node_types"] == [
        {"name": "gpu_spot", "gpus": 1, "cpus": 4, "accelerator": "L4", "max_nodes": 2}
    ]
    run_takes = load_config(rendered.with_suffix(".toml"), {}).cluster.node_types
    left_on_the_head = nodes_in_file(rendered)  # what a run reads where no settings were given
    assert [(kind.name, kind.cpus, kind.gpus, kind.max_nodes) for kind in run_takes] == [
        (kind.name, kind.cpus, kind.gpus, kind.max_nodes) for kind in left_on_the_head
    ]
    assert "no fault found" in ftm("cluster", "check", rendered).stdout


def test_check_tells_each_fault_and_ends_with_2(rendered):
    rendered.write_text(rendered.read_text().replace("InstanceMarketOptions", "InstanceMarketOption"))
    result = ftm("cluster", "check", rendered)
    assert result.exit_code == 2
    assert "has 2 fault(s)" in one_error_line(result)
    assert len(result.stdout.splitlines()) == 2
    assert len(json.loads(ftm("cluster", "check", rendered, "--json").stdout)) == 2


def test_render_refuses_in_one_line_and_writes_nothing(tmp_path):
    path = tmp_path / "cluster.yaml"
    result = ftm("cluster", "render", "--bucket", "my-bucket", "--image", IMAGE, "--gpu", "g9.huge", "--out", path)
    assert result.exit_code == 2
    assert "'g9.huge' is not known" in one_error_line(result)
    assert not path.exists()


def test_doctor_asks_no_account_before_the_file_is_right(rendered):
    rendered.write_text(rendered.read_text().replace("HttpTokens: required", "HttpTokens: optional"))
    found = examine_cluster_file(rendered, None)
    assert [one.status for one in found] == ["fail", "fail", "skip"]
    assert found[-1].name == "AWS account"


def test_the_token_must_be_there_and_be_ones_own(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert "ray get-auth-token --generate" in token_finding().advice
    path = tmp_path / ".ray" / "auth_token"
    path.parent.mkdir()
    path.write_text("secret")
    path.chmod(0o644)
    assert "can be read by others" in token_finding().seen
    path.chmod(0o600)
    assert token_finding().status == "ok"
    assert "secret" not in str(token_finding())
