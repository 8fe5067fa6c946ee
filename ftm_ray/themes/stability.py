"""How far a theme hangs on a seed, and on single firms.

A theme is compared with the clusters of other fits by the Jaccard index, the share of topics in both of those in
either; the best of them is its counterpart. The mean over the fits is its stability.

Source: Hennig (2007), Cluster-wise assessment of cluster stability, with the bounds of the R package fpc.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from ftm_ray.schemas.columns import OUTLIER_TOPIC_ID
from ftm_ray.vectors.clustering import Labels


class StabilityClass(StrEnum):
    """Hennig's words for a mean Jaccard index, in the order of his bounds."""

    UNSTABLE = "unstable"  # under 0.6
    DOUBTFUL = "doubtful"  # a pattern, but which topics belong to it is doubtful
    STABLE = "stable"
    HIGHLY_STABLE = "highly_stable"  # 0.85 and more


_BOUNDS = ((0.85, StabilityClass.HIGHLY_STABLE), (0.75, StabilityClass.STABLE), (0.6, StabilityClass.DOUBTFUL))


@dataclass(frozen=True, slots=True)
class Stability:
    """Of one theme; null where it was not measured.

    Attributes:
        seeds: Mean best Jaccard over other seeds, 0..1.
        firms: The same over fits without a fifth of the firms, among the topics of the others.
    """

    seeds: float | None = None
    firms: float | None = None

    @property
    def of_class(self) -> StabilityClass | None:
        """By the seeds alone: without a fifth of the firms most themes lose some of their edge, in any clustering."""
        return None if self.seeds is None else stability_class(self.seeds)


def stability_class(jaccard: float) -> StabilityClass:
    """The word for a mean Jaccard index."""
    return next((word for bound, word in _BOUNDS if jaccard >= bound), StabilityClass.UNSTABLE)


def best_jaccards(labels: Labels, others: Labels) -> npt.NDArray[np.float64]:
    """The Jaccard index of each cluster with its counterpart in another clustering of the same topics.

    Args:
        labels: (n_topics,) cluster numbers from 0, -1 for outliers.
        others: The same topics in the other clustering.

    Returns:
        (n_clusters,) 0..1; NaN for numbers that no topic has.
    """
    n, n_others = int(labels.max()) + 1, int(others.max()) + 1
    sizes = np.bincount(labels[labels >= 0], minlength=n)
    if not n_others:
        return np.where(sizes > 0, 0.0, np.nan)
    in_both = (labels != OUTLIER_TOPIC_ID) & (others != OUTLIER_TOPIC_ID)
    pairs, shared = np.unique(labels[in_both] * n_others + others[in_both], return_counts=True)
    ours, theirs = pairs // n_others, pairs % n_others
    other_sizes = np.bincount(others[others >= 0], minlength=n_others)
    best = np.zeros(n)
    np.maximum.at(best, ours, shared / (sizes[ours] + other_sizes[theirs] - shared))
    return np.where(sizes > 0, best, np.nan)


def mean_best_jaccards(
    labels: Labels, fits: Sequence[tuple[Labels, npt.NDArray[np.int64] | None]]
) -> list[float | None]:
    """The mean of `best_jaccards` over several fits.

    Args:
        labels: (n_topics,) cluster numbers from 0, -1 for outliers.
        fits: Labels of other fits, each with the topics that it holds (None = all): a theme is then compared among
            these alone, or large themes would look unstable for topics that were left out on purpose.

    Returns:
        One value per cluster; None where no fit holds any of its topics, or there is no fit.
    """
    n = int(labels.max()) + 1
    found = np.full((max(1, len(fits)), n), np.nan)
    for row, (others, held) in enumerate(fits):
        of_fit = best_jaccards(labels if held is None else labels[held], others)
        found[row, : len(of_fit)] = of_fit
    n_known = np.isfinite(found).sum(axis=0)
    means = np.nansum(found, axis=0) / np.maximum(n_known, 1)
    return [float(mean) if known else None for mean, known in zip(means, n_known.tolist(), strict=True)]


def agreement(fits: Sequence[Labels]) -> float | None:
    """Mean adjusted Rand index over all pairs of fits, outliers as one cluster; None for fewer than two fits."""
    from sklearn.metrics import adjusted_rand_score

    pairs = [(a, b) for number, a in enumerate(fits) for b in fits[:number]]
    return float(np.mean([adjusted_rand_score(a, b) for a, b in pairs])) if pairs else None
