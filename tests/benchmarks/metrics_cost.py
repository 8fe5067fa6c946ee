"""What do a run's metrics cost the driver?

    python tests/benchmarks/metrics_cost.py [--batches 200] [--topics 75000]

Starts Ray in this process, as `ftm run` does, and shows the progress of a whole quarter to the metrics alone, batch
after batch, with an LLM's account that grows. Prints what that takes the driver.
"""

import argparse
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from ftm_ray.naming.account import LlmAccount
from ftm_ray.run.counts import PartCounts
from ftm_ray.run.metrics import RunMetrics
from ftm_ray.run.pipeline import MapReport
from ftm_ray.run.progress import Progress, SoFar
from ftm_ray.run.session import ray_session
from ftm_ray.schemas.store import Manifest

_FIRMS_IN_BATCH = 25
_OUTCOMES = ("named", "cut_off", "looped", "unsupported", "busy")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batches", type=int, default=200)
    parser.add_argument("--topics", type=int, default=75_000)
    options = parser.parse_args()
    with ray_session(lambda: None, {}):
        seconds = measure(options.batches, options.topics // options.batches)
    print(f"{options.batches} batches, {options.topics:,} topics: {seconds:.3f} s in all, "
          f"{1000 * seconds / options.batches:.2f} ms a batch")  # fmt: skip


def measure(n_batches: int, n_topics: int) -> float:
    """Seconds that the driver spends on metrics while so many batches end: adding up the counts, and setting."""
    n_firms = n_batches * _FIRMS_IN_BATCH
    manifest = Manifest("2024Q1", "files", False, "", n_firms, n_firms, 400 * n_firms, batches=())
    metrics, report = RunMetrics(manifest, lambda: None), MapReport()
    seconds = 0.0
    for batch in range(n_batches):
        part, account = PartCounts(), LlmAccount(n_questions=n_topics, n_requests=n_topics)
        part.statuses.update(done=_FIRMS_IN_BATCH)
        part.sources.update(llm=n_topics)
        part.n_word_support, part.word_support = n_topics, 0.9 * n_topics
        account.outcomes = {outcome: n_topics // len(_OUTCOMES) for outcome in _OUTCOMES}
        account.latencies = {"1": n_topics // 2, "2": n_topics - n_topics // 2}
        start = time.perf_counter()
        report.counts[batch] = part
        report.account.add(account)
        so_far = SoFar(report.total(), report.account, n_batches - batch - 1)
        metrics.show(Progress("firm topics", batch + 1, n_batches, "", so_far))
        seconds += time.perf_counter() - start
    return seconds


if __name__ == "__main__":
    main()
