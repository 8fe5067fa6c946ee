"""A run that is stopped (`ray job stop`) or killed outright leaves no model up that costs money, and no lock.

On a real head, with real Serve and vLLM. Both are stopped while the model is still loading: it is up to Serve then, and
a loaded one goes the same way, but waiting for it would take a minute each.
"""

import importlib.util
import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
from head import RAY, Head, ray_environment, started_head
from s3_server import free_port
from sample import QUARTER, prefetch_sample
from tiny_model import make_tiny_model

from ftm_ray.lake.storage import Lake

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("vllm") is None, reason="vLLM is not installed: `make setup-llm-cpu` installs it"
)

PROJECT = Path(__file__).parents[2]
LEASE_S = 8

#: The shortest stop of a job is 3 s, too short for a busy machine; docs/operations.md advises to give it more, too.
STOP_WAIT = {"RAY_JOB_STOP_WAIT_TIME_S": "60"}


@pytest.fixture(scope="module")
def head():
    with started_head(with_dashboard=True) as head:
        yield head


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> Lake:
    return prefetch_sample(tmp_path_factory.mktemp("stopped"))


@pytest.fixture(scope="module")
def arguments(store, tmp_path_factory) -> list[str]:
    """A run that has a tiny model served."""
    folder = tmp_path_factory.mktemp("model")
    model = make_tiny_model(folder / "model")
    config = folder / "run.toml"
    config.write_text(f'[serve]\npreset = "cpu"\nport = {free_port()}\npatience_s = 300\nlease_s = {LEASE_S}\n')
    return [QUARTER, "--root", store.root, "--llm", "serve", "--llm-model", str(model), "--config", str(config)]


def ray_job(head: Head, *arguments: str) -> str:
    done = subprocess.run(
        [RAY, "job", arguments[0], "--address", head.dashboard, *arguments[1:]],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=200,
        env=ray_environment(),
    )
    return done.stdout + done.stderr


def submit(head: Head, name: str, arguments: list[str]) -> None:
    """Send the job until it is taken: a head that began just now has no agent for a while on a busy machine."""
    environment = json.dumps({"env_vars": STOP_WAIT})
    run = ["--", "python", "jobs/run_quarter.py", *arguments]
    sent = ["submit", "--no-wait", "--submission-id", name, f"--runtime-env-json={environment}", *run]
    deadline = time.monotonic() + 120
    while not any(said in (answer := ray_job(head, *sent)) for said in ("submitted successfully", "already exists")):
        assert time.monotonic() < deadline, answer
        time.sleep(2)


def model_state(head: Head) -> str:
    """What Serve has of the model, by the command that a person would use."""
    from command import start_ftm

    environment = ray_environment() | {"RAY_ADDRESS": head.address}
    process = start_ftm("llm", "status", "--json", environment=environment, stderr=subprocess.PIPE)
    output, errors = process.communicate(timeout=240)
    assert process.returncode == 0, errors
    return json.loads(output)["state"]


def wait_for_model(head: Head, job: str, states: set[str], within_s: float) -> None:
    deadline = time.monotonic() + within_s
    while (state := model_state(head)) not in states:
        assert time.monotonic() < deadline, f"the model is {state}, not in {states}:\n{ray_job(head, 'logs', job)}"
        time.sleep(2)  # each look is a process of its own, and the job needs the cores, too


def driver_of(root: str) -> int:
    """The process that holds the lock of the quarter."""
    (lock,) = Path(root).glob("locks/*2024Q1.json")
    return int(json.loads(lock.read_text())["pid"])


@pytest.mark.chaos
def test_a_stopped_job_says_one_sentence_and_leaves_neither_model_nor_lock(head, store, arguments):
    submit(head, "stopped", arguments)
    wait_for_model(head, "stopped", {"starting", "up"}, within_s=600)
    ray_job(head, "stop", "stopped")
    log = ray_job(head, "logs", "stopped")
    assert "stopped; the same command goes on where this one stopped" in log
    assert "Traceback" not in log
    assert "SIGTERM received" not in log  # the frames of Ray's C++ handler
    assert not list(Path(store.root).glob("locks/[!.]*"))  # the guard of the lock file stays
    wait_for_model(head, "stopped", {"down"}, within_s=120)


@pytest.mark.chaos
def test_a_killed_driver_leaves_no_model_up(head, store, arguments):
    submit(head, "killed", arguments)
    wait_for_model(head, "killed", {"starting", "up"}, within_s=600)
    os.kill(driver_of(store.root), signal.SIGKILL)
    wait_for_model(head, "killed", {"down"}, within_s=LEASE_S + 120)
