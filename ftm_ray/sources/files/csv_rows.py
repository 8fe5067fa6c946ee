"""Rows of CSV files. A row that does not fit the header stops the reading: half of its text would be lost in silence.

What is told apart: a delimiter inside text that is not quoted (more cells than the header), a quote that is never
closed, or only by a quote of a later row, and quotes escaped by a backslash, which CSV writes double.
"""

import csv
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from ftm_ray.errors import SourceError
from ftm_ray.sources.files.paths import InputFile
from ftm_ray.sources.files.reading import opened_text

csv.field_size_limit(min(sys.maxsize, 2**31 - 1))  # Python's csv refuses over 128 kB a field: a call may have more
_DELIMITERS = (",", ";", "\t", "|")
_MAX_HEADER_LINES = 50  # a name with line breaks in it; a header that goes on and on has a quote too many


@dataclass(frozen=True, slots=True)
class CsvForm:
    """How a file separates its cells, and its header: names without outer blanks, empty ones kept, and its lines."""

    delimiter: str
    header: tuple[str, ...]
    n_lines: int = 1


@dataclass(slots=True)
class _Record:
    """The lines of the row that is being read, for what is said about it."""

    lines: list[str] = field(default_factory=list)
    first_line: int = 1

    def of(self, lines: Iterable[str]) -> Iterator[str]:
        """Pass lines on and remember them until the row is complete."""
        for line in lines:
            self.lines.append(line)
            yield line

    def next_row(self) -> None:
        self.first_line += len(self.lines)
        self.lines.clear()


def csv_form(file: InputFile) -> CsvForm:
    """Look at the header; the delimiter is the one that parts it into most names. Excel's line `sep=;` decides.

    Raises:
        SourceError: A quote in the header is not closed.
    """
    with opened_text(file) as lines:
        first, n_lines = "", 0
        for first in lines:
            n_lines += 1
            if first.strip():
                break
        told = first[4] if first.lower().startswith("sep=") and len(first.strip()) == 5 else None
        header = next(lines, "") if told else first
        n_lines += bool(told)
        while header.count('"') % 2 == 1:
            more = next(lines, "")
            if not more or n_lines >= _MAX_HEADER_LINES:
                raise SourceError(
                    f"{file.path}: a quote in the header is not closed; the first line must name the columns"
                )
            header, n_lines = header + more, n_lines + 1
    delimiter = told or max(_DELIMITERS, key=lambda sign: len(_split(header, sign)))
    return CsvForm(delimiter, tuple(name.strip() for name in _split(header, delimiter)), n_lines)


def csv_rows(file: InputFile, form: CsvForm, necessary: Sequence[str]) -> Iterator[tuple[int, dict[str, str | None]]]:
    """Rows by the names of the header, numbered from 1.

    Args:
        file: A CSV file.
        form: As `csv_form` found it.
        necessary: The file's columns that a row may not end before; the second one is not text: a date or a number.

    Raises:
        SourceError: A row does not fit the header, or a quote is not closed.
    """
    header = {index: name for index, name in reversed(list(enumerate(form.header))) if name}
    places = [form.header.index(name) for name in necessary]
    last, date = max(places, default=0), places[1] if len(places) > 1 else 0
    with opened_text(file) as lines:
        for _ in range(form.n_lines):
            next(lines, "")
        record = _Record(first_line=form.n_lines + 1)
        reader = csv.reader(record.of(lines), delimiter=form.delimiter, skipinitialspace=True, strict=True)
        number = 0
        while True:
            try:
                cells = next(reader, None)
            except csv.Error as error:
                raise _not_closed(file, number + 1, record, str(error)) from error
            if cells is None:
                return
            if cells:
                number += 1
                if len(cells) != len(form.header) or any(cell.endswith("\\") for cell in cells):
                    _check_fit(f"{file.path}, row {number}", cells, form, last, record)
                if len(record.lines) > 1 and (line := _row_inside(cells, form, date, record)):
                    raise _not_closed(file, number, record, f"another row begins inside it, in line {line}")
                yield number, {name: cells[index] or None for index, name in header.items() if index < len(cells)}
            record.next_row()


def _split(line: str, delimiter: str) -> list[str]:
    return next(csv.reader(line.splitlines(keepends=True), delimiter=delimiter, skipinitialspace=True), [])


def _check_fit(where: str, cells: Sequence[str], form: CsvForm, last: int, record: _Record) -> None:
    n_cells = len(cells)
    while n_cells > len(form.header) and not cells[n_cells - 1].strip():
        n_cells -= 1  # a delimiter at the end of each row
    # Spreadsheets leave empty cells at the end of a row away; a row that ends amid the necessary ones is torn.
    ends_after = n_cells == last + 1 or not any(cells)
    if _is_backslashed(record) and (n_cells != len(form.header) or any(cell.endswith("\\") for cell in cells)):
        raise SourceError(f"{where}: {_BACKSLASHED}")
    if n_cells > len(form.header) or (n_cells < len(form.header) and not ends_after):
        raise SourceError(
            f"{where} (line {record.first_line}): {n_cells} cells, the header has {len(form.header)}; is the text "
            f"quoted? Text with {_sign(form.delimiter)} or a line break in it stands between double quotes"
        )


_BACKSLASHED = (
    'quotes inside the text are written \\", which CSV writes "" (two quotes); write the file again without an '
    "escape character, such as with pandas' to_csv as it comes"
)


def _is_backslashed(record: _Record) -> bool:
    return any('\\"' in line for line in record.lines)


def _row_inside(cells: Sequence[str], form: CsvForm, place: int, record: _Record) -> int | None:
    """The line in which another row stands inside the quotes of this one: it has a cell of the same shape there."""
    if place >= len(cells) or not (shape := _shape(cells[place])):
        return None
    for n_before, line in enumerate(record.lines[1:], 1):
        if line.count(form.delimiter) < place or not line[:1].strip():
            continue
        inside = _split(line, form.delimiter)
        if place < len(inside) and _shape(inside[place]) == shape:
            return record.first_line + n_before
    return None


def _shape(cell: str) -> str | None:
    """A date without its digits: 0000-00-00; null for what has no digit or is long."""
    return re.sub(r"\d", "0", cell.strip()) if len(cell) < 40 and any(map(str.isdigit, cell)) else None


def _not_closed(file: InputFile, number: int, record: _Record, error: str) -> SourceError:
    """What is wrong with the quotes of a row: the parser went on to where it could not be right."""
    where = f"{file.path}, row {number} (line {record.first_line})"
    if _is_backslashed(record):
        return SourceError(f"{where}: {_BACKSLASHED}")
    if "field larger" in error:
        return SourceError(f"{where}: {error}; is a quote not closed? Repair the row or write the file again")
    inside = f" ({error})" if error.startswith("another row") else ""
    return SourceError(
        f'{where}: the quote is not closed{inside}, or a quote inside the text is not doubled ("" for one "); the row '
        f"begins {record.lines[0].strip()[:60]!r}. Repair the row or write the file again"
    )


def _sign(delimiter: str) -> str:
    return "a tab" if delimiter == "\t" else f"'{delimiter}'"
