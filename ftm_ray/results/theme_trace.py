"""One theme followed to its topics, and to the sentences that were spoken."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from ftm_ray.errors import ConfigError
from ftm_ray.lake.published_rows import read_columns
from ftm_ray.lake.runs import published_record
from ftm_ray.lake.storage import Lake
from ftm_ray.results.published import (
    THEME_ID,
    FirmName,
    SpokenSentence,
    read_firm_names,
    read_sentences,
    read_topics,
)
from ftm_ray.results.theme_list import ThemeLine, read_theme_rows, theme_lines


@dataclass(frozen=True, slots=True)
class TopicTrace:
    """One topic of a theme; `sentences` most telling first, and perhaps not all of its `n_sentences`."""

    firm: FirmName
    topic_id: int
    label: str
    representation: str
    similarity: float
    n_sentences: int
    sentences: tuple[SpokenSentence, ...]


@dataclass(frozen=True, slots=True)
class ThemeTrace:
    """A theme with its topics, those nearest to its centre first."""

    theme: ThemeLine
    topics: tuple[TopicTrace, ...]


def trace_theme(lake: Lake, theme_id: str, max_sentences: int | None) -> ThemeTrace:
    """Follow a theme to its topics and their sentences.

    Args:
        lake: Where the quarter is published.
        theme_id: Such as 2023Q1-0003.
        max_sentences: Sentences per topic, most telling first; None = all.

    Raises:
        ConfigError: That is no theme id, or the quarter has no such theme.
        SourceError: Nothing is published, or a file is missing.
    """
    match = THEME_ID.match(theme_id)
    if match is None:
        raise ConfigError(f"'{theme_id}' is no theme id; write quarter and number, such as 2023Q1-0003")
    quarter = match[1]
    published_record(lake, quarter)
    themes = read_theme_rows(lake, quarter)
    chosen = [theme for theme in themes if theme["theme_id"] == theme_id]
    if not chosen:
        raise ConfigError(f"{quarter} has no theme {theme_id}; {_what_themes(themes)}")
    members = read_columns(lake, "theme_topics", quarter, ["theme_id", "firm_id", "topic_id", "similarity"])
    members = members.filter(pc.equal(members["theme_id"], theme_id))
    [line] = theme_lines(lake, quarter, chosen)
    return ThemeTrace(line, _topic_traces(lake, quarter, members, max_sentences))


def _topic_traces(lake: Lake, quarter: str, members: pa.Table, max_sentences: int | None) -> tuple[TopicTrace, ...]:
    names = read_firm_names(lake, quarter)
    rows = members.to_pylist()
    keys = [(row["firm_id"], row["topic_id"]) for row in rows]
    topics = read_topics(
        lake, quarter, keys, ["label", "representation", "n_sentences", "exemplar_ids", "sentence_ids"]
    )
    shown = {key: _most_telling(topics[key])[:max_sentences] for key in keys}
    wanted = {sentence_id for ids in shown.values() for sentence_id in ids}
    sentences = read_sentences(lake, quarter, names, {firm_id for firm_id, _ in keys}, wanted)
    rows.sort(key=lambda row: (-row["similarity"], row["firm_id"], row["topic_id"]))
    return tuple(
        TopicTrace(
            firm=names[row["firm_id"]],
            topic_id=row["topic_id"],
            similarity=row["similarity"],
            **{name: topics[key][name] for name in ("label", "representation", "n_sentences")},
            sentences=tuple(sentences[sentence_id] for sentence_id in shown[key]),
        )
        for row in rows
        for key in [(row["firm_id"], row["topic_id"])]
    )


def _most_telling(topic: Mapping[str, Any]) -> list[str]:
    """Representative sentences first, then the others in the order they were spoken."""
    return list(dict.fromkeys([*topic["exemplar_ids"], *topic["sentence_ids"]]))


def _what_themes(themes: Sequence[Mapping[str, Any]]) -> str:
    ids = [theme["theme_id"] for theme in themes]
    return f"it has {ids[0]} to {ids[-1]}" if ids else "the run found no theme (`ftm status` says more)"
