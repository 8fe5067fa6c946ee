"""How far a text is borne out by what it was written from, and whether the texts of a run are at all.

A text is compared with its own sentences and with the sentences of other firms' topics, as if texts had been dealt out
at random. Vectors say how near the meaning is, words what was said; each alone errs where the other does not
(docs/adr/0018-support.md).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ftm_ray.vectors.unit_vectors import Vectors

#: Against so many others a text is compared, evenly taken from all: enough for two digits of the area under the curve.
_MAX_OTHERS = 2_000

#: Fewer others say nothing about what is usual.
MIN_OTHERS = 3

#: So many standard deviations nearer to its own sentences than to those of others, a text is fully borne out. Good
#: summaries of forty sample topics are 1.9 to 7.8, in the middle 3.6.
_FULL_DEVIATIONS = 4.0


@dataclass(frozen=True, slots=True)
class Nearness:
    """How near texts are to their own sentences, compared with those of others. NaN where there are too few others.

    Attributes:
        rank: (n,) 0 to 1, the share of others that are less near; 0.5 is chance. Its mean is the area under the curve
            (AUC) of own against shuffled pairs.
        deviations: (n,) by how many standard deviations nearer than the mean of the others.
    """

    rank: npt.NDArray[np.float64]
    deviations: npt.NDArray[np.float64]

    @property
    def auc(self) -> float | None:
        """Area under the curve of own against shuffled pairs; null where nothing could be compared."""
        known = self.rank[~np.isnan(self.rank)]
        return float(known.mean()) if len(known) else None


def nearness(texts: Vectors, own: Vectors, groups: Sequence[str]) -> Nearness:
    """Compare each text with its own sentences and with those of other groups.

    Args:
        texts: (n, dim) unit vectors of the texts.
        own: (n, dim) unit vectors of what each was written from (the mean of its sentences).
        groups: The firm of each, or the theme: others of the same group are left out.
    """
    n = len(texts)
    rank, deviations = np.full(n, np.nan), np.full(n, np.nan)
    codes = np.unique(np.array(groups, dtype=np.str_), return_inverse=True)[1]
    chosen = np.unique(np.linspace(0, n - 1, min(n, _MAX_OTHERS)).astype(int)) if n else np.zeros(0, dtype=int)
    shown, of_shown = own[chosen], codes[chosen]
    for row in range(n):
        others = (shown @ texts[row])[of_shown != codes[row]]
        if len(others) >= MIN_OTHERS:
            here = float(own[row] @ texts[row])
            rank[row] = float((others < here).mean() + 0.5 * (others == here).mean())
            deviations[row] = (here - float(others.mean())) / max(float(others.std()), 1e-6)
    return Nearness(rank, deviations)


def support(found: Nearness, word_shares: Sequence[float | None]) -> list[float | None]:
    """Support of each text, 0 to 1: the mean of how near it is and of the share of its content words that were said.

    Null where there is nothing to compare it with, or no word to look up.
    """
    near = np.clip(found.deviations / _FULL_DEVIATIONS, 0.0, 1.0)
    return [
        None if share is None or np.isnan(value) else round(float((value + share) / 2), 4)
        for value, share in zip(near.tolist(), word_shares, strict=True)
    ]
