"""Faults of S3 that pass, against a real S3 server: the call is made again, and nobody notices."""

import numpy as np
import pyarrow as pa
import pytest
from s3_server import Fault

from ftm_ray.lake import s3_retry

TABLE = pa.table({"a": [1, 2, 3]})


@pytest.mark.parametrize("kind", ["500 InternalError", "503 SlowDown", "503 ServiceUnavailable", "reset", "unheard"])
def test_what_passes_is_tried_again(s3_lake, s3, kind):
    s3.faults += [Fault(kind, action, times=2) for action in ("s3:PutObject", "s3:GetObject", "s3:ListBucket")]
    s3_lake.write_table("f/t.parquet", TABLE)
    assert s3_lake.exists("f/t.parquet")
    assert s3_lake.read_table("f/t.parquet").equals(TABLE)
    assert [fault.happened for fault in s3.faults] == [2, 2, 2]


def test_a_body_that_breaks_off_is_read_again(s3_lake, s3):
    table = pa.table({"a": np.random.default_rng(0).random(200_000)})  # 1.6 MB that do not compress
    s3_lake.write_table("t.parquet", table)
    s3.faults.append(Fault("truncated", "s3:GetObject", times=3))
    assert s3_lake.read_table("t.parquet").equals(table)
    assert s3.faults[0].happened == 3


def test_a_server_that_falls_silent_is_asked_again(s3_lake, s3, monkeypatch):
    monkeypatch.setattr(s3_retry, "READ_TIMEOUT_S", 0.5)
    s3.slow_s = 2.0
    s3.faults.append(Fault("slow", "s3:GetObject"))
    s3_lake.write_json("a.json", {"a": 1})
    assert s3_lake.read_json("a.json") == {"a": 1}
    assert [call.action for call in s3.calls].count("s3:GetObject") == 2
