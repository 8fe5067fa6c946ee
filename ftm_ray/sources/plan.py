"""What is decided before the first chunk of a prefetch store is written: firms, chunks, and which calls stay."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from ftm_ray.lake.storage import Lake
from ftm_ray.sources.calls import Firm, Source
from ftm_ray.sources.defects import CallKey, Verdict, judge_calls

FIRMS_PER_CHUNK = 200  # a file of 10-20 MB: few enough files for S3, small enough to be made again
MAX_FIRMS_PER_ROW_GROUP = 25  # one unit of the map's work: about a minute on a CPU core
MIN_ROW_GROUPS = 16  # so that a small quarter still gives every core something to do

Progress = Callable[[str, int, int | None], None]  # stage, firms done, firms in all if known


@dataclass(frozen=True, slots=True)
class Plan:
    """What is decided before the first chunk is written.

    Attributes:
        quarter: Such as 2023Q1.
        inputs: Fingerprint of everything that the store is made from.
        firm_ids: Every firm that comes in, in order.
        verdicts: Whether each call is kept, and why not.
        firms_per_chunk: Firms that come in, in one file.
        firms_per_row_group: Kept firms in one row group: one unit of the map's work.
    """

    quarter: str
    inputs: str
    firm_ids: tuple[str, ...]
    verdicts: Mapping[CallKey, Verdict]
    firms_per_chunk: int
    firms_per_row_group: int

    @property
    def folder(self) -> str:
        """Where the store lies, below ROOT."""
        return Lake.prefetch_dir(self.quarter)

    @property
    def n_chunks(self) -> int:
        """Files of firms; the last one may hold fewer."""
        return -(-len(self.firm_ids) // self.firms_per_chunk)


def make_plan(source: Source, quarter: str, inputs: str, on_progress: Progress) -> Plan:
    """Look at all calls once, to see which are copies of each other and how many firms there are.

    Args:
        source: Where the transcripts come from.
        quarter: Such as 2023Q1.
        inputs: Fingerprint of everything that the store is made from.
        on_progress: Given the firms looked at so far.
    """
    firm_ids: list[str] = []

    def seen() -> Iterator[Firm]:
        for firm in source.firms(quarter):
            firm_ids.append(firm.firm_id)
            on_progress("comparing calls", len(firm_ids), None)
            yield firm

    verdicts = judge_calls(seen(), lambda: source.neighbours(quarter, frozenset(firm_ids)))
    n_kept = len({firm_id for (firm_id, _), verdict in verdicts.items() if verdict.reason is None})
    firms_per_row_group = min(MAX_FIRMS_PER_ROW_GROUP, max(1, n_kept // MIN_ROW_GROUPS))
    return Plan(quarter, inputs, tuple(firm_ids), verdicts, FIRMS_PER_CHUNK, firms_per_row_group)
