"""Firms that were begun and did not end: how a firm that takes its process with it is found.

A topic actor that dies (a crash in a library, memory, a firm that does not end) is started again by Ray, and does its
batch again. Each firm is written down before it is begun and struck out when it ends, so one that was begun twice and
did not end is known: it fails with a reason, and the others go on. A node that dies counts against the firm that it was
at, and a second one at the very same firm, some seconds long, would have to die for a firm to fail that did no harm.

It is known for one run, in a process of its own beside the driver: another run tries all firms again.
"""

import faulthandler
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

#: So often a firm may take its process with it.
_LIVES = 2

#: Where a process that ends itself says where it stood: its standard error, whatever Python has made of it.
_STDERR = 2


class Attempts(Protocol):
    """Where firms are written down; it outlives those who work on them."""

    def begin(self, firm_id: str) -> bool:
        """Write a beginning down; False where the firm has had its lives and is not to be worked on."""
        ...

    def end(self, firm_id: str) -> None:
        """It ended, well or with an error that was caught: should its part be lost, it begins anew."""
        ...


class FirmAttempts:
    """What was begun and has not ended, in one run."""

    def __init__(self) -> None:
        self._begun: Counter[str] = Counter()

    def begin(self, firm_id: str) -> bool:
        """As `Attempts` has it."""
        if self._begun[firm_id] >= _LIVES:
            return False
        self._begun[firm_id] += 1
        return True

    def end(self, firm_id: str) -> None:
        """As `Attempts` has it."""
        self._begun.pop(firm_id, None)  # Ray may give a call twice


class FirmWatch:
    """What a topic actor does around each firm.

    Args:
        attempts: Where it is written down.
        limit_s: Longest time for one firm; then the process ends, also where a library holds Python's lock.
    """

    def __init__(self, attempts: Attempts, limit_s: float) -> None:
        self._attempts, self._limit_s = attempts, limit_s

    @contextmanager
    def __call__(self, firm_id: str) -> Iterator[str | None]:
        """Gives None, or the reason why this firm is not worked on but fails."""
        if not self._attempts.begin(firm_id):
            yield (
                f"its process ended while it was worked on, {_LIVES} times: a crash, not enough memory, or it took "
                f"longer than {self._limit_s:g} s (cluster.firm_limit_s)"
            )
            return
        faulthandler.dump_traceback_later(self._limit_s, exit=True, file=_STDERR)
        try:
            yield None
        finally:
            faulthandler.cancel_dump_traceback_later()
        self._attempts.end(firm_id)
