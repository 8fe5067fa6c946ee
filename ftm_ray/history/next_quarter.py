"""One more quarter: what the registry knows, and the themes of the next quarter, give its rows."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ftm_ray.history.attention import Attention, theme_attention
from ftm_ray.history.edges import DORMANT_QUARTERS, Edge, EdgeRow, Standing, edge_rows, first_rows
from ftm_ray.history.names import Called, GivenName, Judge, name_over_quarters
from ftm_ray.history.theme_set import ThemeSet
from ftm_ray.lake.calendar import quarter_number
from ftm_ray.vectors.unit_vectors import Vectors


@dataclass(frozen=True, slots=True)
class LastSeen:
    """Where a theme spoke last."""

    quarter: str
    theme_id: str
    absorbed: bool = False


class Past:
    """What is known of all themes up to a quarter.

    Args:
        lineage: Rows of the table, quarter by quarter.
        attention: Likewise.
    """

    def __init__(self, lineage: Iterable[Mapping[str, Any]], attention: Iterable[Mapping[str, Any]]) -> None:
        self.last_quarter: str | None = None
        self._seen: dict[str, LastSeen] = {}
        self._changes: dict[str, list[float]] = {}
        self._names: dict[str, GivenName] = {}
        for row in lineage:
            self._add(row)
        for row in attention:
            if row["change"] is not None:
                self._changes.setdefault(row["theme_uid"], []).append(row["change"])

    def _add(self, row: Mapping[str, Any]) -> None:
        uid = row["theme_uid"]
        self.last_quarter = row["quarter"]
        if row["theme_id"] is not None:
            self._seen[uid] = LastSeen(row["quarter"], row["theme_id"])
            if row.get("label_quarter") == row["quarter"]:
                self._names[uid] = GivenName(row["theme_label"], row["quarter"], row["theme_id"])
        elif row["edge"] == Edge.ABSORB:
            self._seen[uid] = LastSeen(self._seen[uid].quarter, self._seen[uid].theme_id, absorbed=True)
        elif row["edge"] == Edge.DIE:
            del self._seen[uid]
            self._names.pop(uid, None)

    def quarters(self, new: str) -> list[str]:
        """The quarters whose themes a quarter may continue, latest first."""
        oldest = quarter_number(new) - DORMANT_QUARTERS - 1
        quarters = {seen.quarter for seen in self._seen.values()} | {self.last_quarter or new}
        return sorted((q for q in quarters if q == self.last_quarter or quarter_number(q) >= oldest), reverse=True)

    def standing(self, themes: ThemeSet) -> Standing:
        """The themes that spoke last in this quarter."""
        place = {theme_id: number for number, theme_id in enumerate(themes.theme_ids)}
        here = {uid: seen for uid, seen in self._seen.items() if seen.quarter == themes.quarter}
        absorbed = frozenset(uid for uid, seen in here.items() if seen.absorbed)
        return Standing(themes, {place[seen.theme_id]: uid for uid, seen in here.items()}, absorbed)

    def changes(self, uid: str) -> list[float]:
        """The changes of attention that a theme has seen."""
        return self._changes.get(uid, [])

    def name(self, uid: str) -> GivenName | None:
        """What a theme is called; None for one that is new, or of a registry that knew no names yet."""
        return self._names.get(uid)

    def labels(self, new: str) -> list[str]:
        """What all themes are called that speak, or may come back in this quarter."""
        oldest = quarter_number(new) - DORMANT_QUARTERS - 1
        return [
            name.label
            for uid, name in self._names.items()
            if self._seen[uid].quarter == self.last_quarter or quarter_number(self._seen[uid].quarter) >= oldest
        ]


@dataclass(frozen=True, slots=True)
class QuarterRows:
    """The rows that one quarter adds."""

    lineage: list[dict[str, Any]]
    attention: list[dict[str, Any]]


def next_rows(
    new: ThemeSet, past: Past, read_themes: Callable[[str], ThemeSet], gate: float | None, version: int
) -> QuarterRows:
    """The rows of the quarter after the registry's last one.

    Args:
        new: Its themes.
        past: What the registry knows.
        read_themes: Gives the themes of an earlier quarter.
        gate: The least cosine of one theme; None in a registry's first quarter.
        version: Of the registry.
    """
    before = None
    if past.last_quarter is None or gate is None:
        rows = first_rows(new, version)
    else:
        last, *earlier = past.quarters(new.quarter)
        before = read_themes(last)
        dormant = [past.standing(read_themes(quarter)) for quarter in earlier]
        rows = edge_rows(new, past.standing(before), dormant, gate, version)
    shared = {"gate": gate, "encoder": new.encoder, "settings_digest": new.settings_digest}
    of_new = rows[: len(new.theme_ids)]
    found = theme_attention(new, before, [past.changes(row.theme_uid) for row in of_new])
    return QuarterRows(
        lineage=[asdict(row) | {"edge": row.edge.value} | shared for row in rows],
        attention=[_attention_row(row, one) for row, one in zip(of_new, found, strict=True)],
    )


@dataclass(frozen=True, slots=True, eq=False)
class NamedTheme:
    """A theme of an earlier quarter, in which a name was given or kept.

    Attributes:
        center: (dim,) float32, unit L2 norm.
        keyword_label: What that quarter calls it by its keywords; None where an LLM named it.
    """

    center: Vectors
    keyword_label: str | None = None

    def gave(self, label: str) -> bool:
        """Whether a name is that label, with or without a number behind it."""
        return self.keyword_label is not None and label.casefold().startswith(self.keyword_label.casefold())


def with_names(
    rows: QuarterRows, new: ThemeSet, past: Past, named_at: Callable[[str, str], NamedTheme], judge: Judge
) -> QuarterRows:
    """The same rows with what each theme of the quarter is called over quarters.

    Args:
        rows: Of the quarter.
        new: Its themes, with the labels of their run.
        past: What the registry knows.
        named_at: Gives a theme of an earlier quarter, by quarter and theme_id.
        judge: Decides whether an old name still fits.
    """
    themes = []
    keywords = new.keywords or ((),) * len(new.labels)
    for row, label, words, center in zip(rows.lineage, new.labels, keywords, new.centers, strict=False):
        given = past.name(row["theme_uid"])  # rows of what ended come last and are left out
        if given is None:
            themes.append(Called(label))
            continue
        at = named_at(given.quarter, given.theme_id)
        cosine = float(np.dot(center, at.center))
        themes.append(Called(label, given, cosine, words if at.gave(given.label) else ()))
    gate = rows.lineage[0]["gate"] if rows.lineage else None
    names = name_over_quarters(new.quarter, themes, gate, judge, past.labels(new.quarter))
    columns = [name.as_columns() for name in names] + [{}] * (len(rows.lineage) - len(names))
    return QuarterRows([row | name for row, name in zip(rows.lineage, columns, strict=True)], rows.attention)


def _attention_row(row: EdgeRow, attention: Attention) -> dict[str, Any]:
    return {"theme_uid": row.theme_uid, "theme_id": row.theme_id, "surprise": attention.surprise} | asdict(attention)
