"""UMAP, with the machine code that numba makes of it kept on disk.

umap-learn has its kernels compiled anew in every process: 8 s of a core before the first fit, in each topic actor, each
fit of the themes and the publisher. numba can keep the result beside the library, or in the user's cache folder where
that cannot be written; only umap-learn does not ask it to. The code is the same, so no byte of a result changes.
"""

import logging
from typing import Any

logger = logging.getLogger(__name__)


def load_umap() -> Any:
    """The class UMAP, for the processor.

    Returns:
        `umap.UMAP`. Any: umap-learn has no types.
    """
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
