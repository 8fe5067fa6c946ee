"""The registry: rows of lineage and attention under ROOT, a file per quarter and version, none ever changed.

A quarter that was published anew has other themes, so all that came after it hangs in the air: it and the quarters
after it are linked again, as a new version. Of several versions the newest counts from its first quarter on, and the
ones before it up to there.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pyarrow as pa

from ftm_ray.lake.calendar import known_from
from ftm_ray.lake.published_files import read_sealed_published
from ftm_ray.lake.storage import Lake
from ftm_ray.schemas.history import HISTORY

_FILE = re.compile(r"version-(\d{5})\.parquet")


@dataclass(frozen=True, slots=True, order=True)
class Entry:
    """One quarter of one version of the registry."""

    quarter: str
    version: int

    def path(self, table: str) -> str:
        """Its file of the table lineage or attention."""
        return f"{Lake.table_dir(table, self.quarter)}/version-{self.version:05d}.parquet"


def all_entries(lake: Lake) -> list[Entry]:
    """Every quarter of every version, whether it still counts or not."""
    found = []
    for folder in lake.list_folders("processed/lineage"):
        for name in lake.list_files(f"processed/lineage/{folder}"):
            if match := _FILE.fullmatch(name):
                found.append(Entry(folder.removeprefix("quarter="), int(match[1])))
    return sorted(found)


def current_entries(entries: Iterable[Entry], as_of: date | None = None) -> list[Entry]:
    """The entries that count, ordered by quarter.

    Args:
        entries: Of all versions.
        as_of: Only quarters that were over by the end of this day (UTC); None = all.
    """
    entries = list(entries)
    chosen: list[Entry] = []
    bound = "9999Q4"  # from here on newer versions count
    for version in sorted({entry.version for entry in entries}, reverse=True):
        of_version = [entry for entry in entries if entry.version == version]
        chosen += [entry for entry in of_version if entry.quarter < bound]
        bound = min(bound, *(entry.quarter for entry in of_version))
    return sorted(entry for entry in chosen if is_known(entry.quarter, as_of))


def is_known(quarter: str, as_of: date | None) -> bool:
    """Whether a quarter's themes could be known by the end of a day (UTC)."""
    return as_of is None or known_from(quarter) <= datetime.combine(as_of, time(), UTC) + timedelta(days=1)


def read_entry(lake: Lake, table: str, entry: Entry) -> list[dict[str, Any]]:
    """The rows of one quarter of the table lineage or attention.

    Raises:
        SourceError: Its file cannot be read or has another schema.
    """
    rows: list[dict[str, Any]] = read_sealed_published(lake, entry.path(table), HISTORY[table]).to_pylist()
    return rows


def write_entry(lake: Lake, entry: Entry, rows: Mapping[str, Sequence[Mapping[str, Any]]], run_id: str) -> None:
    """Add one quarter: attention first, lineage last, which says that the entry is whole.

    Args:
        lake: Where.
        entry: Which; it must not be there yet.
        rows: Of both tables by name, without the columns that all rows of a quarter share.
        run_id: The run whose themes they are.
    """
    shared = {
        "knowledge_time": known_from(entry.quarter),
        "registry_version": entry.version,
        "run_id": run_id,
        "quarter": entry.quarter,
    }
    for table in ("attention", "lineage"):
        made = pa.Table.from_pylist([dict(row) | shared for row in rows[table]], schema=HISTORY[table])
        lake.write_sealed(entry.path(table), made.drop(["quarter"]))  # no record has the hash of these files
