"""How long to wait before a request is tried again: our own growing wait, or what the server asks for."""

import math
import random
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

FIRST_WAIT_S = 0.5
LONGEST_WAIT_S = 30.0


def next_wait_s(before_s: float = 0.0) -> float:
    """Seconds of the wait that follows one of `before_s`: twice as long, up to the longest; the first one without."""
    return min(LONGEST_WAIT_S, 2 * before_s or FIRST_WAIT_S)


def wait_s(attempts: int) -> float:
    """Seconds before the next try: doubled each time, and jittered, or all that failed together come back together."""
    return min(LONGEST_WAIT_S, FIRST_WAIT_S * 2 ** (attempts - 1)) * random.uniform(0.5, 1.0)


def wanted_wait_s(error: Exception) -> float | None:
    """What the server asks for in its headers (seconds, milliseconds or a date), bounded; None where it does not."""
    headers = getattr(getattr(error, "response", None), "headers", {})
    wishes = (_number(headers.get("retry-after-ms", "")) / 1000, _seconds(headers.get("retry-after", "")))
    wish = next((wish for wish in wishes if wish > 0), None)  # not so for nan: what cannot be read is no wish
    return None if wish is None else min(2 * LONGEST_WAIT_S, wish)


def _seconds(retry_after: str) -> float:
    """Retry-After is a number of seconds or a date; nan where it is neither."""
    try:
        return (parsedate_to_datetime(retry_after) - datetime.now(UTC)).total_seconds()
    except (ValueError, TypeError):  # no date; TypeError: a date without a zone
        return _number(retry_after)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
