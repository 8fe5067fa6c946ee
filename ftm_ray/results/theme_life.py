"""The life of a theme over quarters: its names, who spoke of it and how much, what it split from or took up."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ftm_ray.errors import ConfigError, SourceError
from ftm_ray.history.edges import Edge
from ftm_ray.lake.published_rows import PublishedRows, read_columns
from ftm_ray.lake.runs import published_run_id
from ftm_ray.lake.storage import Lake
from ftm_ray.results.lineage_files import linked_entries, read_rows
from ftm_ray.results.published import (
    THEME_ID,
    FirmName,
    SpokenSentence,
    exemplar_keys,
    quarters_there,
    read_firm_names,
    read_sentences,
    read_topics,
)

#: An id over quarters: U, the first theme_id, and for later versions of the registry their number.
THEME_UID = re.compile(r"^U\d{4}Q[1-4]-\d{4,}(\.\d+)?$")

#: Sentences shown of each quarter, each from another central topic.
_SENTENCES = 3


@dataclass(frozen=True, slots=True)
class LifeQuarter:
    """A theme in one quarter in which it was spoken of.

    Attributes:
        label: What it is called over quarters; of a registry that knew no names, what its quarter calls it.
        quarter_label: What its quarter alone calls it.
        naming: How it came to its label (docs/lineage.md); None where the registry knew no names.
        edge: How it came into this quarter.
        parent_uid: The theme it split off from, or came out of again; None = none.
        cosine, flow_in, flow_out, margin: How alike it was to what it continues (docs/lineage.md).
        firm_share: Share of all firms that speak of it.
        change: In the share of the firms that are in this quarter and the one before.
        split_into: Themes that split off from it in this quarter.
        absorbed: Themes that ended in it in this quarter.
    """

    quarter: str
    theme_id: str
    label: str
    quarter_label: str
    naming: str | None
    edge: str
    parent_uid: str | None
    cosine: float | None
    flow_in: float | None
    flow_out: float | None
    margin: float | None
    n_firms: int
    firm_share: float
    change: float | None
    surprise: float | None
    top_firms: tuple[FirmName, ...]
    split_into: tuple[str, ...]
    absorbed: tuple[str, ...]
    sentences: tuple[SpokenSentence, ...]


@dataclass(frozen=True, slots=True)
class ThemeLife:
    """A theme over all quarters that are linked.

    Attributes:
        theme_uid: Its id over quarters.
        quarters: Those in which it was spoken of, in order.
        ends: Quarter, edge and, where it was absorbed, by which theme, for each time it fell silent or ended.
    """

    theme_uid: str
    quarters: tuple[LifeQuarter, ...]
    ends: tuple[tuple[str, str, str | None], ...]


def theme_life(lake: Lake, theme: str) -> ThemeLife:
    """Follow a theme through the quarters.

    Args:
        lake: Where they are published and linked.
        theme: A theme_id of a quarter, or a theme_uid.

    Raises:
        ConfigError: It is neither, or there is no such theme.
        SourceError: No quarter is linked, or a file is missing.
    """
    entries = linked_entries(lake, _published(lake))
    if not entries:
        raise SourceError(f"no quarter is linked in {lake.root}; run `ftm lineage QUARTER... --root {lake.root}` first")
    lineage = read_rows(lake, "lineage", entries)
    uid = _uid_of(theme, lineage, lake)
    attention = [row for row in read_rows(lake, "attention", entries) if row["theme_uid"] == uid]
    own = [row for row in lineage if row["theme_uid"] == uid]
    return ThemeLife(
        theme_uid=uid,
        quarters=tuple(
            _quarter(lake, row, _attention_of(lake, row, attention), _related(lineage, uid, row["quarter"]))
            for row in own
            if row["theme_id"] is not None
        ),
        ends=tuple((row["quarter"], row["edge"], row["parent_uid"]) for row in own if row["theme_id"] is None),
    )


def _attention_of(lake: Lake, row: Mapping[str, Any], attention: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """What the table attention says of a theme in the quarter of a row of lineage."""
    of_quarter = ((one["theme_uid"], one) for one in attention if one["quarter"] == row["quarter"])
    return PublishedRows(lake, row["quarter"], "attention", of_quarter)[row["theme_uid"]]


def _published(lake: Lake) -> dict[str, str]:
    """The run of each published quarter."""
    runs = {quarter: published_run_id(lake, quarter) for quarter in quarters_there(lake)}
    return {quarter: run_id for quarter, run_id in runs.items() if run_id is not None}


def _uid_of(theme: str, lineage: Sequence[Mapping[str, Any]], lake: Lake) -> str:
    if not THEME_ID.match(theme) and not THEME_UID.match(theme):
        raise ConfigError(
            f"'{theme}' is no theme; write a theme_id such as 2023Q1-0003, or its uid such as U2023Q1-0003"
        )
    found = [row["theme_uid"] for row in lineage if theme in (row["theme_id"], row["theme_uid"])]
    if not found:
        raise ConfigError(f"there is no theme {theme} in the quarters that are linked in {lake.root}")
    return str(found[0])


def _related(lineage: Sequence[Mapping[str, Any]], uid: str, quarter: str) -> dict[str, tuple[str, ...]]:
    """Themes that split off from a theme in a quarter, and those that ended in it."""
    rows = [row for row in lineage if row["quarter"] == quarter and row["parent_uid"] == uid]
    kinds = {"split_into": (Edge.SPLIT, Edge.REVIVED), "absorbed": (Edge.ABSORB,)}
    return {name: tuple(row["theme_uid"] for row in rows if row["edge"] in edges) for name, edges in kinds.items()}


def _quarter(
    lake: Lake, row: Mapping[str, Any], attention: Mapping[str, Any], related: Mapping[str, tuple[str, ...]]
) -> LifeQuarter:
    quarter = row["quarter"]
    columns = ["theme_id", "label", "n_firms", "top_firms", "exemplar_topic_ids"]
    themes = read_columns(lake, "themes", quarter, columns).to_pylist()
    theme = PublishedRows(lake, quarter, "themes", ((theme["theme_id"], theme) for theme in themes))[row["theme_id"]]
    names = read_firm_names(lake, quarter)
    return LifeQuarter(
        **{name: row[name] for name in ("quarter", "theme_id", "naming", "edge", "parent_uid")},
        **{name: row[name] for name in ("cosine", "flow_in", "flow_out", "margin")},
        **{name: attention[name] for name in ("firm_share", "change", "surprise")},
        split_into=related["split_into"],
        absorbed=related["absorbed"],
        label=row["theme_label"] or theme["label"],
        quarter_label=theme["label"],
        n_firms=theme["n_firms"],
        top_firms=tuple(names[firm_id] for firm_id in theme["top_firms"]),
        sentences=_sentences(lake, quarter, theme["exemplar_topic_ids"], names),
    )


def _sentences(
    lake: Lake, quarter: str, exemplars: Sequence[str], names: Mapping[str, FirmName]
) -> tuple[SpokenSentence, ...]:
    """The most central sentence of each of the most central topics."""
    keys = exemplar_keys(lake, quarter, exemplars[:_SENTENCES])
    topics = read_topics(lake, quarter, keys, ["exemplar_ids"])
    wanted = [topics[key]["exemplar_ids"][0] for key in keys if topics[key]["exemplar_ids"]]
    found = read_sentences(lake, quarter, names, {firm_id for firm_id, _ in keys}, set(wanted))
    return tuple(found[sentence_id] for sentence_id in wanted)
