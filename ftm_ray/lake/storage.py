"""The lake: where files lie under ROOT, and how they get there whole.

ROOT is a local folder or `s3://bucket/prefix`; the same code serves both, over `local_files.py` and `s3_files.py`. A
file is either there completely or not at all: locally it is written under a temporary name and renamed, on S3 one PUT
makes it visible. So the existence of a part file can be the mark that its work is done.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import fs

from ftm_ray.errors import ConfigError, DamagedError, SourceError
from ftm_ray.lake.local_files import LocalFiles, Mark
from ftm_ray.lake.s3_root import s3_files
from ftm_ray.lake.sealed_files import read_sealed_content, valid_table, write_sealed_file

if TYPE_CHECKING:
    from ftm_ray.lake.s3_files import S3Files

#: zstd level 3 packs text about as well as gzip at several times its speed. Level and version are fixed because
#: they are part of the bytes, and equal work must give equal bytes.
_PARQUET_OPTIONS: dict[str, Any] = {"compression": "zstd", "compression_level": 3, "version": "2.6"}

#: pyarrow's threads may still hold one of our files when a command ends, and then the process dies ("terminate called
#: without an active exception", https://github.com/apache/arrow/issues/33975): 3 of 112 `ftm verify` on slow S3, and
#: none of 360 since the thread that asks reads Parquet by itself: with this, and use_threads=False. pyarrow 26.0.1.
_ONE_THREAD: dict[str, Any] = {"pre_buffer": False}

#: A file is hashed in blocks; on S3 each is one GET.
_BLOCK_BYTES = 8 << 20

_AGAIN = "delete it, and run the command again that made it"

_QUARTER = re.compile(r"(19|20)[0-9]{2}Q[1-4]")


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
        self._files: LocalFiles | S3Files
        if root.startswith("s3://"):
            self._files, self._shown = s3_files(self.root)
        elif ("://" in root and not root.startswith("file:///")) or root.lower().startswith("s3:"):
            raise ConfigError(f"ROOT '{root}' is neither a folder nor s3://bucket/prefix")
        else:
            self._files = LocalFiles(str(Path(self.root.removeprefix("file://")).expanduser().absolute()))
            self._shown = self.root

    def __reduce__(self) -> tuple[type["Lake"], tuple[str]]:
        """Travel between processes as the ROOT alone, absolute: a worker may stand in another folder.

        Credentials do not travel: on S3 each machine uses its own (environment, profile, or role).
        """
        return Lake, (self._files.folder if isinstance(self._files, LocalFiles) else self.root,)

    # -- where things lie ---------------------------------------------------------------------------------------

    @staticmethod
    def prefetch_dir(quarter: str) -> str:
        """Folder of a quarter's prefetch store."""
        return f"prefetch/transcripts/quarter={quarter}"

    @staticmethod
    def wrds_dir(quarter: str) -> str:
        """Folder of what was fetched from WRDS for a quarter, as it came."""
        return f"prefetch/wrds/quarter={quarter}"

    @staticmethod
    def parts_dir(quarter: str, map_id: str) -> str:
        """Folder of the map's part files; `map_id` keeps work of different configurations apart."""
        return f"intermediate/firm-topics/quarter={quarter}/map={map_id}"

    @staticmethod
    def vectors_dir(quarter: str, map_id: str) -> str:
        """Folder of the vectors of sentences that the map made, where a run keeps them."""
        return f"intermediate/sentence-vectors/quarter={quarter}/map={map_id}"

    @staticmethod
    def answers_dir(quarter: str) -> str:
        """Folder of the LLM's answers to questions about a quarter."""
        return f"intermediate/llm-answers/quarter={quarter}"

    @staticmethod
    def scores_dir(quarter: str, model_digest: str) -> str:
        """Folder of what a sentiment model said of a quarter's sentences."""
        return f"intermediate/sentiment/quarter={quarter}/model={model_digest}"

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
    def sentiment_record(quarter: str, run_id: str) -> str:
        """The record of the sentiment of a run's themes, written last."""
        return f"runs/quarter={quarter}/{run_id}/sentiment.json"

    @staticmethod
    def comparison_dir(quarter: str, comparison: str) -> str:
        """Folder of a comparison of two LLMs on the same topics."""
        return f"comparisons/quarter={quarter}/{comparison}"

    def full_path(self, path: str) -> str:
        """The path as a person would write it, with ROOT."""
        return f"{self._shown}/{path}" if path else self._shown

    @staticmethod
    def lock_file(quarter: str) -> str:
        """Who works on a quarter at the moment."""
        return f"locks/quarter={quarter}.json"

    # -- reading ------------------------------------------------------------------------------------------------

    def exists(self, path: str) -> bool:
        """Whether a file is there."""
        with self._reported("look for", path):
            return self._files.exists(path)

    def list_files(self, folder: str) -> list[str]:
        """Names of the finished files directly in a folder, sorted; empty where the folder is missing."""
        with self._reported("list", folder):
            return sorted(name for name in self._files.names_in(folder)[0] if not name.startswith("."))

    def list_folders(self, folder: str) -> list[str]:
        """Names of the folders directly in a folder, sorted; empty where the folder is missing."""
        with self._reported("list", folder):
            return sorted(self._files.names_in(folder)[1])

    def read_table(self, path: str, columns: Sequence[str] | None = None) -> pa.Table:
        """Read a whole Parquet file, or some of its columns."""
        with self._reported("read", path), self._files.open(path) as file:
            return valid_table(pq.ParquetFile(file, **_ONE_THREAD).read(columns=columns, use_threads=False), columns)

    def read_texts(self, path: str, column: str) -> list[str | None]:
        """The column of a Parquet file that holds ids or other texts.

        Raises:
            DamagedError: It holds something else, or is not there.
            SourceError: The file is not there, or cannot be read.
        """
        found = self.read_table(path, [column])[column]
        if not pa.types.is_string(found.type):
            raise DamagedError(
                f"{self.full_path(path)} is damaged: its column '{column}' is {found.type}, expected text"
            )
        return list(found.to_pylist())

    def read_sealed(self, path: str, columns: Sequence[str] | None = None) -> pa.Table:
        """Read a file of `write_sealed`, or some of its columns.

        Raises:
            DamagedError: Its bytes are not those that were written.
        """
        with self._reported("read", path), self._files.open(path) as file:
            return read_sealed_content(file.read(), columns, self.full_path(path))

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
        with self._reported("read", path), self._files.open(path) as file:
            return valid_table(pq.ParquetFile(file, **_ONE_THREAD).read_row_group(row_group, use_threads=False))

    def filesystem(self) -> fs.FileSystem:
        """ROOT as pyarrow's datasets take it, to read from; a file is opened when it is read, and not before."""
        with self._reported("read", ""):
            return self._files.filesystem()

    def read_row_groups(self, path: str, row_groups: Iterable[int] | None = None) -> Iterator[pa.Table]:
        """Read a Parquet file, or these of its row groups, one in memory at a time; the file is opened once."""
        with self._reported("read", path), self._files.open(path) as file:
            parquet = pq.ParquetFile(file, **_ONE_THREAD)
            for row_group in range(parquet.num_row_groups) if row_groups is None else row_groups:
                yield valid_table(parquet.read_row_group(row_group, use_threads=False))

    def read_json(self, path: str) -> dict[str, Any]:
        """Read a JSON object.

        Raises:
            DamagedError: It is none.
        """
        with self._reported("read", path), self._files.open(path) as stream:
            content = stream.read()
        try:
            value: Any = json.loads(content)
        except (ValueError, RecursionError) as error:
            raise DamagedError(f"{self.full_path(path)} is not valid JSON: {error}; {_AGAIN}") from error
        if not isinstance(value, dict):
            raise DamagedError(
                f"{self.full_path(path)} is JSON, but no object: it is a {type(value).__name__}; {_AGAIN}"
            )
        return value

    def fingerprint(self, path: str) -> dict[str, Any]:
        """Size in bytes and SHA-256 of a file, for manifests and `ftm verify`."""
        digest, n_bytes = hashlib.sha256(), 0
        with self._reported("read", path), self._files.open(path) as stream:
            while block := stream.read(_BLOCK_BYTES):
                digest.update(block)
                n_bytes += len(block)
        return {"bytes": n_bytes, "sha256": digest.hexdigest()}

    # -- writing ------------------------------------------------------------------------------------------------

    def write_table(self, path: str, table: pa.Table) -> None:
        """Write a Parquet file, whole or not at all."""
        self.write_batches(path, table.schema, [table])

    def write_sealed(self, path: str, table: pa.Table) -> None:
        """Write a Parquet file that says itself whether it was damaged since (`sealed_files.py`)."""
        with self._new_file(path) as local:
            write_sealed_file(local, table, _PARQUET_OPTIONS)

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
        with self._reported("delete", path):
            self._files.delete(path)

    def delete_leftovers(self, folder: str) -> None:
        """Delete half-written files that a killed process left in a local folder more than an hour ago."""
        with self._reported("tidy", folder):
            self._files.delete_leftovers(folder)

    @contextmanager
    def _new_file(self, path: str) -> Iterator[str]:
        """Give a file to write to, and put it in place when it is complete."""
        with self._reported("write", path), self._files.new_file(path) as local:
            yield local

    # -- marks --------------------------------------------------------------------------------------------------

    def read_mark(self, path: str) -> Mark | None:
        """A small file that several processes watch, such as a lock; None where there is none."""
        with self._reported("read", path):
            return self._files.read_mark(path)

    def write_mark(self, path: str, content: bytes, replaces: str | None) -> str | None:
        """Write a mark if there is none (`replaces` None), or if it is still the version that it replaces.

        Returns:
            Its version, or None: somebody else was there first.
        """
        with self._reported("write", path):
            return self._files.write_mark(path, content, replaces)

    @contextmanager
    def _reported(self, action: str, path: str) -> Iterator[None]:
        """Turn the file system's errors into one sentence that says what and where."""
        try:
            yield
        except FileNotFoundError as error:
            raise SourceError(f"cannot {action} {self.full_path(path)}: it is not there") from error
        except (OSError, pa.ArrowException, UnicodeDecodeError) as error:
            is_damaged = action == "read" and getattr(error, "errno", None) is None  # what the disk says has a number
            raise (DamagedError if is_damaged else SourceError)(
                f"cannot {action} {self.full_path(path)}: {' '.join(str(error).split())}"
            ) from error
