"""Files of a local folder: what `s3.py` does for a bucket, done for a disk."""

import errno
import fcntl
import hashlib
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from pyarrow import fs

#: How a file is called while it is written; readers never list it. A writer holds it for seconds, not for an hour.
WRITING = ".writing-"
_LEFTOVER_AGE_S = 3600

_NO_FLOCK = (errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP)


@dataclass(frozen=True, slots=True)
class Mark:
    """A small file that several processes watch, such as a lock.

    Attributes:
        content: Its bytes.
        version: Changes with the content; says which one is to be replaced.
        age_s: Seconds since it was written, by the clock of the storage.
    """

    content: bytes
    version: str
    age_s: float


class LocalFiles:
    """Files below one folder; all paths are relative to it."""

    def __init__(self, folder: str) -> None:
        self.folder = folder

    def absolute(self, path: str) -> str:
        """Where a file lies on this machine."""
        return f"{self.folder}/{path}" if path else self.folder

    def exists(self, path: str) -> bool:
        """Whether a file is there."""
        return os.path.isfile(self.absolute(path))

    def names_in(self, folder: str) -> tuple[list[str], list[str]]:
        """Names of the files and of the folders directly in a folder."""
        try:
            entries = list(os.scandir(self.absolute(folder)))
        except FileNotFoundError:
            return [], []
        files = [entry.name for entry in entries if entry.is_file()]
        return files, [entry.name for entry in entries if entry.is_dir()]

    def open(self, path: str) -> BinaryIO:
        """A file to read from anywhere."""
        return open(self.absolute(path), "rb")

    @contextmanager
    def new_file(self, path: str) -> Iterator[str]:
        """A path beside the place where a new file will lie, so that putting it there is one rename."""
        target = self.absolute(path)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        # Whoever writes makes the file: were it made here, Ctrl-C could come before the `try` and leave it.
        local = f"{os.path.dirname(target)}/{WRITING}{secrets.token_hex(8)}.tmp"
        try:
            yield local
            os.chmod(local, 0o644)
            os.replace(local, target)
        finally:
            Path(local).unlink(missing_ok=True)

    def delete(self, path: str) -> None:
        """Delete one file; nothing happens if it is not there."""
        Path(self.absolute(path)).unlink(missing_ok=True)

    def delete_leftovers(self, folder: str) -> None:
        """Delete half-written files that a killed process left more than an hour ago."""
        for path in Path(self.absolute(folder)).glob(f"{WRITING}*.tmp"):
            if time.time() - path.stat().st_mtime > _LEFTOVER_AGE_S:
                path.unlink(missing_ok=True)

    def filesystem(self) -> fs.FileSystem:
        """The files as pyarrow's datasets take them."""
        return fs.SubTreeFileSystem(self.folder, fs.LocalFileSystem())

    def read_mark(self, path: str) -> Mark | None:
        """A mark, or None where there is none."""
        try:
            with open(self.absolute(path), "rb") as file:
                content, written = file.read(), os.fstat(file.fileno()).st_mtime
        except FileNotFoundError:
            return None
        return Mark(content, hashlib.sha256(content).hexdigest(), max(0.0, time.time() - written))

    def write_mark(self, path: str, content: bytes, replaces: str | None) -> str | None:
        """Write a mark if there is none, or if it is still the version that it replaces.

        Returns:
            Its version, or None: somebody else was there first.
        """
        target = self.absolute(path)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        with _one_at_a_time(target):
            is_written = self._make(target, content) if replaces is None else self._replace(path, content, replaces)
        return hashlib.sha256(content).hexdigest() if is_written else None

    def _make(self, target: str, content: bytes) -> bool:
        try:
            file = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        except FileExistsError:
            return False
        try:
            os.write(file, content)
        finally:
            os.close(file)
        return True

    def _replace(self, path: str, content: bytes, replaces: str) -> bool:
        found = self.read_mark(path)
        if found is None or found.version != replaces:
            return False
        with self.new_file(path) as local:
            Path(local).write_bytes(content)
        return True


@contextmanager
def _one_at_a_time(target: str) -> Iterator[None]:
    """Keep other processes from writing the same mark: a disk cannot compare and replace in one step, as S3 can.

    The guard is a file of its own, because the mark is replaced; it stays, empty, or two could hold two of them.
    """
    folder, name = os.path.split(target)
    with open(f"{folder}/.{name}.guard", "w") as guard:
        try:
            fcntl.flock(guard, fcntl.LOCK_EX)
        except OSError as error:
            if error.errno not in _NO_FLOCK:
                raise  # else: some network disks know no flock; there, only the making of a mark is safe from others
        yield  # closing the guard lets the next one in
