"""Batch systems give each job a TMPDIR of a long path; Ray's sockets do not fit into it."""

import os
import subprocess
import sys

import pytest

from ftm_ray.errors import ConfigError
from ftm_ray.run import session

_ASK_RAY = """
import ray
from ftm_ray.run.session import ray_session
with ray_session(lambda: None, {}):
    print("answer", ray.get(ray.remote(lambda: 42).remote()))
"""


def test_ray_starts_with_a_long_tmpdir(tmp_path):
    folder = tmp_path / "a_folder_as_batch_systems_make_them_for_every_job" / "scratch" / "job.1234567.node0042"
    folder.mkdir(parents=True)
    environment = {name: value for name, value in os.environ.items() if name not in ("RAY_ADDRESS", "RAY_TMPDIR")}
    done = subprocess.run(
        [sys.executable, "-c", _ASK_RAY],
        env=environment | {"TMPDIR": str(folder)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert "answer 42" in done.stdout, done.stderr[-2000:]


def test_where_no_short_folder_can_be_written_the_error_names_the_variable(monkeypatch, tmp_path):
    monkeypatch.setenv("RAY_TMPDIR", str(tmp_path / ("x" * 60)))
    monkeypatch.setattr(session, "_SHORT_FOLDERS", (str(tmp_path / "nothing"),))
    with pytest.raises(ConfigError, match="set TMPDIR to a folder of at most"):
        session._short_folder()
