"""The chunks of a prefetch store: 200 firms in one file, and beside it the coverage of their calls.

The coverage is written after the chunk, so its existence says that the chunk is done.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import pyarrow as pa

from ftm_ray.lake.storage import Lake
from ftm_ray.schemas.columns import check_table
from ftm_ray.schemas.store import COVERAGE, PREFETCH
from ftm_ray.sources.calls import Firm
from ftm_ray.sources.firm_rows import firm_rows
from ftm_ray.sources.manifest import chunk_name
from ftm_ray.sources.plan import Plan


def write_chunk(lake: Lake, plan: Plan, chunk: int, firms: Iterable[Firm]) -> None:
    """Write one chunk, then its coverage, which says that the chunk is done; one row group is in memory at a time."""
    coverage: list[dict[str, Any]] = []
    lake.write_batches(f"{plan.folder}/{chunk_name(chunk)}", PREFETCH, _row_groups(plan, firms, coverage))
    part = coverage_part(plan, chunk)
    lake.write_sealed(part, check_table(pa.Table.from_pylist(coverage, schema=COVERAGE), COVERAGE, part))


def _row_groups(plan: Plan, firms: Iterable[Firm], coverage: list[dict[str, Any]]) -> Iterator[pa.Table]:
    """The rows of these firms, in tables of `firms_per_row_group`; their coverage is added to the list."""
    rows: list[dict[str, Any]] = []
    for firm in firms:
        made = firm_rows(firm, plan.quarter, plan.verdicts)
        coverage += made.coverage
        rows += [made.row] if made.row is not None else []
        if len(rows) == plan.firms_per_row_group:
            yield pa.Table.from_pylist(rows, schema=PREFETCH)
            rows = []
    if rows:
        yield pa.Table.from_pylist(rows, schema=PREFETCH)


def is_chunk_done(lake: Lake, plan: Plan, chunk: int) -> bool:
    """Whether an interrupted run finished a chunk."""
    return all(lake.exists(path) for path in (coverage_part(plan, chunk), f"{plan.folder}/{chunk_name(chunk)}"))


def coverage_part(plan: Plan, chunk: int) -> str:
    """Where the coverage of a chunk lies until the store is whole."""
    return f"{plan.folder}/coverage/part_{chunk:04d}.parquet"


def delete_coverage_parts(lake: Lake, quarter: str) -> None:
    """Delete the coverage of single chunks; coverage.parquet holds all of it."""
    folder = f"{Lake.prefetch_dir(quarter)}/coverage"
    for name in lake.list_files(folder):
        lake.delete_file(f"{folder}/{name}")
