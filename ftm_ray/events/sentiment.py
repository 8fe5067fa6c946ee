"""Sentiment of a theme in a call, as `GIVEN_SENTIMENT` has it: speaker groups come together here, equally weighted."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from ftm_ray.errors import SourceError
from ftm_ray.events.stock_files import numbers_of, read_some_columns
from ftm_ray.schemas.events import GIVEN_SENTIMENT


@dataclass(frozen=True, slots=True)
class Tone:
    """Mean score of a theme's sentences in a call, -1 to 1, and from when on it could be known."""

    score: float
    knowledge_time: datetime | None


def read_sentiment(path: Path) -> dict[tuple[str, str, str], Tone]:
    """Tones by (theme_uid or theme_id, firm_id, transcript_id): the mean over sentences of all speaker groups.

    Args:
        path: Parquet or CSV with the columns of `GIVEN_SENTIMENT`; those that may be null may be missing.

    Raises:
        SourceError: A column is missing, or a score is no number from -1 to 1.
    """
    table = read_some_columns(path, GIVEN_SENTIMENT.names)
    needed = {field.name for field in GIVEN_SENTIMENT if not field.nullable}
    if missing := sorted(needed - set(table.column_names)):
        raise SourceError(f"{path} lacks {', '.join(missing)}; docs/event-study.md describes the table of sentiment")
    scores, counts = numbers_of(table["score"]), numbers_of(table["n_sentences"])
    if not ((np.abs(scores) <= 1) & (counts > 0)).all():
        raise SourceError(f"{path}: every row needs a score from -1 to 1 and n_sentences over 0")
    summed: dict[tuple[str, str, str], list[float]] = {}
    known: dict[tuple[str, str, str], datetime | None] = {}
    for row, score, count in zip(table.to_pylist(), scores.tolist(), counts.tolist(), strict=True):
        key = (row.get("theme_uid") or row["theme_id"], str(row["firm_id"]), str(row["transcript_id"]))
        total = summed.setdefault(key, [0.0, 0.0])
        total[0] += score * count
        total[1] += count
        moments = [moment for moment in (known.get(key), _moment(row.get("knowledge_time"))) if moment]
        known[key] = max(moments, default=None)
    return {key: Tone(total / count, known[key]) for key, (total, count) in summed.items()}


def _moment(value: datetime | str | None) -> datetime | None:
    """A time as UTC; text as ISO 8601."""
    if not value:
        return None
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
