"""Takes the pictures of Ray's dashboard in docs/images/ during a real run: the sample quarter as a job on a head here.

    python tests/benchmarks/dashboard_pictures.py docs/images --root /data/lake

Needs Chromium (`apt install chromium`) and the package playwright. ROOT must not exist: it shows in the pictures.
"""

import argparse
import io
import os
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[1] / "integration"))
os.environ.setdefault("HF_HUB_OFFLINE", "1")  # of the head, and so of the job: no hub is asked for a tokenizer

from chromium import driver, launch
from command import FTM
from head import RAY, ray_environment, started_head
from llm_server import LlmServer, in_its_words
from PIL import Image
from sample import QUARTER, prefetch_sample

#: Pages by the name of their picture. JOB is the job's id.
PAGES = {
    "ray-overview": "overview",
    "ray-jobs": "jobs",
    "ray-job": "jobs/JOB",
    "ray-actors": "actors",
    "ray-cluster": "cluster",
    "ray-metrics": "metrics",
}

_MOST_BYTES = 150_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--wait", type=float, default=45.0, help="Seconds between sending the job and the pictures.")
    options = parser.parse_args()
    if options.root.exists():
        parser.error(f"{options.root} is there already")
    prefetch_sample(options.root)
    options.folder.mkdir(parents=True, exist_ok=True)
    with (
        started_head(with_dashboard=True) as head,
        LlmServer(lambda _, body: in_its_words(body), delay_s=2.0) as llm,
        driver() as running,
    ):
        environment = ray_environment()
        command = ["submit", QUARTER, "--root", options.root, "--address", head.dashboard, "--llm", llm.url]
        sent = subprocess.run([*FTM, *map(str, command), "--no-wait"], capture_output=True, text=True, env=environment)
        print(sent.stdout, sent.stderr)
        time.sleep(options.wait)
        page = launch(running).new_context(viewport={"width": 1280, "height": 800}).new_page()
        for name, where in PAGES.items():
            page.goto(f"{head.dashboard}/#/{where.replace('JOB', f'ftm-{QUARTER}-1')}")
            page.wait_for_timeout(4000)
            if name == "ray-job":
                page.get_by_text("Ray Data Overview").click()  # the stages of the map, closed at first
                page.wait_for_timeout(2000)
            n_bytes = save(page.screenshot(full_page=True), options.folder / f"{name}.png")
            print(f"{name}: {n_bytes / 1000:.0f} kB")
        logs = [RAY, "job", "logs", "--address", head.dashboard, f"ftm-{QUARTER}-1"]
        print(subprocess.run(logs, capture_output=True, text=True, env=environment).stdout)


def save(png: bytes, path: Path) -> int:
    """Write a picture in few colours; its size."""
    Image.open(io.BytesIO(png)).convert("RGB").quantize(128).save(path, optimize=True)
    n_bytes = path.stat().st_size
    assert n_bytes < _MOST_BYTES, f"{path} has {n_bytes} bytes"
    return n_bytes


if __name__ == "__main__":
    main()
