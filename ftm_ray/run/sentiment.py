"""The sentiment-ready table: one row per (theme, firm, topic, call), so that every row has one stock and one date."""

from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from ftm_ray.schemas.columns import OUTLIER_TOPIC_ID
from ftm_ray.schemas.sentiment import SENTIMENT_READY


class SentimentRows:
    """Makes the rows of one batch of firms after the other out of its published sentences.

    Args:
        tables: The published tables firms, topics, themes and theme_topics of the quarter, by name.
        call_times: Time of the calls whose time is known, by firm_id and transcript_id.
    """

    def __init__(self, tables: dict[str, pa.Table], call_times: Mapping[tuple[str, str], str] | None = None) -> None:
        self._call_times = call_times or {}
        themes, members = tables["themes"], tables["theme_topics"]
        self._firms = {firm["firm_id"]: firm for firm in tables["firms"].to_pylist()}
        self._themes = {theme["theme_id"]: theme for theme in themes.drop(["embedding"]).to_pylist()}
        self._theme_of = _by_topic(members, "theme_id")
        self._is_near = _by_topic(members, "is_near")
        self._summaries = _by_topic(tables["topics"], "representation")

    def of_batch(self, sentences: pa.Table) -> pa.Table:
        """The rows of some firms, in the order of firm, topic and call.

        Args:
            sentences: All published sentences of these firms.
        """
        rows = []
        for (firm_id, topic_id, transcript_id), spoken in _by_topic_and_call(sentences):
            theme_id = self._theme_of.get((firm_id, topic_id))
            firm = self._firms[firm_id]
            if theme_id is None or firm["permno"] is None:
                continue
            summary = self._summaries[firm_id, topic_id]
            rows.append(
                _sentiment_row(self._themes[theme_id], firm, spoken)
                | {"topic_id": topic_id, "transcript_id": transcript_id, "topic_summary": summary}
                | {"earnings_call_time": self._call_times.get((firm_id, transcript_id))}
                | {"is_near": self._is_near[firm_id, topic_id]}
            )
        return pa.Table.from_pylist(rows, schema=SENTIMENT_READY)


def _by_topic(table: pa.Table, column: str) -> dict[tuple[str, int], Any]:
    """A column of a table of topics, by firm and topic."""
    names = ("firm_id", "topic_id", column)
    rows = zip(*(table[name].to_pylist() for name in names), strict=True)
    return {(firm_id, topic_id): value for firm_id, topic_id, value in rows}


def _sentiment_row(theme: dict[str, Any], firm: dict[str, Any], spoken: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "theme_id": theme["theme_id"],
        "theme_name": theme["label"],
        "theme_description": theme["description"],
        "theme_keywords": theme["keywords"],
        "firm_id": firm["firm_id"],
        "firm_name": firm["firm_name"],
        "permno": firm["permno"],
        "gvkey": firm["gvkey"],
        "earnings_call_date": spoken[0]["call_date"],
        "link_date": firm["link_date"],
        "sentences": [
            {
                "sentence_id": sentence["sentence_id"],
                "text": sentence["raw_text"],
                "speaker_type": sentence["speaker_type"],
                "position": sentence["position"],
            }
            for sentence in spoken
        ],
        "n_sentences": len(spoken),
        "quarter": firm["quarter"],
    }


def _by_topic_and_call(sentences: pa.Table) -> Iterator[tuple[tuple[str, int, str], list[dict[str, Any]]]]:
    """Sentences in topics, grouped by (firm, topic, call) and ordered by them."""
    in_topic = pc.fill_null(pc.greater(sentences["topic_id"], OUTLIER_TOPIC_ID), False)
    groups: dict[tuple[str, int, str], list[dict[str, Any]]] = {}
    for sentence in sentences.filter(in_topic).drop(["cleaned_text"]).to_pylist():
        key = (sentence["firm_id"], sentence["topic_id"], sentence["transcript_id"])
        groups.setdefault(key, []).append(sentence)
    yield from sorted(groups.items(), key=lambda item: item[0])
