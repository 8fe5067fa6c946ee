"""Rows of Parquet, CSV and JSON Lines files as they come.

All three formats give plain Python rows: 300,000 rows (5,000 calls) cost a few seconds, and a bad value can be reported
with file and row.
"""

import csv
import io
import json
import sys
from collections.abc import Collection, Iterator, Mapping
from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ftm_ray.errors import SourceError
from ftm_ray.sources.calls import quarter_of
from ftm_ray.sources.files.paths import InputFile

# One row may be a whole call of 50 kB or more, so 256 rows are about 13 MB; Python's csv refuses over 128 kB a field.
_ROWS_PER_BATCH = 256
csv.field_size_limit(min(sys.maxsize, 2**31 - 1))


def column_names(file: InputFile) -> list[str]:
    """The columns of a file: of a CSV its header, of JSON Lines the keys of the first 100 rows."""
    if file.suffix == ".parquet":
        with _reported(file), file.file_system.open_input_file(file.inner_path) as stream:
            return list(pq.ParquetFile(stream).schema_arrow.names)
    if file.suffix == ".csv":
        with _reported(file), file.file_system.open_input_stream(file.inner_path) as stream:
            header = next(csv.reader(io.TextIOWrapper(stream, encoding="utf-8-sig", newline="")), [])
        return [name for name in header if name]
    names: dict[str, None] = {}
    for number, row in _text_rows(file):
        names.update(dict.fromkeys(row))
        if number >= 100:
            break
    return list(names)


def read_rows(
    file: InputFile, columns: Mapping[str, str], quarters: Collection[str] | None = None
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Read the rows of a file with our column names; rows are numbered from 1, a header not counted.

    Args:
        file: Parquet, CSV or JSON Lines.
        columns: Our name to the file's name.
        quarters: Parquet row groups without a call in these quarters may be left unread; null = read all.
    """
    if file.suffix == ".parquet":
        yield from _parquet_rows(file, columns, quarters)
        return
    for number, row in _text_rows(file):
        yield number, {ours: row.get(theirs) for ours, theirs in columns.items()}


def _parquet_rows(
    file: InputFile, columns: Mapping[str, str], quarters: Collection[str] | None
) -> Iterator[tuple[int, dict[str, Any]]]:
    theirs = list(dict.fromkeys(columns.values()))
    with _reported(file), file.file_system.open_input_file(file.inner_path) as stream:
        parquet = pq.ParquetFile(stream)
        first = 1
        for group in range(parquet.num_row_groups):
            n_rows = parquet.metadata.row_group(group).num_rows
            if quarters is None or _holds_quarter(parquet, group, columns["call_date"], quarters):
                number = first
                for batch in parquet.iter_batches(_ROWS_PER_BATCH, row_groups=[group], columns=theirs):
                    for row in batch.to_pylist():
                        yield number, {ours: row[name] for ours, name in columns.items()}
                        number += 1
            first += n_rows


def _holds_quarter(parquet: pq.ParquetFile, group: int, column: str, quarters: Collection[str]) -> bool:
    """Look at the dates alone, so that years of other quarters cost no reading of their text."""
    days = pc.unique(parquet.read_row_group(group, columns=[column]).column(0)).to_pylist()
    return any(not isinstance(day, date) or quarter_of(day) in quarters for day in days)


def _text_rows(file: InputFile) -> Iterator[tuple[int, dict[str, Any]]]:
    """Rows of CSV and JSON Lines, numbered from 1."""
    with _reported(file), file.file_system.open_input_stream(file.inner_path) as stream:
        lines = io.TextIOWrapper(stream, encoding="utf-8-sig", newline="")
        if file.suffix == ".csv":
            for number, row in enumerate(csv.DictReader(lines), start=1):
                yield number, {name: value or None for name, value in row.items() if isinstance(value, str)}
            return
        for number, line in enumerate(lines, start=1):
            if line.strip():
                yield number, _json_row(line, f"{file.path}, line {number}")


def _json_row(line: str, where: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except ValueError as error:
        raise SourceError(f"{where}: not valid JSON ({error}); JSON Lines have one object a line") from error
    if not isinstance(row, dict):
        raise SourceError(f"{where}: expected a JSON object, got {type(row).__name__}")
    return row


class _reported:
    """Turns what a library says about a file into one sentence with the file's name."""

    def __init__(self, file: InputFile) -> None:
        self._file = file

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, UnicodeDecodeError):
            raise SourceError(f"{self._file.path} is not UTF-8: {error}; save it as UTF-8") from error
        if isinstance(error, (OSError, pa.ArrowInvalid, csv.Error)):
            raise SourceError(f"cannot read {self._file.path}: {error}") from error
