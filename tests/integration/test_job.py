"""`ray job submit` of jobs/run_quarter.py on a real local cluster, started as the documentation says."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from sample import QUARTER, prefetch_sample, published_bytes, record

PROJECT = Path(__file__).parents[2]
RAY = str(Path(sys.executable).parent / "ray")


def environment() -> dict[str, str]:
    """Ray 2.60 turns token authentication on in the head, but not in `ray job submit`, where a token file lies in
    the home folder and nothing is said: so it is said, as docs/operations.md tells users to."""
    mine = {key: value for key, value in os.environ.items() if not key.startswith("RAY_")}
    folder = Path(sys.executable).parent
    return {**mine, "RAY_AUTH_MODE": "disabled", "PATH": f"{folder}:{mine['PATH']}", "NO_COLOR": "1"}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def cluster(tmp_path):
    """A head node of its own, with its own ports and folder; ended by its processes' group, never by `ray stop`."""
    ports = {
        name: free_port()
        for name in ("port", "dashboard-port", "ray-client-server-port", "dashboard-agent-listen-port")
    }
    process = subprocess.Popen(
        [
            RAY,
            "start",
            "--head",
            "--block",
            "--num-cpus=2",
            "--dashboard-host=127.0.0.1",
            f"--temp-dir=/tmp/ftm-{os.getpid()}",
            *(f"--{name}={port}" for name, port in ports.items()),
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        env=environment(),
    )
    yield f"http://127.0.0.1:{ports['dashboard-port']}"
    process.terminate()
    process.wait(timeout=60)


def submit(address: str, *arguments: str) -> subprocess.CompletedProcess:
    """Wait for the cluster, then submit the job and wait for its end."""
    import time
    import urllib.error
    import urllib.request

    deadline = time.time() + 90
    while time.time() < deadline:
        try:
            urllib.request.urlopen(f"{address}/api/version", timeout=2).read()
            break
        except (urllib.error.URLError, OSError):
            time.sleep(0.5)
    return subprocess.run(
        [RAY, "job", "submit", "--address", address, "--working-dir", ".", "--", "python", *arguments],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=400,
        env=environment(),
    )


def test_a_quarter_runs_as_a_job(cluster, tmp_path):
    lake = prefetch_sample(tmp_path)
    done = submit(cluster, "jobs/run_quarter.py", QUARTER, "--root", lake.root, "--llm", "none")
    log = done.stdout + done.stderr
    assert done.returncode == 0, log
    assert "succeeded" in log.lower()
    assert "firm topics" in log
    assert record(lake)["counts"]["n_done"] >= 10
    assert published_bytes(lake)
    wrong = submit(cluster, "jobs/run_quarter.py", "2024Q9", "--root", lake.root)
    assert wrong.returncode != 0
    assert "no quarter" in wrong.stdout + wrong.stderr
