"""What `ftm prefetch` would store, without storing it: the same reading, judging and cutting, and no lake."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from itertools import islice
from typing import Any

import pyarrow as pa

from ftm_ray.lake.storage import check_quarter
from ftm_ray.schemas.store import COVERAGE
from ftm_ray.sources.calls import NotedSource, Source
from ftm_ray.sources.coverage import CoverageLine, coverage_lines
from ftm_ray.sources.firm_rows import firm_rows, unread_row
from ftm_ray.sources.plan import Progress, make_plan

_SHOWN_TURNS = 3


@dataclass(frozen=True, slots=True)
class StoredTurn:
    """A turn as it will be stored, its sentences in order."""

    firm_id: str
    transcript_id: str
    call_date: date
    call_time: str | None
    speaker_name: str | None
    speaker_type: str | None
    section: str | None
    sentences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Preview:
    """What a prefetch would do.

    Attributes:
        quarter: Such as 2023Q1.
        turns: The first turns of the first firm that would be stored; one call, where turns are not known.
        lines: Firms, calls and sentences in, kept, dropped and noted.
        input_counts: Rows of the input, and rows left out by reason.
        input_notes: How the input was read.
    """

    quarter: str
    turns: tuple[StoredTurn, ...]
    lines: tuple[CoverageLine, ...]
    input_counts: Mapping[str, int]
    input_notes: tuple[str, ...]


def preview_quarter(source: Source, quarter: str, on_progress: Progress) -> Preview:
    """Do what a prefetch does, and write nothing.

    Args:
        source: Where the transcripts come from.
        quarter: Such as 2023Q1.
        on_progress: Given the stage, the firms done, and the firms in all if known.

    Raises:
        ConfigError, SourceError: As `prefetch_quarter`; but a quarter without a usable call is shown and not refused.
    """
    plan = make_plan(source, check_quarter(quarter), "", on_progress)
    coverage: list[dict[str, Any]] = []
    turns: tuple[StoredTurn, ...] = ()
    for number, firm in enumerate(source.firms(quarter)):
        on_progress("cleaning", number, len(plan.firm_ids))
        made = firm_rows(firm, quarter, plan.verdicts)
        coverage += made.coverage
        if made.row is not None and not turns:
            turns = _first_turns(made.row, {row["transcript_id"]: row["call_time"] for row in made.coverage})
    coverage += [unread_row(call, quarter) for call in source.unread_calls(quarter)]
    on_progress("cleaning", len(plan.firm_ids), len(plan.firm_ids))
    return Preview(
        quarter=quarter,
        turns=turns,
        lines=coverage_lines(pa.Table.from_pylist(coverage, schema=COVERAGE)),
        input_counts=source.input_counts(),
        input_notes=tuple(source.input_notes()) if isinstance(source, NotedSource) else (),
    )


def _first_turns(row: dict[str, Any], times: Mapping[str, str | None]) -> tuple[StoredTurn, ...]:
    """The first turns of a firm; sentences one after the other of one speaker count as a turn."""
    names = ("transcript_id", "call_date", "speaker_name", "speaker_type", "section")
    turns: dict[int, list[dict[str, Any]]] = {}
    for sentence in row["sentences"]:
        last = turns.get(len(turns) - 1)
        if last is None or any(last[0][name] != sentence[name] for name in names):
            turns[len(turns)] = [sentence]
        else:
            last.append(sentence)
    return tuple(
        StoredTurn(
            row["firm_id"],
            said[0]["transcript_id"],
            said[0]["call_date"],
            times[said[0]["transcript_id"]],
            said[0]["speaker_name"],
            said[0]["speaker_type"],
            said[0]["section"],
            tuple(sentence["raw_text"] for sentence in said),
        )
        for said in islice(turns.values(), _SHOWN_TURNS)
    )
