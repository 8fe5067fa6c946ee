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
        SourceError: The file cannot be read.
    """
    try:
        if path.suffix.lower() in (".parquet", ".pq"):
            names = {name.lower(): name for name in pq.read_schema(path).names}
            table = pq.read_table(path, columns=[names[name] for name in wanted if name in names])
        else:
            with pa_csv.open_csv(path) as reader:
                names = {name.lower().strip(): name for name in reader.schema.names}
            kept = [names[name] for name in wanted if name in names]
            options = pa_csv.ConvertOptions(include_columns=kept, column_types=dict.fromkeys(kept, pa.string()))
            table = pa_csv.read_csv(path, convert_options=options)
    except (OSError, pa.ArrowInvalid) as error:
        raise SourceError(f"cannot read {path}: {error}; expected a CSV with a header, or Parquet") from error
    return table.rename_columns([name.lower().strip() for name in table.column_names])


def days_of(column: pa.ChunkedArray, where: str) -> np.ndarray:
    """Days as datetime64[D].

    Raises:
        SourceError: They are written in no known way, or one is missing.
    """
    if column.null_count:
        raise SourceError(f"{where}: {column.null_count} rows have no day")
    if pa.types.is_temporal(column.type):
        return column.cast(pa.timestamp("us")).to_numpy().astype("datetime64[D]")
    text = column.cast(pa.string())
    for layout in _DAY_FORMATS:
        days = pc.strptime(text, format=layout, unit="s", error_is_null=True)
        if not days.null_count:
            return days.to_numpy().astype("datetime64[D]")
    raise SourceError(f"{where}: days such as '{text[0]}' cannot be read; write 2024-01-31 or 20240131")


def numbers_of(column: pa.ChunkedArray) -> Floats:
    """Numbers as float64; letters, empty cells and nulls are NaN."""
    if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
        return np.asarray(column.cast(pa.float64()).to_numpy(), dtype=np.float64)
    text = pc.utf8_trim_whitespace(column)
    is_number = pc.match_substring_regex(text, r"^[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?$")
    kept = pc.if_else(pc.fill_null(is_number, False), pc.utf8_ltrim(text, "+"), None)
    return np.asarray(kept.cast(pa.float64()).to_numpy(), dtype=np.float64)
