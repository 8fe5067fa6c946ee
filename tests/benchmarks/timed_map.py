"""A real run whose map is timed from the first batch that an actor receives to the last part file.

So Ray and actor start-up are left out. Used by map_speed.py and quarter_scale.py.
"""

import sys
import tempfile
import time
from pathlib import Path

from ray import cloudpickle
from ray.data import DataContext

from ftm_ray.config import RunConfig
from ftm_ray.run import actors, datasets, pipeline

CLOCK = tempfile.mkdtemp(prefix="timed-map-")


class TimedTopicFinder(actors.TopicFinder):
    """Writes down when a batch arrives; everything else is the real actor."""

    def __call__(self, table):
        Path(CLOCK, f"{time.time():.6f}").touch()
        return super().__call__(table)


def timed_run(root: str, quarter: str, config: RunConfig) -> tuple[pipeline.RunOutcome, float, float]:
    """Run a quarter; returns its outcome, seconds of the map, and seconds of the whole run."""
    cloudpickle.register_pickle_by_value(sys.modules[__name__])  # workers cannot import this folder
    datasets.TopicFinder = TimedTopicFinder
    DataContext.get_current().wait_for_min_actors_s = 300  # all actors are there before the first batch goes out
    start = time.perf_counter()
    outcome = pipeline.run_quarter(root, quarter, config, lambda _: None)
    whole_run = time.perf_counter() - start
    parts = Path(root).glob(f"intermediate/firm-topics/quarter={quarter}/*/*.parquet")
    begun = min(float(path.name) for path in Path(CLOCK).iterdir())
    return outcome, max(path.stat().st_mtime for path in parts) - begun, whole_run
