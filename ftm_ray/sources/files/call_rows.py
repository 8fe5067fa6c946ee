"""A row of a file becomes rows with our columns and types: one per turn where a whole call stands in a cell."""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from ftm_ray.sources.calls import quarter_of
from ftm_ray.sources.days import date_value, moment_value, time_value
from ftm_ray.sources.files.names import normal_name
from ftm_ray.sources.files.turns import Said, said_in
from ftm_ray.sources.values import gvkey_value, id_value, integer_value, name_value

ROWS = pa.schema(
    [
        ("firm_id", pa.string()),
        ("firm_name", pa.string()),
        ("ticker", pa.string()),
        ("transcript_id", pa.string()),
        ("call_date", pa.date32()),
        ("call_time", pa.string()),
        ("position", pa.int64()),
        ("speaker_name", pa.string()),
        ("speaker_type", pa.string()),
        ("section", pa.string()),
        ("text", pa.large_string()),  # one column of a big quarter can pass the 2 GB of a plain string column
        ("permno", pa.int64()),
        ("gvkey", pa.string()),
        ("link_date", pa.date32()),
        ("row", pa.int64()),
        ("part", pa.int64()),
    ]
)


def firm_and_day(raw: Mapping[str, Any], columns: Mapping[str, str], where: str) -> dict[str, Any]:
    """Who and when: what decides whether a row is read at all.

    Args:
        raw: A row with our column names and the file's values.
        columns: Our name to the file's name.
        where: File and row, for messages.

    Returns:
        firm_id, call_date and call_time, each of them null where it is not there.
    """
    day, moment = moment_value(raw.get("call_date"), where, columns["call_date"])
    if day is not None and raw.get("call_time") is not None:
        moment = time_value(raw["call_time"], day, normal_name(columns["call_time"]).endswith("utc")) or moment
    is_gvkey = normal_name(columns["firm_id"]) == "gvkey"
    firm_id = (gvkey_value if is_gvkey else id_value)(raw.get("firm_id"), where, columns["firm_id"])
    return {"firm_id": firm_id, "call_date": day, "call_time": moment, "quarter": day and quarter_of(day)}


def call_rows(
    raw: Mapping[str, Any], known: Mapping[str, Any], columns: Mapping[str, str], where: str
) -> list[dict[str, Any]]:
    """The rows of what was said; one without text where nothing was.

    Args:
        raw: A row with our column names and the file's values.
        known: As `firm_and_day` found it, nothing null but the time.
        columns: Our name to the file's name.
        where: File and row, for messages.

    Raises:
        SourceError: A value is there and is not what its column is for.
    """
    theirs = {name: columns.get(name, name) for name in ROWS.names}
    row: dict[str, Any] = dict(known)
    row |= {name: id_value(raw.get(name), where, theirs[name]) for name in ("ticker", "transcript_id")}
    for name in ("firm_name", "speaker_name", "speaker_type", "section"):
        row[name] = name_value(raw.get(name), where, theirs[name])
    row |= {name: integer_value(raw.get(name), where, name) for name in ("position", "permno")}
    row["gvkey"] = gvkey_value(raw.get("gvkey"), where, theirs["gvkey"])
    row["link_date"] = date_value(raw.get("link_date"), where, theirs["link_date"])
    # A call without an id of its own is named after firm and day.
    row["transcript_id"] = row["transcript_id"] or f"{row['firm_id']}-{row['call_date']:%Y%m%d}"
    turns: list[Said | None] = [*said_in(raw.get("text"), where, theirs["text"])] or [None]
    return [row | _of_turn(row, turn) | {"part": part} for part, turn in enumerate(turns)]


def _of_turn(row: Mapping[str, Any], turn: Said | None) -> dict[str, Any]:
    """What a turn says itself comes before what its row says of the whole call."""
    if turn is None:
        return {"text": None}
    names = ("speaker_name", "speaker_type", "section")
    return {"text": turn.text} | {name: getattr(turn, name) or row[name] for name in names}
