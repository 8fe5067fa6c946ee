"""A file of daily data, CSV or Parquet, read for the columns that are needed, whatever their case.

CSV columns come as text, since CRSP mixes letters into its numbers; numbers and days are made of them here.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from ftm_ray.errors import SourceError
from ftm_ray.events.models import Floats

#: Ways in which a day is written, tried in this order; the first that reads all days of the file is taken.
_DAY_FORMATS = ("%Y-%m-%d", "%Y%m%d", "%Y/%m/%d", "%m/%d/%Y")


def read_some_columns(path: Path, wanted: Sequence[str]) -> pa.Table:
    """The wanted columns that the file has, named in lower case.

    Raises:
        SourceError: The file cannot be read, a column stands in it twice, or holds something else than numbers, texts
            or days.
    """
    try:
        if path.suffix.lower() in (".parquet", ".pq"):
            names = _names_by_lower_case(pq.read_schema(path).names, wanted, path)
            table = pq.read_table(path, columns=[names[name] for name in wanted if name in names])
        else:
            with pa_csv.open_csv(path) as reader:
                names = _names_by_lower_case(reader.schema.names, wanted, path)
            kept = [names[name] for name in wanted if name in names]
            if not kept:  # else all columns would be read
                return pa.table({})
            options = pa_csv.ConvertOptions(include_columns=kept, column_types=dict.fromkeys(kept, pa.string()))
            table = pa_csv.read_csv(path, convert_options=options)
        table.validate(full=True)
    except (OSError, ValueError, KeyError, pa.ArrowException) as error:
        reason = " ".join(str(error).split())[:300]
        raise SourceError(f"cannot read {path}: {reason}; expected a CSV with a header, or Parquet") from error
    table = table.rename_columns([name.lower().strip() for name in table.column_names])
    return pa.table({name: _plain(table[name], f"{path}, column {name}") for name in table.column_names})


def _names_by_lower_case(names: Sequence[str], wanted: Sequence[str], path: Path) -> dict[str, str]:
    found: dict[str, str] = {}
    for name in names:
        if name.lower().strip() in found and name.lower().strip() in wanted:
            raise SourceError(f"{path} has two columns '{name.strip()}'; keep one")
        found[name.lower().strip()] = name
    return found


def _plain(column: pa.ChunkedArray, where: str) -> pa.ChunkedArray:
    """A column of numbers, texts or days; categories become what they stand for."""
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_string_view(column.type):
        column = column.cast(pa.string())
    kinds = (
        *(pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal, pa.types.is_string),
        *(pa.types.is_large_string, pa.types.is_date, pa.types.is_timestamp, pa.types.is_null),
    )
    if not any(is_kind(column.type) for is_kind in kinds):
        raise SourceError(f"{where}: expected numbers, texts or days, got {column.type}")
    return column


def days_of(column: pa.ChunkedArray, where: str) -> np.ndarray:
    """Days as datetime64[D].

    Raises:
        SourceError: They are written in no known way, or one is missing.
    """
    if column.null_count:
        raise SourceError(f"{where}: {column.null_count} rows have no day")
    if pa.types.is_temporal(column.type):
        try:
            days = column.cast(pa.timestamp("s"), safe=False).to_numpy().astype("datetime64[D]")
        except pa.ArrowInvalid as error:
            raise SourceError(f"{where}: days are out of range: {error}") from error
        return _possible(days, where)
    text = column.cast(pa.string())
    if not len(text):
        raise SourceError(f"{where} has no row")
    for layout in _DAY_FORMATS:
        days = pc.strptime(text, format=layout, unit="s", error_is_null=True)
        if not days.null_count:
            return _possible(days.to_numpy().astype("datetime64[D]"), where)
    raise SourceError(f"{where}: days such as '{text[0]}' cannot be read; write 2024-01-31 or 20240131")


def _possible(days: np.ndarray, where: str) -> np.ndarray:
    """Days, if stocks can have been traded on them: a number that was taken for a day gives the year 1970 or 20111."""
    bounds = np.array(["1900-01-01", "2200-01-01"], dtype="datetime64[D]")
    if len(days) and not (bounds[0] <= days.min() and days.max() < bounds[1]):
        raise SourceError(f"{where}: days reach from {days.min()} to {days.max()}; expected 1900 to 2199")
    return days


def numbers_of(column: pa.ChunkedArray) -> Floats:
    """Numbers as float64; letters, empty cells, nulls and what is infinite are NaN.

    Raises:
        SourceError: It is a column of days.
    """
    if pa.types.is_temporal(column.type):
        raise SourceError(f"expected a column of numbers, got one of days ({column.type}); are two columns swapped?")
    numbers = _float64(column)
    return np.where(np.isfinite(numbers), numbers, np.nan)


def _float64(column: pa.ChunkedArray) -> Floats:
    if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
        return np.asarray(column.cast(pa.float64(), safe=False).to_numpy(), dtype=np.float64)
    text = pc.utf8_trim_whitespace(column)
    is_number = pc.match_substring_regex(text, r"^[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?$")
    kept = pc.if_else(pc.fill_null(is_number, False), pc.utf8_ltrim(text, "+"), None)
    return np.asarray(kept.cast(pa.float64()).to_numpy(), dtype=np.float64)
