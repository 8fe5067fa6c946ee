"""How long the map of a quarter takes on a card, by the number of topic actors that share it.

    python tests/benchmarks/gpu_map.py ROOT QUARTER [--actors 1 4 8] [--backends auto cpu]

Runs the quarter that lies prefetched in ROOT once for each number, in a root of its own, without an LLM. `auto` embeds
on the card, and clusters there, too, where cuML is installed; `cpu` keeps the map off the card, with an actor a core
(once, whatever --actors says). The map's time goes from the first batch that an actor receives, when all are there, to
the last part file; the run's time has the start of Ray and of the actors in it, and the themes. Needs one machine with
one card.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")


def run_once(root: str, quarter: str, actors: int, backend: str) -> dict:
    """Run the quarter in this process."""
    from timed_map import timed_run

    from ftm_ray.config import load_config

    config = load_config(
        None,
        {
            "llm.endpoint": "none",
            "topics.backend": backend,
            "cluster.actors_per_gpu": actors,
            "workers": actors if backend != "cpu" else None,
        },
    )
    outcome, map_s, whole_s = timed_run(root, quarter, config)
    counts = outcome.record["counts"]
    return {"firms": counts["n_firms"], "sentences": counts["n_sentences"], "map_s": map_s, "whole_s": whole_s}


def one_row(arguments, actors: int, backend: str) -> str:
    """A row of the table, from a process of its own."""
    with tempfile.TemporaryDirectory(prefix="gpu-map-") as root:
        shutil.copytree(Path(arguments.root, "prefetch"), Path(root, "prefetch"))
        command = [sys.executable, __file__, root, arguments.quarter, "--one", str(actors), backend]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    found = json.loads(done.stdout.splitlines()[-1])
    per_s = f"{found['sentences'] / found['map_s']:,.0f}"
    who = f"{actors} on the card" if backend != "cpu" else "on cores alone"
    row = (who, backend, found["firms"], f"{found['map_s']:.1f} s", per_s, f"{found['whole_s']:.1f} s")
    return " ".join(("|", *(f"{cell} |" for cell in row)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("root")
    parser.add_argument("quarter")
    parser.add_argument("--actors", type=int, nargs="+", default=[1, 4, 8])
    parser.add_argument("--backends", nargs="+", choices=["auto", "cuml", "cpu"], default=["auto"])
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(run_once(arguments.root, arguments.quarter, int(arguments.one[0]), arguments.one[1])))
        return
    print("| topic actors | clustering | firms | map | sentences/s | whole run |")
    print("|---|---|---|---|---|---|", flush=True)
    for backend in arguments.backends:
        for actors in arguments.actors if backend != "cpu" else [1]:
            print(one_row(arguments, actors, backend), flush=True)


if __name__ == "__main__":
    main()
