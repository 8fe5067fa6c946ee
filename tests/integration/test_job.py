"""`ray job submit` of jobs/run_quarter.py on a real local cluster, started as the documentation says."""

import subprocess
from pathlib import Path

import pytest
from head import RAY, ray_environment, started_head
from sample import HALF, QUARTER, prefetch_sample, published_bytes, record

PROJECT = Path(__file__).parents[2]


@pytest.fixture
def dashboard():
    """Where a head node of its own takes jobs."""
    with started_head(with_dashboard=True) as head:
        yield head.dashboard


def submit(address: str, *arguments: str) -> subprocess.CompletedProcess:
    """Submit the job and wait for its end."""
    return subprocess.run(
        [RAY, "job", "submit", "--address", address, "--working-dir", ".", "--", "python", *arguments],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=400,
        env=ray_environment(),
    )


@pytest.mark.chaos  # test_submit.py sends the same job
def test_a_quarter_runs_as_a_job(dashboard, tmp_path):
    lake = prefetch_sample(tmp_path, files=HALF)
    done = submit(dashboard, "jobs/run_quarter.py", QUARTER, "--root", lake.root, "--llm", "none")
    log = done.stdout + done.stderr
    assert done.returncode == 0, log
    assert "succeeded" in log.lower()
    assert "firm topics" in log
    counts = record(lake)["counts"]
    assert (counts["n_firms"], counts["n_done"]) == (6, 5)  # one has no PERMNO
    assert published_bytes(lake)
    wrong = submit(dashboard, "jobs/run_quarter.py", "2024Q9", "--root", lake.root)
    assert wrong.returncode != 0
    assert "no quarter" in wrong.stdout + wrong.stderr
