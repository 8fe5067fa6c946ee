"""Do themes come back under other seeds? Fits the topics of a quarter again and again, and compares.

    python tests/benchmarks/theme_stability.py QUARTER --root ROOT [--replicas 3] [--n-fits 8 16] [--copies 1] [--json]

ROOT is a lake in which the quarter was run. For each number of fits, there are as many consensus clusterings as
replicas, of fits that no two of them share; each theme is compared with its counterpart in the other replicas. One fit
is what themes were before; `near topics joined` is what is published. `--copies N` adds N - 1 jittered copies of the
topics, to see what many topics cost.
"""

import argparse
import itertools
import json
import resource
import time

import numpy as np

from ftm_ray.config import ThemeSettings
from ftm_ray.lake.storage import Lake
from ftm_ray.themes.consensus import consensus
from ftm_ray.themes.fits import Fit, fit_data, fit_labels
from ftm_ray.themes.near_topics import joined_by_near_topics
from ftm_ray.themes.scaling import scaled_settings
from ftm_ray.themes.stability import best_jaccards

#: Length of the jitter: a copy's cosine to its original is about 0.86, as between like topics of two firms.
JITTER = 0.6


def topic_vectors(root: str, quarter: str, n_copies: int) -> np.ndarray:
    lake = Lake(root)
    table = lake.read_folder(lake.table_dir("topics", quarter), ["embedding"])
    vectors = np.array(table["embedding"].to_pylist(), dtype=np.float32)
    random = np.random.default_rng(0)
    copies = [vectors]
    for _ in range(n_copies - 1):
        noise = random.standard_normal(vectors.shape).astype(np.float32)
        copies.append(vectors + JITTER * noise / np.linalg.norm(noise, axis=1, keepdims=True))
    found = np.concatenate(copies)
    return found / np.linalg.norm(found, axis=1, keepdims=True)


def compared(replicas: list[np.ndarray]) -> dict[str, float]:
    """How the themes of each replica are found in each other one."""
    pairs = itertools.permutations(replicas, 2)
    best = np.concatenate([found[np.isfinite(found)] for found in (best_jaccards(a, b) for a, b in pairs)])
    return {
        "themes": round(float(np.mean([labels.max() + 1 for labels in replicas])), 1),
        "coverage": round(float(np.mean([(labels >= 0).mean() for labels in replicas])), 3),
        "median": round(float(np.median(best)), 3),
        "at_least_0.75": round(float((best >= 0.75).mean()), 3),
        "under_0.5": round(float((best < 0.5).mean()), 3),
    }


def renumbered(labels: np.ndarray) -> np.ndarray:
    """Numbers without gaps, -1 kept."""
    kept = np.unique(labels[labels >= 0])
    return np.where(labels >= 0, np.searchsorted(kept, labels), -1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("quarter")
    parser.add_argument("--root", required=True)
    parser.add_argument("--replicas", type=int, default=3)
    parser.add_argument("--n-fits", type=int, nargs="+", default=[1, 8, 16])
    parser.add_argument("--copies", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()
    vectors = topic_vectors(arguments.root, arguments.quarter, arguments.copies)
    settings = ThemeSettings()
    scaled = scaled_settings(settings, len(vectors))
    start = time.process_time()
    data = fit_data(vectors, settings, use_gpu=False)
    result = {"n_topics": len(vectors), "min_cluster_size": scaled.min_cluster_size}
    result["neighbours_cpu_s"] = round(time.process_time() - start, 1)
    start, fits = time.process_time(), []
    for number in range(arguments.replicas * max(arguments.n_fits)):
        fits.append(fit_labels(data, Fit(settings.random_state + number)))
    result["one_fit_cpu_s"] = round((time.process_time() - start) / len(fits), 2)
    for n in arguments.n_fits:
        start, replicas = time.process_time(), []
        for number in range(arguments.replicas):
            block = fits[number * n : (number + 1) * n]
            made = block[0] if n == 1 else consensus(block, data.nearest(), scaled.min_cluster_size)
            replicas.append(renumbered(made))
        joining = {"joining_cpu_s": round((time.process_time() - start) / arguments.replicas, 2)}
        result[f"{n} fits"] = (compared(replicas) if len(replicas) > 1 else {}) | joining
        if n > 1 and len(replicas) > 1:
            joined = [joined_by_near_topics(labels, vectors) for labels in replicas]
            result[f"{n} fits, near topics joined"] = compared(joined)
    result["peak_gib"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2)
    print(json.dumps(result) if arguments.json else json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
