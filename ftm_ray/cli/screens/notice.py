"""What is said when a run has ended, to people who do not watch it: a few lines of plain text."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ftm_ray.cli.progress import duration
from ftm_ray.cli.screens.run import run_lines
from ftm_ray.cli.screens.shapes import ftm_command

#: Of the screen of `ftm run`, what is said.
_LINES = ("firms", "topics", "themes", "named by", "quality", "cost")

#: A reason may go on with sentences of calls, which are for the person who looks, not for a channel.
_REASON_CHARACTERS = 500


@dataclass(frozen=True, slots=True)
class RunEnd:
    """How a run ended.

    Attributes:
        quarter: Such as 2023Q1.
        root: ROOT.
        outcome: 'published', 'refused' (by a gate: nothing was published), 'failed', or 'stopped' (the same command
            goes on).
        seconds: That the command took.
        record: run.json of what was published; None where nothing was.
        reason: Why nothing was published; None where something was, or a person stopped it.
    """

    quarter: str
    root: str
    outcome: str
    seconds: float
    record: Mapping[str, Any] | None = None
    reason: str | None = None


def headline(end: RunEnd) -> str:
    """One line: which quarter, and how it ended."""
    words = {
        "published": f"is published, in {duration(end.seconds)}",
        "refused": f"was refused by a quality gate after {duration(end.seconds)}: nothing was published",
        "failed": f"failed after {duration(end.seconds)}",
        "stopped": f"was stopped after {duration(end.seconds)}; the same command goes on",
    }
    return f"{end.quarter} {words[end.outcome]}"


def notice(end: RunEnd) -> str:
    """All that is said: how it ended, counts and quality or the reason, and the command to look next."""
    lines = [headline(end)]
    if end.record is not None:
        shown = dict(run_lines(end.record))
        lines += [f"{name}: {shown[name]}" for name in _LINES if name in shown]
        lines.append(f"run: {end.record['run_id']}")
    if end.reason is not None:
        first = end.reason.strip().partition("\n")[0]
        lines.append(first if len(first) <= _REASON_CHARACTERS else f"{first[:_REASON_CHARACTERS]} ...")
    command = "themes" if end.record is not None else "status"
    lines.append(f"next: {ftm_command(f'{command} {end.quarter}', end.root)}")
    return "\n".join(lines)
