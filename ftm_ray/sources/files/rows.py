"""Rows of Parquet, CSV, JSON and Excel files as they come.

All formats give plain Python rows: 300,000 rows (5,000 calls) cost a few seconds, and a bad value can be reported
with file and row.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from ftm_ray.sources.files.csv_rows import csv_form, csv_rows
from ftm_ray.sources.files.json_rows import json_rows
from ftm_ray.sources.files.names import NECESSARY_COLUMNS
from ftm_ray.sources.files.parquet_rows import parquet_columns, parquet_rows
from ftm_ray.sources.files.paths import InputFile
from ftm_ray.sources.files.sheet_rows import other_sheets, sheet_columns, sheet_rows

_CSV = (".csv", ".tsv")


def column_names(file: InputFile) -> list[str]:
    """The columns of a file, one name perhaps twice: of a CSV or sheet its header, of JSON the keys of all rows."""
    if file.suffix == ".parquet":
        return parquet_columns(file)
    if file.suffix in _CSV:
        return list(csv_form(file).header)
    if file.suffix == ".xlsx":
        return sheet_columns(file)
    names: dict[str, None] = {}
    for _, row in json_rows(file):  # programs leave out what is null: the first turn with a title may be the 200th
        names.update(dict.fromkeys(row))
    return list(names)


def reading_notes(file: InputFile) -> list[str]:
    """What a person should know about how a file is read."""
    if file.suffix in _CSV:
        delimiter = csv_form(file).delimiter
        usual = "\t" if file.suffix == ".tsv" else ","
        shown = {"\t": "tab", ",": "','", ";": "';'", "|": "'|'"}.get(delimiter, repr(delimiter))
        return [f"{file.name}: cells are separated by {shown}"] if delimiter != usual else []
    if file.suffix == ".xlsx" and (others := other_sheets(file)):
        return [f"{file.name}: only its first sheet is read, not {', '.join(others)}"]
    return []


def read_rows(
    file: InputFile, columns: Mapping[str, str], quarters: Collection[str] | None = None
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Read the rows of a file with our column names; rows are numbered from 1, a header not counted.

    Args:
        file: Of a known kind.
        columns: Our name to the file's name.
        quarters: Parquet row groups without a call in these quarters may be left unread; null = read all.
    """
    if file.suffix == ".parquet":
        yield from parquet_rows(file, columns, quarters)
        return
    for number, row in _other_rows(file, columns):
        yield number, {ours: row.get(theirs) for ours, theirs in columns.items()}


def _other_rows(file: InputFile, columns: Mapping[str, str]) -> Iterator[tuple[int, dict[str, Any]]]:
    if file.suffix in _CSV:
        needed = NECESSARY_COLUMNS if "text" in columns else ("firm_id", "permno")  # calls, or links
        necessary = [columns[ours] for ours in needed if ours in columns]
        return csv_rows(file, csv_form(file), necessary)
    if file.suffix == ".xlsx":
        return sheet_rows(file, sheet_columns(file))
    return json_rows(file)
