"""A place on the map for every topic: UMAP in two dimensions over some of them, all others beside their nearest.

UMAP of 75,000 topics takes minutes on one core, so it is fitted on at most 8,000 topics of the first quarter, every so
many-th in their published order. Every other topic, of this quarter or a later one, goes to the weighted mean of its
five nearest among these. So a later quarter moves nothing: the same talk stands at the same place (docs/adr/0033).
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ftm_ray.vectors.neighbors import nearest_neighbors
from ftm_ray.vectors.umap_kernels import fit_umap
from ftm_ray.vectors.unit_vectors import Vectors

#: (n, 2) uint16: x to the right, y upwards.
Places = npt.NDArray[np.uint16]

#: Topics that UMAP is fitted on at most.
N_FITTED = 8_000

#: UMAP's own number for more than 10,000 points.
_N_EPOCHS = 200

#: Fewer topics than this have no neighbourhoods worth the name: two principal axes show them as well.
_FEW = 20

_N_NEIGHBORS = 15
_N_NEAREST = 5

#: How fast a neighbour counts less than the nearest: one that is 0.05 of cosine farther counts a third.
_COSINE_SCALE = 0.05

_BLOCK_ROWS = 1024
_RANDOM_STATE = 42
_LARGEST = 65_535

#: Share of the points at each side of the map that may lie in its margin.
_FAR_RATIO = 0.005

#: Width of the margin at each side, as a share of the map's width.
_MARGIN = 0.05


def place_topics(quarters: Sequence[Vectors], n_fitted: int = N_FITTED) -> list[Places]:
    """Give each topic its place.

    Args:
        quarters: The topics' vectors of each quarter in the order of time, (n, dim) float32, unit L2 norm.
        n_fitted: Topics of the first quarter that UMAP is fitted on at most.

    Returns:
        For each quarter (n, 2) uint16.
    """
    first = next((vectors for vectors in quarters if len(vectors)), None)
    if first is None:
        return [np.empty((0, 2), dtype=np.uint16) for _ in quarters]
    rows = np.unique(np.linspace(0, len(first) - 1, min(n_fitted, len(first))).round().astype(np.int64))
    known = first[rows]
    places = _on_the_map(_fitted(known))
    found = []
    for vectors in quarters:
        placed = _beside_nearest(vectors, known, places)
        if vectors is first:
            placed[rows] = places
        found.append(placed.round().astype(np.uint16))
    return found


def _fitted(vectors: Vectors) -> npt.NDArray[np.float64]:
    if len(vectors) < _FEW:
        centred = vectors - vectors.mean(axis=0)
        left, scale, _ = np.linalg.svd(centred, full_matrices=False)
        axes = np.zeros((len(vectors), 2))
        axes[:, : min(2, len(scale))] = (left * scale)[:, :2]
        return axes
    options = {
        "n_neighbors": _N_NEIGHBORS,
        "n_components": 2,
        "min_dist": 0.1,
        "n_epochs": _N_EPOCHS,
        "metric": "cosine",
        "init": "pca",  # equal vectors give equal maps, and no eigenvectors have to be found
        "random_state": _RANDOM_STATE,
    }
    return fit_umap(vectors, nearest_neighbors(vectors, _N_NEIGHBORS), options).astype(np.float64)


def _on_the_map(points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Points scaled alike in both directions to fill the range of uint16; the farthest stand at the edge.

    UMAP may put a handful of odd topics so far away that all others would shrink to a corner.
    """
    low, high = np.quantile(points, [_FAR_RATIO, 1 - _FAR_RATIO], axis=0)
    width = max(float((high - low).max()), 1e-9)
    unit = (points - (low + high) / 2) / width * (1 - 2 * _MARGIN)
    return (np.clip(unit, -0.5, 0.5) + 0.5) * _LARGEST


def _beside_nearest(vectors: Vectors, known: Vectors, places: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The mean of the places of the nearest known topics, weighted by how near they are."""
    n_nearest = min(_N_NEAREST, len(known))
    found = np.empty((len(vectors), 2))
    for start in range(0, len(vectors), _BLOCK_ROWS):
        cosines = vectors[start : start + _BLOCK_ROWS] @ known.T
        near = np.argpartition(cosines, -n_nearest, axis=1)[:, -n_nearest:]
        near.sort(axis=1)  # the order of summing must not depend on the partition's whim
        best = np.take_along_axis(cosines, near, axis=1).astype(np.float64)
        weights = np.exp((best - best.max(axis=1, keepdims=True)) / _COSINE_SCALE)
        weights /= weights.sum(axis=1, keepdims=True)
        found[start : start + _BLOCK_ROWS] = (places[near] * weights[:, :, None]).sum(axis=1)
    return found
