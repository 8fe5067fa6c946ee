"""`ftm submit` on a real head that asks for a token: sent, followed, left, found again, refused; and its exit codes."""

import re
import signal
import subprocess
import time
from dataclasses import dataclass, replace

import pytest
from command import start_ftm
from head import RAY, ray_environment, started_head
from sample import QUARTER, prefetch_sample, published_bytes

from ftm_ray.lake.storage import Lake

TOKEN = "c" * 64

#: Sends a command as a job and prints what `follow` returns: the codes need no run of minutes.
FOLLOW = """
import sys
from pathlib import Path
from ftm_ray.environment import use_dashboard
from ftm_ray.machines.jobs import Cluster, Job
use_dashboard(sys.argv[1])
cluster = Cluster(sys.argv[1])
folder = Path(sys.argv[3])
job = cluster.submit(Job(("2020Q1",), "nowhere", sys.argv[2]), folder)
print("CODE", cluster.follow(job, print))
"""


@dataclass(frozen=True)
class Place:
    """A head, and a lake with the sample quarter."""

    dashboard: str
    lake: Lake
    token: str = TOKEN

    def start(self, *flags, quarter=QUARTER):
        arguments = ("submit", quarter, "--root", self.lake.root, "--address", self.dashboard, *flags)
        return start_ftm(*arguments, environment=ray_environment(self.token), stderr=subprocess.PIPE)

    def submit(self, *flags, quarter=QUARTER):
        """Exit code, standard output, standard error."""
        process = self.start(*flags, quarter=quarter)
        output, errors = process.communicate(timeout=400)
        assert "Traceback" not in errors, errors
        return process.returncode, output, errors


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    with started_head(with_dashboard=True, token=TOKEN) as head:
        yield Place(head.dashboard, prefetch_sample(tmp_path_factory.mktemp("submit")))


def wait_for_line(process, text: str, within_s: float) -> None:
    deadline = time.monotonic() + within_s
    for line in process.stdout:
        if text in line:
            return
        assert time.monotonic() < deadline, f"'{text}' does not come"
    raise AssertionError(f"ended without '{text}': {process.stderr.read()}")


def test_what_is_wrong_is_said_before_a_job_is_sent(place):
    code, _, errors = place.submit("--llm", "none", quarter="2024Q3")
    assert code == 4
    assert "no transcripts of 2024Q3" in errors
    code, _, errors = replace(place, token="d" * 64).submit("--llm", "none")
    assert code == 2
    assert "refuses this machine's token" in errors
    assert len(errors.strip().splitlines()) == 1
    code, _, errors = place.submit("--follow")
    assert code == 2
    assert f"knows no job for {QUARTER}" in errors


def test_a_job_is_followed_left_alone_by_ctrl_c_found_again_and_not_sent_twice(place):
    process = place.start("--llm", "none")
    wait_for_line(process, "firm topics", within_s=240)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert f"detached; job ftm-{QUARTER}-1 goes on" in errors
    assert f"ray job stop --address {place.dashboard} ftm-{QUARTER}-1" in errors
    assert "the same command goes on" not in errors  # it would be refused

    code, _, errors = place.submit("--llm", "none")
    assert code == 2
    assert f"job ftm-{QUARTER}-1 works on that already" in errors

    code, log, errors = place.submit("--follow")
    assert code == 0, errors
    assert log.count("firm topics: ") >= 2
    assert f"job ftm-{QUARTER}-1 ended with exit code 0" in errors
    assert published_bytes(place.lake)

    code, log, errors = place.submit("--llm", "none")
    assert code == 0
    assert "was done already" in log
    assert f"job ftm-{QUARTER}-2 ended with exit code 0" in errors


def test_the_exit_code_of_a_run_is_that_of_the_command(place):
    code, log, _ = place.submit()  # no LLM was chosen, and no node has a card
    assert code == 2
    assert "error: no --llm was given" in log


@pytest.mark.parametrize(("command", "code"), [("exit 3", 3), ("kill -9 $$", 137)])
def test_other_codes_pass_as_they_are(place, tmp_path, command, code):
    assert followed(place, command, tmp_path).communicate(timeout=120)[0].splitlines()[-1] == f"CODE {code}"


def test_a_job_that_was_stopped_ends_with_143(place, tmp_path):
    process = followed(place, "echo here; exec sleep 300", tmp_path)
    wait_for_line(process, "here", within_s=60)
    jobs = [RAY, "job", "list", "--address", place.dashboard]
    shown = subprocess.run(jobs, capture_output=True, text=True, env=ray_environment(TOKEN)).stdout
    name = max(re.findall(r"ftm-2020Q1-\d+", shown), key=lambda name: int(name.rpartition("-")[2]))  # the latest
    stop = [RAY, "job", "stop", "--no-wait", "--address", place.dashboard, name]
    subprocess.run(stop, capture_output=True, check=True, env=ray_environment(TOKEN))
    assert process.communicate(timeout=120)[0].splitlines()[-1] == "CODE 143"


def followed(place, command, folder):
    import sys

    return subprocess.Popen(
        [sys.executable, "-u", "-c", FOLLOW, place.dashboard, command, str(folder)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ray_environment(TOKEN),
    )  # fmt: skip
