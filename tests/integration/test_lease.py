"""The lease on a real head: a model stays while its run lives, and goes when the run is gone, whichever way it went."""

import subprocess
import sys
from pathlib import Path

import pytest
from head import ray_environment, started_head

CHILD = Path(__file__).parent / "lease_child.py"

WAIT_UNTIL_GONE = """
import sys, time, ray
from ftm_ray.serving.lease import joined_lease
from ftm_ray.serving.serve_state import is_deployed
ray.init(address=sys.argv[1], logging_level="ERROR", log_to_driver=False)
start = time.monotonic()
while is_deployed() and time.monotonic() - start < 90:
    time.sleep(0.2)
print("up" if is_deployed() else "down", joined_lease(5.0))
"""


@pytest.fixture(scope="module")
def address():
    with started_head(with_dashboard=False) as head:
        yield head.address


def run_python(address: str, *arguments: str) -> subprocess.CompletedProcess:
    environment = ray_environment() | {"RAY_ADDRESS": address}
    command = [sys.executable, *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=240)


@pytest.mark.parametrize(
    ("way", "code", "said"),
    [
        ("kill", -9, "up\n"),
        pytest.param("back", 0, "up\nlast\n", marks=pytest.mark.chaos),
        # The keeper died, and so did the run: a keeper that came again ends the model.
        pytest.param("crash", -9, "up\nup\n", marks=pytest.mark.chaos),
    ],
)
def test_a_model_outlives_no_run(address, way, code, said):
    done = run_python(address, str(CHILD), address, way)
    assert (done.returncode, done.stdout) == (code, said), done.stderr
    after = run_python(address, "-c", WAIT_UNTIL_GONE, address)
    assert after.stdout == "down None\n", after.stderr
