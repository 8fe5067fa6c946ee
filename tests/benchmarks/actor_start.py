"""How long a topic actor takes to load, with Python's garbage collector at work and without.

    python tests/benchmarks/actor_start.py [PAIRS]

Each start is a process of its own, the two ways in turn. Seconds are of the processor, so other work on the machine
disturbs less; the collector's own are measured in the way that has it. Prints a line for each start, and the medians:
seconds in all and of the collector, how often it looked through everything, how many objects it need not look at any
more, the memory, and how long the process takes to end (by the clock). A first start after an installation compiles:
NUMBA_CACHE_DIR=$(mktemp -d) shows it.
"""

import gc
import json
import resource
import statistics
import subprocess
import sys
import time
from contextlib import nullcontext

WAYS = ("with the collector", "without")


def started(way: str) -> dict[str, float]:
    """Load what a topic actor loads, in this process."""
    from ftm_ray.config import RunConfig
    from ftm_ray.run.loading import loading
    from ftm_ray.topics.finder import FirmTopicFinder

    collecting, since, n_full = 0.0, 0.0, 0

    def clock(phase: str, about: dict[str, int]) -> None:
        nonlocal collecting, since, n_full
        if phase == "start":
            since = time.process_time()
        else:
            collecting += time.process_time() - since
            n_full += about["generation"] == 2

    config = RunConfig()
    gc.callbacks.append(clock)
    before = time.process_time()
    with loading() if way == "without" else nullcontext():
        FirmTopicFinder(config.embed, config.topics)
    took = time.process_time() - before
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    of_collector = {"collector_s": collecting, "n_full": n_full, "n_frozen": gc.get_freeze_count()}
    return {"start_s": took} | of_collector | {"mib": memory, "loaded_at": time.time()}


def main(n_pairs: int = 5) -> None:
    """Start in turn, and print."""
    found: dict[str, list[dict[str, float]]] = {way: [] for way in WAYS}
    for _ in range(n_pairs):
        for way in WAYS:
            command = [sys.executable, __file__, "--start", way]
            shown = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            start = json.loads(shown.splitlines()[-1])
            start["end_s"] = time.time() - start.pop("loaded_at")
            found[way].append(start)
            print(way, {name: round(value, 1) for name, value in found[way][-1].items()}, flush=True)
    for way, starts in found.items():
        middle = {name: round(statistics.median(start[name] for start in starts), 1) for name in starts[0]}
        print("median", way, middle)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--start"]:
        print(json.dumps(started(sys.argv[2])))
    else:
        main(*map(int, sys.argv[1:]))
