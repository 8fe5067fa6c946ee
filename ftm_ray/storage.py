"""The lake: where files lie under ROOT, and how they get there whole.

ROOT is a local folder or `s3://bucket/prefix`; the same code serves both through pyarrow's file systems.
A file is either there completely or not at all: locally it is written under a temporary name and renamed,
on S3 one PUT makes it visible. So the existence of a part file can be the mark that its work is done.
"""

import hashlib
import json
import os
import re
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import fs

from ftm_ray.errors import ConfigError, SourceError

#: zstd level 3 packs text about as well as gzip at several times its speed. Level and version are fixed because
#: they are part of the bytes, and equal work must give equal bytes.
_PARQUET_OPTIONS: dict[str, Any] = {"compression": "zstd", "compression_level": 3, "version": "2.6"}

#: How a file is called while it is written; readers never list it. A writer holds it for seconds, not for an hour.
_WRITING = ".writing-"
_LEFTOVER_AGE_S = 3600

_QUARTER = re.compile(r"(19|20)\d\dQ[1-4]")


def check_quarter(quarter: str) -> str:
    """Return the quarter if it reads like 2023Q1.

    Raises:
        ConfigError: It does not.
    """
    if not _QUARTER.fullmatch(quarter):
        raise ConfigError(f"'{quarter}' is no quarter; write year and quarter, such as 2023Q1")
    return quarter


class Lake:
    """Files under one ROOT. All paths given to its methods are relative to ROOT and use '/'."""

    def __init__(self, root: str) -> None:
        if "@" in root.partition("://")[2].partition("/")[0]:
            raise ConfigError("ROOT must not hold a key or password; AWS credentials come from the usual chain")
        self.root = root.rstrip("/")
        try:
            if "://" in root:
                self._fs, self._base = fs.FileSystem.from_uri(self.root)
            else:
                self._fs, self._base = fs.LocalFileSystem(), str(Path(root).expanduser().absolute())
        except (pa.ArrowInvalid, OSError) as error:
            raise ConfigError(f"ROOT '{root}' is neither a folder nor s3://bucket/prefix: {error}") from error
        self._is_local = isinstance(self._fs, fs.LocalFileSystem)

    def __reduce__(self) -> tuple[type["Lake"], tuple[str]]:
        """Travel between processes as the ROOT alone, absolute: a worker may stand in another folder."""
        return Lake, (self._base if self._is_local else self.root,)

    # -- where things lie ---------------------------------------------------------------------------------------

    @staticmethod
    def prefetch_dir(quarter: str) -> str:
        """Folder of a quarter's prefetch store."""
        return f"prefetch/transcripts/quarter={quarter}"

    @staticmethod
    def parts_dir(quarter: str, map_id: str) -> str:
        """Folder of the map's part files; `map_id` keeps work of different configurations apart."""
        return f"intermediate/firm-topics/quarter={quarter}/map={map_id}"

    @staticmethod
    def answers_dir(quarter: str) -> str:
        """Folder of the LLM's answers to questions about a quarter."""
        return f"intermediate/llm-answers/quarter={quarter}"

    @staticmethod
    def table_dir(name: str, quarter: str) -> str:
        """Folder of a published table."""
        return f"processed/{name}/quarter={quarter}"

    @staticmethod
    def sentiment_file(quarter: str) -> str:
        """The sentiment-ready table."""
        return f"sentiment-ready/quarter={quarter}/themes_for_sentiment.parquet"

    @staticmethod
    def run_file(quarter: str, run_id: str) -> str:
        """The record of a finished run, written last."""
        return f"runs/quarter={quarter}/{run_id}/run.json"

    @staticmethod
    def comparison_dir(quarter: str, comparison: str) -> str:
        """Folder of a comparison of two LLMs on the same topics."""
        return f"comparisons/quarter={quarter}/{comparison}"

    def full_path(self, path: str) -> str:
        """The path as a person would write it, with ROOT."""
        return f"{self.root}/{path}" if path else self.root

    # -- reading ------------------------------------------------------------------------------------------------

    def exists(self, path: str) -> bool:
        """Whether a file is there."""
        with self._reported("look for", path):
            return bool(self._fs.get_file_info(self._absolute(path)).type == fs.FileType.File)

    def list_files(self, folder: str) -> list[str]:
        """Names of the finished files directly in a folder, sorted; empty where the folder is missing."""
        selector = fs.FileSelector(self._absolute(folder), allow_not_found=True)
        with self._reported("list", folder):
            infos = self._fs.get_file_info(selector)
        return sorted(i.base_name for i in infos if i.type == fs.FileType.File and not i.base_name.startswith("."))

    def list_folders(self, folder: str) -> list[str]:
        """Names of the folders directly in a folder, sorted; empty where the folder is missing."""
        selector = fs.FileSelector(self._absolute(folder), allow_not_found=True)
        with self._reported("list", folder):
            infos = self._fs.get_file_info(selector)
        return sorted(i.base_name for i in infos if i.type == fs.FileType.Directory)

    def read_table(self, path: str, columns: Sequence[str] | None = None) -> pa.Table:
        """Read a whole Parquet file, or some of its columns."""
        with self._reported("read", path), self._fs.open_input_file(self._absolute(path)) as file:
            return pq.ParquetFile(file).read(columns=columns)

    def read_folder(self, folder: str, columns: Sequence[str] | None = None) -> pa.Table:
        """Read all Parquet files of a folder, in the order of their names, as one table.

        Raises:
            SourceError: There is none.
        """
        names = [name for name in self.list_files(folder) if name.endswith(".parquet")]
        if not names:
            raise SourceError(f"no Parquet file in {self.full_path(folder)}")
        return pa.concat_tables([self.read_table(f"{folder}/{name}", columns) for name in names])

    def read_row_group(self, path: str, row_group: int) -> pa.Table:
        """Read one row group of a Parquet file."""
        with self._reported("read", path), self._fs.open_input_file(self._absolute(path)) as file:
            return pq.ParquetFile(file).read_row_group(row_group)

    def read_json(self, path: str) -> dict[str, Any]:
        """Read a JSON object."""
        with self._reported("read", path), self._fs.open_input_stream(self._absolute(path)) as stream:
            try:
                value: dict[str, Any] = json.loads(stream.read())
            except ValueError as error:
                raise SourceError(f"{self.full_path(path)} is not valid JSON: {error}") from error
        return value

    def fingerprint(self, path: str) -> dict[str, Any]:
        """Size in bytes and SHA-256 of a file, for manifests and `ftm verify`."""
        digest, n_bytes = hashlib.sha256(), 0
        with self._reported("read", path), self._fs.open_input_stream(self._absolute(path)) as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
                n_bytes += len(block)
        return {"bytes": n_bytes, "sha256": digest.hexdigest()}

    # -- writing ------------------------------------------------------------------------------------------------

    def write_table(self, path: str, table: pa.Table) -> None:
        """Write a Parquet file, whole or not at all."""
        self.write_batches(path, table.schema, [table])

    def write_batches(self, path: str, schema: pa.Schema, tables: Iterable[pa.Table]) -> int:
        """Write tables as the row groups of one Parquet file, one in memory at a time; returns the rows written."""
        n_rows = 0
        with self._new_file(path) as local, pq.ParquetWriter(local, schema, **_PARQUET_OPTIONS) as writer:
            for table in tables:
                writer.write_table(table)
                n_rows += table.num_rows
        return n_rows

    def write_json(self, path: str, value: dict[str, Any]) -> None:
        """Write a JSON object, whole or not at all, keys in the order given."""
        self.write_text(path, json.dumps(value, indent=1, ensure_ascii=False) + "\n")

    def write_text(self, path: str, text: str) -> None:
        """Write a text file, whole or not at all."""
        with self._new_file(path) as local:
            Path(local).write_text(text, encoding="utf-8")

    def delete_file(self, path: str) -> None:
        """Delete one file; nothing happens if it is not there."""
        if self.exists(path):
            with self._reported("delete", path):
                self._fs.delete_file(self._absolute(path))

    @contextmanager
    def _new_file(self, path: str) -> Iterator[str]:
        """Give a local file to write to, and put it in place when it is complete."""
        target = self._absolute(path)
        with self._reported("write", path):
            if self._is_local:
                os.makedirs(os.path.dirname(target), exist_ok=True)
            folder = os.path.dirname(target) if self._is_local else None
            with NamedTemporaryFile(dir=folder, prefix=_WRITING, suffix=".tmp", delete=False) as file:
                local = file.name
            try:
                yield local
                if self._is_local:
                    os.chmod(local, 0o644)
                    os.replace(local, target)
                else:
                    self._upload(local, target)
            finally:
                Path(local).unlink(missing_ok=True)

    def _upload(self, local: str, target: str) -> None:
        """Send a finished local file. Not through an output stream: closing one after an error would publish half."""
        fs.copy_files(local, target, source_filesystem=fs.LocalFileSystem(), destination_filesystem=self._fs)

    def delete_leftovers(self, folder: str) -> None:
        """Delete half-written files that a killed process left in a local folder more than an hour ago."""
        if not self._is_local or not os.path.isdir(self._absolute(folder)):
            return
        for path in Path(self._absolute(folder)).glob(f"{_WRITING}*.tmp"):
            if time.time() - path.stat().st_mtime > _LEFTOVER_AGE_S:
                path.unlink(missing_ok=True)

    def _absolute(self, path: str) -> str:
        return f"{self._base}/{path}" if path else self._base

    @contextmanager
    def _reported(self, action: str, path: str) -> Iterator[None]:
        """Turn the file system's errors into one sentence that says what and where."""
        try:
            yield
        except FileNotFoundError as error:
            raise SourceError(f"cannot {action} {self.full_path(path)}: it is not there") from error
        except (OSError, pa.ArrowInvalid) as error:
            raise SourceError(f"cannot {action} {self.full_path(path)}: {error}") from error
