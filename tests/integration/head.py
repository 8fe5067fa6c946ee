"""The head node of a cluster, started as a person starts it, on ports of its own."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from s3_server import free_port

RAY = str(Path(sys.executable).parent / "ray")


@dataclass(frozen=True, slots=True)
class Head:
    """A living head node.

    Attributes:
        pid: Its process, and the group of all that it starts.
        address: What RAY_ADDRESS takes.
        dashboard: What `ray job submit --address` takes.
        metrics: What Prometheus scrapes.
    """

    pid: int
    address: str
    dashboard: str
    metrics: str


def ray_environment(token: str | None = None) -> dict[str, str]:
    """Ray 2.60 turns token authentication on in the head, but not in `ray job submit`, where a token file lies in
    the home folder and nothing is said: so it is said, as docs/operations.md tells users to."""
    mine = {key: value for key, value in os.environ.items() if not key.startswith("RAY_")}
    folder = Path(sys.executable).parent
    said = {"RAY_AUTH_MODE": "disabled"} if token is None else {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": token}
    return {**mine, **said, "PATH": f"{folder}:{mine['PATH']}", "NO_COLOR": "1"}


@contextmanager
def started_head(with_dashboard: bool, token: str | None = None) -> Iterator[Head]:
    """A head node that answers, with token authentication where a token is given.

    It is ended by its process group, never by `ray stop`, which would end others, too.
    """
    names = ("port", "dashboard-port", "ray-client-server-port", "dashboard-agent-listen-port", "metrics-export-port")
    ports = {name: free_port() for name in names}
    dashboard = "--dashboard-host=127.0.0.1" if with_dashboard else "--include-dashboard=false"
    with TemporaryDirectory(prefix="ftm-ray-", dir="/tmp", ignore_cleanup_errors=True) as folder:  # sockets: short path
        flags = ("--num-cpus=2", dashboard, f"--temp-dir={folder}", *(f"--{name}={ports[name]}" for name in names))
        process = subprocess.Popen(
            [RAY, "start", "--head", "--block", *flags],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            env=ray_environment(token),
        )
        address, of_dashboard, of_metrics = (f"127.0.0.1:{ports[name]}" for name in (names[0], names[1], names[4]))
        head = Head(process.pid, address, f"http://{of_dashboard}", f"http://{of_metrics}/metrics")
        try:
            wait_until_it_answers(process, address, head.dashboard if with_dashboard else None, token, within_s=240)
            yield head
        finally:
            os.killpg(process.pid, signal.SIGKILL)  # a gentle end waits 30 s for Serve's controller
            process.wait(timeout=60)


def wait_until_it_answers(
    process: subprocess.Popen, address: str, dashboard: str | None, token: str | None, within_s: float
) -> None:
    """Wait for a head node that was just started, and for its dashboard where it has one: 10 s on a quiet machine."""
    deadline = time.monotonic() + within_s
    asked = [["status", "--address", address]]
    asked += [["job", "list", "--address", dashboard]] if dashboard else []
    for question in asked:
        while subprocess.run([RAY, *question], capture_output=True, env=ray_environment(token)).returncode:
            assert process.poll() is None, "the head node ended"
            assert time.monotonic() < deadline, "the head node does not start"
            time.sleep(0.5)
