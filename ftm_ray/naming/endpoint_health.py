"""The health of an LLM endpoint: whether it is up, down or given up.

When many questions in a row fail, the endpoint counts as down: it is then tried with one question at a time, until it
answers or `patience_s` is over. So a model that moves to another node costs a pause, and a dead endpoint is not
hammered.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from ftm_ray.naming.failures import NoAnswerError
from ftm_ray.naming.outcomes import Outcome
from ftm_ray.naming.waits import next_wait_s, wanted_wait_s

logger = logging.getLogger(__name__)

#: So many failures in a row, with no answer between them, and the endpoint counts as down.
_FAILURES_UNTIL_DOWN = 10

#: An endpoint that was given up is still tried by one question in so many seconds.
_SECONDS_BETWEEN_LOOKS = 60.0


class EndpointHealth:
    """Whether the endpoint is up, down, or given up.

    While it is down, one question at a time may try it, after pauses that grow to 30 s. When it is given up, one
    question a minute may.
    """

    def __init__(self, patience_s: float) -> None:
        self._patience_s = patience_s
        self._n_failures = 0
        self._down_since: float | None = None
        self._pause_s = next_wait_s()
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
        self._pause_s = next_wait_s(self._pause_s)

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
        self._pause_s = next_wait_s()
