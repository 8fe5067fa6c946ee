"""A real Prometheus that scrapes one address, where it is installed (Debian: `apt install prometheus`)."""

import json
import os
import shutil
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit

from s3_server import free_port

SCRAPE_S = 1


def find_prometheus() -> str | None:
    """Path of the program; None without one."""
    return os.environ.get("FTM_PROMETHEUS") or shutil.which("prometheus")


@dataclass(frozen=True)
class Prometheus:
    """A running server."""

    url: str

    def ask(self, what: str, **parameters: Any) -> Any:
        """What its HTTP API says; an expression that it does not understand is an error."""
        with urllib.request.urlopen(f"{self.url}/api/v1/{what}?{urllib.parse.urlencode(parameters)}") as reply:
            return json.load(reply)["data"]

    def ranges(self, expr: str, start: float, end: float, step_s: float = 2) -> list[dict[str, Any]]:
        """The series of an expression between two moments, seconds since 1970."""
        return self.ask("query_range", query=expr, start=start, end=end, step=step_s)["result"]


@contextmanager
def scraping(address: str) -> Iterator[Prometheus]:
    """A Prometheus that scrapes this address every second while the block runs."""
    where = urlsplit(address)
    with TemporaryDirectory(prefix="ftm-prometheus-") as folder:
        settings = Path(folder) / "prometheus.yml"
        settings.write_text(
            f"global: {{scrape_interval: {SCRAPE_S}s, scrape_timeout: {SCRAPE_S}s}}\n"
            f"scrape_configs: [{{job_name: ray, metrics_path: {where.path},\n"
            f"  static_configs: [{{targets: ['{where.netloc}']}}]}}]\n"
        )
        port = free_port()
        process = subprocess.Popen(
            [str(find_prometheus()), f"--config.file={settings}", f"--storage.tsdb.path={folder}/data",
             f"--web.listen-address=127.0.0.1:{port}"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            server = Prometheus(f"http://127.0.0.1:{port}")
            _wait_for(server)
            yield server
        finally:
            process.terminate()
            process.wait(timeout=30)


def _wait_for(server: Prometheus) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            server.ask("query", query="vector(1)")
        except (urllib.error.URLError, ConnectionError):
            assert time.monotonic() < deadline, "Prometheus does not start"
            time.sleep(0.2)
        else:
            return
