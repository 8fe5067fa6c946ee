"""The line to an LLM endpoint: whether it is up, down or given up, and how long to wait before the next try.

When many questions in a row fail, the endpoint counts as down: it is then tried with one question at a time, until it
answers or `patience_s` is over. So a model that moves to another node costs a pause, and a dead endpoint is not
hammered.
"""

import asyncio
import logging
import math
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from ftm_ray.naming.guards import Outcome

logger = logging.getLogger(__name__)

#: So many failures in a row, with no answer between them, and the endpoint counts as down.
_FAILURES_UNTIL_DOWN = 10

_FIRST_WAIT_S = 0.5
_LONGEST_WAIT_S = 30.0

#: An endpoint that was given up is still tried by one question in so many seconds.
_SECONDS_BETWEEN_LOOKS = 60.0


class NoAnswerError(Exception):
    """A question that got no answer.

    Attributes:
        outcome: Why.
        came: What came instead, where that is known. It may repeat the key, so it is no part of the error's text.
    """

    def __init__(self, outcome: Outcome, came: object = "") -> None:
        super().__init__(outcome.value)
        self.outcome = outcome
        self.came = came


class Line:
    """Whether the endpoint is up, down, or given up.

    While it is down, one question at a time may try it, after pauses that grow to 30 s. When it is given up, one
    question a minute may.
    """

    def __init__(self, patience_s: float) -> None:
        self._patience_s = patience_s
        self._n_failures = 0
        self._down_since: float | None = None
        self._pause_s = _FIRST_WAIT_S
        self._next_look: float | None = None  # null = not given up
        self._one_at_a_time = asyncio.Lock()

    @property
    def is_down(self) -> bool:
        return self._down_since is not None

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Send one request inside: at once while the endpoint is up; alone, after a pause, while it is down."""
        if self._down_since is not None:
            async with self._one_at_a_time:
                if self._down_since is not None:  # else it came back while this question waited
                    await self._pause(self._down_since)
                    yield
                    return
        yield

    async def _pause(self, down_since: float) -> None:
        now = time.monotonic()
        if now - down_since > self._patience_s:
            if self._next_look is None:
                logger.warning("the LLM endpoint was silent for %.0f s and is given up", self._patience_s)
            elif now >= self._next_look:  # a map goes on for hours: somebody may have started it again
                self._next_look = now + _SECONDS_BETWEEN_LOOKS
                return
            self._next_look = self._next_look or now + _SECONDS_BETWEEN_LOOKS
            raise NoAnswerError(Outcome.GIVEN_UP)
        await asyncio.sleep(self._pause_s)
        self._pause_s = min(_LONGEST_WAIT_S, 2 * self._pause_s)

    def failed(self, error: Exception) -> None:
        self._n_failures += 1
        if self._down_since is None and self._n_failures >= _FAILURES_UNTIL_DOWN:
            logger.warning("the LLM endpoint fails (%s); waiting for it", type(error).__name__)
            self._down_since = time.monotonic()
        self._pause_s = max(self._pause_s, wanted_wait_s(error) or 0.0)

    def answered(self) -> None:
        self._n_failures = 0
        self._down_since = None
        self._next_look = None
        self._pause_s = _FIRST_WAIT_S


def wait_s(attempts: int) -> float:
    """Seconds before the next try: doubled each time, and jittered, or all that failed together come back together."""
    return min(_LONGEST_WAIT_S, _FIRST_WAIT_S * 2 ** (attempts - 1)) * random.uniform(0.5, 1.0)


def wanted_wait_s(error: Exception) -> float | None:
    """What the server asks for in its headers (seconds, milliseconds or a date), bounded; None where it does not."""
    headers = getattr(getattr(error, "response", None), "headers", {})
    wishes = (_number(headers.get("retry-after-ms", "")) / 1000, _seconds(headers.get("retry-after", "")))
    wish = next((wish for wish in wishes if wish > 0), None)  # not so for nan: what cannot be read is no wish
    return None if wish is None else min(2 * _LONGEST_WAIT_S, wish)


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
