"""Arithmetic on unit vectors that topics, themes and keywords share."""

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ftm_ray.schemas.arrays import numbers

#: (n, dim) float32; every row has unit L2 norm, so that a matrix product gives cosines.
Vectors = npt.NDArray[np.float32]


def vectors_of(column: pa.ChunkedArray) -> Vectors:
    """A column of equally long lists as (n, dim) float32, without making Python lists."""
    parts = [numbers(chunk.flatten()) for chunk in column.chunks]  # joining a single one would copy it
    values = parts[0] if len(parts) == 1 else np.concatenate([np.zeros(0, dtype=np.float32), *parts])
    return np.asarray(values, dtype=np.float32).reshape(len(column), -1 if len(column) else 0)


def mean_vector(vectors: Vectors) -> Vectors:
    """The direction in which a group of unit vectors points on average, (dim,) float32, unit L2 norm."""
    mean = vectors.mean(axis=0, dtype=np.float64)
    return np.asarray(mean / max(float(np.linalg.norm(mean)), 1e-12), dtype=np.float32)


def random_vectors(n: int, dim: int) -> Vectors:
    """Random unit vectors, always the same, (n, dim) float32: something to warm up with."""
    vectors = np.random.default_rng(0).standard_normal((n, dim)).astype(np.float32)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))


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
