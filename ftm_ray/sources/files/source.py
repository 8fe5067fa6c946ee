"""Earnings calls from your own files: Parquet, CSV or JSON Lines, one row per call or per speaker turn.

The rows of the asked quarter are read once into one Arrow table sorted by firm (5,000 calls: about 300 MB) and
handed out firm by firm, so that Python never holds more than one firm's text.

What is wrong with a row: a missing firm, date or text is data dirt, counted and left out; a value that is there but
cannot be read (a date like 02/03/2023, a permno like "n/a") stops with file and row, because guessing would put a
sentence on the wrong day or the wrong stock.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

import pyarrow as pa

from ftm_ray.errors import ConfigError, SourceError
from ftm_ray.sources.calls import (
    Call,
    Firm,
    Passage,
    Turn,
    UnreadCall,
    normal_speaker_type,
    quarter_number,
    quarter_of,
)
from ftm_ray.sources.defects import Note
from ftm_ray.sources.files.columns import match_columns
from ftm_ray.sources.files.links import Link, read_links
from ftm_ray.sources.files.paths import InputFile, find_files
from ftm_ray.sources.files.rows import read_rows
from ftm_ray.sources.speaker_labels import cut_at_labels
from ftm_ray.sources.values import date_value, gvkey_value, id_value, integer_value, text_value

_ROWS = pa.schema(
    [
        ("firm_id", pa.string()),
        ("firm_name", pa.string()),
        ("ticker", pa.string()),
        ("transcript_id", pa.string()),
        ("call_date", pa.date32()),
        ("position", pa.int64()),
        ("speaker_name", pa.string()),
        ("speaker_type", pa.string()),
        ("section", pa.string()),
        ("text", pa.large_string()),  # one column of a big quarter can pass the 2 GB of a plain string column
        ("permno", pa.int64()),
        ("gvkey", pa.string()),
        ("link_date", pa.date32()),
        ("row", pa.int64()),
    ]
)
_ROWS_PER_TABLE = 1000


@dataclass(frozen=True, slots=True)
class FilesSettings:
    """Which files to read and how.

    Attributes:
        paths: Files, folders or globs; local or s3://.
        columns: Our column name to the file's, where it is not recognised by itself.
        ids: JSON list of the transcript ids to read, or `ids.json:key` for a list inside an object; null = all.
        links: CSV or Parquet with firm_id, permno, gvkey and perhaps link_date, one row per firm.
    """

    paths: tuple[str, ...]
    columns: Mapping[str, str] = field(default_factory=dict)
    ids: str | None = None
    links: str | None = None


class FilesSource:
    """The calls in files. Implements `calls.Source`."""

    name = "files"

    def __init__(self, settings: FilesSettings) -> None:
        self._settings = settings
        self._links_file = find_files([settings.links])[0] if settings.links else None
        # People keep the link file in the folder of the calls.
        self._files = [file for file in find_files(settings.paths) if not _is_same(file, self._links_file)]
        self._columns = {file.path: match_columns(file, settings.columns) for file in self._files}
        self._links = read_links(self._links_file) if self._links_file else {}
        self._ids = _read_ids(settings.ids) if settings.ids else None
        self._counts: Counter[str] = Counter()
        self._quarter = ""
        self._rows = _ROWS.empty_table()

    @property
    def linked(self) -> bool:
        """Whether a link file was given, or a file has a column of PERMNOs."""
        return self._links_file is not None or any("permno" in columns for columns in self._columns.values())

    def unread_calls(self, quarter: str) -> tuple[UnreadCall, ...]:
        """None: firms without a link come in, and the run leaves them out unless --keep-unlinked."""
        return ()

    def input_counts(self) -> Mapping[str, int]:
        """Rows of the quarter, and rows left out by reason."""
        return dict(self._counts)

    def fingerprint(self, quarter: str) -> str:
        """Hash of the files' names and content and of the settings; where the files lie does not matter."""
        digest = hashlib.sha256(json.dumps([quarter, sorted(self._settings.columns.items())]).encode())
        digest.update(json.dumps(sorted(self._ids) if self._ids is not None else None).encode())
        for file in [*self._files, *([self._links_file] if self._links_file else [])]:
            digest.update(file.path.rpartition("/")[2].encode())
            with file.file_system.open_input_stream(file.inner_path) as stream:
                while block := stream.read(1 << 20):
                    digest.update(block)
        return digest.hexdigest()

    def firms(self, quarter: str) -> Iterator[Firm]:
        """Firms with a call in the quarter, ordered by firm_id.

        Raises:
            SourceError: No call of the quarter is in the files, or a value cannot be read.
        """
        if self._quarter != quarter:
            self._rows, self._quarter = self._load(quarter), quarter
        start = 0
        firm_ids = self._rows.column("firm_id").to_pylist()
        for firm_id, same in groupby(firm_ids):
            n_rows = sum(1 for _ in same)
            yield self._firm(firm_id, self._rows.slice(start, n_rows).to_pylist())
            start += n_rows

    def neighbours(self, quarter: str, firm_ids: Collection[str]) -> Iterator[Passage]:
        """Texts of these firms in the quarters before and after, row by row."""
        for row in self._read(_around(quarter) - {quarter}, Counter()):
            if row["firm_id"] in firm_ids and row["text"]:
                yield Passage(row["firm_id"], row["transcript_id"], row["text"])

    def _load(self, quarter: str) -> pa.Table:
        """The quarter's rows as a table, sorted so that a firm's rows, and a call's, lie together."""
        self._counts = Counter()
        tables, rows, seen = [], [], set()
        for row in self._read({quarter}, self._counts):
            key = (row["firm_id"], row["transcript_id"], row["position"], row["text"] and hash(row["text"]))
            if self._ids is not None and row["transcript_id"] not in self._ids:
                self._counts["not in the list of ids"] += 1
            elif row["position"] is not None and key in seen:
                self._counts["same row again"] += 1
            else:
                seen.add(key)
                rows.append(row)
            if len(rows) == _ROWS_PER_TABLE:
                tables.append(pa.Table.from_pylist(rows, schema=_ROWS))
                rows = []
        table = pa.concat_tables([*tables, pa.Table.from_pylist(rows, schema=_ROWS)])
        if table.num_rows == 0:
            raise SourceError(f"no call in {quarter} in {', '.join(self._settings.paths)}; {self._what_there_is()}")
        if missing := (self._ids or frozenset()) - {transcript_id for _, transcript_id, _, _ in seen}:
            self._counts["ids without a call in the quarter"] = len(missing)
        return table.sort_by([(name, "ascending") for name in ("firm_id", "transcript_id", "position", "row")])

    def _what_there_is(self) -> str:
        quarters = {row["quarter"] for row in self._read(None, Counter())}
        held = f"they hold calls of {min(quarters)} to {max(quarters)}" if quarters else "they hold no dated call"
        return held + (f", and only ids of {self._settings.ids} were asked for" if self._ids is not None else "")

    def _read(self, quarters: Collection[str] | None, counts: Counter[str]) -> Iterator[dict[str, Any]]:
        """Rows of these quarters (null = all) with readable values, from all files."""
        running = 0
        for file in self._files:
            for number, raw in read_rows(file, self._columns[file.path], quarters):
                running += 1
                row = _readable(raw, f"{file.path}, row {number}")
                missing = next((name for name in ("firm_id", "call_date") if row[name] is None), None)
                if missing:
                    counts[f"no {missing}"] += 1
                elif quarters is None or row["quarter"] in quarters:
                    counts["rows of the quarter"] += 1
                    row["row"] = running
                    yield row

    def _firm(self, firm_id: str, rows: list[dict[str, Any]]) -> Firm:
        """One firm from its rows; what is said of a firm is taken from its first row that says it."""

        def first(name: str) -> Any:
            return next((row[name] for row in rows if row[name] is not None), None)

        calls = [_call(key, list(group)) for key, group in groupby(rows, key=lambda row: row["transcript_id"])]
        link = self._links.get(firm_id) or Link(first("permno"), first("gvkey"), first("link_date"))
        return Firm(
            firm_id=firm_id,
            firm_name=first("firm_name"),
            ticker=first("ticker"),
            permno=link.permno,
            gvkey=link.gvkey,
            link_date=link.link_date,
            calls=tuple(sorted(calls, key=lambda call: (call.call_date, call.transcript_id))),
        )


def _is_same(file: InputFile, other: InputFile | None) -> bool:
    """Whether two paths, however they are written, are one file."""
    if other is None or file.file_system != other.file_system:
        return False
    return Path(file.inner_path).resolve() == Path(other.inner_path).resolve()


def _around(quarter: str) -> set[str]:
    """The quarter with the one before and the one after."""
    numbers = [quarter_number(quarter) + step for step in (-1, 0, 1)]
    return {f"{(number - 1) // 4}Q{(number - 1) % 4 + 1}" for number in numbers}


def _call(transcript_id: str, rows: list[dict[str, Any]]) -> Call:
    turns = tuple(
        Turn(row["text"], row["speaker_name"], normal_speaker_type(row["speaker_type"]), row["section"])
        for row in rows
        if row["text"]
    )
    call_date = min(row["call_date"] for row in rows)
    if len(rows) == 1 and rows[0]["text"] and rows[0]["speaker_name"] is None:
        cut = cut_at_labels(rows[0]["text"])
        if cut is not None:
            note = f"{Note.SPEAKER_LABELS}: {cut.n_labels} labels, {cut.n_other_lines} lines of headings and lists"
            return Call(transcript_id, call_date, cut.turns, notes=(note,))
    return Call(transcript_id, call_date, turns)


def _readable(raw: Mapping[str, Any], where: str) -> dict[str, Any]:
    """A row with our columns and types; a call without an id of its own is named after firm and day."""
    row: dict[str, Any] = {name: text_value(raw.get(name)) for name in ("firm_name", "speaker_name", "text")}
    row |= {name: text_value(raw.get(name)) for name in ("speaker_type", "section")}
    row |= {name: id_value(raw.get(name)) for name in ("firm_id", "ticker", "transcript_id")}
    row |= {name: integer_value(raw.get(name), where, name) for name in ("position", "permno")}
    row |= {name: date_value(raw.get(name), where, name) for name in ("call_date", "link_date")}
    row["gvkey"] = gvkey_value(raw.get("gvkey"))
    if row["call_date"] is not None:
        row["quarter"] = quarter_of(row["call_date"])
        row["transcript_id"] = row["transcript_id"] or f"{row['firm_id']}-{row['call_date']:%Y%m%d}"
    return row


def _read_ids(argument: str) -> frozenset[str]:
    """The transcript ids of a JSON file, or of one key of it.

    Raises:
        ConfigError: The file is missing, is not JSON, or holds no list there.
    """
    path, key = argument, None
    if ".json:" in argument:
        path, _, key = argument.rpartition(":")
    try:
        with open(path, encoding="utf-8") as stream:
            value = json.load(stream)
    except (OSError, ValueError) as error:
        raise ConfigError(f"cannot read the list of ids {path}: {error}") from error
    if isinstance(value, dict):
        if key not in value:
            raise ConfigError(f"{path} holds the lists {', '.join(value)}; choose one with --ids {path}:NAME")
        value = value[key]
    if not isinstance(value, list):
        raise ConfigError(f"{argument} must be a list of transcript ids, got {type(value).__name__}")
    return frozenset(str(item) for item in value)
