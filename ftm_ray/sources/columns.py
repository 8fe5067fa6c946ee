"""Rows of Parquet, CSV and JSON Lines files as they come, with their columns recognised by name.

All three formats give plain Python rows: 300,000 rows (5,000 calls) cost a few seconds, and a bad value can be told
with file and row. Text columns are never guessed at: a ticker "NA" or "TRUE" stays a ticker, a gvkey keeps its zeros.
"""

import csv
import io
import json
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from fnmatch import fnmatch
from glob import glob
from pathlib import Path, PurePosixPath
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyarrow import fs

from ftm_ray.errors import ConfigError, SourceError
from ftm_ray.sources.calls import quarter_of

#: Names under which a column is looked for, best first; upper and lower case are the same. WRDS names included.
COLUMN_NAMES: Mapping[str, tuple[str, ...]] = {
    "firm_id": ("firm_id", "companyid", "company_id", "ticker", "symbol", "gvkey", "permno"),
    "firm_name": ("firm_name", "companyname", "company_name", "company", "conm", "name"),
    "ticker": ("ticker", "symbol", "tic"),
    "transcript_id": ("transcript_id", "transcriptid", "keydevid", "call_id", "event_id"),
    "call_date": ("call_date", "mostimportantdateutc", "date", "event_date"),
    "position": ("position", "componentorder", "turn"),
    "speaker_name": ("speaker_name", "transcriptpersonname", "person", "speaker"),
    "speaker_type": ("speaker_type", "speakertypename", "speakertype", "role"),
    "section": ("section", "transcriptcomponenttypename", "componenttype"),
    "text": ("text", "componenttext", "transcript", "content", "body"),
    "permno": ("permno", "lpermno"),
    "gvkey": ("gvkey",),
    "link_date": ("link_date",),
}
NECESSARY_COLUMNS = ("firm_id", "call_date", "text")
SUFFIXES = (".parquet", ".csv", ".jsonl", ".ndjson")
_SUFFIX_LIST = ", ".join(SUFFIXES)

# One row may be a whole call of 50 kB or more, so 256 rows are about 13 MB; Python's csv refuses over 128 kB a field.
_ROWS_PER_BATCH = 256
csv.field_size_limit(min(sys.maxsize, 2**31 - 1))


@dataclass(frozen=True, slots=True)
class InputFile:
    """One file of transcripts or links."""

    path: str  # as a person would write it
    file_system: fs.FileSystem
    inner_path: str  # as the file system knows it

    @property
    def suffix(self) -> str:
        """Lower-case suffix with its dot."""
        return PurePosixPath(self.inner_path).suffix.lower()


def match_columns(
    file: InputFile, overrides: Mapping[str, str], necessary: Collection[str] = NECESSARY_COLUMNS
) -> dict[str, str]:
    """Find which column of a file holds what.

    Args:
        file: The file to look into.
        overrides: Our name to the file's name, as given by the user.
        necessary: Columns that must be there.

    Returns:
        Our name to the file's name, for those that are there.

    Raises:
        ConfigError: An override names a column that is not ours or not in the file, or a necessary one is missing.
    """
    found = column_names(file)
    by_lower = {name.lower(): name for name in reversed(found)}
    unknown = sorted(set(overrides) - set(COLUMN_NAMES))
    if unknown:
        raise ConfigError(f"--column {unknown[0]}=...: no such column; choose from {', '.join(COLUMN_NAMES)}")
    matched = {}
    for ours, names in COLUMN_NAMES.items():
        wanted = (overrides[ours],) if ours in overrides else names
        theirs = next((by_lower[name.lower()] for name in wanted if name.lower() in by_lower), None)
        if theirs is not None:
            matched[ours] = theirs
        elif ours in overrides or ours in necessary:
            raise ConfigError(
                f"{file.path} has no column for '{ours}': looked for {', '.join(wanted)}; it has {', '.join(found)}. "
                f"Say which one it is with --column {ours}=NAME"
            )
    return matched


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


def text_value(value: Any) -> str | None:
    """A text as it stands; null where it is blank."""
    text = "" if value is None else str(value)
    return text if text.strip() else None


def id_value(value: Any) -> str | None:
    """An identifier as text; 24937.0, as pandas writes a number beside gaps, is 24937."""
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else None if value != value else str(value)
    text = text_value(value)
    return text.strip() if text else None


def integer_value(value: Any, where: str, column: str) -> int | None:
    """A whole number.

    Raises:
        SourceError: There is a value and it is none.
    """
    text = id_value(value)
    if text is None:
        return None
    digits = text.removesuffix(".0")
    if not digits.isdecimal():
        raise SourceError(f"{where}: {column} is {text!r}, expected a whole number; repair or empty the cell")
    return int(digits)


def date_value(value: Any, where: str, column: str) -> date | None:
    """The day of an ISO date or timestamp (2023-02-28, 20230228, 2023-02-28T21:00:00Z), in the zone it is written in.

    Raises:
        SourceError: There is a value and it is none. 02/03/2023 is refused, because it is two different days.
    """
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    text = id_value(value)
    if text is None:
        return None
    try:
        return date.fromisoformat(text[:10] if "-" in text else text)
    except ValueError as error:
        raise SourceError(
            f"{where}: {column} is {text!r}, expected a date such as 2023-02-28; rewrite it so"
        ) from error


def gvkey_value(value: Any) -> str | None:
    """A gvkey with its leading zeros, which spreadsheets lose: 1690 is 001690."""
    text = id_value(value)
    return text.zfill(6) if text and text.isdecimal() else text


def find_files(paths: Sequence[str]) -> list[InputFile]:
    """Resolve files, folders and globs, local or s3://, to files in the order of their paths, none twice.

    Raises:
        SourceError: A path leads to no file, or to one of an unknown kind.
    """
    files = {file.path: file for path in paths for file in _files_at(path)}
    return [files[path] for path in sorted(files)]


def _files_at(path: str) -> list[InputFile]:
    try:
        if "://" in path:
            scheme = path.split("://")[0] + "://"
            file_system, _ = fs.FileSystem.from_uri(path.partition("*")[0])
            found = _s3_files(file_system, path.removeprefix(scheme).rstrip("/"))
        else:
            scheme, file_system = "", fs.LocalFileSystem()
            found = _local_files(Path(path).expanduser())
    except (OSError, pa.ArrowInvalid) as error:
        raise SourceError(f"cannot look for {path}: {error}") from error
    usable = [name for name in found if PurePosixPath(name).suffix.lower() in SUFFIXES]
    if not usable:
        raise SourceError(f"no transcripts at {path}; expected a folder, a glob or a file, ending in {_SUFFIX_LIST}")
    return [InputFile(scheme + name, file_system, name) for name in usable]


def _local_files(path: Path) -> list[str]:
    matches = [Path(match) for match in glob(str(path), recursive=True)] or [path]
    inside = [file for match in matches for file in (match.iterdir() if match.is_dir() else [match])]
    return [str(file) for file in inside if file.is_file() and not file.name.startswith((".", "_"))]


def _s3_files(file_system: fs.FileSystem, path: str) -> list[str]:
    """Files of s3://bucket/folder, s3://bucket/folder/*.parquet or s3://bucket/folder/calls.csv."""
    if "*" not in path and file_system.get_file_info(path).type == fs.FileType.File:
        return [path]
    folder = path.partition("*")[0].rpartition("/")[0] if "*" in path else path
    infos = file_system.get_file_info(fs.FileSelector(folder, recursive="*" in path, allow_not_found=True))
    files = [info.path for info in infos if info.type == fs.FileType.File]
    return [name for name in files if "*" not in path or fnmatch(name, path)]
