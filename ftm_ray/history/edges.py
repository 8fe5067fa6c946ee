"""What became of each theme from one quarter to the next, in MONIC's words, and its id over all quarters.

A theme that goes on keeps its theme_uid. A new one gets one made of its first theme_id, which no other ever gets.

Source: Spiliopoulou, Ntoutsi, Theodoridis and Schult (2006), MONIC: modeling and monitoring cluster transitions.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from ftm_ray.history.flow import Flow, theme_flow
from ftm_ray.history.matching import Likeness, match_themes
from ftm_ray.history.theme_set import ThemeSet
from ftm_ray.lake.calendar import quarter_number

#: A theme that was silent for more quarters than this is dead; until then it can be revived.
DORMANT_QUARTERS = 4


class Edge(StrEnum):
    """What became of a theme."""

    FIRST_QUARTER = "first_quarter"  # of a registry: nobody knows whether it is new
    SURVIVE = "survive"
    SPLIT = "split"  # out of a theme that goes on beside it
    EMERGE = "emerge"
    REVIVED = "revived"
    ABSORB = "absorb"  # ends in a theme that goes on
    DORMANT = "dormant"  # falls silent; may be revived
    DIE = "die"


#: Of 86 matches with both flows from here on, in quarters that the bound was not chosen on, one was read as wrong, by
#: one of two readers; of those below 43 to 85 % were right (docs/lineage.md, "What told, held out").
_LITTLE_FLOW = 0.36


@dataclass(frozen=True, slots=True, eq=False)
class Standing:
    """Themes of an earlier quarter that a new one may continue.

    Attributes:
        themes: The quarter in which they spoke last.
        uids: The uid of each by its position there.
        absorbed: Those of them that ended in another theme; should they come out of it again, they are themselves.
    """

    themes: ThemeSet
    uids: Mapping[int, str]
    absorbed: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class EdgeRow:
    """One row of lineage; see schemas/history.py."""

    theme_uid: str
    theme_id: str | None
    edge: Edge
    parent_uid: str | None = None
    cosine: float | None = None
    flow_in: float | None = None
    flow_out: float | None = None
    margin: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class _Compared:
    """Themes of earlier quarters beside the new ones."""

    uids: tuple[str, ...]
    likeness: Likeness
    margins: npt.NDArray[np.float64]

    def measured(self, old: int, new: int) -> dict[str, float | None]:
        """The figures of a pair, null where they are unknown."""
        flow = self.likeness.flow
        values = {
            "cosine": self.likeness.cosines[old, new],
            "flow_in": flow.into[old, new],
            "flow_out": flow.out[old, new],
            "margin": self.margins[old, new],
        }
        return {name: None if np.isnan(value) else float(value) for name, value in values.items()}


def has_little_flow(edge: str, flow_out: float | None, flow_in: float | None) -> bool:
    """Whether a theme is said to go on though little of its firms' talk does, so that both sides should be read."""
    if edge not in (Edge.SURVIVE, Edge.REVIVED):
        return False
    return flow_out is None or flow_in is None or min(flow_out, flow_in) < _LITTLE_FLOW


def first_rows(new: ThemeSet, version: int) -> list[EdgeRow]:
    """The rows of a registry's first quarter."""
    return [EdgeRow(_new_uid(theme_id, version), theme_id, Edge.FIRST_QUARTER) for theme_id in new.theme_ids]


def edge_rows(new: ThemeSet, living: Standing, dormant: Sequence[Standing], gate: float, version: int) -> list[EdgeRow]:
    """What became of the themes of before, and where the new ones come from.

    Args:
        new: The quarter that is added.
        living: All themes of the quarter before it.
        dormant: Themes that fell silent, by the quarter in which they spoke last.
        gate: The least cosine of one theme.
        version: Of the registry.

    Returns:
        A row per new theme in their order, then one per theme that ended or fell silent, by uid.
    """
    now = _compare([living], new, gate)
    survivors = {j: i for i, j in match_themes(now.likeness, now.likeness.may_go_on())}
    silent = _compare(dormant, new, gate)
    revived = _revived(silent, survivors)
    rows: list[EdgeRow] = []
    fed = now.likeness.strong_into() & now.likeness.may_be_part()
    for j, theme_id in enumerate(new.theme_ids):
        feeder = _strongest(fed[:, j], now.likeness.flow.into[:, j])
        parent = None if feeder is None else now.uids[feeder]
        if j in survivors:
            i = survivors[j]
            rows.append(EdgeRow(now.uids[i], theme_id, Edge.SURVIVE, None, **now.measured(i, j)))
        elif j in revived:
            i = revived[j]
            rows.append(EdgeRow(silent.uids[i], theme_id, Edge.REVIVED, parent, **silent.measured(i, j)))
        elif feeder is not None:
            uid = _new_uid(theme_id, version)
            rows.append(EdgeRow(uid, theme_id, Edge.SPLIT, parent, **now.measured(feeder, j)))
        else:
            uid, nearest = _new_uid(theme_id, version), _nearest(now, j)
            rows.append(
                EdgeRow(uid, theme_id, Edge.EMERGE, None, **({} if nearest is None else now.measured(nearest, j)))
            )
    ended = _ended(now, survivors, [row.theme_uid for row in rows])
    return [*rows, *sorted([*ended, *_dead(new, dormant, rows)], key=lambda row: row.theme_uid)]


def _compare(standings: Sequence[Standing], new: ThemeSet, gate: float) -> _Compared:
    uids: list[str] = []
    cosines = [np.zeros((0, len(new.theme_ids)))]
    flows: list[Flow] = []
    for standing in standings:
        rows = np.array(sorted(standing.uids), dtype=np.int64)
        uids += [standing.uids[row] for row in rows.tolist()]
        flows.append(theme_flow(standing.themes, new).part(rows, slice(None)))
        cosines.append((standing.themes.centers[rows] @ new.centers.T).astype(np.float64))
    likeness = Likeness(np.concatenate(cosines), Flow.stacked(flows, len(new.theme_ids)), gate)
    return _Compared(tuple(uids), likeness, likeness.margins())


def _revived(silent: _Compared, survivors: Mapping[int, int]) -> dict[int, int]:
    """New theme -> dormant one, among new themes that continue no living one."""
    likeness = silent.likeness
    free = np.array([j for j in range(likeness.cosines.shape[1]) if j not in survivors], dtype=np.int64)
    if not len(silent.uids) or not len(free):
        return {}
    flow = likeness.flow.part(slice(None), free)
    of_free = Likeness(likeness.cosines[:, free], flow, likeness.gate)
    pairs = match_themes(of_free, of_free.may_come_back())
    return {int(free[j]): i for i, j in pairs}


def _ended(now: _Compared, survivors: Mapping[int, int], uids: Sequence[str]) -> list[EdgeRow]:
    """Themes of the quarter before that no new one continues: absorbed by one, or silent."""
    went_on, rows = set(survivors.values()), []
    strong = now.likeness.strong_out() & now.likeness.may_be_part()
    for i, uid in enumerate(now.uids):
        if i in went_on:
            continue
        into = _strongest(strong[i], now.likeness.flow.out[i])
        if into is None:
            rows.append(EdgeRow(uid, None, Edge.DORMANT))
        else:
            rows.append(EdgeRow(uid, None, Edge.ABSORB, uids[into], **now.measured(i, into)))
    return rows


def _strongest(strong: npt.NDArray[np.bool_], flow: npt.NDArray[np.float64]) -> int | None:
    """Of the themes that are strongly tied, the one with the largest flow."""
    return int(np.argmax(np.where(strong, flow, -1.0))) if strong.any() else None


def _dead(new: ThemeSet, dormant: Sequence[Standing], rows: Sequence[EdgeRow]) -> list[EdgeRow]:
    """Themes whose time to be revived ends with this quarter."""
    revived = {row.theme_uid for row in rows if row.edge is Edge.REVIVED}
    return [
        EdgeRow(uid, None, Edge.DIE)
        for standing in dormant
        if quarter_number(new.quarter) - quarter_number(standing.themes.quarter) > DORMANT_QUARTERS
        for uid in standing.uids.values()
        if uid not in revived and uid not in standing.absorbed
    ]


def _nearest(now: _Compared, j: int) -> int | None:
    return int(now.likeness.scores()[:, j].argmax()) if now.uids else None


def _new_uid(theme_id: str, version: int) -> str:
    return f"U{theme_id}" if version == 1 else f"U{theme_id}.{version}"
