"""Rows of Parquet files; row groups of other quarters are left unread."""

from collections.abc import Collection, Iterator, Mapping
from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ftm_ray.errors import SourceError
from ftm_ray.sources.calls import quarter_of
from ftm_ray.sources.files.paths import InputFile
from ftm_ray.sources.files.reading import reported

# One row may be a whole call of 50 kB or more, so 256 rows are about 13 MB.
_ROWS_PER_BATCH = 256


def parquet_columns(file: InputFile) -> list[str]:
    """The columns of a file, in order; one name may stand twice."""
    with reported(file), file.file_system.open_input_file(file.inner_path) as stream:
        return list(pq.ParquetFile(stream).schema_arrow.names)


def parquet_rows(
    file: InputFile, columns: Mapping[str, str], quarters: Collection[str] | None
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Rows with our column names, numbered from 1.

    Args:
        file: A Parquet file.
        columns: Our name to the file's name.
        quarters: Row groups without a call in these quarters may be left unread; null = read all.
    """
    theirs = list(dict.fromkeys(columns.values()))
    with reported(file), file.file_system.open_input_file(file.inner_path) as stream:
        parquet = pq.ParquetFile(stream)
        first = 1
        for group in range(parquet.num_row_groups):
            n_rows = parquet.metadata.row_group(group).num_rows
            if quarters is None or _holds_quarter(parquet, group, columns["call_date"], quarters, file):
                number = first
                for batch in parquet.iter_batches(_ROWS_PER_BATCH, row_groups=[group], columns=theirs):
                    for row in _values(batch, file):
                        yield number, {ours: row[name] for ours, name in columns.items()}
                        number += 1
            first += n_rows


def _holds_quarter(
    parquet: pq.ParquetFile, group: int, column: str, quarters: Collection[str], file: InputFile
) -> bool:
    """Look at the dates alone, so that years of other quarters cost no reading of their text."""
    days = parquet.read_row_group(group, columns=[column]).column(0)
    if not (pa.types.is_date(days.type) or pa.types.is_timestamp(days.type)):
        return True  # text and numbers are read where a row can be named
    different = _values(pc.unique(days), file)
    return any(day is None or not isinstance(day, date) or quarter_of(day) in quarters for day in different)


def _values(found: pa.Array | pa.RecordBatch, file: InputFile) -> list[Any]:
    """As Python has them, which knows the years 1 to 9999 alone."""
    try:
        return list(found.to_pylist())
    except (OverflowError, ValueError) as error:
        raise SourceError(
            f"{file.path} has a day or a time that no calendar has ({error}); expected years from 1 to 9999"
        ) from error
