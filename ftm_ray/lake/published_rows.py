"""Published tables for whoever reads only what a question needs: what one table names, another must have.

`ftm verify` looks at every row of every table. A reader does not, and must not fall over what it would have found:
a column of another type, an empty place, or a key that no row has is damage here too, said in a sentence.
"""

import shlex
from collections.abc import Hashable, Iterable, Sequence
from typing import TypeVar

import pyarrow as pa
import pyarrow.compute as pc

from ftm_ray.errors import DamagedError
from ftm_ray.lake.storage import Lake
from ftm_ray.schemas.columns import EMBEDDING
from ftm_ray.schemas.published import PUBLISHED
from ftm_ray.schemas.vectors import SENTENCE_VECTORS, sentence_vectors_schema

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


def damaged_table(lake: Lake, quarter: str, what: str) -> DamagedError:
    """The error of a reader to whom published tables contradict one another, or their documented columns.

    Args:
        lake: Where they lie.
        quarter: Whose tables.
        what: Is wrong, such as "firms has no row F9, which another table names".
    """
    where = f"{quarter} --root {shlex.quote(lake.root)}"
    return DamagedError(
        f"what is published of {quarter} in {lake.root} is not whole: {what}; `ftm verify {where}` says which files "
        "are wrong: delete those, and run the commands again that made them"
    )


class PublishedRows(dict[K, V]):
    """Rows of a published table by key: `rows[key]` of a key that is not there says so; `get` and `in` are as ever.

    Args:
        lake: Where the table lies.
        quarter: Such as 2023Q1.
        table: Its name.
        rows: Key and row of each.

    Raises:
        DamagedError: A key stands there twice.
    """

    def __init__(self, lake: Lake, quarter: str, table: str, rows: Iterable[tuple[K, V]]) -> None:
        super().__init__()
        self._lake, self._quarter, self._table = lake, quarter, table
        for key, row in rows:
            if key in self:
                raise self._damaged("twice the row", key)
            self[key] = row

    def __missing__(self, key: K) -> V:
        raise self._damaged("no row", key, ", which another table names")

    def require(self, keys: Iterable[K]) -> None:
        """Refuse keys that are not there.

        Raises:
            DamagedError: One is not.
        """
        for key in keys:
            if key not in self:
                self.__missing__(key)

    def _damaged(self, has: str, key: K, more: str = "") -> DamagedError:
        named = "/".join(str(part) for part in key) if isinstance(key, tuple) else str(key)
        return damaged_table(self._lake, self._quarter, f"{self._table} has {has} {named!r}{more}")


def read_columns(lake: Lake, name: str, quarter: str, columns: Sequence[str]) -> pa.Table:
    """Some columns of a published table, whole; its quarter is not in the files but in the folder's name.

    Raises:
        DamagedError: A column is missing, of another type, or null where it must not be.
        SourceError: There is no file, or one cannot be read.
    """
    folder = lake.table_dir(name, quarter)
    paths = [f"{folder}/{file}" for file in lake.list_files(folder) if file.endswith(".parquet")]
    if not paths:
        return lake.read_folder(folder, columns)  # says what is missing
    return joined(lake, name, quarter, [read_file_columns(lake, name, quarter, path, columns) for path in paths])


def joined(lake: Lake, name: str, quarter: str, tables: Iterable[pa.Table]) -> pa.Table:
    """What the files of a published table hold, as one table.

    Raises:
        DamagedError: They have different columns.
    """
    try:
        return pa.concat_tables(tables)
    except pa.ArrowInvalid as error:
        raise damaged_table(lake, quarter, f"the files of {name} have different columns") from error


def read_file_columns(lake: Lake, name: str, quarter: str, path: str, columns: Sequence[str]) -> pa.Table:
    """Some columns of one file of a published table, as its schema has them.

    Raises:
        DamagedError: As `read_columns`.
        SourceError: The file is not there, or cannot be read.
    """
    table = lake.read_table(path, columns)
    schema = _vectors_schema(table) if name == SENTENCE_VECTORS else PUBLISHED[name]
    for column in table.column_names:
        found, field = table[column], schema.field(column)
        wrong = column_fault(found, field)
        if wrong:
            raise damaged_table(lake, quarter, f"column '{column}' of {path} {wrong}")
    return table


def _vectors_schema(table: pa.Table) -> pa.Schema:
    """The schema of vectors of sentences, as long as these are."""
    kind = table.schema.field("vector").type
    return sentence_vectors_schema(kind.byte_width if pa.types.is_fixed_size_binary(kind) else 1)


def type_fault(found: pa.ChunkedArray, field: pa.Field) -> str | None:
    """Another type than that of the field, or empty places where it has none; None = neither."""
    if found.type != field.type:
        return f"is {found.type}, expected {field.type}"
    if found.null_count and not field.nullable:
        return f"has {found.null_count:,} empty places, expected none"
    return None


def column_fault(found: pa.ChunkedArray, field: pa.Field) -> str | None:
    """What a column has that its field forbids, or no table can mean; None = nothing."""
    if fault := type_fault(found, field):
        return fault
    if pa.types.is_list(field.type) and any(chunk.flatten().null_count for chunk in found.chunks):
        return "has empty places inside its lists, expected none"
    if field.type == EMBEDDING and len(lengths := pc.unique(pc.list_value_length(found))) > 1:
        return f"has vectors of several lengths: {', '.join(map(str, lengths.to_pylist()[:5]))}"
    return None
