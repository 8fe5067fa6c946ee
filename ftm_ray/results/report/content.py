"""What a page holds of its quarters: topics, themes, firms and what was said, read from the published tables.

Nothing is computed here that a table does not say, and everything keeps the order in which it was published, so that
the same tables give the same page.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from ftm_ray.lake.published_rows import PublishedRows, read_columns, read_file_columns
from ftm_ray.lake.runs import published_record
from ftm_ray.lake.storage import Lake
from ftm_ray.results.lineage_files import linked_entries, read_rows
from ftm_ray.results.published import (
    FirmName,
    TopicKey,
    exemplar_keys,
    quarters_there,
    read_firm_names,
    topic_keys,
)
from ftm_ray.vectors.unit_vectors import Vectors, vectors_of

_TOPIC_COLUMNS = [
    *("firm_id", "topic_id", "label", "representation", "keywords", "summary_source"),
    *("n_sentences", "exemplar_ids", "support", "embedding"),
]
_THEME_COLUMNS = [
    *("theme_id", "label", "description", "keywords", "n_firms", "n_topics", "n_sentences", "top_firms", "cohesion"),
    *("exemplar_topic_ids", "summary_source", "support", "unsupported"),
    *("kind", "stability", "stability_seeds", "stability_firms", "group_label"),
]


@dataclass(frozen=True, slots=True)
class PageQuarter:
    """One quarter as it was published.

    Attributes:
        quarter: Such as 2023Q1.
        record: Its run.json.
        firms: All firms of the quarter by id.
        topics: One row per topic, in the order of the published table.
        vectors: (n_topics, dim) float32, unit L2 norm: the topics' vectors.
        themes: Rows of the table, largest first, with `theme_uid`, `edge`, `parent_uid`, `theme_label`, `firm_share`,
            `change` and `surprise` where the quarter is linked; null where it is not.
        members: Rows of `theme_topics`.
        ends: Themes of before that ended in this quarter: rows of `lineage` without a theme.
    """

    quarter: str
    record: dict[str, Any]
    firms: PublishedRows[str, FirmName]
    topics: pa.Table
    vectors: Vectors
    themes: list[dict[str, Any]]
    members: pa.Table
    ends: list[dict[str, Any]]

    def topic_keys(self) -> list[TopicKey]:
        """The keys of all topics, in their order."""
        return topic_keys(self.topics)


def published_quarters(lake: Lake, first: str, last: str) -> list[str]:
    """The first and the last quarter, and all between them that are published, in the order of time."""
    between = {quarter for quarter in quarters_there(lake) if first < quarter < last}
    return sorted(between | {first, last})


def read_quarters(lake: Lake, quarters: Sequence[str]) -> list[PageQuarter]:
    """Read what a page shows of some quarters.

    Args:
        lake: Where they are published.
        quarters: In the order of time.

    Raises:
        SourceError: One of them is not published, or a file is missing.
    """
    records = {quarter: published_record(lake, quarter) for quarter in quarters}
    entries = linked_entries(lake, {quarter: record["run_id"] for quarter, record in records.items()})
    lineage = read_rows(lake, "lineage", entries)
    attention = read_rows(lake, "attention", entries)
    return [
        _read_quarter(lake, records[quarter], _of(lineage, quarter), _of(attention, quarter)) for quarter in quarters
    ]


def _of(rows: Sequence[dict[str, Any]], quarter: str) -> list[dict[str, Any]]:
    return [row for row in rows if row["quarter"] == quarter]


def _read_quarter(
    lake: Lake, record: dict[str, Any], lineage: Sequence[dict[str, Any]], attention: Sequence[dict[str, Any]]
) -> PageQuarter:
    quarter = record["quarter"]
    topics = read_columns(lake, "topics", quarter, _TOPIC_COLUMNS)
    for name in set(_TOPIC_COLUMNS) - set(topics.column_names):  # earlier versions did not have `support`
        topics = topics.append_column(name, pa.nulls(topics.num_rows, pa.float64()))
    themes = read_columns(lake, "themes", quarter, _THEME_COLUMNS).to_pylist()
    found = PageQuarter(
        quarter=quarter,
        record=record,
        firms=read_firm_names(lake, quarter),
        topics=topics.drop(["embedding"]),
        vectors=vectors_of(topics["embedding"]),
        themes=_with_history(themes, lineage, attention),
        members=read_columns(lake, "theme_topics", quarter, ["theme_id", "firm_id", "topic_id", "similarity"]),
        ends=[row for row in lineage if row["theme_id"] is None],
    )
    _require_all(lake, found)
    return found


def _require_all(lake: Lake, found: PageQuarter) -> None:
    """Refuse a quarter whose tables name what others do not have; the page only numbers what is there."""
    topics = PublishedRows(lake, found.quarter, "topics", ((key, None) for key in found.topic_keys()))
    themes = PublishedRows(lake, found.quarter, "themes", ((theme["theme_id"], None) for theme in found.themes))
    topics.require(topic_keys(found.members))
    themes.require(found.members["theme_id"].unique().to_pylist())
    found.firms.require(found.topics["firm_id"].unique().to_pylist())
    for theme in found.themes:
        found.firms.require(theme["top_firms"])
        topics.require(exemplar_keys(lake, found.quarter, theme["exemplar_topic_ids"]))


def _with_history(
    themes: Sequence[dict[str, Any]], lineage: Sequence[dict[str, Any]], attention: Sequence[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Themes with every column that the page knows, null where a table does not say it."""
    edges = {row["theme_id"]: row for row in lineage if row["theme_id"] is not None}
    shares = {row["theme_id"]: row for row in attention}
    found = []
    for theme in themes:
        edge, share = edges.get(theme["theme_id"], {}), shares.get(theme["theme_id"], {})
        history = {name: edge.get(name) for name in ("theme_uid", "edge", "parent_uid", "theme_label")}
        history |= {name: share.get(name) for name in ("firm_share", "change", "surprise")}
        found.append(dict.fromkeys(_THEME_COLUMNS) | theme | history)
    return found


#: What the page shows of a sentence: its words, who said them, when, in which part of the call, and its id.
Spoken = tuple[str, str | None, str | None, str, str | None, str]


def read_spoken(lake: Lake, page_quarter: PageQuarter, n_exemplars: int) -> list[list[Spoken]]:
    """The most telling sentences of each topic, at most `n_exemplars`, most telling first.

    Sentences lie in one file per batch of firms; each is read once, and only what is wanted of it is kept.
    """
    exemplars = [ids[:n_exemplars] for ids in page_quarter.topics["exemplar_ids"].to_pylist()]
    found = _sentences_by_id(lake, page_quarter, exemplars)
    return [[found[sentence_id] for sentence_id in ids] for ids in exemplars]


def _sentences_by_id(lake: Lake, page_quarter: PageQuarter, exemplars: Sequence[Sequence[str]]) -> Mapping[str, Spoken]:
    wanted = {sentence_id for ids in exemplars for sentence_id in ids}
    columns = ["raw_text", "speaker_name", "speaker_type", "call_date", "section", "sentence_id"]
    folder = lake.table_dir("sentences", page_quarter.quarter)
    found = PublishedRows[str, Spoken](lake, page_quarter.quarter, "sentences", ())
    for name in lake.list_files(folder) if wanted else ():
        table = read_file_columns(lake, "sentences", page_quarter.quarter, f"{folder}/{name}", columns)
        held = np.array([sentence_id in wanted for sentence_id in table["sentence_id"].to_pylist()], dtype=bool)
        for text, speaker, kind, day, section, sentence_id in _rows(table.filter(pa.array(held)), columns):
            found[sentence_id] = (text, speaker, kind, day.isoformat(), section, sentence_id)
    return found


def _rows(table: pa.Table, columns: Sequence[str]) -> list[tuple[Any, ...]]:
    return list(zip(*(table[name].to_pylist() for name in columns), strict=True))
