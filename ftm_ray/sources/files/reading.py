"""A file opened for reading, with what a library says about it turned into one sentence with the file's name."""

import csv
import io
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

import pyarrow as pa

from ftm_ray.errors import SourceError
from ftm_ray.sources.files.paths import InputFile


@contextmanager
def reported(file: InputFile) -> Iterator[None]:
    """Turn errors of libraries into a SourceError that names the file."""
    try:
        yield
    except UnicodeDecodeError as error:
        raise SourceError(f"{file.path} is not UTF-8: {error}; save it as UTF-8") from error
    except (OSError, EOFError, pa.ArrowException, csv.Error, zipfile.BadZipFile, zlib.error) as error:
        raise SourceError(f"cannot read {file.path}: {error}") from error


@contextmanager
def opened_text(file: InputFile) -> Iterator[io.TextIOWrapper]:
    """The text of a file, unpacked where it is packed; line ends as they are."""
    with reported(file), file.file_system.open_input_stream(file.inner_path) as stream:
        yield io.TextIOWrapper(stream, encoding="utf-8-sig", newline="")
