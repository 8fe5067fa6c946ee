"""The list of themes: the largest of a quarter, each with its firms and a sentence that stands for it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ftm_ray.lake.storage import Lake
from ftm_ray.results.published import (
    FirmName,
    SpokenSentence,
    TopicKey,
    published_record,
    read_columns,
    read_firm_names,
    read_sentences,
    read_topics,
)

THEME_COLUMNS = [
    *("theme_id", "label", "description", "summary_source", "keywords"),
    *("n_firms", "n_topics", "n_sentences", "top_firms", "exemplar_topic_ids"),
]


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


def list_themes(lake: Lake, quarter: str, top: int) -> ThemeList:
    """The `top` largest themes of a quarter.

    Raises:
        SourceError: Nothing is published, or a file is missing.
    """
    published_record(lake, quarter)
    themes = read_columns(lake, "themes", quarter, THEME_COLUMNS)
    return ThemeList(quarter, themes.num_rows, tuple(theme_lines(lake, quarter, themes.slice(0, top).to_pylist())))


def theme_lines(lake: Lake, quarter: str, themes: Sequence[Mapping[str, Any]]) -> list[ThemeLine]:
    """Themes as the listing shows them.

    Args:
        lake: Where the quarter is published.
        quarter: Such as 2023Q1.
        themes: Rows of table themes with THEME_COLUMNS.
    """
    names = read_firm_names(lake, quarter)
    central = {theme["theme_id"]: [_topic_key(text) for text in theme["exemplar_topic_ids"][:3]] for theme in themes}
    keys = {key for keys in central.values() for key in keys}
    topics = read_topics(lake, quarter, keys, ["exemplar_ids"])
    candidates = {
        theme_id: [sentence_id for key in keys if key in topics for sentence_id in topics[key]["exemplar_ids"][:3]]
        for theme_id, keys in central.items()
    }
    wanted = {sentence_id for ids in candidates.values() for sentence_id in ids}
    sentences = read_sentences(lake, quarter, names, {firm_id for firm_id, _ in keys}, wanted)
    return [
        ThemeLine(
            **{name: theme[name] for name in THEME_COLUMNS[:4]},
            **{name: theme[name] for name in ("n_firms", "n_topics", "n_sentences")},
            keywords=tuple(theme["keywords"]),
            top_firms=tuple(names[firm_id] for firm_id in theme["top_firms"]),
            example=_example(
                theme["keywords"], [sentences[i] for i in candidates[theme["theme_id"]] if i in sentences]
            ),
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


def _topic_key(text: str) -> TopicKey:
    """'firm_id/topic_id' as a key; a firm id may itself hold a slash."""
    firm_id, _, topic_id = text.rpartition("/")
    return firm_id, int(topic_id)
