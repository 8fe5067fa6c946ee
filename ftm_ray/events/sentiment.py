"""Sentiment of a theme in a call, from the table that `ftm sentiment` publishes or a file like it.

Speaker groups come together here: every sentence counts the same, or each group by a weight that the user gives.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from ftm_ray.errors import SourceError
from ftm_ray.events.stock_files import numbers_of, read_some_columns
from ftm_ray.schemas.events import GIVEN_SENTIMENT

#: What a tone can be measured by: the column of the score, and the one that says over how much it is a mean.
MEASURES = {"model": ("score", "n_sentences"), "words": ("lm_score", "n_words")}

Key = tuple[str, str, str]  # theme_uid or theme_id, firm_id, transcript_id


@dataclass(frozen=True, slots=True)
class Tone:
    """Mean score of a theme's sentences in a call, -1 to 1, and from when on it could be known."""

    score: float
    knowledge_time: datetime | None


@dataclass(frozen=True, slots=True)
class ToneSettings:
    """How a tone is measured.

    Attributes:
        measure: model (p_pos - p_neg) or words (of a word list).
        speaker_weights: Weight of each speaker group's mean, those not named count nothing; None = no groups, every
            sentence (or word) counts the same.
    """

    measure: str = "model"
    speaker_weights: Mapping[str, float] | None = None


def read_sentiment(path: Path, settings: ToneSettings = ToneSettings()) -> dict[Key, Tone]:
    """Tones of a file.

    Args:
        path: Parquet or CSV with the columns of `GIVEN_SENTIMENT`; those that may be null may be missing.
        settings: How a tone is measured.

    Raises:
        SourceError: A column is missing, or a score is no number from -1 to 1.
    """
    return tones_of(read_some_columns(path, GIVEN_SENTIMENT.names), settings, str(path))


def tones_of(table: pa.Table, settings: ToneSettings, where: str) -> dict[Key, Tone]:
    """Tones by (theme_uid or theme_id, firm_id, transcript_id).

    Args:
        table: With columns of `GIVEN_SENTIMENT`.
        settings: How a tone is measured.
        where: What the table is called in messages.

    Raises:
        SourceError: A column is missing or empty in a row, or a score is no number from -1 to 1.
    """
    for name in sorted({"theme_id", "firm_id", "transcript_id"} & set(table.column_names)):
        if table[name].null_count:
            raise SourceError(f"{where}: {table[name].null_count} rows have no {name}")
    groups: dict[Key, dict[str, list[float]]] = {}
    known: dict[Key, datetime | None] = {}
    for row, score, count in _measured_rows(table, settings, where):
        key = (str(row.get("theme_uid") or row["theme_id"]), str(row["firm_id"]), str(row["transcript_id"]))
        total = groups.setdefault(key, {}).setdefault(str(row.get("speaker_group")), [0.0, 0.0])
        total[0] += score * count
        total[1] += count
        moments = [moment for moment in (known.get(key), _moment(row.get("knowledge_time"))) if moment]
        known[key] = max(moments, default=None)
    scored = {key: _together(of_groups, settings.speaker_weights) for key, of_groups in groups.items()}
    return {key: Tone(score, known[key]) for key, score in scored.items() if score is not None}


def _measured_rows(
    table: pa.Table, settings: ToneSettings, where: str
) -> Iterator[tuple[dict[str, Any], float, float]]:
    """Rows with their score and over how much it is a mean; rows whose words no list counted are passed by."""
    score_column, count_column = MEASURES[settings.measure]
    needed = {"theme_id", "firm_id", "transcript_id", score_column, count_column}
    needed |= {"speaker_group"} if settings.speaker_weights else set()
    if missing := sorted(needed - set(table.column_names)):
        raise SourceError(f"{where} lacks {', '.join(missing)}; docs/event-study.md describes the table of sentiment")
    scores, counts = numbers_of(table[score_column]), numbers_of(table[count_column])
    is_there = np.ones(len(scores), dtype=bool) if settings.measure == "model" else np.isfinite(scores) & (counts > 0)
    if not ((np.abs(scores) <= 1) & (counts > 0))[is_there].all():
        raise SourceError(f"{where}: every row needs a {score_column} from -1 to 1 and {count_column} over 0")
    try:
        rows = table.to_pylist()
    except (ValueError, OverflowError) as error:
        raise SourceError(f"{where}: a time is out of range: {error}") from error
    yield from ((rows[n], float(scores[n]), float(counts[n])) for n in np.flatnonzero(is_there))


def _together(groups: Mapping[str, list[float]], weights: Mapping[str, float] | None) -> float | None:
    """The mean over sentences, or the weighted mean of the groups' means; None where no group has a weight."""
    if not weights:
        return math.fsum(total for total, _ in groups.values()) / math.fsum(count for _, count in groups.values())
    weighed = [(weights.get(name, 0.0), total / count) for name, (total, count) in groups.items()]
    weight = math.fsum(weight for weight, _ in weighed)
    return math.fsum(weight * mean for weight, mean in weighed) / weight if weight else None


def _moment(value: datetime | date | str | None) -> datetime | None:
    """A time as UTC; text as ISO 8601; a day counts from its end on."""
    if not value:
        return None
    try:
        if isinstance(value, str):
            value = date.fromisoformat(value) if len(value.strip()) == 10 else datetime.fromisoformat(value.strip())
    except ValueError as error:
        raise SourceError(f"knowledge_time '{value}' is no time; expected 2024-02-01T16:30:00-05:00") from error
    if not isinstance(value, date):
        raise SourceError(f"knowledge_time '{value}' is no time; expected 2024-02-01T16:30:00-05:00")
    if not isinstance(value, datetime):
        if value == date.max:
            raise SourceError(f"knowledge_time {value} is the last day that there is; expected one that was")
        return datetime.combine(value + timedelta(days=1), time(), UTC)
    return value if value.tzinfo else value.replace(tzinfo=UTC)
