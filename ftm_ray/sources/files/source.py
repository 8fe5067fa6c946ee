"""Earnings calls from your own files, one row per call or per speaker turn.

The rows of the asked quarter are read once into one Arrow table sorted by firm (5,000 calls: about 300 MB) and
handed out firm by firm, so that Python never holds more than one firm's text.

What is wrong with a row: a missing firm, date or text is data dirt, counted and left out; a value that is there but
cannot be read (a date like 02/03/2023, a permno like "n/a") stops with file and row, because guessing would put a
sentence on the wrong day or the wrong stock.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

import pyarrow as pa

from ftm_ray.errors import SourceError
from ftm_ray.lake.calendar import quarter_name, quarter_number
from ftm_ray.sources.calls import Firm, Passage, UnreadCall
from ftm_ray.sources.files.call_rows import ROWS, call_rows, firm_and_day
from ftm_ray.sources.files.columns import Columns, match_columns
from ftm_ray.sources.files.firms import read_firm
from ftm_ray.sources.files.gaps import Gaps, other_name
from ftm_ray.sources.files.ids import read_ids
from ftm_ray.sources.files.links import Links, no_link_found
from ftm_ray.sources.files.names import first_known
from ftm_ray.sources.files.paths import InputFile, find_files
from ftm_ray.sources.files.rows import column_names, read_rows, reading_notes
from ftm_ray.sources.values import id_value

_ROWS_PER_TABLE = 1000
#: The most characters that a cell of a spreadsheet holds: a text of this length was cut on its way.
_FULL_CELL = 32_767
_CUT = "cut"  # counted with the rows, told with the notes


@dataclass(frozen=True, slots=True)
class FilesSettings:
    """Which files to read and how.

    Attributes:
        paths: Files, folders or globs; local or s3://.
        columns: Our column name to the file's, where it is not recognised by itself.
        ids: JSON list of the transcript ids to read, or `ids.json:key` for a list inside an object; null = all.
        links: A file that gives firms their permno, and perhaps gvkey and the days on which the link holds.
        ignore_case: Compare the ids of calls and links without upper and lower case.
    """

    paths: tuple[str, ...]
    columns: Mapping[str, str] = field(default_factory=dict)
    ids: str | None = None
    links: str | None = None
    ignore_case: bool = False


class FilesSource:
    """The calls in files. Implements `calls.Source` and `calls.NotedSource`."""

    name = "files"

    def __init__(self, settings: FilesSettings) -> None:
        self._settings = settings
        self._links_file = find_files([settings.links]).files[0] if settings.links else None
        found = find_files(settings.paths)
        # People keep the link file in the folder of the calls.
        self._files = [file for file in found.files if not _is_same(file, self._links_file)]
        if not self._files:
            raise SourceError(f"no transcripts at {', '.join(settings.paths)}: only the links file is there")
        self._passed_by = found.passed_by
        names = {file.path: column_names(file) for file in self._files}
        self.columns = {path: match_columns(path, found, settings.columns) for path, found in names.items()}
        self._key = self.columns[self._files[0].path].by_ours["firm_id"]
        self._links = Links(self._links_file, self._key, settings.ignore_case) if self._links_file else None
        self._ids = read_ids(settings.ids) if settings.ids else None
        self._counts: Counter[str] = Counter()
        self._unread: list[UnreadCall] = []
        self._quarter = ""
        self._rows = ROWS.empty_table()

    @property
    def linked(self) -> bool:
        """Whether a link file was given, or a file has a column of PERMNOs."""
        return self._links is not None or any("permno" in found.by_ours for found in self.columns.values())

    def unread_calls(self, quarter: str) -> Sequence[UnreadCall]:
        """Calls on whose day no link, or another one, holds. Firms without any link come in: the run decides."""
        return tuple(self._unread)

    def input_counts(self) -> Mapping[str, int]:
        """Rows of the quarter, and rows left out by reason."""
        return {what: n for what, n in self._counts.items() if what != _CUT}

    def input_notes(self) -> Sequence[str]:
        """Files that are passed by, delimiters that were seen, and which column names the firm."""
        notes = [f"not read: {', '.join(self._passed_by)}"] if self._passed_by else []
        notes += [note for file in self._files for note in reading_notes(file)]
        keys: dict[str, Columns] = {found.by_ours["firm_id"]: found for found in self.columns.values()}
        for key, found in keys.items():
            others = found.others.get("firm_id", ())
            besides = f"; also there: {', '.join(others)} (--column firm_id={others[0]})" if others else ""
            notes.append(f"firms are named by the column {key}{besides}")
        if self._links is not None:
            notes.append(f"links are looked up by the column {self._links.key}")
        if n_cut := self._counts[_CUT]:
            notes.append(f"texts of {_FULL_CELL:,} characters, as many as a spreadsheet's cell holds: {n_cut:,}; cut?")
        return notes

    def fingerprint(self, quarter: str) -> str:
        """Hash of the files' names and content and of the settings; where the files lie does not matter."""
        settings = [quarter, sorted(self._settings.columns.items()), self._settings.ignore_case, self._passed_by]
        digest = hashlib.sha256(json.dumps(settings).encode())
        digest.update(json.dumps(sorted(self._ids) if self._ids is not None else None).encode())
        for file in [*self._files, *([self._links_file] if self._links_file else [])]:
            digest.update(file.name.encode())
            with file.file_system.open_input_stream(file.inner_path, compression=None) as stream:
                while block := stream.read(1 << 20):
                    digest.update(block)
        return digest.hexdigest()

    def firms(self, quarter: str) -> Iterator[Firm]:
        """Firms with a call in the quarter, ordered by firm_id.

        Raises:
            SourceError: No call of the quarter is in the files, a value cannot be read, or no firm has a link.
            ConfigError: A column was taken that has gaps, where another one has none.
        """
        if self._quarter != quarter:
            self._rows, self._quarter = self._load(quarter), quarter
        self._unread = []
        start = 0
        firm_ids = self._rows.column("firm_id").to_pylist()
        for firm_id, same in groupby(firm_ids):
            n_rows = sum(1 for _ in same)
            firm, unread = read_firm(firm_id, self._rows.slice(start, n_rows).to_pylist(), self._links)
            self._unread += unread
            yield firm
            start += n_rows

    def neighbours(self, quarter: str, firm_ids: Collection[str]) -> Iterator[Passage]:
        """Texts of these firms in the quarters before and after, row by row."""
        for row in self._read(_around(quarter) - {quarter}, Counter()):
            if row["firm_id"] in firm_ids and row["text"]:
                yield Passage(row["firm_id"], row["transcript_id"], row["text"])

    def _load(self, quarter: str) -> pa.Table:
        """The quarter's rows as a table, sorted so that a firm's rows, and a call's, lie together."""
        self._counts = Counter()
        tables, rows, seen, calls_seen = [], [], set(), set()
        for row in self._read({quarter}, self._counts):
            calls_seen.add(row["transcript_id"])
            key = _content(row)
            if self._ids is not None and row["transcript_id"] not in self._ids:
                self._counts["not in the list of ids"] += 1
            elif row["position"] is not None and key in seen:
                self._counts["same row again"] += 1
            else:
                seen.add(key)
                rows.append(row)
            if len(rows) >= _ROWS_PER_TABLE:
                tables.append(pa.Table.from_pylist(rows, schema=ROWS))
                rows = []
        table = pa.concat_tables([*tables, pa.Table.from_pylist(rows, schema=ROWS)])
        if table.num_rows == 0:
            raise SourceError(f"no call in {quarter} in {', '.join(self._settings.paths)}; {self._what_there_is()}")
        if missing := (self._ids or frozenset()) - calls_seen:
            self._counts["ids without a call in the quarter"] = len(missing)
        table = table.sort_by([(name, "ascending") for name in ("firm_id", "transcript_id", "position", "row", "part")])
        firm_ids = [str(firm_id) for firm_id in table.column("firm_id").unique().to_pylist()]
        if self._links is not None and not any(self._links.of(firm_id) for firm_id in firm_ids):
            raise no_link_found(self._links, firm_ids, self._other_keys(quarter), self._key)
        return table

    def _other_keys(self, quarter: str) -> dict[str, list[str]]:
        """Other columns of the first file that may name firms, with their values."""
        file = self._files[0]
        found = column_names(file)
        names = [
            first_known(found, [known]) for known in ("ticker", "symbol", "tic", "gvkey", "cusip", "isin", "companyid")
        ]
        columns = {str(name): str(name) for name in names if name is not None and name != self._key}
        dates = {"call_date": self.columns[file.path].by_ours["call_date"]}
        values: dict[str, dict[str, None]] = {name: {} for name in columns}
        for _, raw in read_rows(file, columns | dates, {quarter}):
            for name in columns:
                if value := id_value(raw[name], file.path, name):
                    values[name][value] = None
        return {name: list(found) for name, found in values.items()}

    def _what_there_is(self) -> str:
        quarters = {row["quarter"] for row in self._read(None, Counter())}
        held = f"they hold calls of {min(quarters)} to {max(quarters)}" if quarters else "they hold no dated call"
        return held + (f", and only ids of {self._settings.ids} were asked for" if self._ids is not None else "")

    def _read(self, quarters: Collection[str] | None, counts: Counter[str]) -> Iterator[dict[str, Any]]:
        """Rows of these quarters (null = all) with readable values, from all files."""
        running = 0
        for file in self._files:
            columns = self.columns[file.path]
            ours, gaps = columns.by_ours, Gaps(file.path, columns)
            beside = {other_name(name, theirs): theirs for name, others in columns.others.items() for theirs in others}
            for number, raw in read_rows(file, {**ours, **beside}, quarters):
                running += 1
                where = f"{file.path}, row {number}"
                known = firm_and_day(raw, ours, where)
                missing = [name for name in ("firm_id", "call_date") if known[name] is None]
                is_asked = known["call_date"] is not None and (quarters is None or known["quarter"] in quarters)
                if any(value is not None for value in raw.values()):
                    gaps.see(raw, ["call_date", *(["firm_id", "text"] if is_asked else [])], [*missing, *_no_text(raw)])
                if missing:
                    counts[f"no {missing[0]}"] += 1
                elif is_asked:
                    counts["rows of the quarter"] += 1
                    parts = call_rows(raw, known, ours, where)
                    if _is_cut(raw):
                        counts[_CUT] += 1
                    yield from (part | {"row": running} for part in parts)
            gaps.check()


def _no_text(raw: Mapping[str, Any]) -> list[str]:
    text = raw.get("text")
    return ["text"] if text is None or text != text or text in ("", []) else []


def _is_cut(raw: Mapping[str, Any]) -> bool:
    return isinstance(raw.get("text"), str) and len(raw["text"]) == _FULL_CELL


def _content(row: Mapping[str, Any]) -> tuple[Any, ...]:
    """What makes two rows the same: overlapping files hold a row twice, and people say "Thank you." often."""
    names = ("firm_id", "transcript_id", "position", "part", "section", "speaker_name")
    return (*(row[name] for name in names), row["text"] and hash(row["text"]))


def _is_same(file: InputFile, other: InputFile | None) -> bool:
    """Whether two paths, however they are written, are one file."""
    if other is None or file.file_system != other.file_system:
        return False
    return Path(file.inner_path).resolve() == Path(other.inner_path).resolve()


def _around(quarter: str) -> set[str]:
    """The quarter with the one before and the one after."""
    return {quarter_name(quarter_number(quarter) + step) for step in (-1, 0, 1)}
