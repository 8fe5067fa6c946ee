"""Exact nearest neighbours from one matrix product, given to UMAP as `precomputed_knn`.

For the few hundred sentences of a firm that is faster than UMAP's own search (0.18 s against 0.28 s a firm) and has no
randomness; for 75,000 topics it is done in blocks and takes about a minute.
"""

import numpy as np
import numpy.typing as npt

from ftm_ray.vectors.unit_vectors import Vectors

#: Positions (n, k) int32 and cosine distances (n, k) float32 of the nearest neighbours, nearest first.
Neighbors = tuple[npt.NDArray[np.int32], Vectors]

#: Rows of the similarity matrix worked on at once: 256 x 75,000 take about 300 MB with what sorting needs.
_BLOCK_ROWS = 256


def nearest_neighbors(vectors: Vectors, n_neighbors: int) -> Neighbors:
    """Exact nearest neighbours by cosine distance; each point is its own first neighbour, as UMAP expects.

    Args:
        vectors: (n, dim) float32, unit L2 norm.
        n_neighbors: Neighbours per point, itself included; at most n.

    Returns:
        Indices (n, n_neighbors) int32 and cosine distances (n, n_neighbors) float32, nearest first.
    """
    n = len(vectors)
    indices = np.empty((n, n_neighbors), dtype=np.int32)
    distances = np.empty((n, n_neighbors), dtype=np.float32)
    for start in range(0, n, _BLOCK_ROWS):
        rows = np.arange(start, min(start + _BLOCK_ROWS, n))
        block = 1.0 - vectors[rows] @ vectors.T
        block[np.arange(len(rows)), rows] = -1.0  # the point itself comes first, also before its exact copies
        near = np.argpartition(block, n_neighbors - 1, axis=1)[:, :n_neighbors]
        near.sort(axis=1)  # equal distances are then ordered by position, not by the partition's whim
        found = np.take_along_axis(block, near, axis=1)
        order = np.argsort(found, axis=1, kind="stable")
        indices[rows] = np.take_along_axis(near, order, axis=1)
        distances[rows] = np.maximum(np.take_along_axis(found, order, axis=1), 0.0)
    return indices, distances
