"""Fetching a quarter from WRDS into the lake, as it comes; what is done with it happens later and without WRDS.

    <root>/prefetch/wrds/quarter=2023Q1/
        calls.parquet           every call that WRDS lists: version, link, and whether it is read (or why not)
        request.json            what was asked; written after calls.parquet, which then does not change any more
        turns_0000.parquet ...  what was said, 200 firms each, in row groups of 1,000 rows

A part is there whole or not at all, so its existence is the checkpoint: a killed fetch loses the part it was at. When
all parts are there, nobody logs in again, also when the store has to be made anew by a later version of ftm-ray.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import TYPE_CHECKING

import pyarrow as pa

from ftm_ray.errors import SourceError
from ftm_ray.lake.calendar import first_day, quarter_number
from ftm_ray.lake.storage import Lake
from ftm_ray.schemas.columns import check_table
from ftm_ray.schemas.wrds import WRDS_CALLS, WRDS_TURNS
from ftm_ray.sources.wrds import calls as wrds_calls
from ftm_ray.sources.wrds.calls import ListedCall, WrdsSettings, calls_table, decide_calls, listed_calls

if TYPE_CHECKING:
    from ftm_ray.sources.wrds.database import WrdsDatabase


@dataclass(frozen=True, slots=True)
class FetchStep:
    """Where a fetch stands; rows and seconds are of this run alone."""

    n_firms: int
    n_firms_total: int
    n_rows: int
    elapsed_s: float


OnFetchStep = Callable[[FetchStep], None]


def is_fetched(lake: Lake, quarter: str, settings: WrdsSettings) -> bool:
    """Whether everything that is asked for lies in the lake."""
    if not is_same_request(lake, quarter, settings):
        return False
    n_parts = len(_parts(read_calls(lake, quarter)))
    return n_parts > 0 and all(lake.exists(part_path(quarter, number)) for number in range(n_parts))


def list_calls(database: "WrdsDatabase", quarter: str, settings: WrdsSettings) -> list[ListedCall]:
    """The calls of a quarter, decided.

    Raises:
        SourceError: WRDS has none, or none is left.
    """
    first_day, next_quarter = _days(quarter)
    calls = decide_calls(database.calls(first_day, next_quarter, settings.as_of), settings)
    if not calls:
        raise SourceError(f"WRDS lists no earnings call in {quarter}; is it over, or --as-of too early?")
    return calls


def fetch_quarter(
    lake: Lake, quarter: str, settings: WrdsSettings, database: "WrdsDatabase", on_step: OnFetchStep
) -> None:
    """Fetch what is missing of a quarter.

    Raises:
        SourceError: WRDS has no call that may be read, or the connection or the lake fails.
    """
    calls = _pinned_calls(lake, quarter, settings, database)
    progress = _Progress(calls, on_step)
    for number, members in enumerate(_parts(calls)):
        if not lake.exists(part_path(quarter, number)):
            tables = progress.counted(_part_tables(database, calls, members))
            lake.write_batches(part_path(quarter, number), WRDS_TURNS, tables)
        progress.has_come_to(members[-1] + 1)


def _part_tables(database: "WrdsDatabase", calls: Sequence[ListedCall], members: Sequence[int]) -> Iterator[pa.Table]:
    """Rows of turns.sql as tables; their number counts the asked transcripts from 1."""
    for rows in database.turns([calls[member].transcriptid for member in members]):
        numbers, *columns = zip(*rows, strict=True)
        yield pa.table([[members[number - 1] for number in numbers], *columns], schema=WRDS_TURNS)


class _Progress:
    """Counts firms and rows; a firm is done when a row of a later one comes."""

    def __init__(self, calls: Sequence[ListedCall], on_step: OnFetchStep) -> None:
        self._on_step = on_step
        self._started = time.monotonic()
        self._n_rows = 0
        firms: dict[str, int] = {}
        # Firms of which a call is read, before each call of the list and at its end.
        self._firms_before = [
            firms.setdefault(call.firm_id, len(firms)) if call.left_out is None else len(firms) for call in calls
        ]
        self._n_firms = len(firms)
        self._firms_before.append(self._n_firms)

    def counted(self, tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
        """The tables as they come, each reported."""
        for table in tables:
            self._n_rows += table.num_rows
            self.has_come_to(table.column("call")[-1].as_py())
            yield table

    def has_come_to(self, call: int) -> None:
        """Tell where the fetch stands: at this row of the list of calls."""
        elapsed_s = time.monotonic() - self._started
        self._on_step(FetchStep(self._firms_before[call], self._n_firms, self._n_rows, elapsed_s))


def read_calls(lake: Lake, quarter: str) -> list[ListedCall]:
    """The list of calls that a fetch wrote down."""
    path = f"{Lake.wrds_dir(quarter)}/calls.parquet"
    return listed_calls(check_table(lake.read_table(path), WRDS_CALLS, path))


def read_turns(lake: Lake, quarter: str, calls: Sequence[ListedCall]) -> Iterator[pa.Table]:
    """What was said, a thousand rows at a time, in the order of the calls."""
    for number in range(len(_parts(calls))):
        yield from lake.read_row_groups(part_path(quarter, number))


def part_path(quarter: str, number: int) -> str:
    """Where a part lies."""
    return f"{Lake.wrds_dir(quarter)}/turns_{number:04d}.parquet"


def is_same_request(lake: Lake, quarter: str, settings: WrdsSettings) -> bool:
    """Whether the list of calls that lies in the lake is that of this request."""
    path = f"{Lake.wrds_dir(quarter)}/request.json"
    return lake.exists(path) and lake.read_json(path) == settings.request(quarter)


def _pinned_calls(lake: Lake, quarter: str, settings: WrdsSettings, database: "WrdsDatabase") -> list[ListedCall]:
    """The list that an interrupted fetch wrote down, so that it goes on with the same; else a new one."""
    if is_same_request(lake, quarter, settings):
        return read_calls(lake, quarter)
    calls = list_calls(database, quarter, settings)
    if not _parts(calls):  # before anything is deleted: a slip in --firms must not cost an earlier fetch
        raise SourceError(
            f"none of the {len(calls):,} calls of {quarter} is to be read, for their links or --firms; "
            "--keep-unlinked reads firms without PERMNO, --dry-run shows the reasons"
        )
    folder = Lake.wrds_dir(quarter)
    lake.delete_file(f"{folder}/request.json")  # first: without it the rest is nobody's
    # An unfinished store was made from the old list; without its plan it is not gone on with, but made anew.
    lake.delete_file(f"{Lake.prefetch_dir(quarter)}/plan.json")
    for name in lake.list_files(folder):
        lake.delete_file(f"{folder}/{name}")
    lake.write_table(f"{folder}/calls.parquet", calls_table(calls))
    lake.write_json(f"{folder}/request.json", settings.request(quarter))
    return calls


def _parts(calls: Sequence[ListedCall]) -> list[list[int]]:
    """The rows of the calls that are read, in parts of `calls.FIRMS_PER_PART` firms."""
    read = [number for number, call in enumerate(calls) if call.left_out is None]
    firms = [list(group) for _, group in groupby(read, key=lambda number: calls[number].firm_id)]
    steps = range(0, len(firms), wrds_calls.FIRMS_PER_PART)
    return [[number for firm in firms[start : start + wrds_calls.FIRMS_PER_PART] for number in firm] for start in steps]


def _days(quarter: str) -> tuple[date, date]:
    """First day of the quarter, and of the next."""
    number = quarter_number(quarter)
    return first_day(number), first_day(number + 1)
