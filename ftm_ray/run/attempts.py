"""Batches and firms that were begun and did not end: how a firm that takes its process with it is found.

A topic actor that dies (a crash in a library, memory, a firm that does not end) is started again by Ray, and does its
batch again. One that was begun twice and did not end is done with care the third time: each firm is told of before it
is begun. A firm that was begun twice so, and did not end, fails with a reason, and the others go on.

It is known for one run, in a process of its own beside the driver: the next run tries all firms again, and a driver or
a node that dies brands nobody.
"""

import faulthandler
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

#: So often a batch, and then a firm, may take its process with it.
_LIVES = 2

#: Where a process that ends itself says where it stood: its standard error, whatever Python has made of it.
_STDERR = 2


class Attempts:
    """What was begun and has not ended, in one run.

    Args:
        limit_s: Longest time for one firm.
    """

    def __init__(self, limit_s: float) -> None:
        self._limit_s = limit_s
        self._batches: Counter[int] = Counter()
        self._firms: Counter[str] = Counter()
        self._begun: dict[str, float] = {}
        self._overdue: set[str] = set()

    def begin_batch(self, batch: int) -> bool:
        """Count a beginning; whether the batch is to be done with care."""
        self._batches[batch] += 1
        return self._batches[batch] > _LIVES

    def end_batch(self, batch: int) -> None:
        """It ended: if its part is lost with a node, it is begun as if for the first time."""
        self._batches.pop(batch, None)  # Ray may give a call twice

    def begin_firm(self, firm_id: str) -> str | None:
        """Count a beginning; the reason why the firm fails, or None where it may be worked on."""
        now = time.monotonic()
        if firm_id in self._begun and now - self._begun[firm_id] >= self._limit_s:
            self._overdue.add(firm_id)
        if self._firms[firm_id] >= _LIVES:
            return self._reason(firm_id)
        self._firms[firm_id] += 1
        self._begun[firm_id] = now
        return None

    def end_firm(self, firm_id: str) -> None:
        """It ended well."""
        self._firms.pop(firm_id, None)
        self._begun.pop(firm_id, None)

    def _reason(self, firm_id: str) -> str:
        if firm_id in self._overdue:
            return f"took longer than {self._limit_s:g} s (cluster.firm_limit_s), twice"
        return f"its process ended while it was worked on, {_LIVES} times: a crash, or not enough memory"


class FirmWatch:
    """What a topic actor does around each firm of one batch.

    Args:
        attempts: An `Attempts`, or what speaks with it.
        batch: Number of the batch.
        limit_s: Longest time for one firm; then the process ends, also where a library holds Python's lock.
    """

    def __init__(self, attempts: Attempts, batch: int, limit_s: float) -> None:
        self._attempts, self._limit_s = attempts, limit_s
        self._with_care = attempts.begin_batch(batch)

    @contextmanager
    def __call__(self, firm_id: str) -> Iterator[str | None]:
        """Gives None, or the reason why this firm is not worked on but fails."""
        reason = self._attempts.begin_firm(firm_id) if self._with_care else None
        if reason is not None:
            yield reason
            return
        faulthandler.dump_traceback_later(self._limit_s, exit=True, file=_STDERR)
        try:
            yield None
        finally:
            faulthandler.cancel_dump_traceback_later()
        if self._with_care:
            self._attempts.end_firm(firm_id)
