"""What does ROOT on S3 cost beside a folder: seconds, requests, bytes? And are the files the same?

The same commands, each a process of its own, with ROOT in a folder, on an S3 server on this machine (moto's), and there
again with a pause before each answer, as over a long line. The server takes processor time of this machine: with few
cores, the seconds without a pause say more about it than about S3. Requests and bytes are those of the second pass.

    python tests/benchmarks/s3_run.py                    # sample calls, 50 ms a request; 3 minutes on two cores
    python tests/benchmarks/s3_run.py --delay-ms 20 2023Q1 --path 'calls/*.parquet'     # what `ftm prefetch` takes
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
os.environ.setdefault("HF_HUB_OFFLINE", "1")
from command import FTM  # noqa: E402 - tests/ is no package
from s3_server import credentials, serve  # noqa: E402 - tests/ is no package

import ftm_ray  # noqa: E402
from ftm_ray.lake.storage import Lake  # noqa: E402
from ftm_ray.sources.manifest import read_manifest  # noqa: E402

SAMPLE = Path(ftm_ray.__file__).parent / "sample_calls"
SAMPLE_ARGUMENTS = ["2024Q1", "--path", f"{SAMPLE}/*.jsonl", "--links", f"{SAMPLE}/links.csv"]
OPERATIONS = ("PutObject", "GetObject", "ListBucket", "DeleteObject")
#: What has no clock in it; part files and run.json say how long the work took.
SAME_BYTES = ("prefetch", "processed", "sentiment-ready")


def commands(prefetch: list[str]) -> dict[str, list[str]]:
    """The commands by the name that the table gives them."""
    quarter = prefetch[0]
    return {
        "prefetch": ["prefetch", *prefetch],
        "run": ["run", quarter, "--llm", "none"],
        "run again": ["run", quarter, "--llm", "none"],
        "status": ["status", quarter],
        "themes": ["themes", quarter],
        "trace": ["trace", f"{quarter}-0001"],
        "verify": ["verify", quarter],
    }


def wall_seconds(arguments: list[str], root: str) -> float:
    started = time.monotonic()
    done = subprocess.run([*FTM, *arguments, "--root", root], capture_output=True, text=True)
    assert done.returncode == 0, f"ftm {arguments[0]}: {done.stderr}"
    return time.monotonic() - started


def asked(server, n_calls: int, n_bytes_sent: int) -> str:
    """What was asked of the server since it had seen so many calls: the last columns of a row."""
    calls = server.calls[n_calls:]
    by_name = Counter(call.action.removeprefix("s3:") for call in calls)
    assert set(by_name) <= set(OPERATIONS), by_name
    numbers = [str(by_name[name]) for name in OPERATIONS]
    sizes = [sum(call.n_bytes for call in calls), server.n_bytes_sent - n_bytes_sent]
    return " | ".join([*numbers, *(f"{size / 1e6:.2f} MB" for size in sizes)])


def per_batch(server, n_calls: int, lake: Lake, quarter: str) -> str:
    """What a run asked about chunks and parts, which grows with the number of batches; all else does not."""
    n_batches = len(read_manifest(lake, quarter).batches)
    mine = Counter(
        call.action.removeprefix("s3:")
        for call in server.calls[n_calls:]
        if call.key.endswith(".parquet") and any(f"/{folder}/" in call.key for folder in ("transcripts", "firm-topics"))
    )
    by_name = ", ".join(f"{n} {name}" for name, n in sorted(mine.items()))
    each = mine.total() / n_batches
    return f"run, about chunks and parts: {by_name} for {n_batches} batches, {each:.1f} requests each"


def digests(lake: Lake, folder: str) -> dict[str, str]:
    """SHA-256 of every file below a folder, by its path."""
    found = {f"{folder}/{name}": lake.fingerprint(f"{folder}/{name}")["sha256"] for name in lake.list_files(folder)}
    for name in lake.list_folders(folder):
        found |= digests(lake, f"{folder}/{name}")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--delay-ms", type=float, default=50, help="pause before each answer in the last pass")
    arguments, prefetch = parser.parse_known_args()
    with contextmanager(serve)() as server, tempfile.TemporaryDirectory(prefix="ftm-s3-") as folder:
        os.environ |= credentials(server, "benchmark")
        roots = [folder, server.root("near"), server.root("far")]
        print(f"| command | folder | S3 | S3, {arguments.delay_ms:.0f} ms a request", end="")
        print(" | PUT | GET | LIST | DELETE | up | down |\n|---|---|---|---|---|---|---|---|---|---|")
        for name, command in commands(prefetch or SAMPLE_ARGUMENTS).items():
            here_s = wall_seconds(command, folder)
            before = len(server.calls), server.n_bytes_sent
            near_s = wall_seconds(command, roots[1])
            requests = asked(server, *before)
            if name == "run":
                of_batches = per_batch(server, before[0], Lake(roots[1]), command[1])
            server.delay_s = arguments.delay_ms / 1000
            far_s = wall_seconds(command, roots[2])
            server.delay_s = 0.0
            times = [f"{here_s:.1f} s", *(f"{s3_s:.1f} s ({s3_s / here_s:.2f})" for s3_s in (near_s, far_s))]
            print(f"| {name} | {' | '.join(times)} | {requests} |", flush=True)
        print(of_batches)
        expected, *others = ([digests(Lake(root), top) for top in SAME_BYTES] for root in roots)
        assert any(expected) and all(found == expected for found in others)
        print(f"{sum(map(len, expected))} files below {', '.join(SAME_BYTES)}: the same bytes on S3 as in the folder")


if __name__ == "__main__":
    main()
