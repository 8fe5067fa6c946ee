"""Which files are meant by the paths that a person gives: files, folders and globs, local or s3://."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatch
from glob import glob, has_magic
from pathlib import Path, PurePosixPath

import pyarrow as pa
from pyarrow import fs

from ftm_ray.errors import SourceError

_TEXT_SUFFIXES = (".csv", ".tsv", ".jsonl", ".ndjson", ".json")
_PACKED = ".gz"
SUFFIXES = (".parquet", ".xlsx", *_TEXT_SUFFIXES, *(suffix + _PACKED for suffix in _TEXT_SUFFIXES))
_SUFFIX_LIST = f".parquet, {', '.join(_TEXT_SUFFIXES)} (these also with {_PACKED}), .xlsx"


@dataclass(frozen=True, slots=True)
class InputFile:
    """One file of transcripts or links."""

    path: str  # as a person would write it
    file_system: fs.FileSystem
    inner_path: str  # as the file system knows it

    @property
    def suffix(self) -> str:
        """Lower-case suffix with its dot; of a packed file what is inside."""
        return PurePosixPath(self.inner_path.lower().removesuffix(_PACKED)).suffix

    @property
    def name(self) -> str:
        """The last part of its path."""
        return self.path.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class FoundFiles:
    """What the paths lead to.

    Attributes:
        files: Files that are read, in the order of their paths, none twice.
        passed_by: What lies beside them and is not read, with the reason.
    """

    files: tuple[InputFile, ...]
    passed_by: tuple[str, ...]


@dataclass(slots=True)
class _Place:
    """What one path leads to: paths of files, and of folders in a folder."""

    files: list[str] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)


def find_files(paths: Sequence[str]) -> FoundFiles:
    """Resolve files, folders and globs, local or s3://.

    Raises:
        SourceError: A path leads to nothing, or to no file of a known kind.
    """
    files: dict[str, InputFile] = {}
    passed_by: dict[str, str] = {}
    for path in paths:
        usable, others = _files_at(path)
        files |= {file.path: file for file in usable}
        passed_by |= others
    read = {file.path.rpartition("/")[0] for file in files.values()}
    left = {path: why for path, why in passed_by.items() if path not in files and path.rstrip("/") not in read}
    return FoundFiles(
        tuple(files[path] for path in sorted(files)),
        tuple(
            f"{path.rstrip('/').rpartition('/')[2]}{'/' * path.endswith('/')} ({left[path]})" for path in sorted(left)
        ),
    )


def _files_at(path: str) -> tuple[list[InputFile], dict[str, str]]:
    """Files of known kinds, and the other things there with the reason why they are passed by."""
    try:
        if "://" in path:
            scheme = path.split("://")[0] + "://"
            file_system, _ = fs.FileSystem.from_uri(path.partition("*")[0])
            inner = path.removeprefix(scheme).rstrip("/")
            place = _Place(_s3_files(file_system, inner), _s3_folders(file_system, inner))
        else:
            scheme, file_system = "", fs.LocalFileSystem()
            place = _local_place(Path(path).expanduser())
    except (OSError, pa.ArrowInvalid) as error:
        raise SourceError(f"cannot look for {path}: {error}") from error
    others = {scheme + name: why for name in place.files if (why := _why_not(name))}
    others |= {f"{scheme}{name}/": f"folder; its files are read with --path '{path.rstrip('/')}/**/*'"
               for name in place.folders}  # fmt: skip
    usable = [name for name in place.files if not _why_not(name)]
    if not usable:
        raise SourceError(f"no transcripts at {path}: {_what_is_there(others)}; expected a folder, a glob or a file, "
                          f"ending in {_SUFFIX_LIST}")  # fmt: skip
    return [InputFile(scheme + name, file_system, name) for name in usable], others


def _why_not(name: str) -> str | None:
    """Why a file is not read; null where it is."""
    last = PurePosixPath(name).name
    if last.startswith((".", "_")):
        return "hidden by its name"
    if not last.lower().endswith(SUFFIXES):
        if last.lower().endswith((".zip", ".tar", ".tar.gz", ".tgz", ".7z")):
            return "an archive: unpack it"
        if last.lower().endswith((".xls", ".xlsb", ".ods")):
            return "an old or other spreadsheet: save it as .xlsx or .csv"
        return "unknown kind"
    return None


def _what_is_there(found: Mapping[str, str]) -> str:
    if not found:
        return "there is nothing of that name"
    told = [f"{path.rstrip('/').rpartition('/')[2]} ({why})" for path, why in sorted(found.items())[:5]]
    return f"not read: {', '.join(told)}" + (f" and {len(found) - 5} more" if len(found) > 5 else "")


def _is_of_a_program(name: str) -> bool:
    """.DS_Store, _SUCCESS, .calls.csv.crc, ~$calls.xlsx: nobody misses them."""
    return name.startswith("~$") or (name.startswith((".", "_")) and not name.lower().endswith(SUFFIXES))


def _local_place(path: Path) -> _Place:
    matches = [Path(match) for match in glob(str(path), recursive=True)] or [path]
    place = _Place()
    for match in matches:
        inside = sorted(match.iterdir()) if match.is_dir() else [match]
        place.files += [str(file) for file in inside if file.is_file() and not _is_of_a_program(file.name)]
        place.folders += [str(file) for file in inside if file.is_dir() and not file.name.startswith(".")]
    if has_magic(str(path)):  # a glob chose among them already
        place.folders = [folder for folder in place.folders if Path(folder) not in set(matches)]
    return place


def _s3_files(file_system: fs.FileSystem, path: str) -> list[str]:
    """Files of s3://bucket/folder, s3://bucket/folder/*.parquet or s3://bucket/folder/calls.csv."""
    if "*" not in path and file_system.get_file_info(path).type == fs.FileType.File:
        return [path]
    folder = path.partition("*")[0].rpartition("/")[0] if "*" in path else path
    infos = file_system.get_file_info(fs.FileSelector(folder, recursive="*" in path, allow_not_found=True))
    files = [info for info in infos if info.type == fs.FileType.File and not _is_of_a_program(info.base_name)]
    return [info.path for info in files if "*" not in path or fnmatch(info.path, path)]


def _s3_folders(file_system: fs.FileSystem, path: str) -> list[str]:
    """Folders in a folder of an object store; none where a glob or a file was asked for."""
    if "*" in path or file_system.get_file_info(path).type == fs.FileType.File:
        return []
    infos = file_system.get_file_info(fs.FileSelector(path, allow_not_found=True))
    return sorted(info.path for info in infos if info.type == fs.FileType.Directory)
