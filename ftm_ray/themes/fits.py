"""The fits that themes are made from: which ones, and one of them.

A fit is one UMAP and HDBSCAN over the topics. The same topics are fitted several times with fixed seeds (`consensus.py`
joins them), and a few times without a fifth of the firms (`stability.py` asks which themes come back). No fit needs
another, so they can be made anywhere and in any order; the result is the same.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from ftm_ray.config import ThemeSettings
from ftm_ray.themes.scaling import MIN_TOPICS, number_of_fits, number_of_resamples, scaled_settings
from ftm_ray.vectors.clustering import Labels, cluster
from ftm_ray.vectors.neighbors import Neighbors, nearest_neighbors
from ftm_ray.vectors.unit_vectors import Vectors

#: The share of the firms in a resample.
RESAMPLED_RATIO = 0.8

#: So many times the neighbours that a fit of all topics wants are looked for: when a fifth of the firms is gone, nearly
#: always enough of them are left.
MORE_NEIGHBORS = 3


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """One fit to make.

    Attributes:
        seed: Of UMAP.
        rows: The topics that are fitted, in order; None = all of them.
    """

    seed: int
    rows: npt.NDArray[np.int64] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class FitData:
    """What all fits of a quarter share.

    Attributes:
        vectors: (n_topics, dim) float32, unit L2 norm.
        neighbors: Of all topics, `MORE_NEIGHBORS` times as many as a fit wants: a fit of some topics picks its own.
        settings: As the user gave them; each fit scales them to its number of topics.
        use_gpu: Use cuML.
    """

    vectors: Vectors
    neighbors: Neighbors
    settings: ThemeSettings
    use_gpu: bool

    def nearest(self) -> npt.NDArray[np.int32]:
        """(n_topics, n_neighbors): the nearest topics of each, as many as a fit of all topics wants."""
        return self.neighbors[0][:, : scaled_settings(self.settings, len(self.vectors)).n_neighbors]


#: Makes all fits, and returns their labels in the order in which they were asked for.
MakeFits = Callable[[FitData, Sequence[Fit]], list[Labels]]

#: Is told after each fit how many are made, and of how many: there may be minutes of them.
OnFit = Callable[[int, int], None]


def fit_data(vectors: Vectors, settings: ThemeSettings, use_gpu: bool) -> FitData:
    """Find the neighbours once for all fits."""
    n_wanted = scaled_settings(settings, len(vectors)).n_neighbors
    return FitData(vectors, nearest_neighbors(vectors, min(MORE_NEIGHBORS * n_wanted, len(vectors))), settings, use_gpu)


def seed_fits(settings: ThemeSettings, n_topics: int) -> list[Fit]:
    """The fits of all topics that the themes are the consensus of."""
    return [Fit(settings.random_state + number) for number in range(number_of_fits(settings, n_topics))]


def resample_fits(firm_ids: Sequence[str], settings: ThemeSettings) -> list[Fit]:
    """Fits without a fifth of the firms, drawn with fixed seeds; none where too few topics would be left."""
    firms = np.array(sorted(set(firm_ids)))
    n_kept = round(RESAMPLED_RATIO * len(firms))
    fits = []
    for number in range(number_of_resamples(settings, len(firm_ids))):
        seed = settings.random_state + number
        kept = np.random.default_rng(seed).choice(firms, n_kept, replace=False)
        rows = np.flatnonzero(np.isin(firm_ids, kept))
        if len(rows) >= MIN_TOPICS:
            fits.append(Fit(seed, rows))
    return fits


def fit_labels(data: FitData, fit: Fit) -> Labels:
    """Make one fit: the cluster number of each of its topics, -1 for outliers."""
    rows = np.arange(len(data.vectors)) if fit.rows is None else fit.rows
    settings = replace(scaled_settings(data.settings, len(rows)), random_state=fit.seed)
    vectors = data.vectors[rows]
    return cluster(vectors, settings, data.use_gpu, neighbors_among(data.neighbors, rows, settings.n_neighbors))


def neighbors_among(neighbors: Neighbors, rows: npt.NDArray[np.int64], n_wanted: int) -> Neighbors | None:
    """The nearest neighbours of some topics among themselves: those of all, less the topics that are not there.

    Looking for them anew takes as long as the fit does where there are many. None if a topic has too few left.
    """
    indices, distances = neighbors
    place = np.full(len(indices), -1, dtype=np.int32)
    place[rows] = np.arange(len(rows), dtype=np.int32)
    near = place[indices[rows]]
    is_there = near >= 0
    if (is_there.sum(axis=1) < n_wanted).any():
        return None
    first = np.argsort(~is_there, axis=1, kind="stable")[:, :n_wanted]  # nearest first, as before
    return np.take_along_axis(near, first, axis=1), np.take_along_axis(distances[rows], first, axis=1)


def fits_here(data: FitData, fits: Sequence[Fit], on_fit: OnFit = lambda *_: None) -> list[Labels]:
    """Make fits one after another in this process."""
    made = []
    for fit in fits:
        made.append(fit_labels(data, fit))
        on_fit(len(made), len(fits))
    return made
