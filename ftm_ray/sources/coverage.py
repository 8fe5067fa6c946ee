"""What came in, what was kept, what was dropped and why: the summary of a quarter's coverage table."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from ftm_ray.sources.defects import DropReason


@dataclass(frozen=True, slots=True)
class CoverageLine:
    """One line of the printed table.

    Attributes:
        kind: 'in', 'kept', 'dropped' or 'noted'. Sentences in = kept + all dropped; calls likewise.
        reason: Why dropped (a `DropReason`, or a `LeftOut` of WRDS), or what was noted (a `Note`); null for in, kept.
        n_firms: Firms with such a call; firms dropped are those of which no call is left.
        n_calls: Calls. A call that lost only some of its sentences counts as kept.
        n_sentences: Sentences.
    """

    kind: str
    reason: str | None
    n_firms: int
    n_calls: int
    n_sentences: int


@dataclass(slots=True)
class _Tally:
    firms: set[str] = field(default_factory=set)
    n_calls: int = 0
    n_sentences: int = 0

    def add(self, firm_id: str, n_calls: int, n_sentences: int) -> None:
        self.firms.add(firm_id)
        self.n_calls += n_calls
        self.n_sentences += n_sentences

    def line(self, kind: str, reason: str | None) -> CoverageLine:
        return CoverageLine(kind, reason, len(self.firms), self.n_calls, self.n_sentences)


def coverage_lines(coverage: pa.Table) -> tuple[CoverageLine, ...]:
    """Sum a coverage table up.

    Args:
        coverage: A table of schemas.COVERAGE.
    """
    everything, kept = _Tally(), _Tally()
    dropped: defaultdict[str, _Tally] = defaultdict(_Tally)
    noted: defaultdict[str, _Tally] = defaultdict(_Tally)
    for row in (row for batch in coverage.to_batches(max_chunksize=1000) for row in batch.to_pylist()):
        everything.add(row["firm_id"], 1, row["n_sentences_in"])
        if row["kept"]:
            kept.add(row["firm_id"], 1, row["n_sentences_kept"])
        else:
            dropped[row["reason"]].add(row["firm_id"], 1, row["n_sentences_in"])
        for note in row["notes"]:
            kind, _, detail = note.partition(": ")
            if kind in set(DropReason):
                dropped[kind].add(row["firm_id"], 0, int(detail.split()[0]))
            else:
                noted[kind].add(row["firm_id"], 1, row["n_sentences_in"])
    for tally in dropped.values():
        tally.firms -= kept.firms
    return (
        everything.line("in", None),
        kept.line("kept", None),
        *_lines("dropped", dropped),
        *_lines("noted", noted),
    )


def n_unlinked_firms(coverage: pa.Table) -> int:
    """Kept firms without a PERMNO."""
    rows: Iterable[Mapping[str, Any]] = coverage.select(["firm_id", "kept", "permno"]).to_pylist()
    return len({row["firm_id"] for row in rows if row["kept"] and row["permno"] is None})


def _lines(kind: str, tallies: Mapping[str, _Tally]) -> list[CoverageLine]:
    order = sorted(tallies, key=lambda reason: (-tallies[reason].n_sentences, reason))
    return [tallies[reason].line(kind, reason) for reason in order]
