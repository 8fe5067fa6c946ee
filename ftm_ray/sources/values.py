"""Values of rows as sources give them: text, ids, whole numbers, days and gvkeys, or null where nothing is there.

Text is never guessed at: a ticker "NA" or "TRUE" stays a ticker, a gvkey keeps its zeros.
"""

from datetime import date, datetime
from typing import Any

from ftm_ray.errors import SourceError


def text_value(value: Any) -> str | None:
    """A text as it stands; null where it is blank."""
    text = "" if value is None else str(value)
    return text if text.strip() else None


def id_value(value: Any) -> str | None:
    """An identifier as text; 24937.0, as pandas writes a number beside gaps, is 24937."""
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else None if value != value else str(value)
    text = text_value(value)
    return text.strip() if text else None


def integer_value(value: Any, where: str, column: str) -> int | None:
    """A whole number.

    Raises:
        SourceError: There is a value and it is none.
    """
    text = id_value(value)
    if text is None:
        return None
    digits = text.removesuffix(".0")
    if not digits.isdecimal():
        raise SourceError(f"{where}: {column} is {text!r}, expected a whole number; repair or empty the cell")
    return int(digits)


def date_value(value: Any, where: str, column: str) -> date | None:
    """The day of an ISO date or timestamp (2023-02-28, 20230228, 2023-02-28T21:00:00Z), in the zone it is written in.

    Raises:
        SourceError: There is a value and it is none. 02/03/2023 is refused, because it is two different days.
    """
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    text = id_value(value)
    if text is None:
        return None
    try:
        return date.fromisoformat(text[:10] if "-" in text else text)
    except ValueError as error:
        raise SourceError(
            f"{where}: {column} is {text!r}, expected a date such as 2023-02-28; rewrite it so"
        ) from error


def gvkey_value(value: Any) -> str | None:
    """A gvkey with its leading zeros, which spreadsheets lose: 1690 is 001690."""
    text = id_value(value)
    return text.zfill(6) if text and text.isdecimal() else text
