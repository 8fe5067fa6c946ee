"""Where a run stands, for the person who waits, and how long its steps took."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a run stands. `done` and `total` count sentences in the map and steps elsewhere."""

    stage: str
    done: int
    total: int
    detail: str = ""


OnProgress = Callable[[Progress], None]


@contextmanager
def timed(seconds: dict[str, float], step: str) -> Iterator[None]:
    """Note how many seconds a step took, if it ends well."""
    start = time.perf_counter()
    yield
    seconds[step] = round(time.perf_counter() - start, 3)
