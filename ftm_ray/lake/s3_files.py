"""Files of an S3 bucket, below one prefix: all that the lake asks of S3, and nothing more.

boto3 does every call, so that there is one chain of credentials (environment, profile, SSO, role of the machine), one
way to say region and endpoint (AWS_REGION, AWS_ENDPOINT_URL), and one kind of error that is decided by its code.
pyarrow has an S3 client of its own, but it knows fewer kinds of credentials and reports errors as text only; only the
questions of `results/query.py` go through it (`s3_datasets.py`).

A small file is one PUT, a large one a multipart upload that S3 shows when its last part is there: a reader sees a file
whole or not at all. Only prefixes are listed, never the bucket. The calls, and so the rights that a machine needs,
stand in cluster/iam/.
"""

import io
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from email.utils import parsedate_to_datetime
from functools import cached_property
from tempfile import TemporaryDirectory
from typing import Any

import boto3
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from pyarrow import fs

from ftm_ray.environment import aws_region
from ftm_ray.errors import ConfigError, RetryableError
from ftm_ray.lake.local_files import Mark
from ftm_ray.lake.s3_datasets import dataset_files
from ftm_ray.lake.s3_errors import ChangedMeanwhile, EmptyFile, reported
from ftm_ray.lake.s3_retry import TRIES, client_settings, read_whole
from ftm_ray.lake.s3_traffic import count_traffic

#: Files up to here are one PUT; part files and chunks are 1 to 20 MB. S3 wants more than one from 5 GiB on.
MULTIPART_BYTES = 64 << 20
_MULTIPART_CHUNK_BYTES = 32 << 20

#: Read when a file is opened: the size, and nearly always the whole footer of a Parquet file or a whole JSON file.
_TAIL_BYTES = 64 << 10

#: At least so much is read at once, for the columns that follow: a request takes longer than these bytes do.
_AHEAD_BYTES = 1 << 20


class S3Files:
    """Files below one prefix of a bucket; all paths are relative to it.

    Args:
        bucket: Its name.
        prefix: Such as 'ftm' or 'teams/ftm'; empty = the bucket's root.
        encryption: None = as the bucket does by default; 'AES256', 'aws:kms', or 'aws:kms:' and a key.
    """

    def __init__(self, bucket: str, prefix: str, encryption: str | None) -> None:
        self._bucket, self._prefix = bucket, prefix
        self._encryption = _encryption_arguments(encryption)

    @cached_property
    def _client(self) -> Any:
        """Made when it is first needed: commands that end before should not look for credentials."""
        settings = client_settings() | {"user_agent_extra": "ftm-ray"}
        with self._reported("use", ""):
            session = boto3.session.Session(region_name=aws_region())
            client = session.client("s3", config=Config(**settings))
            if ".amazonaws." not in client.meta.endpoint_url:  # not every S3-compatible store has a name per bucket
                client = session.client("s3", config=Config(s3={"addressing_style": "path"}, **settings))
        count_traffic(client)
        return client

    # -- what every kind of storage can do ----------------------------------------------------------------------

    def exists(self, path: str) -> bool:
        """Whether a file is there.

        By a listing of at most one name: the first one that begins with the path is the path itself. HEAD would
        need the right to list, too, or it answers 403 where nothing is.
        """
        key = self._key(path)
        with self._reported("look for", path):
            found = self._client.list_objects_v2(Bucket=self._bucket, Prefix=key, MaxKeys=1)
        return any(entry["Key"] == key for entry in found.get("Contents", []))

    def names_in(self, folder: str) -> tuple[list[str], list[str]]:
        """Names of the files and of the folders directly in a folder."""
        prefix = f"{self._key(folder)}/"
        files, folders = [], []
        with self._reported("list", folder):
            pages = self._client.get_paginator("list_objects_v2")
            for page in pages.paginate(Bucket=self._bucket, Prefix=prefix, Delimiter="/"):
                files += [entry["Key"].removeprefix(prefix) for entry in page.get("Contents", [])]
                folders += [entry["Prefix"].removeprefix(prefix)[:-1] for entry in page.get("CommonPrefixes", [])]
        return [name for name in files if name], folders  # some tools put an empty file in the place of a folder

    def open(self, path: str) -> "S3File":
        """A file to read from anywhere; nothing is read before it is asked for."""
        return S3File(self, path)

    @contextmanager
    def new_file(self, path: str) -> Iterator[str]:
        """A path on this machine for a new file, which is sent when it is complete."""
        with TemporaryDirectory() as folder:
            local = f"{folder}/new"
            yield local
            self._send(local, path)

    def _send(self, local: str, path: str) -> None:
        config = TransferConfig(multipart_threshold=MULTIPART_BYTES, multipart_chunksize=_MULTIPART_CHUNK_BYTES)
        with self._reported("write", path), open(local, "rb") as file:
            self._client.upload_fileobj(
                file, self._bucket, self._key(path), ExtraArgs=dict(self._encryption), Config=config
            )

    def delete(self, path: str) -> None:
        """Delete one file; nothing happens if it is not there."""
        with self._reported("delete", path):
            self._client.delete_object(Bucket=self._bucket, Key=self._key(path))

    def delete_leftovers(self, folder: str) -> None:
        """Nothing to do: half a file is never visible; the bucket's lifecycle rule ends broken multipart uploads."""

    # -- marks --------------------------------------------------------------------------------------------------

    def read_mark(self, path: str) -> Mark | None:
        """A mark, or None where there is none."""
        if not self.exists(path):
            return None
        try:
            answer, content = self._get(path)
        except FileNotFoundError:
            return None  # it went away just now
        now = answer["ResponseMetadata"]["HTTPHeaders"].get("date")
        age_s = parsedate_to_datetime(now).timestamp() - answer["LastModified"].timestamp() if now else 0.0
        return Mark(content, answer["ETag"], max(0.0, age_s))

    def write_mark(self, path: str, content: bytes, replaces: str | None) -> str | None:
        """Write a mark if there is none, or if it is still the version that it replaces.

        Returns:
            Its version, or None: somebody else was there first.
        """
        condition = {"IfNoneMatch": "*"} if replaces is None else {"IfMatch": replaces}
        try:
            with self._reported("write", path):
                answer = self._client.put_object(
                    Bucket=self._bucket, Key=self._key(path), Body=content, **condition, **self._encryption
                )
        except (ChangedMeanwhile, FileNotFoundError):
            return None
        return str(answer["ETag"])

    # -- reading by ranges --------------------------------------------------------------------------------------

    def read_tail(self, path: str) -> tuple[bytes, int, str]:
        """The last bytes of a file, its size, and its version."""
        try:
            answer, content = self._get(path, f"bytes=-{_TAIL_BYTES}")
        except EmptyFile:
            return b"", 0, ""
        size = int(str(answer.get("ContentRange", f"/{len(content)}")).rpartition("/")[2])
        return content, size, str(answer["ETag"])

    def read_range(self, path: str, start: int, length: int, version: str) -> bytes:
        """Some bytes of a file.

        Raises:
            RetryableError: The file is not the version any more that its first bytes were read from.
        """
        try:
            return self._get(path, f"bytes={start}-{start + length - 1}", version)[1]
        except ChangedMeanwhile as error:
            raise RetryableError(
                f"{self._uri(path)} was replaced while it was read; run the same command again"
            ) from error

    def _get(
        self, path: str, byte_range: str | None = None, version: str | None = None
    ) -> tuple[dict[str, Any], bytes]:
        """GET: the answer, and its whole body."""
        wishes = {name: value for name, value in (("Range", byte_range), ("IfMatch", version)) if value}
        with self._reported("read", path):
            client, key = self._client, self._key(path)
            return read_whole(lambda: client.get_object(Bucket=self._bucket, Key=key, **wishes))

    def filesystem(self) -> fs.FileSystem:
        """The files as pyarrow's datasets take them, to read from."""
        with self._reported("read", ""):
            return dataset_files(self._bucket, self._prefix, self._client)

    # -- names and errors ---------------------------------------------------------------------------------------

    def _key(self, path: str) -> str:
        return "/".join(part for part in (self._prefix, path) if part)

    def _uri(self, path: str) -> str:
        return f"s3://{self._bucket}/{self._key(path)}"

    def _reported(self, action: str, path: str) -> AbstractContextManager[None]:
        return reported(f"cannot {action} {self._uri(path)}", self._bucket, TRIES)


class S3File(io.RawIOBase):
    """Reads a file of a bucket by byte ranges, all of the same version. pyarrow takes it for a file."""

    def __init__(self, files: S3Files, path: str) -> None:
        self._files, self._path = files, path
        self._position = 0
        self._ahead_start, self._ahead = 0, b""  # what was read last

    @cached_property
    def _end(self) -> tuple[bytes, int, str]:
        return self._files.read_tail(self._path)

    def readable(self) -> bool:
        """It can be read."""
        return True

    def seekable(self) -> bool:
        """It can be read from anywhere."""
        return True

    def tell(self) -> int:
        """Where the next read begins."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a place, counted from the beginning, from here, or from the end."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position}.get(whence)
        self._position = offset + (self._end[1] if base is None else base)
        return self._position

    def read(self, size: int | None = -1) -> bytes:
        """The next `size` bytes; all that are left for -1."""
        tail, file_size, version = self._end
        left = max(0, file_size - self._position)
        n_bytes = left if size is None or size < 0 else min(size, left)
        start, tail_start = self._position, file_size - len(tail)
        self._position += n_bytes
        if n_bytes == 0:
            return b""
        if start >= tail_start:
            return tail[start - tail_start : start - tail_start + n_bytes]
        if not self._ahead_start <= start <= start + n_bytes <= self._ahead_start + len(self._ahead):
            length = max(n_bytes, min(_AHEAD_BYTES, tail_start - start))
            self._ahead_start, self._ahead = start, self._files.read_range(self._path, start, length, version)
        begin = start - self._ahead_start
        return self._ahead[begin : begin + n_bytes]


def _encryption_arguments(encryption: str | None) -> dict[str, str]:
    if encryption is None:
        return {}
    if encryption in ("AES256", "aws:kms"):
        return {"ServerSideEncryption": encryption}
    key = encryption.removeprefix("aws:kms:")
    if key in (encryption, ""):
        raise ConfigError(f"ROOT ?sse={encryption}: expected AES256, aws:kms, or aws:kms: and a key's id, alias or ARN")
    return {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key}
