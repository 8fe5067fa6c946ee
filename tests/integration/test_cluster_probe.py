"""`ftm doctor --cluster` against a real head that asks for a token: reached, refused, and running other code."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from head import started_head

import ftm_ray

TOKEN = "a" * 64
PROBE = """
import json, sys
from dataclasses import asdict
from ftm_ray.machines.cluster_probe import examine_cluster
print("FOUND " + json.dumps([asdict(one) for one in examine_cluster(sys.argv[1])]))
"""


@pytest.fixture(scope="module")
def dashboard():
    """Where a head with token authentication takes jobs."""
    with started_head(with_dashboard=True, token=TOKEN) as up:
        yield up.dashboard


def probe(dashboard, folder=None, **environment):
    """What a person finds who stands in that folder, with this environment: {name: (status, seen)}."""
    mine = {key: value for key, value in os.environ.items() if not key.startswith("RAY_")}
    done = subprocess.run(
        [sys.executable, "-c", PROBE, dashboard],
        cwd=folder, env=mine | environment, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return {one["name"]: (one["status"], one["seen"]) for one in json.loads(done.stdout.partition("FOUND ")[2])}


def test_with_the_token_the_cluster_says_what_it_runs(dashboard):
    found = probe(dashboard, RAY_AUTH_MODE="token", RAY_AUTH_TOKEN=TOKEN)
    assert found["cluster"][0] == "ok"
    assert found["versions"][0] == "ok", found


@pytest.mark.parametrize(
    "environment", [{"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": "b" * 64}, {"RAY_AUTH_MODE": "disabled"}]
)
def test_a_wrong_or_missing_token_is_one_sentence(dashboard, environment):
    status, seen = probe(dashboard, **environment)["cluster"]
    assert status == "fail"
    assert "refuses this machine's token" in seen
    assert "\n" not in seen
    assert TOKEN not in seen


def test_a_cluster_with_other_code_is_refused_with_both_named(dashboard, tmp_path):
    shutil.copytree(Path(ftm_ray.__file__).parent, tmp_path / "ftm_ray", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "ftm_ray" / "new.py").write_text("# what the image does not have yet\n")
    found = probe(dashboard, tmp_path, RAY_AUTH_MODE="token", RAY_AUTH_TOKEN=TOKEN, PYTHONPATH=str(tmp_path))
    status, seen = found["versions"]
    assert status == "fail"
    assert seen.startswith("code of the cluster and of this machine differ: the cluster has code 0.")
    assert "this machine has code 0." in seen


def test_nobody_there_is_one_sentence():
    status, seen = probe("http://127.0.0.1:1", RAY_AUTH_MODE="disabled")["cluster"]
    assert status == "fail"
    assert "http://127.0.0.1:1 cannot be asked" in seen
    assert "\n" not in seen
