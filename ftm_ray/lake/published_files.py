"""Files of published tables: the column `quarter` stands in the folder's name (`quarter=2023Q1`), not in the file.

That is how Hive, Spark and Athena lay out a table in parts, and what pandas, pyarrow, polars and DuckDB expect: they
make the column from the folder's name, and pandas and pyarrow refuse a table that holds it a second time with another
type. So every table of all quarters opens everywhere (docs/data-contracts.md), and whoever reads through this file
gets the schema as it is documented. Files of earlier versions hold the column; they are read as they are.
"""

import re
from collections.abc import Iterable

import pyarrow as pa

from ftm_ray.errors import SourceError
from ftm_ray.lake.storage import Lake
from ftm_ray.schemas.columns import check_table, with_later_columns

#: The column that the folder's name holds.
QUARTER = "quarter"

_IN_FOLDER = re.compile(r"(?:^|/)quarter=([^/]+)/")


def write_published(lake: Lake, path: str, schema: pa.Schema, tables: Iterable[pa.Table]) -> int:
    """Write tables with this schema as one file, without the column that the folder's name holds.

    Returns:
        The rows written.
    """
    stored = pa.schema([field for field in schema if field.name != QUARTER])
    return lake.write_batches(path, stored, (table.select(stored.names) for table in tables))


def read_published(lake: Lake, path: str, schema: pa.Schema) -> pa.Table:
    """Read a file of a published table, `quarter` at its place.

    Args:
        lake: Where it lies.
        path: The file, in a folder `quarter=...`.
        schema: What the table must have, every column of it.

    Raises:
        SourceError: It cannot be read, or has another schema.
    """
    return check_table(_as_now(lake.read_table(path), path, schema), schema, path)


def read_sealed_published(lake: Lake, path: str, schema: pa.Schema) -> pa.Table:
    """As `read_published`, for a file with a seal (`sealed_files.py`).

    Raises:
        DamagedError: Its bytes are not those that were written.
        SourceError: It cannot be read, or has another schema.
    """
    return check_table(_as_now(lake.read_sealed(path), path, schema), schema, path)


def read_published_folder(lake: Lake, folder: str, schema: pa.Schema) -> pa.Table:
    """Read all files of a published table's quarter, in the order of their names, as one table.

    Raises:
        SourceError: There is none, or one of them cannot be read or has another schema.
    """
    paths = [f"{folder}/{name}" for name in lake.list_files(folder) if name.endswith(".parquet")]
    if not paths:
        raise SourceError(f"no Parquet file in {lake.full_path(folder)}")
    return pa.concat_tables([read_published(lake, path, schema) for path in paths])


def read_published_columns(lake: Lake, path: str, schema: pa.Schema) -> pa.Table:
    """Read some columns of a file of a published table; `schema` has these, and others may be there.

    Raises:
        SourceError: It cannot be read, or one of the columns is missing or of another type.
    """
    stored = [name for name in schema.names if name != QUARTER]
    return check_table(_as_now(lake.read_table(path, stored), path, schema), schema, path)


def _as_now(table: pa.Table, path: str, schema: pa.Schema) -> pa.Table:
    """The quarter of the folder's name and columns that earlier versions did not have, each at its place."""
    if QUARTER in schema.names and QUARTER not in table.column_names:
        found = _IN_FOLDER.search(path)
        if found is None:
            raise SourceError(f"{path}: its folder names no quarter; expected a folder such as quarter=2023Q1")
        table = table.append_column(schema.field(QUARTER), pa.array([found[1]] * table.num_rows, pa.string()))
    table = with_later_columns(table, schema)
    return table.select(schema.names) if set(table.column_names) == set(schema.names) else table
