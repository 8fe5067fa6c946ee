"""Parquet files that say themselves whether their bytes are still those that were written.

Files between two steps (parts, kept answers, scores) are listed in no record with their hash, and Parquet alone does
not notice a changed byte: zstd unpacks it to another text, and a footer with another number is read as it stands.
Checksums of pages (Parquet has them) leave the footer out: 2 of 161 flipped bytes of a part gave other values and no
error. So the SHA-256 of the whole file stands in its own footer, worked out with 64 zeros in its place. Every reader of
Parquet opens such a file; files of earlier versions have no seal, and are believed if they can be read.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ftm_ray.errors import DamagedError
from ftm_ray.schemas.columns import LATER_COLUMNS

_NAME = "ftm.sha256"
_BLANK = b"0" * 64

#: How the name stands in a footer, before a value of 64 bytes (Thrift's compact protocol: kind and length).
_BEFORE = _NAME.encode() + b"\x18\x40"


def write_sealed_file(local: str, table: pa.Table, options: dict[str, Any]) -> None:
    """Write a table as one file and seal it."""
    with pq.ParquetWriter(local, table.schema, **options) as writer:
        writer.write_table(table)
        writer.add_key_value_metadata({_NAME: _BLANK.decode()})
    content = Path(local).read_bytes()
    at = _place_of_seal(content)
    if at is None:
        raise AssertionError(f"pyarrow {pa.__version__} writes footers in another way: no place for a seal in {local}")
    with open(local, "r+b") as file:
        file.seek(at)
        file.write(_digest(content, at))


def read_sealed_content(content: bytes, columns: Sequence[str] | None, where: str) -> pa.Table:
    """The table in the bytes of a file, or some of its columns.

    Raises:
        DamagedError: The seal is not that of the bytes, or they are no Parquet file.
    """
    at = _place_of_seal(content)
    if at is not None and content[at : at + len(_BLANK)] != _digest(content, at):
        raise DamagedError(_words(where, content, "they have another hash than was written into them"))
    try:
        table = pq.ParquetFile(pa.BufferReader(content), pre_buffer=False).read(columns=columns, use_threads=False)
        table = valid_table(table, columns)
    except MemoryError:
        raise  # the file may be whole: what is damaged is made, or paid for, again
    except (OSError, OverflowError, ValueError, KeyError, pa.ArrowException) as error:
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise DamagedError(_words(where, content, f"they cannot be read as Parquet ({reason})")) from error
    return table


def valid_table(table: pa.Table, columns: Sequence[str] | None = None) -> pa.Table:
    """The table as it was written, if its texts are texts: Parquet takes any byte for UTF-8.

    Raises:
        pa.ArrowInvalid: They are not, or a column stands there twice, or one that was asked for does not.
    """
    asked = {name.partition(".")[0] for name in columns or ()}
    if missing := sorted(asked - set(table.column_names) - set(LATER_COLUMNS)):  # pyarrow leaves them out in silence
        raise pa.ArrowInvalid(f"there is no column {', '.join(missing)}")
    if len(set(table.column_names)) != table.num_columns:
        raise pa.ArrowInvalid(f"a column stands there twice: {', '.join(table.column_names)}")
    table.validate(full=True)
    about = {name: value for name, value in (table.schema.metadata or {}).items() if name != _NAME.encode()}
    return table.replace_schema_metadata(about or None)  # a seal is of one file, and none of what is made from it


def _words(where: str, content: bytes, reason: str) -> str:
    return (
        f"{where} was damaged: its {len(content):,} bytes are not those that were written, {reason}; "
        "delete it: the command that made it makes it again where it still needs it"
    )


def _place_of_seal(content: bytes) -> int | None:
    """Where the value of the seal begins; None where there is none."""
    at = content.rfind(_BEFORE)
    return None if at < 0 else at + len(_BEFORE)


def _digest(content: bytes, at: int) -> bytes:
    digest = hashlib.sha256(memoryview(content)[:at])
    digest.update(_BLANK)
    digest.update(memoryview(content)[at + len(_BLANK) :])
    return digest.hexdigest().encode()
