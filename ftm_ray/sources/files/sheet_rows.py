"""Rows of the first sheet of an Excel workbook (.xlsx), read with openpyxl (the extra `xlsx`)."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ftm_ray.errors import ConfigError, SourceError
from ftm_ray.sources.files.paths import InputFile
from ftm_ray.sources.files.reading import reported

if TYPE_CHECKING:
    from openpyxl import Workbook


def sheet_columns(file: InputFile) -> list[str]:
    """The first row of the first sheet."""
    for cells in _cells(file):
        return ["" if cell is None else str(cell).strip() for cell in cells]
    return []


def sheet_rows(file: InputFile, header: list[str]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Rows below the header, numbered from 1."""
    for number, cells in enumerate(_cells(file)):
        if number:
            yield number, {name: cell for name, cell in zip(header, cells, strict=False) if name}


def other_sheets(file: InputFile) -> list[str]:
    """Names of the sheets that are not read."""
    with _reported(file), file.file_system.open_input_file(file.inner_path) as stream:
        return list(_workbook(stream).sheetnames[1:])


def _cells(file: InputFile) -> Iterator[tuple[Any, ...]]:
    with _reported(file), file.file_system.open_input_file(file.inner_path) as stream:
        yield from _workbook(stream).worksheets[0].iter_rows(values_only=True)


@contextmanager
def _reported(file: InputFile) -> Iterator[None]:
    """As `reported`, and what openpyxl stumbles over in a broken workbook: it has no error of its own for that."""
    with reported(file):
        try:
            yield
        except (ValueError, LookupError, TypeError, AttributeError, SyntaxError, NotImplementedError) as error:
            raise SourceError(
                f"cannot read {file.path}: no whole Excel workbook ({' '.join(str(error).split())[:200]}); "
                "save it again as .xlsx, or as CSV (UTF-8)"
            ) from error


def _workbook(stream: Any) -> "Workbook":
    try:
        from openpyxl import load_workbook
    except ImportError as error:
        raise ConfigError(
            "an .xlsx file is read with openpyxl, which is not installed; install it with: "
            "pip install -c constraints.txt -e '.[xlsx]', or save the sheet as CSV (UTF-8)"
        ) from error
    return load_workbook(stream, read_only=True, data_only=True)
