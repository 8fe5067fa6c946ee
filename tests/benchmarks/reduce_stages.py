"""What the themes of a quarter cost, stage by stage, as topics grow in number.

    python tests/benchmarks/reduce_stages.py ROOT QUARTER [--sizes 10000 25000 75000]

Takes the topics that are published and, where more are wanted, copies of them under other firms, their vectors turned
to a cosine of 0.95. The stages are those of a run without an LLM: neighbours of all topics (on all cores), the fits
over seeds and over resampled firms (one a core at a time, as Ray tasks would be), the consensus, the topics that lie
near, and stability. Seconds are of the clock, so nothing else should be at work; those of the fits have the start of a
process a core in them, as a run has. Memory is the most that a process held so far, so give sizes in rising order.
"""

import os

os.environ |= {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "NUMBA_THREADING_LAYER": "workqueue"}

import argparse
import resource
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np

from ftm_ray.config import ThemeSettings
from ftm_ray.lake.published_rows import read_columns
from ftm_ray.lake.storage import Lake
from ftm_ray.themes.consensus import consensus
from ftm_ray.themes.fits import Fit, FitData, fit_data, fit_labels, resample_fits, seed_fits
from ftm_ray.themes.near_topics import joined_by_near_topics
from ftm_ray.themes.scaling import scaled_settings
from ftm_ray.themes.stability import agreement, mean_best_jaccards
from ftm_ray.vectors.clustering import Labels, number_by_content
from ftm_ray.vectors.unit_vectors import Vectors, vectors_of

#: How far a copy's vector is turned: the cosine to the original is about 0.95.
_NOISE = 0.33

_shared: list[FitData] = []  # of a process that makes fits


def topics_of(root: str, quarter: str, n: int) -> tuple[Vectors, list[str]]:
    """Vectors and firms of so many topics; whole copies but the last one."""
    table = read_columns(Lake(root), "topics", quarter, ["firm_id", "embedding"])
    own, firms = vectors_of(table["embedding"]), table["firm_id"].to_pylist()
    generator = np.random.default_rng(0)
    vectors, names = [own], list(firms)
    for copy in range(1, -(-n // len(own))):
        noise = generator.standard_normal(own.shape).astype(np.float32) / np.sqrt(own.shape[1])
        turned = own + _NOISE * noise
        vectors.append(turned / np.linalg.norm(turned, axis=1, keepdims=True))
        names += [f"c{copy}.{firm}" for firm in firms]
    return np.concatenate(vectors)[:n], names[:n]


def _remember(data: FitData) -> None:
    _shared.append(data)


def _fit(fit: Fit) -> tuple[Labels, int]:
    labels = fit_labels(_shared[0], fit)
    return labels, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def measured(vectors: Vectors, firms: list[str]) -> str:
    """A row of the table."""
    settings, cores = ThemeSettings(), len(os.sched_getaffinity(0))
    clock = [time.perf_counter()]
    data = fit_data(vectors, settings, use_gpu=False)
    clock.append(time.perf_counter())
    seeds, resamples = seed_fits(settings, len(vectors)), resample_fits(firms, settings)
    with ProcessPoolExecutor(cores, get_context("spawn"), _remember, (data,)) as pool:
        made = list(pool.map(_fit, [*seeds, *resamples]))
    clock.append(time.perf_counter())
    labels = [found for found, _ in made]
    of_seeds, of_resamples = labels[: len(seeds)], labels[len(seeds) :]
    size = scaled_settings(settings, len(vectors)).min_cluster_size
    joined = number_by_content(consensus(of_seeds, data.nearest(), size))
    clock.append(time.perf_counter())
    joined_by_near_topics(joined, vectors)
    clock.append(time.perf_counter())
    mean_best_jaccards(joined, [(fit, None) for fit in of_seeds])
    mean_best_jaccards(joined, list(zip(of_resamples, [fit.rows for fit in resamples], strict=True)))
    agreement(of_seeds)
    clock.append(time.perf_counter())
    steps = " | ".join(f"{seconds:.1f}" for seconds in np.diff(clock))
    here = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    fit_gib = max(peak for _, peak in made) / 2**20
    fits = f"{len(seeds)} + {len(resamples)}"
    start = f"| {len(vectors):,} | {int(joined.max()) + 1} | {fits} | {steps} |"
    return f"{start} {clock[-1] - clock[0]:.0f} | {here:.2f} | {fit_gib:.2f} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("root", help="where the quarter is published")
    parser.add_argument("quarter")
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 25_000, 75_000])
    options = parser.parse_args()
    warm, firms = topics_of(options.root, options.quarter, 500)
    fit_data(warm, ThemeSettings(), use_gpu=False)  # imports, kernels
    stages = "neighbours, s | fits, s | consensus, s | near, s | stability, s | together, s | GiB here | GiB a fit"
    print(f"| topics | clusters | fits | {stages} |\n|{'---|' * 11}")
    for n in options.sizes:
        print(measured(*topics_of(options.root, options.quarter, n)), flush=True)


if __name__ == "__main__":
    main()
