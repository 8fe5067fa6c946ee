"""How fast does a quarter come from WRDS, and with how much memory?

A PostgreSQL on this machine stands in for WRDS, so the rows per second are what psycopg, the cursor and the Parquet
files allow: an upper bound, the way to WRDS comes on top. Each figure is a process of its own.

    python tests/benchmarks/wrds_prefetch.py             # 500 firms, then a million rows fetched; 3 minutes
    python tests/benchmarks/wrds_prefetch.py --whole     # also cleans them, and 2 million sentences; 8 minutes more
"""

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from standin import QUARTER, Standin, at_standin, seed_quarter  # noqa: E402 - tests/ is no package

FETCH = """
import sys
from ftm_ray.sources.wrds.calls import SCHEMAS, WrdsSettings
from ftm_ray.sources.wrds.database import connect
from ftm_ray.sources.wrds.fetch import fetch_quarter
from ftm_ray.lake.storage import Lake
with connect("postgres", SCHEMAS, None) as database:
    database.check_readable()
    fetch_quarter(Lake(sys.argv[1]), sys.argv[2], WrdsSettings(), database, lambda _: None)
"""
PREFETCH = """
import sys
from ftm_ray.cli.main import main
main(["prefetch", sys.argv[2], "--from", "wrds", "--root", sys.argv[1]])
"""


def measured(code: str, root: str) -> tuple[float, float, int]:
    """Wall seconds, processor seconds and peak memory in MiB of a process that runs this code."""
    started = time.monotonic()
    pid = os.posix_spawn(
        sys.executable,
        [sys.executable, "-c", code, root, QUARTER],
        os.environ,
        file_actions=[(os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_WRONLY, 0) for number in (1, 2)],
    )
    _, status, usage = os.wait4(pid, 0)
    assert status == 0, f"ended with {status}"
    return time.monotonic() - started, usage.ru_utime + usage.ru_stime, usage.ru_maxrss // 1024


def show(what: str, n_rows: int, root: str, code: str) -> None:
    wall_s, cpu_s, peak_mib = measured(code, root)
    n_bytes = sum(path.stat().st_size for path in Path(root).rglob("*") if path.is_file())
    rate = f"{n_rows / wall_s:,.0f} rows/s"
    print(
        f"| {what} | {n_rows:,} | {wall_s:.1f} s | {cpu_s:.1f} s | {rate} | {peak_mib} MiB | {n_bytes / 1e6:.1f} MB |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--whole", action="store_true", help="also clean the million rows, and 2 million sentences")
    arguments = parser.parse_args()
    print("| what | rows | wall | processor | rate | peak memory | written |\n|---|---|---|---|---|---|---|")
    quarters = [("500 firms", 500, 60, 5), ("16,667 firms", 16_667, 60, 1)]
    if arguments.whole:
        quarters.append(("5,000 firms", 5_000, 80, 5))
    for firms, n_firms, n_turns, n_sentences in quarters:
        what = f"{firms}, {n_turns} turns of {n_sentences} sentences"
        with tempfile.TemporaryDirectory(prefix="ftm-wrds-") as folder, tempfile.TemporaryDirectory() as lakes:
            standin = Standin(Path(folder))
            at_standin(standin)
            n_rows = seed_quarter(standin, n_firms, n_turns, n_sentences)
            show(f"fetch: {what}", n_rows, f"{lakes}/fetch", FETCH)
            if n_firms == 500 or arguments.whole:
                show(f"whole `ftm prefetch`: {what}", n_rows, f"{lakes}/whole", PREFETCH)
            standin.stop()


if __name__ == "__main__":
    main()
