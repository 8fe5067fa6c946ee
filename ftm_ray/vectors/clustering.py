"""Points to clusters: exact neighbours, UMAP, HDBSCAN. Used for sentences of a firm and for topics of all firms.

Neighbours are exact and come from one matrix product, given to UMAP as `precomputed_knn`. For the few hundred
sentences of a firm that is faster than UMAP's own search (0.18 s against 0.28 s a firm) and has no randomness; for
75,000 topics it is done in blocks and takes about a minute. With a fixed seed UMAP runs on one thread, and equal
input gives equal output, which is what makes published files byte-equal.
"""

import warnings
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from ftm_ray.errors import ConfigError
from ftm_ray.schemas import OUTLIER_TOPIC_ID

Vectors = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int64]

#: Rows of the similarity matrix worked on at once: 256 x 75,000 take about 300 MB with what sorting needs.
_BLOCK_ROWS = 256


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


def mean_vector(vectors: Vectors) -> Vectors:
    """The direction in which a group of unit vectors points on average, (dim,) float32, unit L2 norm."""
    mean = vectors.mean(axis=0, dtype=np.float64)
    return np.asarray(mean / max(float(np.linalg.norm(mean)), 1e-12), dtype=np.float32)


def random_vectors(n: int, dim: int) -> Vectors:
    """Random unit vectors, always the same, (n, dim) float32: something to warm up with."""
    vectors = np.random.default_rng(0).standard_normal((n, dim)).astype(np.float32)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))


def nearest_neighbors(vectors: Vectors, n_neighbors: int) -> tuple[npt.NDArray[np.int32], Vectors]:
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


def cluster(vectors: Vectors, settings: ClusterSettings, use_gpu: bool = False) -> Labels:
    """UMAP, then HDBSCAN.

    Args:
        vectors: (n, dim) float32, unit L2 norm, n > settings.n_neighbors.
        settings: For both algorithms.
        use_gpu: Use cuML instead of umap-learn and hdbscan.

    Returns:
        (n,) cluster number of each point, -1 for outliers; numbered as HDBSCAN does.
    """
    points = _reduce_on_gpu(vectors, settings) if use_gpu else _reduce_on_cpu(vectors, settings)
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


def pick_varied(vectors: Vectors, relevance: npt.NDArray[np.floating], n: int, diversity: float) -> list[int]:
    """Choose items that are relevant and unlike each other (maximal marginal relevance), most relevant first.

    Args:
        vectors: (n_items, dim) float32, unit L2 norm.
        relevance: (n_items,) on the scale of a cosine, higher is better.
        n: How many to choose.
        diversity: 0 = only relevance, 1 = only unlikeness to those already chosen.

    Source:
        Carbonell and Goldstein (1998), The use of MMR.
    """
    chosen: list[int] = []
    likeness = np.full(len(vectors), -np.inf)
    open_items = np.ones(len(vectors), dtype=bool)
    for _ in range(min(n, len(vectors))):
        penalty = likeness if chosen else np.zeros(len(vectors))
        score = np.where(open_items, (1 - diversity) * relevance - diversity * penalty, -np.inf)
        best = int(np.argmax(score))
        chosen.append(best)
        open_items[best] = False
        likeness = np.maximum(likeness, vectors @ vectors[best])
    return chosen


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


def _reduce_on_cpu(vectors: Vectors, settings: ClusterSettings) -> Vectors:
    from umap import UMAP

    indices, distances = nearest_neighbors(vectors, settings.n_neighbors)
    umap = UMAP(**_umap_options(settings), n_jobs=1, precomputed_knn=(indices, distances))
    with warnings.catch_warnings():
        # Given neighbours without a search index, UMAP warns that it cannot place new points; none will come.
        warnings.filterwarnings("ignore", message="precomputed_knn")
        return np.asarray(umap.fit_transform(vectors), dtype=np.float32)


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
