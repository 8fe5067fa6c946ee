"""The list of themes: subjects first, the largest of a quarter, each with its firms and a sentence that stands for it.

Talk of results and vague talk are true themes too, but every quarter has them: they come after the subjects. So do
themes that other seeds hardly find again, after the others of their kind: in short calls two in three of them say
nothing (docs/themes.md).
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ftm_ray.errors import SourceError
from ftm_ray.lake.published_rows import PublishedRows, read_columns
from ftm_ray.lake.runs import published_record
from ftm_ray.lake.storage import Lake
from ftm_ray.results.lineage_files import linked_entries, read_rows
from ftm_ray.results.published import (
    FirmName,
    SpokenSentence,
    exemplar_keys,
    read_firm_names,
    read_sentences,
    read_topics,
)
from ftm_ray.themes.kind import ThemeKind
from ftm_ray.themes.stability import StabilityClass

_THEME_COLUMNS = [
    *("theme_id", "label", "description", "summary_source", "keywords"),
    *("n_firms", "n_topics", "n_sentences", "top_firms", "exemplar_topic_ids"),
]

#: Columns that themes of earlier versions do not have.
_LATER_COLUMNS = ["kind", "stability_seeds", "stability_firms", "stability", "group_id", "group_label"]

#: What the tables over quarters say of a theme; null where its quarter is not linked.
_HISTORY_COLUMNS = ("theme_uid", "edge", "quarter_label", "naming", "firm_share", "change", "surprise")

#: A theme without a kind stands where subjects do.
_RANK = {ThemeKind.SUBJECT.value: 0, ThemeKind.RESULTS.value: 1, ThemeKind.VAGUE.value: 2}


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
    kind: str | None = None
    stability_seeds: float | None = None
    stability_firms: float | None = None
    stability: str | None = None
    group_id: str | None = None
    group_label: str | None = None
    theme_uid: str | None = None
    edge: str | None = None
    quarter_label: str | None = None
    naming: str | None = None
    firm_share: float | None = None
    change: float | None = None
    surprise: float | None = None


@dataclass(frozen=True, slots=True)
class ThemeList:
    """The first of the `n_themes` themes of a quarter.

    Attributes:
        quarter: Such as 2023Q1.
        n_themes: All of them, listed or not.
        n_of_kind: How many are of each kind; empty where no kind is known.
        themes: Those that are listed.
        by: The order inside each kind, of the unstable ones by themselves.
    """

    quarter: str
    n_themes: int
    n_of_kind: dict[str, int]
    themes: tuple[ThemeLine, ...]
    by: str = "size"


def list_themes(lake: Lake, quarter: str, top: int, by: str | None = None) -> ThemeList:
    """The first `top` themes of a quarter: subjects, then results, then vague ones; the unstable last of each kind.

    Args:
        lake: Where the quarter is published.
        quarter: Such as 2023Q1.
        top: How many are listed.
        by: Order inside each kind: 'size', largest first; 'surprise', those first whose attention grew most beyond what
            is usual; 'stability', those first that stand other seeds best. None = by surprise where a quarter before
            is known, else by size.

    Raises:
        SourceError: Nothing is published, a file is missing, or surprise is asked for and no quarter before is known.
    """
    run_id = published_record(lake, quarter)["run_id"]
    themes = _with_history(lake, read_theme_rows(lake, quarter), {quarter: run_id})
    has_past = any(theme["surprise"] is not None for theme in themes)
    if by == "surprise" and not has_past:
        raise SourceError(
            f"nothing is known of the quarter before {quarter} in {lake.root}; run it, and link both: "
            f"`ftm lineage QUARTER {quarter}`"
        )
    by = by or ("surprise" if has_past else "size")
    ordered = sorted(themes, key=lambda theme: _place(theme, by))  # equal ones stay in the order of their size
    kinds = Counter(theme["kind"] for theme in themes if theme["kind"])
    n_of_kind = {kind: kinds[kind] for kind in _RANK} if kinds else {}
    return ThemeList(quarter, len(themes), n_of_kind, tuple(theme_lines(lake, quarter, ordered[:top])), by)


def read_theme_rows(lake: Lake, quarter: str) -> list[dict[str, Any]]:
    """All themes of a quarter, largest first; null where an earlier version has no such column."""
    rows = read_columns(lake, "themes", quarter, [*_THEME_COLUMNS, *_LATER_COLUMNS]).to_pylist()
    found = ((row["theme_id"], dict.fromkeys(_LATER_COLUMNS) | row) for row in rows)  # a file may lack such a column
    return list(PublishedRows(lake, quarter, "themes", found).values())


def _with_history(lake: Lake, themes: list[dict[str, Any]], run_ids: Mapping[str, str]) -> list[dict[str, Any]]:
    """Themes with what lineage and attention say of them, null where the quarter is not linked."""
    entries = linked_entries(lake, run_ids)
    lineage = {row["theme_id"]: row for row in read_rows(lake, "lineage", entries)}
    found = {row["theme_id"]: row for row in read_rows(lake, "attention", entries)}
    linked = []
    for theme in themes:
        attention, line = found.get(theme["theme_id"], {}), lineage.get(theme["theme_id"], {})
        linked.append(
            dict.fromkeys(_HISTORY_COLUMNS)
            | theme
            | {name: value for name, value in attention.items() if name in _HISTORY_COLUMNS}
            | {"edge": line.get("edge"), "label": line.get("theme_label") or theme["label"]}
            | {"quarter_label": theme["label"], "naming": line.get("naming")}
        )
    return linked


def _place(theme: Mapping[str, Any], by: str) -> tuple[int, bool, float]:
    column = {"stability": "stability_seeds", "surprise": "surprise"}.get(by)
    value = theme[column] if column else None
    is_unstable = theme["stability"] == StabilityClass.UNSTABLE.value
    return _RANK.get(theme["kind"], 0), is_unstable, -value if value is not None else 0.0


def theme_lines(lake: Lake, quarter: str, themes: Sequence[Mapping[str, Any]]) -> list[ThemeLine]:
    """Themes as the listing shows them.

    Args:
        lake: Where the quarter is published.
        quarter: Such as 2023Q1.
        themes: Rows as `read_theme_rows` returns them.
    """
    names = read_firm_names(lake, quarter)
    central = {theme["theme_id"]: exemplar_keys(lake, quarter, theme["exemplar_topic_ids"][:3]) for theme in themes}
    keys = {key for keys in central.values() for key in keys}
    topics = read_topics(lake, quarter, keys, ["exemplar_ids"])
    candidates = {
        theme_id: [sentence_id for key in keys for sentence_id in topics[key]["exemplar_ids"][:3]]
        for theme_id, keys in central.items()
    }
    wanted = {sentence_id for ids in candidates.values() for sentence_id in ids}
    sentences = read_sentences(lake, quarter, names, {firm_id for firm_id, _ in keys}, wanted)
    shown = (*_THEME_COLUMNS[:4], "n_firms", "n_topics", "n_sentences", *_LATER_COLUMNS, *_HISTORY_COLUMNS)
    as_they_are: list[dict[str, Any]] = [{name: theme.get(name) for name in shown} for theme in themes]
    return [
        ThemeLine(
            **values,
            keywords=tuple(theme["keywords"]),
            top_firms=tuple(names[firm_id] for firm_id in theme["top_firms"]),
            example=_example(theme["keywords"], [sentences[i] for i in candidates[theme["theme_id"]]]),
        )
        for theme, values in zip(themes, as_they_are, strict=True)
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
