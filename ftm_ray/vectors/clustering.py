"""Points to clusters: UMAP, then HDBSCAN. Used for sentences of a firm and for topics of all firms.

UMAP is given exact neighbours (`neighbors.py`). With a fixed seed it runs on one thread, and equal input gives equal
output, which is what makes published files byte-equal.
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from ftm_ray.errors import ConfigError
from ftm_ray.schemas.columns import OUTLIER_TOPIC_ID
from ftm_ray.vectors.neighbors import Neighbors, nearest_neighbors
from ftm_ray.vectors.umap_kernels import fit_umap
from ftm_ray.vectors.unit_vectors import Vectors

Labels = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class ClusterSettings:
    """UMAP and HDBSCAN settings, already scaled to the data; names are those of the two libraries."""

    n_neighbors: int
    n_components: int
    min_dist: float
    n_epochs: int | None
    min_cluster_size: int
    min_samples: int
    cluster_selection_method: Literal["leaf", "eom"]
    random_state: int
    max_cluster_size: int = 0  # 0 = no limit; eom then splits what is larger


def cluster(
    vectors: Vectors, settings: ClusterSettings, use_gpu: bool = False, neighbors: Neighbors | None = None
) -> Labels:
    """UMAP, then HDBSCAN.

    Args:
        vectors: (n, dim) float32, unit L2 norm, n > settings.n_neighbors.
        settings: For both algorithms.
        use_gpu: Use cuML instead of umap-learn and hdbscan.
        neighbors: Nearest neighbours, where they are known already: several fits of the same vectors share them.

    Returns:
        (n,) cluster number of each point, -1 for outliers; numbered as HDBSCAN does.
    """
    points = _reduce_on_gpu(vectors, settings) if use_gpu else _reduce_on_cpu(vectors, settings, neighbors)
    hdbscan = _hdbscan_class(use_gpu)(
        min_cluster_size=settings.min_cluster_size,
        min_samples=settings.min_samples,
        cluster_selection_method=settings.cluster_selection_method,
        max_cluster_size=settings.max_cluster_size,
        metric="euclidean",
    )
    return np.asarray(hdbscan.fit_predict(points), dtype=np.int64)


def cluster_few(vectors: Vectors, max_distance: float, min_cluster_size: int) -> Labels:
    """Cluster a handful of points without UMAP: average linkage, cut at a cosine distance.

    Clusters smaller than `min_cluster_size` become outliers. Returns (n,) labels as `cluster` does.
    """
    from sklearn.cluster import AgglomerativeClustering

    model = AgglomerativeClustering(
        n_clusters=None, metric="cosine", linkage="average", distance_threshold=max_distance
    )
    labels = np.asarray(model.fit_predict(vectors), dtype=np.int64)
    sizes = np.bincount(labels)
    return np.where(sizes[labels] >= min_cluster_size, labels, OUTLIER_TOPIC_ID)


def number_by_content(labels: Labels) -> Labels:
    """Renumber clusters by size, largest first, then by first member: the order never depends on the algorithm."""
    found, first, sizes = np.unique(labels, return_index=True, return_counts=True)
    ranked = sorted(
        (-size, start, old)
        for old, start, size in zip(found.tolist(), first.tolist(), sizes.tolist(), strict=True)
        if old != OUTLIER_TOPIC_ID
    )
    new = {old: number for number, (_, _, old) in enumerate(ranked)}
    return np.array([new.get(old, OUTLIER_TOPIC_ID) for old in labels.tolist()], dtype=np.int64)


def choose_gpu(backend: str) -> bool:
    """Whether to cluster with cuML.

    Args:
        backend: 'auto' (if it is here), 'cuml' or 'cpu'.

    Raises:
        ConfigError: cuML is asked for, and there is no CUDA card or no cuML.
    """
    if backend == "cpu":
        return False
    import importlib.util

    import torch

    available = torch.cuda.is_available() and importlib.util.find_spec("cuml") is not None
    if backend == "cuml" and not available:
        raise ConfigError(
            "topics.backend is 'cuml', but this machine has no CUDA card or no cuML; "
            "install the extra `gpu` on GPU nodes, or set it to 'auto' or 'cpu'"
        )
    return available


def _reduce_on_cpu(vectors: Vectors, settings: ClusterSettings, neighbors: Neighbors | None) -> Vectors:
    return fit_umap(vectors, neighbors or nearest_neighbors(vectors, settings.n_neighbors), _umap_options(settings))


def _reduce_on_gpu(vectors: Vectors, settings: ClusterSettings) -> Vectors:
    from cuml.manifold import UMAP

    umap = UMAP(**_umap_options(settings), build_algo="brute_force_knn")
    return np.asarray(umap.fit_transform(vectors), dtype=np.float32)


def _umap_options(settings: ClusterSettings) -> dict[str, Any]:
    return {
        "n_neighbors": settings.n_neighbors,
        "n_components": settings.n_components,
        "min_dist": settings.min_dist,
        "n_epochs": settings.n_epochs,
        "metric": "cosine",
        "random_state": settings.random_state,
    }


def _hdbscan_class(use_gpu: bool) -> Any:
    if use_gpu:
        from cuml.cluster import HDBSCAN
    else:
        from hdbscan import HDBSCAN
    return HDBSCAN
