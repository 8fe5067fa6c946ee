"""How far off are plans? Real runs of several sizes on this machine, planned from one of them and from the table.

    python tests/benchmarks/plan_check.py --root FOLDER [--also RUN_JSON ...] [--chosen-on 25]

Runs ten firms of 2020Q1, and 25 and 50 of the hundred of 2024Q4 (`--llm none`), each in a process of its own, into
folders under FOLDER; what is there already is not run again. Then plans each from the run of 25 firms and from the
table of rates, and prints seconds beside seconds. Rates are chosen on the run of 25 firms; the others test them. Needs
../shared/data (or FTM_TEST_DATA) and a machine with nothing else to do: about ten minutes on two cores.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")
DATA = Path(os.environ.get("FTM_TEST_DATA", Path(__file__).parents[2].parent / "shared" / "data"))
FTM = [sys.executable, "-c", "from ftm_ray.cli.main import main; main()"]
SIZES = (10, 25, 50)
STEPS = ("start", "llm", "map", "reduce")


def made_run(n_firms: int, folder: Path) -> dict:
    """The record of the run of so many firms, made if need be."""
    quarter = "2020Q1" if n_firms == 10 else "2024Q4"
    root = folder / f"firms-{n_firms}"
    if not (found := sorted(root.glob("runs/*/*/run.json"))):
        if n_firms == 10:
            source, ids = "nasdaq10_2016_2020.parquet", f"{DATA}/sets.json:smoke_10_firms_2020Q1"
        else:
            source, ids = "sp500_2024Q3_2024Q4.parquet", f"{ids_of(n_firms, folder)}:calls"
        subprocess.run(
            [*FTM, "prefetch", quarter, "--path", str(DATA / source), "--ids", ids, "--root", str(root)],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        subprocess.run([*FTM, "run", quarter, "--root", str(root), "--llm", "none"], check=True, stdout=sys.stderr)
        found = sorted(root.glob("runs/*/*/run.json"))
    return json.loads(found[0].read_text())


def ids_of(n_firms: int, folder: Path) -> Path:
    """A file with the calls of the first firms of the hundred, by ticker."""
    calls = json.loads((DATA / "sets.json").read_text())["cross_100_firms_2024Q3_2024Q4"]
    tickers = {call: call.partition(":")[2].partition("_")[0] for call in calls}  # sp500:AAPL_2024_Q3
    firms = sorted(set(tickers.values()))[:n_firms]
    path = folder / f"ids-{n_firms}.json"
    path.write_text(json.dumps({"calls": [call for call in calls if tickers[call] in firms]}))
    return path


def planned_s(record: dict, rates: list[str]) -> dict:
    """The plan of a run's size on this machine."""
    counts = record["counts"]
    size = ["--firms", str(counts["n_firms"]), "--sentences", str(counts["n_sentences"])]
    done = subprocess.run([*FTM, "plan", *size, *rates, "--json"], stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=Path, required=True, help="folder for the runs")
    parser.add_argument("--also", nargs="*", default=[], help="run.json of further runs on this machine")
    parser.add_argument("--chosen-on", type=int, default=25, choices=SIZES)
    arguments = parser.parse_args()
    arguments.root.mkdir(parents=True, exist_ok=True)
    records = [made_run(n, arguments.root) for n in SIZES]
    records += [json.loads(Path(path).read_text()) for path in arguments.also]
    chosen = records[SIZES.index(arguments.chosen_on)]
    chosen_file = arguments.root / "chosen.json"
    chosen_file.write_text(json.dumps(chosen))
    print("| firms | sentences | topics | measured | from the run of 25 | | from the table | |\n" + "|---" * 8 + "|")
    for record in records:
        wall = sum(record["seconds"].get(step, 0.0) for step in STEPS)
        cells = [f"{record['counts'][name]:,}" for name in ("n_firms", "n_sentences", "n_topics")] + [f"{wall:.0f} s"]
        for rates in (["--from-run", str(chosen_file)], []):
            plan = planned_s(record, rates)
            cells += [f"{plan['wall_s']:.0f} s", f"{plan['wall_s'] / wall - 1:+.0%}"]
            parts = {stage["name"]: round(stage["seconds"]) for stage in plan["stages"]}
            print(f"  {rates[:1]} {parts} measured {record['seconds']}", file=sys.stderr)
        print(f"| {' | '.join(cells)} |{' chosen on' if record is chosen else ''}")


if __name__ == "__main__":
    main()
