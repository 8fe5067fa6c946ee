"""How a person sees that work goes on: a bar in a terminal, a log line now and then in a job's log.

Both show the same thing (`Step`), write to standard error, and leave standard output to results.
"""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Column

logger = logging.getLogger(__name__)

#: In a job's log a stage says where it stands no more often than this.
SECONDS_BETWEEN_LINES = 10.0

#: Two results that come at once say nothing about speed.
_SECONDS_FOR_SPEED = 2.0


@dataclass(frozen=True, slots=True)
class Step:
    """Where a stage stands. `total` is None where it is not known; `unit` is what is counted, '' for a single step."""

    stage: str
    done: int
    total: int | None
    unit: str = ""
    detail: str = ""


OnStep = Callable[[Step], None]


@contextmanager
def shown_progress(console: Console) -> Iterator[OnStep]:
    """Show steps on this console while the block runs: a bar if it is a terminal, else log lines."""
    if not console.is_terminal:
        yield ProgressLines().show
        return
    bars = ProgressBars(console)
    with bars.progress:
        yield bars.show


class ProgressBars:
    """One bar per stage; those of finished stages stay."""

    def __init__(self, console: Console) -> None:
        self.progress = Progress(
            SpinnerColumn(finished_text="✓"),
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=16),
            TimeElapsedColumn(),
            TextColumn(
                "{task.fields[status]}", markup=False, table_column=Column(ratio=1, no_wrap=True, overflow="ellipsis")
            ),
            console=console,
            expand=True,
        )
        self._task: TaskID | None = None
        self._pace = Pace("", 0)

    def show(self, step: Step) -> None:
        """Move the bar of this step's stage, after finishing that of the one before."""
        if self._task is None or step.stage != self._pace.stage:
            self._finish()
            self._pace = Pace(step.stage, step.done)
            self._task = self.progress.add_task(step.stage, total=None, status=step.detail)
        begins = step.unit == "sentences" and step.done <= self._pace.at_start and step.done != step.total
        words = "waiting for the first result" if begins else self._pace.words(step)
        status = "; ".join(part for part in (words, step.detail) if part)
        known = step.total if step.unit else None  # a single step has no share to show: its bar only moves
        self.progress.update(self._task, completed=step.done, total=known, status=status)
        if step.done == step.total:
            self._finish()

    def _finish(self) -> None:
        if self._task is not None:
            done = max(1, int(self.progress.tasks[-1].completed))
            self.progress.update(self._task, total=done, completed=done)


class ProgressLines:
    """One log line when a stage begins and ends, and one every ten seconds between."""

    def __init__(self) -> None:
        self._pace = Pace("", 0)
        self._logged_at = 0.0

    def show(self, step: Step) -> None:
        """Log a line if it is time for one."""
        is_new = step.stage != self._pace.stage
        if is_new:
            self._pace = Pace(step.stage, step.done)
        now = time.monotonic()
        if is_new or step.done == step.total or now - self._logged_at >= SECONDS_BETWEEN_LINES:
            self._logged_at = now
            words = "; ".join(part for part in (self._amount(step), step.detail) if part)
            logger.info("%s: %s", step.stage, words or "begins")

    def _amount(self, step: Step) -> str:
        if not step.unit or step.total is None:
            return f"{step.done:,} {step.unit} so far" if step.done > 1 else ""
        if step.done == 0:
            return f"{step.total:,} {step.unit}"
        amount = f"{step.done:,} of {step.total:,} {step.unit}"
        return ", ".join(part for part in (amount, self._pace.words(step)) if part)


class Pace:
    """How fast a stage goes.

    The clock for speed starts with the first result: before it workers start, which says nothing about the rest, and
    work done by an earlier run is not this one's merit.
    """

    def __init__(self, stage: str, first_done: int) -> None:
        self.stage = stage
        self._started = time.monotonic()
        self.at_start = first_done
        self._first_result: tuple[float, int] | None = None

    def words(self, step: Step) -> str:
        """Share, speed and time left, as far as they can be said."""
        if not step.unit or (step.done <= self.at_start and step.done != step.total):
            return ""
        now = time.monotonic()
        if step.total is not None and step.done >= step.total:
            return f"in {duration(now - self._started)}"
        if self._first_result is None:
            self._first_result = (now, step.done)
        elapsed_s, n = now - self._first_result[0], step.done - self._first_result[1]
        parts = [f"{step.done / step.total:.0%}"] if step.total else []
        if elapsed_s >= _SECONDS_FOR_SPEED and n > 0:
            rate = n / elapsed_s
            parts.append(f"{rate:,.0f} {step.unit}/s")
            parts += [f"{duration((step.total - step.done) / rate)} left"] if step.total else []
        return ", ".join(parts)


def duration(seconds: float) -> str:
    """Seconds as a person says them: 41 s, 3 min, 1 h 20 min."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
