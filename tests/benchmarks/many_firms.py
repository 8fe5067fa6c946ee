"""Thousands of short calls as one quarter: does every firm come through, and what do driver and object store hold?

    python tests/benchmarks/many_firms.py [--firms N] [--config FILE] [--keep FOLDER]

All 3,443 calls of the set `maec_2015_2018`, each under a firm of its own and dated into one quarter, are prefetched and
run (`--llm none`) and verified by the real commands in processes of their own. Needs ../shared/data (or FTM_TEST_DATA).
A static encoder (static_encoder.py) in --config makes it short: a quarter of an hour. Memory is what Linux says of a
process each second: the peak of the driver, the most of the object store's pages that raylet touched.
"""

import argparse
import datetime
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import psutil
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from command import FTM

from ftm_ray.lake.runs import published_record
from ftm_ray.lake.storage import Lake

QUARTER = "2016Q2"
_DAY = datetime.date(2016, 5, 2)
DATA = Path(os.environ.get("FTM_TEST_DATA", Path(__file__).parents[2].parent / "shared" / "data"))


def as_one_quarter(calls: pa.Table, n_firms: int | None) -> pa.Table:
    """Each call under a firm of its own, all on one day."""
    if n_firms is not None:
        calls = calls.filter(pc.is_in(calls["transcript_id"], value_set=calls["transcript_id"].unique()[:n_firms]))
    columns = {name: calls[name] for name in ("transcript_id", "position", "speaker_type", "section", "text")}
    columns["firm_id"] = calls["transcript_id"]
    columns["firm_name"] = calls["firm_name"]
    columns["call_date"] = pa.array([_DAY] * calls.num_rows)
    return pa.table(columns)


def ftm(*arguments: str) -> dict[str, float]:
    """Run a command to its end; its seconds, the driver's peak and the object store's, in MiB."""
    begin = time.monotonic()
    environment = {name: value for name, value in os.environ.items() if name != "RAY_ADDRESS"}
    running = psutil.Popen([*FTM, *arguments], stdout=subprocess.DEVNULL, env=environment)
    peak, shared = 0.0, 0.0
    while running.poll() is None:
        peak = max(peak, _status_mib(running.pid, "VmHWM"))
        for child in running.children(recursive=True):
            if "raylet" in _name(child):
                shared = max(shared, _status_mib(child.pid, "RssShmem"))
        time.sleep(1)
    if running.returncode:
        sys.exit(f"`ftm {' '.join(arguments)}` ended with {running.returncode}")
    return {"seconds": round(time.monotonic() - begin, 1), "driver_mib": round(peak), "object_store_mib": round(shared)}


def _name(process: psutil.Process) -> str:
    try:
        return process.name()
    except psutil.Error:  # it ended this moment
        return ""


def _status_mib(pid: int, field: str) -> float:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith(field)), 0.0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--firms", type=int, help="only so many calls")
    parser.add_argument("--config", help="settings of the run")
    parser.add_argument("--keep", help="folder for the quarter; default: a temporary one")
    options = parser.parse_args()
    source = DATA / "maec_2015_2018.parquet"
    if not source.exists():
        sys.exit(f"no test data at {source}; set FTM_TEST_DATA to the folder that holds it")
    settings = ("--config", options.config) if options.config else ()
    with tempfile.TemporaryDirectory(prefix="many-firms-") as temporary:
        folder = Path(options.keep or temporary)
        folder.mkdir(parents=True, exist_ok=True)
        calls, root = folder / "calls.parquet", str(folder / "root")
        if Path(root).exists():
            sys.exit(f"{root} is there already, and what is done in it is not done again: give another folder")
        pq.write_table(as_one_quarter(pq.read_table(source), options.firms), calls)
        found = {
            "prefetch": ftm("prefetch", QUARTER, "--from", "files", "--path", str(calls), "--root", root),
            "run": ftm("run", QUARTER, "--root", root, "--llm", "none", *settings),
            "verify": ftm("verify", QUARTER, "--root", root),
        }
        record = published_record(Lake(root), QUARTER)
    print(json.dumps(found | {"counts": record["counts"], "seconds": record["seconds"]}, indent=1))


if __name__ == "__main__":
    main()
