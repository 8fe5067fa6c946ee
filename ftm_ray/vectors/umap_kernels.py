"""UMAP, with the machine code that numba makes of it kept on disk.

umap-learn has its kernels compiled anew in every process: 8 s of a core before the first fit, in each topic actor, each
fit of the themes and the publisher. numba can keep the result beside the library, or in the user's cache folder where
that cannot be written; only umap-learn does not ask it to. The code is the same, so no byte of a result changes.
"""

import logging
import warnings
from functools import cache
from typing import Any

import numpy as np

from ftm_ray.vectors.neighbors import Neighbors
from ftm_ray.vectors.unit_vectors import Vectors

logger = logging.getLogger(__name__)


def fit_umap(vectors: Vectors, neighbors: Neighbors, options: dict[str, Any]) -> Vectors:
    """UMAP on one core of the processor.

    Args:
        vectors: (n, dim) float32.
        neighbors: Nearest neighbours of each, known already; they are left as they are.
        options: Arguments of `umap.UMAP`.

    Returns:
        (n, n_components) float32.
    """
    indices, distances = neighbors
    known = (indices.copy(), distances.copy())  # UMAP writes into them; those of other fits and of Ray's store stay
    umap = _umap_class()(**options, n_jobs=1, precomputed_knn=known)
    with warnings.catch_warnings():
        # Given neighbours without a search index, UMAP warns that it cannot place new points; none will come.
        warnings.filterwarnings("ignore", message="precomputed_knn")
        return np.asarray(umap.fit_transform(vectors), dtype=np.float32)


@cache
def _umap_class() -> Any:
    """`umap.UMAP`, with its kernels kept, once a process. Any: umap-learn has no types."""
    from umap import UMAP, layouts, umap_

    # What a fit with known neighbours compiles. Each is called with one kind of arrays only, so that processes that
    # fill an empty cache at once write the same code (numba's index of a function holds one entry).
    kernels = (
        layouts.clip,
        layouts.rdist,
        layouts._nb_optimize_layout_euclidean_single_epoch,
        umap_.compute_membership_strengths,
        umap_.smooth_knn_dist,
    )
    try:
        for kernel in kernels:
            kernel.enable_caching()  # numba's `njit(cache=True)`, for functions of others
    except RuntimeError as error:
        logger.info("UMAP is compiled in each process, which costs 8 s; numba can keep nothing: %s", error)
    return UMAP
