"""What was found, as a person or a script asks for it: the list of themes, and one theme followed to its sentences.

Reads published tables only, and only the columns and files that the question needs: sentences lie in one file per
batch of firms, and a file is opened no further than its firm ids unless a wanted firm is in it.
"""

import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from ftm_ray.errors import ConfigError, SourceError
from ftm_ray.lake.runs import published_run_id
from ftm_ray.lake.storage import Lake, check_quarter

THEME_ID = re.compile(r"^(\d{4}Q[1-4])-\d{4,}$")

TopicKey = tuple[str, int]  # firm_id, topic_id


@dataclass(frozen=True, slots=True)
class FirmName:
    """A firm by id, and by name where the source has one."""

    firm_id: str
    firm_name: str | None
    permno: int | None


@dataclass(frozen=True, slots=True)
class SpokenSentence:
    """A sentence with who said it, and when."""

    sentence_id: str
    firm: FirmName
    transcript_id: str
    call_date: date
    position: int
    speaker_name: str | None
    speaker_type: str | None
    section: str | None
    text: str


@dataclass(frozen=True, slots=True)
class ThemeLine:
    """One theme as the listing shows it; `example` is a representative sentence of one of its central topics."""

    theme_id: str
    label: str
    description: str
    summary_source: str
    keywords: tuple[str, ...]
    n_firms: int
    n_topics: int
    n_sentences: int
    top_firms: tuple[FirmName, ...]
    example: SpokenSentence | None


@dataclass(frozen=True, slots=True)
class ThemeList:
    """The largest of the `n_themes` themes of a quarter, largest first."""

    quarter: str
    n_themes: int
    themes: tuple[ThemeLine, ...]


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


def published_record(lake: Lake, quarter: str) -> dict[str, Any]:
    """The record (run.json) of the run that the published tables come from.

    Raises:
        SourceError: Nothing is published, or its publication was not finished.
    """
    run_id = published_run_id(lake, check_quarter(quarter))
    command = f"`ftm run {quarter} --root {shlex.quote(lake.root)}`"
    if run_id is None:
        raise SourceError(f"nothing of {quarter} is published in {lake.root}; run {command} first")
    path = lake.run_file(quarter, run_id)
    if not lake.exists(path):
        raise SourceError(
            f"the publication of {quarter} in {lake.root} is not finished: {path} is not there; {command} finishes it"
        )
    return lake.read_json(path)


def list_themes(lake: Lake, quarter: str, top: int) -> ThemeList:
    """The `top` largest themes of a quarter.

    Raises:
        SourceError: Nothing is published, or a file is missing.
    """
    published_record(lake, quarter)
    themes = _table(lake, "themes", quarter, _THEME_COLUMNS)
    return ThemeList(quarter, themes.num_rows, tuple(_theme_lines(lake, quarter, themes.slice(0, top).to_pylist())))


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
    themes = _table(lake, "themes", quarter, _THEME_COLUMNS)
    chosen = themes.filter(pc.equal(themes["theme_id"], theme_id))
    if chosen.num_rows == 0:
        raise ConfigError(f"{quarter} has no theme {theme_id}; {_what_themes(themes)}")
    members = _table(lake, "theme_topics", quarter, ["theme_id", "firm_id", "topic_id", "similarity"])
    members = members.filter(pc.equal(members["theme_id"], theme_id))
    [line] = _theme_lines(lake, quarter, chosen.to_pylist())
    return ThemeTrace(line, _topic_traces(lake, quarter, members, max_sentences))


_THEME_COLUMNS = [
    *("theme_id", "label", "description", "summary_source", "keywords"),
    *("n_firms", "n_topics", "n_sentences", "top_firms", "exemplar_topic_ids"),
]


def _theme_lines(lake: Lake, quarter: str, themes: Sequence[Mapping[str, Any]]) -> list[ThemeLine]:
    names = _firm_names(lake, quarter)
    central = {theme["theme_id"]: [_topic_key(text) for text in theme["exemplar_topic_ids"][:3]] for theme in themes}
    keys = {key for keys in central.values() for key in keys}
    topics = _topics(lake, quarter, keys, ["exemplar_ids"])
    candidates = {
        theme_id: [sentence_id for key in keys if key in topics for sentence_id in topics[key]["exemplar_ids"][:3]]
        for theme_id, keys in central.items()
    }
    wanted = {sentence_id for ids in candidates.values() for sentence_id in ids}
    said = _sentences(lake, quarter, names, {firm_id for firm_id, _ in keys}, wanted)
    return [
        ThemeLine(
            **{name: theme[name] for name in _THEME_COLUMNS[:4]},
            **{name: theme[name] for name in ("n_firms", "n_topics", "n_sentences")},
            keywords=tuple(theme["keywords"]),
            top_firms=tuple(names[firm_id] for firm_id in theme["top_firms"]),
            example=_example(theme["keywords"], [said[i] for i in candidates[theme["theme_id"]] if i in said]),
        )
        for theme in themes
    ]


def _example(keywords: Sequence[str], sentences: Sequence[SpokenSentence]) -> SpokenSentence | None:
    """The sentence that holds most of the theme's first keywords; the most central one where several do.

    Keywords are lemmas, so their beginnings are looked for: 'battery' is not in 'batteries', but 'batter' is.
    """
    stems = [word[: max(4, len(word) - 2)].lower() for keyword in keywords[:5] for word in keyword.split()]

    def n_held(sentence: SpokenSentence) -> int:
        words = re.findall(r"\w+", sentence.text.lower())
        return sum(any(word.startswith(stem) for word in words) for stem in dict.fromkeys(stems))

    return max(sentences, key=n_held, default=None)  # max keeps the first of equals


def _topic_traces(lake: Lake, quarter: str, members: pa.Table, max_sentences: int | None) -> tuple[TopicTrace, ...]:
    names = _firm_names(lake, quarter)
    rows = members.to_pylist()
    keys = [(row["firm_id"], row["topic_id"]) for row in rows]
    topics = _topics(lake, quarter, keys, ["label", "representation", "n_sentences", "exemplar_ids", "sentence_ids"])
    shown = {key: _most_telling(topics[key])[:max_sentences] for key in keys}
    wanted = {sentence_id for ids in shown.values() for sentence_id in ids}
    said = _sentences(lake, quarter, names, {firm_id for firm_id, _ in keys}, wanted)
    rows.sort(key=lambda row: (-row["similarity"], row["firm_id"], row["topic_id"]))
    return tuple(
        TopicTrace(
            firm=names[row["firm_id"]],
            topic_id=row["topic_id"],
            similarity=row["similarity"],
            **{name: topics[key][name] for name in ("label", "representation", "n_sentences")},
            sentences=tuple(said[sentence_id] for sentence_id in shown[key] if sentence_id in said),
        )
        for row in rows
        for key in [(row["firm_id"], row["topic_id"])]
    )


def _most_telling(topic: Mapping[str, Any]) -> list[str]:
    """Representative sentences first, then the others in the order they were spoken."""
    return list(dict.fromkeys([*topic["exemplar_ids"], *topic["sentence_ids"]]))


def _topics(
    lake: Lake, quarter: str, keys: Iterable[TopicKey], columns: Sequence[str]
) -> dict[TopicKey, dict[str, Any]]:
    """Some topics of some firms."""
    wanted = set(keys)
    table = _table(lake, "topics", quarter, ["firm_id", "topic_id", *columns])
    table = table.filter(pc.is_in(table["firm_id"], pa.array({firm_id for firm_id, _ in wanted}, pa.string())))
    rows = {(row["firm_id"], row["topic_id"]): row for row in table.to_pylist()}
    return {key: rows[key] for key in wanted if key in rows}


def _sentences(
    lake: Lake, quarter: str, names: Mapping[str, FirmName], firm_ids: set[str], wanted: set[str]
) -> dict[str, SpokenSentence]:
    """The wanted sentences by id, file by file; files without one of the firms are not read."""
    columns = ["sentence_id", "firm_id", "transcript_id", "call_date", "position"]
    columns += ["speaker_name", "speaker_type", "section", "raw_text"]
    folder = lake.table_dir("sentences", quarter)
    found: dict[str, SpokenSentence] = {}
    for name in lake.list_files(folder):
        if len(found) == len(wanted):
            break
        held = lake.read_table(f"{folder}/{name}", ["firm_id"])["firm_id"].unique().to_pylist()
        if firm_ids.isdisjoint(held):
            continue
        table = lake.read_table(f"{folder}/{name}", columns)
        for row in table.filter(pc.is_in(table["sentence_id"], pa.array(wanted, pa.string()))).to_pylist():
            firm, text = names[row.pop("firm_id")], row.pop("raw_text")
            found[row["sentence_id"]] = SpokenSentence(firm=firm, text=text, **row)
    return found


def _firm_names(lake: Lake, quarter: str) -> dict[str, FirmName]:
    rows = _table(lake, "firms", quarter, ["firm_id", "firm_name", "permno"]).to_pylist()
    return {row["firm_id"]: FirmName(**row) for row in rows}


def _table(lake: Lake, name: str, quarter: str, columns: Sequence[str]) -> pa.Table:
    return lake.read_folder(lake.table_dir(name, quarter), columns)


def _topic_key(text: str) -> TopicKey:
    """'firm_id/topic_id' as a key; a firm id may itself hold a slash."""
    firm_id, _, topic_id = text.rpartition("/")
    return firm_id, int(topic_id)


def _what_themes(themes: pa.Table) -> str:
    ids = themes["theme_id"].to_pylist()
    return f"it has {ids[0]} to {ids[-1]}" if ids else "the run found no theme (`ftm status` says more)"
