"""Two orders become one: by meaning (the cosine of vectors) and by words (BM25).

The two scores have no common scale, so ranks are added, not scores, and nothing is tuned.

Source:
    Cormack, Clarke and Buettcher (2009), Reciprocal Rank Fusion Outperforms Condorcet and Individual Rank Learning
    Methods: the sum of 1 / (60 + rank).
"""

import numpy as np
import numpy.typing as npt

_K = 60

#: An order goes so far; what comes later could not reach the first hits by it.
DEPTH = 1000

#: (n,) the place of each thing, from 1; 0 = it has none.
Ranks = npt.NDArray[np.int64]


def ranks_of(scores: npt.NDArray[np.floating], depth: int = DEPTH) -> Ranks:
    """Places by score, the highest first; equal ones stand as they come.

    Args:
        scores: (n,); -inf = it has no place.
        depth: How many get a place.
    """
    ranks = np.zeros(len(scores), dtype=np.int64)
    rows = np.flatnonzero(np.isfinite(scores))
    if len(rows) > depth:
        least = np.partition(scores[rows], -depth)[-depth]
        rows = rows[scores[rows] >= least]
    best = rows[np.argsort(-scores[rows], kind="stable")][:depth]
    ranks[best] = np.arange(1, len(best) + 1)
    return ranks


def fused(orders: list[Ranks], limit: int) -> list[int]:
    """The rows of the best things, best first; those that have a place in no order are left out."""
    total = np.zeros(len(orders[0]))
    for ranks in orders:
        total += np.where(ranks > 0, 1 / (_K + ranks), 0.0)
    rows = np.flatnonzero(total > 0)
    best = rows[np.argsort(-total[rows], kind="stable")][:limit]
    return [int(row) for row in best]
