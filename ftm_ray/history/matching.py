"""Which theme of a quarter is which theme of an earlier one: one to one, the best for all of them together.

The likeness of two themes is half the cosine of their centres and half the flow of the firms' talk between them. Cosine
alone gives a new theme its sibling's past, flow alone is thin where few firms are in both quarters.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ftm_ray.history.flow import Flow

#: The share of the cosine in the likeness; the rest is flow.
COSINE_WEIGHT = 0.5

#: Flow of this share of a theme's topics ties it to another: out of an old one that ends, it was absorbed; into a new
#: one, it was split off; both ways, the two are one whatever their cosine. The share is that of MONIC's splits
#: (Spiliopoulou and others 2006); and one topic of three is no flow.
STRONG_FLOW = 0.3
_FEWEST_TOPICS = 2
_THIN_FLOW = 0.15


@dataclass(frozen=True, slots=True, eq=False)
class Likeness:
    """Old themes (rows) beside new ones (columns), (n_old, n_new) each.

    Attributes:
        cosines: Of their centres.
        flow: Between them.
        gate: The least cosine of one theme.
    """

    cosines: npt.NDArray[np.float64]
    flow: Flow
    gate: float

    def scores(self) -> npt.NDArray[np.float64]:
        """Cosine and flow in one number; the cosine alone where no firm of a theme is in both quarters."""
        both = self.flow.both()
        mixed = COSINE_WEIGHT * self.cosines + (1 - COSINE_WEIGHT) * both
        return np.where(np.isnan(both), COSINE_WEIGHT * self.cosines, mixed)

    def strong_out(self) -> npt.NDArray[np.bool_]:
        """Where much of an old theme went on in a new one."""
        return _is_strong(self.flow.linked_out, self.flow.out, self.flow.n_out)

    def strong_into(self) -> npt.NDArray[np.bool_]:
        """Where much of a new theme came from an old one."""
        return _is_strong(self.flow.linked_into, self.flow.into, self.flow.n_into)

    def margins(self) -> npt.NDArray[np.float64]:
        """The score of each pair above that of the new theme's best other old theme; NaN where there is no other."""
        scores = self.scores()
        if len(scores) < 2 or not scores.shape[1]:
            return np.full(scores.shape, np.nan)
        first = scores.argmax(axis=0)
        columns = np.arange(scores.shape[1])
        without = scores.copy()
        without[first, columns] = -np.inf
        rival = np.tile(scores.max(axis=0), (len(scores), 1))
        rival[first, columns] = without.max(axis=0)
        return np.asarray(scores - rival)


def _is_strong(
    of_linked: npt.NDArray[np.float64], of_all: npt.NDArray[np.float64], n_topics: npt.NDArray[np.float64]
) -> npt.NDArray[np.bool_]:
    """False where a share is NaN."""
    return np.asarray((of_linked >= STRONG_FLOW) & (of_all >= _THIN_FLOW) & (n_topics >= _FEWEST_TOPICS))


def match_themes(likeness: Likeness) -> list[tuple[int, int]]:
    """Pairs (old, new) that are one theme; each theme in one pair at most, ordered by the new theme.

    A pair is possible where the cosine reaches the gate or flow is strong both ways. Of all ways to pair them the one
    is taken whose likeness above that of a pair at the gate without flow is largest in sum, so that no good pair is
    given up for two that just pass.
    """
    from scipy.optimize import linear_sum_assignment

    possible = (likeness.cosines >= likeness.gate) | (likeness.strong_out() & likeness.strong_into())
    worth = np.maximum(likeness.scores() - COSINE_WEIGHT * likeness.gate, 1e-6)
    olds, news = linear_sum_assignment(np.where(possible, worth, 0.0), maximize=True)
    pairs = [(old, new) for old, new in zip(olds.tolist(), news.tolist(), strict=True) if possible[old, new]]
    return sorted(pairs, key=lambda pair: pair[1])
