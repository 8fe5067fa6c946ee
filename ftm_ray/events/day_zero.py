"""Day 0: the trading day on which the market could first answer a call.

A call after the close of New York moves the return of the next trading day, and so does one on a day without trading.
The hour comes in UTC and is turned into New York's, with its daylight saving; early closes (13:00 on a few days a year)
are not known here. Where the source has no hour, the day of the call counts, and the window should reach to +1.
"""

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import numpy as np

from ftm_ray.errors import SourceError

_NEW_YORK = ZoneInfo("America/New_York")
_CLOSE = time(16)

BEFORE_CLOSE = "call before 16:00 New York"
AFTER_CLOSE = "call from 16:00 New York on: next trading day"
NO_TIME = "hour not known: day of the call"
CLOSED = "no trading on the day of the call: next trading day"

#: No exchange is closed for longer; a longer hole is the end of the file, or its beginning.
_LONGEST_PAUSE = np.timedelta64(7, "D")


def call_moment(text: str | None, call_date: date) -> datetime | None:
    """When a call began; None where that is not known, as it is not for an hour whose zone nobody tells.

    Args:
        text: ISO 8601 with its distance to UTC, or an hour in UTC as WRDS has it.
        call_date: Day of that hour.

    Raises:
        SourceError: It cannot be read.
    """
    if not text:
        return None
    try:
        if "-" not in text[:5]:
            return datetime.combine(call_date, time.fromisoformat(text.strip().removesuffix("Z")), UTC)
        moment = datetime.fromisoformat(text.strip())
    except ValueError as error:
        message = f"'{text}' of a call on {call_date} is no time; expected 21:30:00 (UTC) or 2024-02-01T16:30:00-05:00"
        raise SourceError(message) from error
    return moment if moment.tzinfo else None


def day_zero(days: np.ndarray, call_date: date, moment: datetime | None) -> tuple[int | None, str]:
    """Row of day 0 among the trading days, and the rule that found it; None where the days end before.

    Args:
        days: Trading days, ascending.
        call_date: Day of the call as the source has it; used where the moment is not known.
        moment: When the call began.
    """
    local = moment.astimezone(_NEW_YORK) if moment else None
    day = np.datetime64(local.date() if local else call_date, "D")
    row = int(np.searchsorted(days, day))
    if row == len(days) or days[row] - day > _LONGEST_PAUSE:
        return None, CLOSED
    if days[row] != day:
        return row, CLOSED
    if local is None:
        return row, NO_TIME
    if local.time() < _CLOSE:
        return row, BEFORE_CLOSE
    return (row + 1, AFTER_CLOSE) if row + 1 < len(days) else (None, AFTER_CLOSE)
