"""Two orders become one: by meaning (the cosine of vectors) and by words (BM25).

The two scores have no common scale, so ranks are added, not scores.

Source:
    Cormack, Clarke and Buettcher (2009), Reciprocal Rank Fusion Outperforms Condorcet and Individual Rank Learning
    Methods: the sum of 1 / (60 + rank). 20 instead of 60, and the weight of the meaning, were chosen on one quarter and
    measured on another (docs/search.md).
"""

import numpy as np
import numpy.typing as npt

_K = 20

#: A place by meaning counts one and a half times a place by words.
_WEIGHT_OF_MEANING = 1.5

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


def fused(meaning: Ranks, words: Ranks, limit: int) -> list[int]:
    """The rows of the best things, best first; those that have a place in no order are left out.

    Args:
        meaning: Places by vectors.
        words: Places by words, of the same things.
        limit: How many at most.
    """
    total = np.where(meaning > 0, _WEIGHT_OF_MEANING / (_K + meaning), 0.0)
    total += np.where(words > 0, 1 / (_K + words), 0.0)
    rows = np.flatnonzero(total > 0)
    best = rows[np.argsort(-total[rows], kind="stable")][:limit]
    return [int(row) for row in best]
