"""Does a whole quarter cost per firm what a hundred firms cost, and does the driver's memory stay where it is?

    python tests/benchmarks/quarter_scale.py [--json] [--keep FOLDER]

Two runs in processes of their own: the 100 firms of the cross set in 2024Q4, and the clean quarter of 478 firms. Needs
../shared/data (or FTM_TEST_DATA); about 20 minutes on two cores. Memory is the driver's peak (ru_maxrss).
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")
QUARTER = "2024Q4"
SETS = {100: "cross_100_firms_2024Q3_2024Q4", 478: "quarter_478_firms_2024Q4"}
DATA = Path(os.environ.get("FTM_TEST_DATA", Path(__file__).parents[2].parent / "shared" / "data"))


def run_once(n_firms: int, root: str) -> dict:
    """Prefetch and run one set in this process."""
    from timed_map import timed_run

    from ftm_ray.config import LlmSettings, RunConfig
    from ftm_ray.lake.storage import Lake
    from ftm_ray.sources.files.source import FilesSettings, FilesSource
    from ftm_ray.sources.prefetch import prefetch_quarter

    settings = FilesSettings((str(DATA / "sp500_2024Q3_2024Q4.parquet"),), ids=f"{DATA}/sets.json:{SETS[n_firms]}")
    prefetch_quarter(Lake(root), QUARTER, FilesSource(settings), lambda *_: None)
    outcome, seconds, whole = timed_run(root, QUARTER, RunConfig(llm=LlmSettings(endpoint="none")))
    counts = outcome.record["counts"]
    return {
        "n_firms": counts["n_firms"],
        "n_sentences": counts["n_sentences"],
        "map_seconds": seconds,
        "whole_run_seconds": whole,
        "seconds_per_firm": seconds / counts["n_firms"],
        "seconds_per_1000_sentences": 1000 * seconds / counts["n_sentences"],
        "driver_peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "adds_up": counts["n_sentences"] == counts["n_in_topics"] + counts["n_outliers"] + counts["n_dropped"]
        and counts["n_firms"] == counts["n_done"] + counts["n_failed"] + counts["n_skipped"],
        "seconds": outcome.record["seconds"],
        "quality": outcome.record["quality"],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--keep", help="folder for the two lakes; default: a temporary one")
    parser.add_argument("--one", type=int, choices=SETS, help=argparse.SUPPRESS)
    parser.add_argument("--root", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if not (DATA / "sets.json").exists():
        sys.exit(f"no test data at {DATA}; set FTM_TEST_DATA to the folder that holds sets.json")
    if arguments.one:
        print(json.dumps(run_once(arguments.one, arguments.root)))
        return
    result = {}
    with tempfile.TemporaryDirectory(prefix="quarter-scale-") as temporary:
        for n_firms in SETS:
            root = str(Path(arguments.keep or temporary, f"firms-{n_firms}"))
            command = [sys.executable, __file__, "--one", str(n_firms), "--root", root]
            done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
            result[n_firms] = json.loads(done.stdout.splitlines()[-1])
    small, large = result.values()
    result["time_per_firm_ratio"] = large["seconds_per_firm"] / small["seconds_per_firm"]
    result["time_per_sentence_ratio"] = large["seconds_per_1000_sentences"] / small["seconds_per_1000_sentences"]
    result["driver_growth_mib"] = large["driver_peak_mib"] - small["driver_peak_mib"]
    print(json.dumps(result) if arguments.json else json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
