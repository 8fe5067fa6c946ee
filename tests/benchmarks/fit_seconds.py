"""How long one fit of the themes takes, by topics: for `fit_1000_s`, `fit_power` and `once_1000_s` of a plan.

    OMP_NUM_THREADS=1 NUMBA_THREADING_LAYER=workqueue python tests/benchmarks/fit_seconds.py ROOT QUARTER

Takes the topics that are published, in random subsets, and at the end all of them several times with noise, so that
there are more than there are. Seconds are of the processor, so other work on the machine disturbs little. Prints a line
for each number of topics and the power law through them.
"""

import sys
import time

import numpy as np

from ftm_ray.config import ThemeSettings
from ftm_ray.lake.storage import Lake
from ftm_ray.themes.consensus import consensus
from ftm_ray.themes.fits import Fit, fit_data, fit_labels
from ftm_ray.themes.scaling import scaled_settings
from ftm_ray.themes.stability import agreement
from ftm_ray.vectors.unit_vectors import vectors_of

SIZES = (300, 1_000, 2_500, 5_000, 10_000, 20_000, 40_000)


def measured(vectors: np.ndarray) -> tuple[float, float]:
    """Seconds of one fit, and of all that is done once for all fits (16 of them, here the same one)."""
    settings = ThemeSettings()
    start = time.process_time()
    data = fit_data(vectors, settings, use_gpu=False)
    neighbours = time.process_time() - start
    start = time.process_time()
    labels = fit_labels(data, Fit(settings.random_state))
    fit = time.process_time() - start
    start = time.process_time()
    others = [np.roll(labels, shift) for shift in range(16)]  # unlike one another, as cheap fits would be
    consensus([labels] * 12 + others[:4], data.nearest(), scaled_settings(settings, len(vectors)).min_cluster_size)
    agreement(others)
    return fit, neighbours + time.process_time() - start


def main() -> None:
    root, quarter = sys.argv[1:]
    found = vectors_of(Lake(root).read_folder(Lake.table_dir("topics", quarter), ["embedding"])["embedding"])
    generator = np.random.default_rng(0)
    measured(found[:200])  # imports, kernels
    rows = []
    for n in SIZES:
        times = -(-n // len(found))
        vectors = np.concatenate([found + 0.02 * generator.standard_normal(found.shape) for _ in range(times)])
        vectors = vectors[generator.permutation(len(vectors))[:n]].astype(np.float32)
        fit, once = measured(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))
        rows.append((n, fit, once))
        print(f"{n:6} topics: a fit {fit:7.2f} s, once for all fits {once:7.2f} s", flush=True)
    logs = np.log([row for row in rows if row[0] >= 1_000])  # a fit of fewer is mostly its start
    power, log_fit = np.polyfit(logs[:, 0] - np.log(1_000), logs[:, 1], 1)
    print(f"a fit: {np.exp(log_fit):.3f} s x (topics / 1000) ^ {power:.3f}")
    once = np.mean(logs[:, 2] - power * (logs[:, 0] - np.log(1_000)))
    print(f"once: {np.exp(once):.3f} s x (topics / 1000) ^ {power:.3f}")


if __name__ == "__main__":
    main()
