"""Ctrl-C in the middle of a run, as a person presses it, and the same command again."""

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
from command import start_ftm
from sample import QUARTER, parts, prefetch_sample, published_bytes, record


def start(root: str) -> subprocess.Popen:
    return start_ftm("run", QUARTER, "--root", root, "--llm", "none")


@pytest.mark.chaos  # in make test, test_tone.py ends `ftm sentiment` in the middle
def test_ctrl_c_loses_nothing_and_the_same_command_finishes_the_work(lake, tmp_path):
    stopped = prefetch_sample(tmp_path / "stopped")
    first = start(stopped.root)
    deadline = time.time() + 240
    while len(parts(stopped)) < 2 and time.time() < deadline and first.poll() is None:
        time.sleep(0.05)
    os.killpg(first.pid, signal.SIGINT)
    output, _ = first.communicate(timeout=120)
    assert first.returncode == 130, output
    assert "Traceback" not in output
    assert "same command" in output
    assert published_bytes(stopped) == {}
    kept = parts(stopped)
    assert kept

    second = start(stopped.root)
    output, _ = second.communicate(timeout=300)
    assert second.returncode == 0, output
    assert {name: when for name, when in parts(stopped).items() if name in kept} == kept

    third_start = time.time()
    third = start(stopped.root)
    output, _ = third.communicate(timeout=60)
    assert third.returncode == 0
    assert time.time() - third_start < 30  # 10 s on a quiet machine; it must not start Ray
    assert "done" in output

    assert published_bytes(stopped) == published_bytes(lake)  # the calm run's
    assert record(stopped)["run_id"] == record(lake)["run_id"]
    assert not list(Path(stopped.root).rglob("*.tmp"))
