"""UMAP and HDBSCAN on a card (cuML) against the processor, by the number of points, and whether they find the same.

    OMP_NUM_THREADS=1 NUMBA_THREADING_LAYER=workqueue python tests/benchmarks/cuml_speed.py [--sizes 100 400 2000 75000]

Up to 5,000 points with a firm's settings, above with those of themes. Points are invented: 384 numbers each, one group
for each 25 points, loose ones. On the processor a fit takes one
core, as in a topic actor; neighbours of many points are looked for on all cores, as for themes. Warmed up before; the
median of --repeats fits with a seed each, one above 5,000 points. Agreement is the adjusted Rand index over the points
that both put into clusters, beside that of two fits of the processor with different seeds.
"""

import argparse
import statistics
import time
from dataclasses import replace

import numpy as np
from sklearn.metrics import adjusted_rand_score

from ftm_ray.config import ThemeSettings, TopicSettings
from ftm_ray.themes.scaling import scaled_settings
from ftm_ray.topics.firm_topics import _cluster_settings
from ftm_ray.vectors.clustering import ClusterSettings, Labels, cluster
from ftm_ray.vectors.unit_vectors import Vectors

MANY = 5_000


def made_points(n: int, dim: int = 384) -> Vectors:
    """(n, dim) unit vectors around n / 25 directions."""
    draw = np.random.default_rng(n)
    centres = draw.standard_normal((max(2, n // 25), dim))
    points = centres[draw.integers(len(centres), size=n)] + 1.3 * draw.standard_normal((n, dim))
    return (points / np.linalg.norm(points, axis=1, keepdims=True)).astype(np.float32)


def settings_of(n: int) -> ClusterSettings:
    """Those that a run takes for so many points."""
    return _cluster_settings(TopicSettings(), n) if n <= MANY else scaled_settings(ThemeSettings(), n)


def fits(points: Vectors, use_gpu: bool, repeats: int) -> tuple[float, list[Labels]]:
    """Median seconds of a fit, and the labels of each."""
    seconds, found = [], []
    for seed in range(repeats):
        start = time.perf_counter()
        found.append(cluster(points, replace(settings_of(len(points)), random_state=seed), use_gpu))
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds), found


def agreement(a: Labels, b: Labels) -> float:
    """Adjusted Rand index over the points in clusters of both."""
    both = (a >= 0) & (b >= 0)
    return float(adjusted_rand_score(a[both], b[both])) if both.any() else float("nan")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[100, 400, 2_000, 75_000])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--only", choices=["card", "processor"], help="where there is no card, or no time")
    arguments = parser.parse_args()
    sides = [use_gpu for use_gpu in (True, False) if arguments.only in (None, "card" if use_gpu else "processor")]
    print("| points | where | a fit | clusters | outliers | agrees with another seed | card with processor |")
    print("|---|---|---|---|---|---|---|", flush=True)
    for use_gpu in sides:
        fits(made_points(400), use_gpu, 1)  # imports, kernels
    for n in arguments.sizes:
        points, of_card = made_points(n), None
        for use_gpu in sides:
            seconds, found = fits(points, use_gpu, arguments.repeats if n <= MANY else 1)
            first = found[0]
            n_clusters, outliers = len(set(first.tolist()) - {-1}), (first < 0).mean()
            again = f"{agreement(first, found[1]):.2f}" if len(found) > 1 else ""
            across = f"{agreement(of_card, first):.2f}" if of_card is not None else ""
            of_card = first if use_gpu else None
            row = (f"{n:,}", "card" if use_gpu else "processor", f"{seconds:.3f} s", n_clusters, f"{outliers:.0%}")
            print("|", *(f"{cell} |" for cell in (*row, again, across)), flush=True)


if __name__ == "__main__":
    main()
