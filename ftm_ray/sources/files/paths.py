"""Which files are meant by the paths that a person gives: files, folders and globs, local or s3://."""

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from glob import glob
from pathlib import Path, PurePosixPath

import pyarrow as pa
from pyarrow import fs

from ftm_ray.errors import SourceError

SUFFIXES = (".parquet", ".csv", ".jsonl", ".ndjson")
_SUFFIX_LIST = ", ".join(SUFFIXES)


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
