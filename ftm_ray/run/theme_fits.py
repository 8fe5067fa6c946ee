"""The fits of the themes as Ray tasks: a core each, wherever the cluster has one.

Fits are independent and seeded, so neither their number at work nor the order in which they end changes a byte; a task
that dies with its node is made again. A fit of few topics is faster than the start of a process for it (imports, and
numba compiling: 10 to 20 s), and on a GPU one fit after another is: both are made where the publisher is.
"""

from collections.abc import Sequence

import ray

from ftm_ray.run.datasets import actor_options
from ftm_ray.run.map_size import TOPIC_CPUS, TOPICS_WORTH_A_TASK
from ftm_ray.themes.fits import Fit, FitData, OnFit, fit_labels, fits_here
from ftm_ray.vectors.clustering import Labels


def fits_on_ray(data: FitData, fits: Sequence[Fit], on_fit: OnFit = lambda *_: None) -> list[Labels]:
    """Make all fits, several at once where that pays; labels come in the order of the fits."""
    # Without a worker a node would be bought for this, or waited for without end.
    has_core = ray.cluster_resources().get("CPU", 0) >= TOPIC_CPUS
    if data.use_gpu or len(data.vectors) < TOPICS_WORTH_A_TASK or not has_core:
        return fits_here(data, fits, on_fit)
    shared = ray.put(data)  # once, not once per fit
    task = ray.remote(fit_labels).options(max_retries=-1, **actor_options())
    asked = [task.remote(shared, fit) for fit in fits]
    waiting = list(asked)
    while waiting:
        ended, waiting = ray.wait(waiting, num_returns=1)
        ray.get(ended)  # one that failed ends all
        on_fit(len(asked) - len(waiting), len(asked))
    labels: list[Labels] = ray.get(asked)
    return labels
