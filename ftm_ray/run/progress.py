"""Where a run stands, for the person who waits, and how long its steps took."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from ftm_ray.naming.account import LlmAccount
from ftm_ray.run.counts import PartCounts


@dataclass(frozen=True, slots=True)
class SoFar:
    """What the map has done, for metrics.

    Attributes:
        counts: What is in all parts, whichever run made them.
        account: What this run asked the LLM.
        n_batches_left: Of the stage under way.
    """

    counts: PartCounts
    account: LlmAccount
    n_batches_left: int


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a run stands. `done` and `total` count sentences in the map and steps elsewhere; `so_far` is the map's."""

    stage: str
    done: int
    total: int
    detail: str = ""
    so_far: SoFar | None = None


OnProgress = Callable[[Progress], None]


@contextmanager
def timed(seconds: dict[str, float], step: str) -> Iterator[None]:
    """Note how many seconds a step took, if it ends well."""
    start = time.perf_counter()
    yield
    seconds[step] = round(time.perf_counter() - start, 3)
