"""Ways in which a file comes to be broken: in its bytes, in the cells of a table, in the values of JSON.

A damage is a name and two numbers, so that hypothesis can make it smaller and print it; what it does depends on these
and the file alone.
"""

import json
import math
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import pyarrow as pa
from hypothesis import strategies as st

from ftm_ray.errors import FtmError

#: How many broken inputs were read or refused, for the line under the tests.
COUNTED: Counter[str] = Counter()

Damage = tuple[str, int, int]
T = TypeVar("T")

#: What a cell of text or a line of a file may hold instead of what belongs there.
ODD_TEXTS = (
    *(
        "",
        " ",
        "NaN",
        "nan",
        "inf",
        "-inf",
        "1e999",
        "-1",
        "0",
        "null",
        "None",
        "true",
        "NULL",
        "#N/A",
        "'; DROP TABLE x",
    ),
    *("99999999999999999999999999", "-9223372036854775809", "9223372036854775808", "1.5", "0x10", "1,5", "１２", "²"),
    *("2024-13-45", "0000-00-00", "99999-01-01", "1583-01-01", "2024-02-30", "2024Q9", "../../etc/passwd", "a/b", "\\"),
    *("\x00", "\ufeff", "\u202e", "\r", "\r\n", "\n", '"', '""', '"a', "\t", ",", ";", "{}", "[]", "\ufffd"),
    *("x" * 1_000_000, "é", "日本", "𝒳", "\u0301", "[[[[[[[[", "1" * 5000),
)

ODD_VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1.5, 10**30, -(2**63) - 1, math.nan, math.inf, "", "x", [], {}, [[]], {"a": 1}),
    *([None], ["x", 1], {"": None}, "2024-02-30", "\x00", "../..", 2**31, 1e308),
)


def attempt(read: Callable[[], T]) -> T | None:
    """What was read, or None where it was refused as our errors do: a sentence, and no other exception."""
    COUNTED["inputs"] += 1
    try:
        value = read()
    except FtmError as error:
        COUNTED["refused"] += 1
        message = str(error)
        assert len(message) > 15 and "Traceback" not in message, message
        return None
    COUNTED["read"] += 1
    return value


# --- bytes ---------------------------------------------------------------------------------------------------------


def _flip(content: bytes, a: int, b: int) -> bytes:
    at = a % max(1, len(content))
    return content[:at] + bytes([content[at] ^ (b % 255 + 1)]) + content[at + 1 :] if content else content


def _cut(content: bytes, a: int, b: int) -> bytes:
    return content[: a % (len(content) + 1)]


def _cut_head(content: bytes, a: int, b: int) -> bytes:
    return content[a % (len(content) + 1) :]


def _insert(content: bytes, a: int, b: int) -> bytes:
    at = a % (len(content) + 1)
    odd = ODD_TEXTS[b % len(ODD_TEXTS)].encode("utf-8", "replace")
    return content[:at] + odd + content[at:]


def _zeros(content: bytes, a: int, b: int) -> bytes:
    at = a % (len(content) + 1)
    return content[:at] + bytes(len(content[at : at + b])) + content[at + b :]


def _double(content: bytes, a: int, b: int) -> bytes:
    at = a % (len(content) + 1)
    return content[:at] + content[at : at + b] + content[at:]


def _lines(content: bytes, a: int, b: int) -> bytes:
    """A line gone, doubled, or moved to the end."""
    lines = content.split(b"\n")
    line = lines.pop(a % len(lines))
    return b"\n".join({0: lines, 1: [line, line, *lines], 2: [*lines, line]}[b % 3])


def _recoded(content: bytes, a: int, b: int) -> bytes:
    encoding = ("utf-16", "utf-16-le", "utf-32", "utf-8-sig", "cp037", "utf-7")[a % 6]
    return content.decode("utf-8", "replace").encode(encoding, "replace")


def _line_ends(content: bytes, a: int, b: int) -> bytes:
    return content.replace(b"\n", (b"\r\n", b"\r", b"\n\n", b"\x0b", b"\xe2\x80\xa8", b"\x00")[a % 6])


def _token(content: bytes, a: int, b: int) -> bytes:
    """What stands between two separators becomes something odd."""
    parts = content.split(b",")
    parts[a % len(parts)] = ODD_TEXTS[b % len(ODD_TEXTS)].encode("utf-8", "replace")
    return b",".join(parts)


def _other_file(content: bytes, a: int, b: int) -> bytes:
    return (
        b"",
        b"PAR1",
        b"PAR1" * 3,
        b"PK\x03\x04",
        b"\x1f\x8b\x08\x00",
        b"{}",
        b"[]",
        b"\xff" * 50,
        b"\n" * 9,
        b"\x00",
    )[a % 10]


BYTES: dict[str, Callable[[bytes, int, int], bytes]] = {
    "flip": _flip,
    "cut": _cut,
    "cut head": _cut_head,
    "insert": _insert,
    "zeros": _zeros,
    "double": _double,
    "lines": _lines,
    "recoded": _recoded,
    "line ends": _line_ends,
    "token": _token,
    "other file": _other_file,
}


def bytes_damaged(content: bytes, damages: Iterable[Damage]) -> bytes:
    """A file's bytes after these damages, one after another."""
    for name, a, b in damages:
        content = BYTES[name](content, a, b)
    return content


# --- tables --------------------------------------------------------------------------------------------------------


def _column_gone(table: pa.Table, a: int, b: int) -> pa.Table:
    return table.remove_column(a % table.num_columns) if table.num_columns > 1 else table


def _column_double(table: pa.Table, a: int, b: int) -> pa.Table:
    at = a % table.num_columns
    return table.append_column(table.schema.field(at), table.column(at))


def _column_renamed(table: pa.Table, a: int, b: int) -> pa.Table:
    names = list(table.column_names)
    names[a % len(names)] = ("", "x", names[b % len(names)], names[a % len(names)].upper(), "ret")[b % 5]
    return table.rename_columns(names)


def _column_retyped(table: pa.Table, a: int, b: int) -> pa.Table:
    at, n = a % table.num_columns, table.num_rows
    kinds: list[pa.Array] = [
        *(pa.array([b] * n, pa.int64()), pa.array([1.5] * n), pa.array(["x"] * n), pa.array([True] * n), pa.nulls(n)),
        *(pa.array([b"\xff"] * n), pa.array([[1]] * n), pa.array([{"a": 1}] * n), pa.array([0] * n, pa.date32())),
        *(pa.array([math.nan] * n), pa.array([math.inf] * n), pa.array(["x"] * n).dictionary_encode()),
        *(pa.array([2**62] * n, pa.timestamp("us")), pa.array(["9" * 40] * n), pa.array([""] * n)),
    ]
    return table.set_column(at, table.column_names[at], kinds[b % len(kinds)])


def _nulls(table: pa.Table, a: int, b: int) -> pa.Table:
    """One value, or all values of a column, become null."""
    at = a % table.num_columns
    rows: list[int | None] = list(range(table.num_rows))
    for row in range(table.num_rows) if b % 2 else [b % max(1, table.num_rows)] if table.num_rows else []:
        rows[row] = None
    return table.set_column(at, table.schema.field(at), table.column(at).take(pa.array(rows, pa.int64())))


def _odd_value(table: pa.Table, a: int, b: int) -> pa.Table:
    """One text of a column becomes something odd, one number something huge."""
    at, kind = a % table.num_columns, table.schema.field(a % table.num_columns).type
    if not table.num_rows or pa.types.is_temporal(kind):  # Python has no day of the year 146,000
        return table
    values = table.column(at).to_pylist()
    if pa.types.is_string(kind):
        values[b % len(values)] = ODD_TEXTS[b % len(ODD_TEXTS)]
    elif pa.types.is_integer(kind):
        values[b % len(values)] = (0, -1, 2**31 - 1, -(2**31))[b % 4]
    elif pa.types.is_floating(kind):
        values[b % len(values)] = (math.nan, math.inf, -math.inf, 1e308)[b % 4]
    return table.set_column(at, table.column_names[at], pa.array(values, kind))


def _rows(table: pa.Table, a: int, b: int) -> pa.Table:
    """Rows gone, doubled, or in another order."""
    backwards = list(reversed(range(table.num_rows)))
    cut, doubled = table.slice(a % (table.num_rows + 1)), pa.concat_tables([table, table])
    return (table.slice(0, 0), cut, doubled, table.take(pa.array(backwards, pa.int64())))[b % 4]


TABLES: dict[str, Callable[[pa.Table, int, int], pa.Table]] = {
    "column gone": _column_gone,
    "column double": _column_double,
    "column renamed": _column_renamed,
    "column retyped": _column_retyped,
    "nulls": _nulls,
    "odd value": _odd_value,
    "rows": _rows,
}


def table_damaged(table: pa.Table, damages: Iterable[Damage]) -> pa.Table:
    """A table after these damages, one after another, with a schema that says what is there (nulls may be)."""
    table = table.cast(pa.schema([field.with_nullable(True) for field in table.schema]))
    for name, a, b in damages:
        table = TABLES[name](table, a, b)
    return table


# --- JSON ----------------------------------------------------------------------------------------------------------


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in nested lists and dicts."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path] + [place for key, one in inner for place in _places(one, (*path, key))]


def _changed(value: Any, path: tuple[Any, ...], how: str, b: int) -> Any:
    if not path:
        return {"nested": [value], "value": ODD_VALUES[b % len(ODD_VALUES)], "gone": {}, "renamed": {"x": value}}[how]
    value = dict(value) if isinstance(value, dict) else list(value)
    key = path[0]
    if len(path) > 1 or how in ("value", "nested"):
        value[key] = _changed(value[key], path[1:], how, b)
    elif how == "gone":
        del value[key]
    elif isinstance(value, dict):
        value[f"{key}_"] = value.pop(key)
    return value


JSON = ("value", "gone", "renamed", "nested")


def json_damaged(value: Any, damages: Iterable[Damage]) -> Any:
    """A value of JSON after these damages."""
    for how, a, b in damages:
        places = _places(value)
        value = _changed(value, places[a % len(places)], how, b)
    return value


def dumped(value: Any) -> bytes:
    """JSON, with NaN and infinity as Python writes them."""
    return json.dumps(value).encode()


def damages(kinds: Iterable[str]) -> st.SearchStrategy[list[Damage]]:
    """One to three damages of these kinds."""
    one = st.tuples(st.sampled_from(sorted(kinds)), st.integers(0, 100_000), st.integers(0, 4_000))
    return st.lists(one, min_size=1, max_size=3)
