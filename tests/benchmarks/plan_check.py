"""How far off are plans? Real runs of several sizes on this machine, planned from one of them and from the table.

    python tests/benchmarks/plan_check.py --root FOLDER [--also RUN_JSON ...] [--from-run RUN_JSON]

Runs ten firms of 2020Q1, and 25 and 50 of the hundred of 2024Q4 (`--llm none`), each in a process of its own, into
folders under FOLDER; what is there already is not run again, `--no-runs` makes none. Then plans each, and each of
--also, three ways, and prints seconds beside seconds:

- from the table of rates;
- from --from-run, by default the run of 25 firms;
- from the table at the speed that the run itself had: all rates of the processor times its seconds of encoding a
  sentence over those of the table. Where other work is on the machine, this tells the model's error from the load's.

Needs ../shared/data (or FTM_TEST_DATA) and, to mean something, a machine with nothing else to do: ten minutes.
"""

import argparse
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from command import FTM

from ftm_ray.config import RunConfig
from ftm_ray.machines.prices import default_prices
from ftm_ray.run.planning.from_run import rates_of_run
from ftm_ray.run.planning.plan import Ask, make_plan
from ftm_ray.run.planning.rates import Rates, known_rates
from ftm_ray.run.planning.told import read_run
from ftm_ray.run.planning.work import Work, config_of, parse_nodes

os.environ.setdefault("HF_HUB_OFFLINE", "1")
DATA = Path(os.environ.get("FTM_TEST_DATA", Path(__file__).parents[2].parent / "shared" / "data"))
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


#: What is the processor's, and so goes with its speed.
OF_THE_PROCESSOR = (
    *("ray_start_s", "actor_start_s", "encode_core_s", "cluster_s", "other_s"),
    *("final_start_s", "read_s", "fit_least_s", "fit_1000_s", "once_1000_s"),
)


def at_speed_of(record: dict, rates: Rates) -> Rates:
    """The rates at the speed that the machine had during a run."""
    times = record["seconds"]["embed_s"] / record["counts"]["n_sentences"] / rates.rates["encode_core_s"].value
    slower = {name: rates.rates[name] for name in OF_THE_PROCESSOR}
    return rates.with_some(
        {
            name: replace(rate, value=times * rate.value, low=times * rate.low, high=times * rate.high)
            for name, rate in slower.items()
        }
    )


def planned_s(record: dict, rates: Rates) -> float:
    """Seconds that a plan of a run's firms and sentences says; a run that shared its Ray has no start of its own."""
    counts, nodes = record["counts"], parse_nodes(())
    n_topics = round(counts["n_sentences"] * rates.pick("value")["topics_per_sentence"])
    work = Work(counts["n_firms"], counts["n_sentences"], n_topics)
    plan = make_plan(Ask(work, nodes, config_of(RunConfig(), "none", nodes)), rates, default_prices())
    return plan.wall_s - (0.0 if "start" in record["seconds"] else plan.parts.start)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=Path, required=True, help="folder for the runs")
    parser.add_argument("--no-runs", action="store_true", help="make no run: plan those of --also alone")
    parser.add_argument("--also", nargs="*", default=[], help="run.json of further runs on this machine")
    parser.add_argument("--from-run", help="run.json to take rates from")
    arguments = parser.parse_args()
    arguments.root.mkdir(parents=True, exist_ok=True)
    records = [] if arguments.no_runs else [made_run(n, arguments.root) for n in SIZES]
    records += [json.loads(Path(path).read_text()) for path in arguments.also]
    source = json.loads(Path(arguments.from_run).read_text()) if arguments.from_run else records[SIZES.index(25)]
    table, of_source = known_rates(), rates_of_run(read_run(source, "FILE"), known_rates())
    print("| quarter | firms | sentences | topics | encoding | measured | table | | from the run | | at its speed | |")
    print("|---" * 12 + "|")
    for record in records:
        seconds, counts = record["seconds"], record["counts"]
        wall = sum(seconds.get(step, 0.0) for step in STEPS)
        cells = [record["quarter"], *(f"{counts[name]:,}" for name in ("n_firms", "n_sentences", "n_topics"))]
        cells += [f"{1000 * seconds['embed_s'] / counts['n_sentences']:.1f} ms", f"{wall:.0f} s"]
        for rates in (table, of_source, at_speed_of(record, table)):
            plan_s = planned_s(record, rates)
            cells += [f"{plan_s:.0f} s", f"{plan_s / wall - 1:+.0%}"]
        print(f"| {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
