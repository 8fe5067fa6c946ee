"""Rows of JSON files: one object a line, an array of objects, or an object that holds the array.

An array is read whole, at several times the size of its file; JSON Lines are read line by line.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from ftm_ray.errors import ConfigError, SourceError
from ftm_ray.sources.files.names import COLUMN_NAMES, NECESSARY_COLUMNS, first_known
from ftm_ray.sources.files.paths import InputFile
from ftm_ray.sources.files.reading import opened_text


def json_rows(file: InputFile) -> Iterator[tuple[int, dict[str, Any]]]:
    """Rows, numbered from 1; of JSON Lines by their line.

    Raises:
        SourceError: It is not valid JSON, a row is no object, or one key stands in it twice.
        ConfigError: It is empty.
    """
    with opened_text(file) as lines:
        first, n_blank = "", 0
        for first in lines:
            if first.strip():
                break
            n_blank += 1
        if not first.strip():
            raise ConfigError(f"{file.path} is empty; remove it, or write it again")
        if _is_one_a_line(first):
            yield from _of_lines(file, n_blank + 1, first, lines)
            return
        value = _loaded(first + lines.read(), file.path, "not valid JSON")
    rows = _rows_in(value)
    if rows is None:
        raise SourceError(f"{file.path}: expected an array of calls, one object a line, or an object that holds one "
                          f"array of calls; got {_told(value)}")  # fmt: skip
    for number, row in enumerate(rows, 1):
        yield number, _checked(row, f"{file.path}, item {number}")


def _is_one_a_line(line: str) -> bool:
    """Whether the first line is a complete object (or broken: what is told of it then is told of its line)."""
    beginning = line.lstrip()[:1]
    if beginning == "[" or (beginning == "{" and line.strip() == "{"):
        return False
    try:
        value = json.loads(line)
    except ValueError as error:
        return not str(error).startswith("Expecting") or line.rstrip().endswith("}")
    return not (isinstance(value, dict) and _rows_in(value) != [value])


def _of_lines(file: InputFile, start: int, first: str, lines: Iterator[str]) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, line in enumerate(_chained(first, lines), start):
        if line.strip():
            where = f"{file.path}, line {number}"
            yield number, _checked(_loaded(line, where, "not valid JSON; JSON Lines have one object a line"), where)


def _chained(first: str, lines: Iterator[str]) -> Iterator[str]:
    yield first
    yield from lines


def _loaded(text: str, where: str, trouble: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_each_once)
    except RecursionError as error:
        raise SourceError(f"{where}: nested too deeply") from error
    except _TwiceError as error:
        raise SourceError(f"{where}: '{error}' stands twice in one object; rename one of them") from error
    except ValueError as error:
        raise SourceError(f"{where}: {trouble} ({error})") from error


class _TwiceError(Exception):
    """A key stands twice in an object."""


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    row = dict(pairs)
    if len(row) != len(pairs):
        names = [name for name, _ in pairs]
        raise _TwiceError(next(name for name in names if names.count(name) > 1))
    return row


def _checked(row: Any, where: str) -> dict[str, Any]:
    if not isinstance(row, dict):
        raise SourceError(f"{where}: expected a JSON object, got {_told(row)}")
    return row


def _rows_in(value: Any) -> Sequence[Any] | None:
    """The rows that a whole file holds: an array, one call, {"data": [...]}, or columns of equal length."""
    if isinstance(value, list):
        return value
    if not isinstance(value, dict) or not value:
        return None
    inside = list(value.values())
    if all(isinstance(column, list) for column in inside) and len({len(column) for column in inside}) == 1 < len(
        inside
    ):
        return [dict(zip(value, cells, strict=True)) for cells in zip(*inside, strict=True)]
    if all(isinstance(column, dict) for column in inside) and len({tuple(column) for column in inside}) == 1:
        if all(first_known(value, COLUMN_NAMES[ours]) for ours in NECESSARY_COLUMNS):  # pandas: column, then row
            return [{name: column[key] for name, column in value.items()} for key in inside[0]]
        return inside  # calls by their ids
    if all(first_known(value, COLUMN_NAMES[ours]) for ours in NECESSARY_COLUMNS):
        return [value]
    arrays = [column for column in inside if isinstance(column, list) and column and isinstance(column[0], dict)]
    if len(arrays) == 1 and (len(value) == 1 or _is_call(arrays[0][0])):
        return arrays[0]
    return [value]


def _is_call(row: dict[str, Any]) -> bool:
    """Whether an object is a row of its own, and no turn of a call."""
    return all(first_known(row, COLUMN_NAMES[ours]) for ours in ("firm_id", "call_date"))


def _told(value: Any) -> str:
    names: dict[type, str] = {dict: "an object", list: "an array", str: "a text"}
    return names.get(type(value), type(value).__name__)
