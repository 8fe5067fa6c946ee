"""Rows of CSV files. A row that does not fit the header stops the reading: half of its text would be lost in silence.

What is told apart: a delimiter inside text that is not quoted (more cells than the header), a quote that is never
closed, and quotes escaped by a backslash, which CSV writes double.
"""

import csv
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from ftm_ray.errors import SourceError
from ftm_ray.sources.files.paths import InputFile
from ftm_ray.sources.files.reading import opened_text

csv.field_size_limit(min(sys.maxsize, 2**31 - 1))  # Python's csv refuses over 128 kB a field: a call may have more
_DELIMITERS = (",", ";", "\t", "|")


@dataclass(frozen=True, slots=True)
class CsvForm:
    """How a file separates its cells, and its header; names without outer blanks, empty ones kept."""

    delimiter: str
    header: tuple[str, ...]


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
    """Look at the header; the delimiter is the one that parts it into most names. Excel's line `sep=;` decides."""
    with opened_text(file) as lines:
        first = next(lines, "")
        if first.lower().startswith("sep=") and len(first.strip()) == 5:
            delimiter = first[4]
            header = _split(next(lines, ""), delimiter)
        else:
            delimiter = max(_DELIMITERS, key=lambda sign: len(_split(first, sign)))
            header = _split(first, delimiter)
    return CsvForm(delimiter, tuple(name.strip() for name in header))


def csv_rows(file: InputFile, form: CsvForm, necessary: Sequence[str]) -> Iterator[tuple[int, dict[str, str | None]]]:
    """Rows by the names of the header, numbered from 1.

    Args:
        file: A CSV file.
        form: As `csv_form` found it.
        necessary: The file's columns that a row may not end before.

    Raises:
        SourceError: A row does not fit the header, or a quote is not closed.
    """
    header = {index: name for index, name in reversed(list(enumerate(form.header))) if name}
    last = max((form.header.index(name) for name in necessary), default=0)
    with opened_text(file) as lines:
        if next(lines, "").lower().startswith("sep="):
            next(lines, "")
        record = _Record(first_line=2)
        reader = csv.reader(record.of(lines), delimiter=form.delimiter, skipinitialspace=True, strict=True)
        number = 0
        while True:
            try:
                cells = next(reader, None)
            except csv.Error as error:
                raise _not_closed(file, number + 1, record, error) from error
            if cells is None:
                return
            if cells:
                number += 1
                if len(cells) != len(form.header) or any(cell.endswith("\\") for cell in cells):
                    _check_fit(f"{file.path}, row {number}", cells, form, last, record)
                yield number, {name: cells[index] or None for index, name in header.items() if index < len(cells)}
            record.next_row()


def _split(line: str, delimiter: str) -> list[str]:
    return next(csv.reader([line], delimiter=delimiter, skipinitialspace=True), [])


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


def _not_closed(file: InputFile, number: int, record: _Record, error: csv.Error) -> SourceError:
    """What is wrong with the quotes of a row: the parser went on to where it could not be right."""
    where = f"{file.path}, row {number} (line {record.first_line})"
    if _is_backslashed(record):
        return SourceError(f"{where}: {_BACKSLASHED}")
    if "field larger" in str(error):
        return SourceError(f"{where}: {error}")
    return SourceError(
        f'{where}: the quote is not closed, or a quote inside the text is not doubled ("" for one "); the row '
        f"begins {record.lines[0].strip()[:60]!r}. Repair the row or write the file again"
    )


def _sign(delimiter: str) -> str:
    return "a tab" if delimiter == "\t" else f"'{delimiter}'"
