"""Which theme of a quarter is which theme of an earlier one: one to one, the best for all of them together.

The likeness of two themes is made of the cosine of their centres and the flow of the firms' talk between them. Cosine
alone gives a new theme its sibling's past, flow alone is thin where few firms are in both quarters.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ftm_ray.history.flow import Flow

#: The share of the cosine in the likeness; the rest is flow. Flow is a share of ten or twenty topics and varies by a
#: tenth by chance, the cosine of centres by a fiftieth: with halves, the smaller part of a theme that splits takes its
#: id too often (docs/lineage.md has what was tried).
COSINE_WEIGHT = 0.8

#: Flow of this share of a theme's topics ties it to another: out of an old one that ends, it was absorbed; into a new
#: one, it was split off; both ways, the two are one whatever their cosine. The share is that of MONIC's splits
#: (Spiliopoulou and others 2006), and as there it is of the members that are in both clusterings: topics that have a
#: counterpart. What is about nothing, or said by firms that never spoke of it before, has none.
STRONG_FLOW = 0.3

#: One topic of three is no flow.
_FEWEST_TOPICS = 2

#: One way alone, the flow must be this share of all topics as well: most of what is said in a theme that is born has no
#: counterpart, and two topics that have one by chance do not make it part of another.
_LEAST_OF_ALL = 0.2

#: The least cosine of a theme and one that split off from it, or was absorbed by it. The nearest talk of firms that
#: changed the subject lies somewhere, too: of 31 splits and absorptions below this that were read 17 were wrong, of 71
#: above it eight (docs/lineage.md, "Splits and absorptions, read"). For another encoder than MiniLM nothing is known.
_PART_COSINE = 0.78


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
        return np.asarray(_is_tied(self.flow.linked_out, self.flow.n_out) & (self.flow.out >= _LEAST_OF_ALL))

    def strong_into(self) -> npt.NDArray[np.bool_]:
        """Where much of a new theme came from an old one."""
        return np.asarray(_is_tied(self.flow.linked_into, self.flow.n_into) & (self.flow.into >= _LEAST_OF_ALL))

    def may_be_part(self) -> npt.NDArray[np.bool_]:
        """Where the two are like enough for one to have split off from the other, or to have been absorbed by it."""
        return np.asarray(self.cosines >= _PART_COSINE)

    def may_go_on(self) -> npt.NDArray[np.bool_]:
        """Where the two may be one theme: the cosine reaches the gate, or they are tied both ways."""
        flow = self.flow
        tied = _is_tied(flow.linked_out, flow.n_out) & _is_tied(flow.linked_into, flow.n_into)
        return np.asarray((self.cosines >= self.gate) | tied)

    def may_come_back(self) -> npt.NDArray[np.bool_]:
        """As may_go_on, of a theme that was silent: others took up its firms' talk, so more flow is asked for."""
        return np.asarray((self.cosines >= self.gate) | (self.strong_out() & self.strong_into()))

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


def _is_tied(of_linked: npt.NDArray[np.float64], n_topics: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    """Whether a share of the topics with a counterpart is strong; False where it is unknown."""
    return np.asarray((of_linked >= STRONG_FLOW) & (n_topics >= _FEWEST_TOPICS))


def match_themes(likeness: Likeness, possible: npt.NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Pairs (old, new) that are one theme; each theme in one pair at most, ordered by the new theme.

    Of all ways to pair them the one is taken whose likeness above that of a pair at the gate without flow is largest in
    sum, so that no good pair is given up for two that just pass.

    Args:
        likeness: Of all old and new themes.
        possible: (n_old, n_new) which of them may be one.
    """
    from scipy.optimize import linear_sum_assignment

    worth = np.maximum(likeness.scores() - COSINE_WEIGHT * likeness.gate, 1e-6)
    olds, news = linear_sum_assignment(np.where(possible, worth, 0.0), maximize=True)
    pairs = [(old, new) for old, new in zip(olds.tolist(), news.tolist(), strict=True) if possible[old, new]]
    return sorted(pairs, key=lambda pair: pair[1])
