"""Where the talk of each firm went from one quarter to the next.

No sentence is ever spoken twice, but firms speak in both quarters: each topic's nearest topic of the same firm in the
other quarter is its counterpart. Flow is the share of a theme's topics whose counterparts are in a given theme of the
other quarter, among firms that are in both; so a firm that enters or leaves makes no theme be born or die.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ftm_ray.history.theme_set import NO_THEME, ThemeSet
from ftm_ray.vectors.unit_vectors import Vectors

#: A topic whose nearest of the same firm is farther away has no counterpart.
_MIN_COSINE = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Flow:
    """Flow between the themes of two quarters; NaN where no topic of a theme is of a firm that is in both.

    Attributes:
        out: (n_old, n_new) share of an old theme's topics that went on in each new theme.
        into: (n_old, n_new) share of a new theme's topics that came from each old theme.
        n_out, n_into: (n_old, n_new) the topics that these shares stand for.
        linked_out, linked_into: (n_old, n_new) as out and into, of the topics that have a counterpart at all; NaN where
            no topic of a theme has one.
    """

    out: npt.NDArray[np.float64]
    into: npt.NDArray[np.float64]
    n_out: npt.NDArray[np.float64]
    n_into: npt.NDArray[np.float64]
    linked_out: npt.NDArray[np.float64]
    linked_into: npt.NDArray[np.float64]

    def both(self) -> npt.NDArray[np.float64]:
        """(n_old, n_new) the mean of both directions; NaN where one is unknown."""
        return np.asarray((self.out + self.into) / 2)

    def part(self, rows: npt.NDArray[np.int64] | slice, columns: npt.NDArray[np.int64] | slice) -> "Flow":
        """Of some old and some new themes."""
        return Flow(*(getattr(self, name)[rows][:, columns] for name in _MATRICES))

    @staticmethod
    def stacked(flows: Sequence["Flow"], n_new: int) -> "Flow":
        """Of the old themes of several quarters into the same new ones, one below the other."""
        none = np.zeros((0, n_new))
        return Flow(*(np.concatenate([none, *(getattr(flow, name) for flow in flows)]) for name in _MATRICES))


_MATRICES = ("out", "into", "n_out", "n_into", "linked_out", "linked_into")


def theme_flow(old: ThemeSet, new: ThemeSet) -> Flow:
    """The flow from the themes of one quarter to those of a later one."""
    rows = _rows_by_firm(new.firm_ids)
    forth = np.full(len(old.firm_ids), -1, dtype=np.int64)  # topic of the new quarter; -1 = without counterpart
    back = np.full(len(new.firm_ids), -1, dtype=np.int64)
    of_both_old, of_both_new = np.zeros(len(forth), dtype=bool), np.zeros(len(back), dtype=bool)
    for firm, old_rows in _rows_by_firm(old.firm_ids).items():
        if firm in rows:
            new_rows = rows[firm]
            cosines = old.vectors[old_rows] @ new.vectors[new_rows].T
            forth[old_rows] = _nearest(cosines, new_rows)
            back[new_rows] = _nearest(cosines.T, old_rows)
            of_both_old[old_rows] = of_both_new[new_rows] = True
    n_old, n_new = len(old.theme_ids), len(new.theme_ids)
    out, n_out, linked_out = _shares((old.themes, new.themes), forth, of_both_old, (n_old, n_new))
    into, n_into, linked_into = _shares((new.themes, old.themes), back, of_both_new, (n_new, n_old))
    return Flow(out, into.T, n_out, n_into.T, linked_out, linked_into.T)


def _rows_by_firm(firm_ids: npt.NDArray[np.str_]) -> dict[str, npt.NDArray[np.int64]]:
    if not len(firm_ids):
        return {}
    order = np.argsort(firm_ids, kind="stable")
    firms, starts = np.unique(firm_ids[order], return_index=True)
    return dict(zip(firms.tolist(), np.split(order, starts[1:]), strict=True))


def _nearest(cosines: Vectors, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    best = cosines.argmax(axis=1)
    return np.where(cosines[np.arange(len(best)), best] >= _MIN_COSINE, rows[best], -1)


def _shares(
    themes: tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]],
    counterparts: npt.NDArray[np.int64],
    of_both: npt.NDArray[np.bool_],
    shape: tuple[int, int],
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Of each theme's topics of firms in both quarters, what each other theme has, (n_themes, n_others) each.

    Returns:
        The share of all of them, their number, and the share of those that have a counterpart.
    """
    own, others = themes
    counted = of_both & (own != NO_THEME)
    linked = counted & (counterparts >= 0)
    in_a_theme = linked.copy()
    in_a_theme[linked] = others[counterparts[linked]] != NO_THEME
    counts = np.zeros(shape)
    np.add.at(counts, (own[in_a_theme], others[counterparts[in_a_theme]]), 1.0)
    return counts / _n_topics(own[counted], shape[0]), counts, counts / _n_topics(own[linked], shape[0])


def _n_topics(of_theme: npt.NDArray[np.int64], n_themes: int) -> npt.NDArray[np.float64]:
    """(n_themes, 1) the topics of each theme; NaN for none, which makes shares of them unknown."""
    n_topics = np.bincount(of_theme, minlength=n_themes).astype(np.float64)
    n_topics[n_topics == 0] = np.nan
    return n_topics[:, None]
