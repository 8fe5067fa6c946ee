"""Requests and bytes are those that the S3 server saw."""

from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
from s3_server import Fault

from ftm_ray.lake import s3_files
from ftm_ray.lake.s3_traffic import S3Traffic, taken

TABLE = pa.table({"a": np.random.default_rng(0).random(5_000)})


@pytest.fixture(autouse=True)
def nothing_yet():
    taken()


def seen(s3):
    """What the server saw, as a count."""
    actions = Counter(call.action.removeprefix("s3:") for call in s3.calls)
    return [actions["PutObject"], actions["ListBucket"], actions["GetObject"], actions["DeleteObject"]]


def counted(traffic):
    return [traffic.n_puts, traffic.n_lists, traffic.n_gets, traffic.n_deletes]


def test_requests_are_those_that_the_server_saw(s3_lake, s3):
    s3_lake.write_table("f/t.parquet", TABLE)
    assert s3_lake.read_table("f/t.parquet").equals(TABLE)
    assert s3_lake.exists("f/t.parquet") and s3_lake.list_files("f") == ["t.parquet"]
    s3_lake.delete_file("f/t.parquet")
    assert counted(taken()) == seen(s3) == [1, 2, 1, 1]


def test_bytes_are_those_of_the_bodies(s3_lake, s3):
    s3_lake.write_table("t.parquet", TABLE)
    size = s3_lake.fingerprint("t.parquet")["bytes"]
    traffic = taken()
    assert size > 30_000
    assert (traffic.bytes_up, traffic.bytes_down) == (size, size)


def test_a_try_after_a_failure_counts(s3_lake, s3):
    s3.faults.append(Fault("503 SlowDown", "s3:PutObject", times=2))
    s3_lake.write_json("a.json", {"a": 1})
    assert taken().n_puts == len(s3.calls) == 3


def test_an_upload_in_pieces_counts_each_piece(s3_lake, s3, monkeypatch):
    monkeypatch.setattr(s3_files, "MULTIPART_BYTES", 1 << 20)
    monkeypatch.setattr(s3_files, "_MULTIPART_CHUNK_BYTES", 5 << 20)
    table = pa.table({name: np.random.default_rng(seed).random(300_000) for seed, name in enumerate("abc")})
    s3_lake.write_table("t.parquet", table)
    traffic = taken()
    assert traffic.n_puts == len(s3.calls) > 2
    assert traffic.bytes_up > 5 << 20


def test_what_is_taken_is_taken_once_and_lakes_of_one_process_share_the_count(s3_lake, s3):
    s3_lake.write_json("a.json", {})
    type(s3_lake)(s3_lake.root).read_json("a.json")
    first = taken()
    assert (first.n_puts, first.n_gets, first.n_requests) == (1, 1, 2)
    assert taken() == S3Traffic()


def test_a_folder_asks_nothing_of_s3(lake):
    lake.write_json("a.json", {})
    assert taken() == S3Traffic()


def test_counts_add_up():
    total = S3Traffic(n_puts=1, bytes_up=10)
    total.add(S3Traffic(n_puts=2, n_gets=3, bytes_down=5))
    assert total == S3Traffic(n_puts=3, n_gets=3, bytes_up=10, bytes_down=5)
