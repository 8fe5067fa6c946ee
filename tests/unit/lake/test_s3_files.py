"""Files of a bucket, against a real S3 server: what is asked of it, what faults it survives, how it ends on others."""

import boto3
import numpy as np
import pyarrow as pa
import pytest
from s3_server import BUCKET, Fault

from ftm_ray.errors import ConfigError, RetryableError, SourceError
from ftm_ray.lake import s3_files, s3_retry
from ftm_ray.lake.s3_files import S3Files
from ftm_ray.lake.storage import Lake

TABLE = pa.table({"a": [1, 2, 3]})


def actions(s3):
    return [call.action.removeprefix("s3:") for call in s3.calls]


def big_table(n_rows=200_000):
    """Some megabytes that do not compress."""
    return pa.table({name: np.random.default_rng(seed).random(n_rows) for seed, name in enumerate("abc")})


# --- what is asked -------------------------------------------------------------------------------------------------


def test_a_file_is_one_put_and_nothing_else(s3_lake, s3):
    s3_lake.write_table("f/t.parquet", TABLE)
    assert actions(s3) == ["PutObject"]


def test_a_small_file_is_read_with_one_get(s3_lake, s3):
    s3_lake.write_table("f/t.parquet", TABLE)
    s3.calls.clear()
    assert s3_lake.read_table("f/t.parquet").equals(TABLE)
    assert s3_lake.fingerprint("f/t.parquet")["bytes"] > 0
    assert actions(s3) == ["GetObject", "GetObject"]


def test_some_columns_of_a_large_file_cost_their_bytes_only(s3_lake, s3):
    table = big_table()
    s3_lake.write_table("t.parquet", table)
    s3.calls.clear()
    assert s3_lake.read_table("t.parquet", ["b"]).equals(table.select(["b"]))
    assert actions(s3) == ["GetObject", "GetObject"]  # the footer, the column
    assert s3_lake.read_table("t.parquet").equals(table)
    assert s3_lake.fingerprint("t.parquet")["bytes"] > 3 << 20


def test_small_columns_of_a_large_file_come_together(s3_lake, s3):
    table = pa.table({f"c{n}": np.random.default_rng(n).random(2_000) for n in range(40)})
    s3_lake.write_batches("t.parquet", table.schema, [table, table, table])
    s3.calls.clear()
    assert s3_lake.read_row_group("t.parquet", 1).equals(table)
    assert actions(s3) == ["GetObject", "GetObject"]  # the footer, the row group
    assert s3_lake.read_table("t.parquet").equals(pa.concat_tables([table] * 3))


def test_only_a_prefix_is_listed_one_level_deep(s3_lake, s3):
    s3_lake.write_json("a/b/c.json", {})
    s3_lake.write_json("ab/d.json", {})
    s3.calls.clear()
    assert (s3_lake.list_files("a"), s3_lake.list_folders("a")) == ([], ["b"])
    assert {call.key.rpartition("/")[0] for call in s3.calls} == {s3_lake.root.removeprefix(f"s3://{BUCKET}/") + "/a"}
    assert all("delimiter=%2F" in call.query for call in s3.calls)


def test_a_longer_name_is_not_the_file(s3_lake):
    s3_lake.write_json("a/run.json.old", {})
    assert not s3_lake.exists("a/run.json")


def test_a_folder_with_many_files_is_listed_whole(s3_lake, s3, monkeypatch):
    for number in range(5):
        s3_lake.write_json(f"f/{number}.json", {})
    pages = []
    paginator = s3_lake._files._client.get_paginator("list_objects_v2")
    for page in paginator.paginate(
        Bucket=BUCKET, Prefix=s3_lake._files._key("f") + "/", Delimiter="/", PaginationConfig={"PageSize": 2}
    ):
        pages.append(len(page["Contents"]))
    assert pages == [2, 2, 1]  # the server has pages
    assert s3_lake.list_files("f") == [f"{number}.json" for number in range(5)]


def test_an_empty_object_is_an_empty_file(s3_lake):
    boto3.client("s3").put_object(Bucket=BUCKET, Key=s3_lake._files._key("e.json"), Body=b"")
    assert s3_lake.fingerprint("e.json")["bytes"] == 0
    with pytest.raises(SourceError, match=r"e\.json is not valid JSON"):
        s3_lake.read_json("e.json")


def test_the_bucket_itself_can_be_the_root(s3):
    lake = Lake(f"s3://{BUCKET}")
    lake.write_json("top/a.json", {"a": 1})
    assert lake.list_files("top") == ["a.json"]
    assert lake.full_path("top/a.json") == f"s3://{BUCKET}/top/a.json"


@pytest.mark.parametrize(("name", "region"), [("AWS_REGION", "eu-north-1"), ("AWS_DEFAULT_REGION", "us-west-2")])
def test_the_region_is_that_of_the_usual_settings(s3_root, monkeypatch, name, region):
    monkeypatch.delenv("AWS_REGION")
    monkeypatch.setenv(name, region)
    assert Lake(s3_root)._files._client.meta.region_name == region


# --- large files ---------------------------------------------------------------------------------------------------


@pytest.fixture
def multipart(monkeypatch):
    """Large is what has more than S3's smallest part."""
    monkeypatch.setattr(s3_files, "MULTIPART_BYTES", 5 << 20)
    monkeypatch.setattr(s3_files, "_MULTIPART_CHUNK_BYTES", 5 << 20)


def test_a_large_file_goes_in_parts_and_comes_back_whole(s3_lake, s3, multipart):
    table = big_table(500_000)
    s3_lake.write_table("t.parquet", table)
    assert sum("partNumber" in call.query for call in s3.calls) >= 2
    assert s3_lake.read_table("t.parquet").equals(table)


def test_a_large_file_whose_parts_fail_is_not_there_and_leaves_no_parts(s3_lake, s3, multipart):
    s3.faults.append(Fault("403 AccessDenied", "s3:PutObject", times=-1))
    s3.faults.insert(0, Fault("slow", "s3:PutObject"))  # the first call begins the upload and goes through
    s3.slow_s = 0.0
    with pytest.raises(SourceError, match="may not do that"):
        s3_lake.write_table("t.parquet", big_table(500_000))
    s3.faults.clear()
    assert not s3_lake.exists("t.parquet")
    assert "AbortMultipartUpload" in actions(s3)
    assert not boto3.client("s3").list_multipart_uploads(Bucket=BUCKET).get("Uploads")


# --- encryption ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sse", "header"),
    [("AES256", ("AES256", None)), ("aws:kms", ("aws:kms", None)), ("aws:kms:alias/ftm", ("aws:kms", "alias/ftm"))],
)
def test_what_is_written_is_encrypted_as_the_root_says(s3_root, sse, header):
    lake = Lake(f"{s3_root}?sse={sse}")
    lake.write_json("a.json", {"a": 1})
    assert lake.write_mark("m.json", b"{}", None)
    for path in ("a.json", "m.json"):
        head = boto3.client("s3").head_object(Bucket=BUCKET, Key=lake._files._key(path))
        assert (head["ServerSideEncryption"], head.get("SSEKMSKeyId")) == header
    assert lake.read_json("a.json") == {"a": 1}


# --- faults that do not --------------------------------------------------------------------------------------------


@pytest.fixture
def three_tries(monkeypatch):
    for module in (s3_retry, s3_files):
        monkeypatch.setattr(module, "TRIES", 3)


@pytest.mark.parametrize("kind", ["503 SlowDown", "500 InternalError", "reset", "truncated"])
def test_what_does_not_pass_ends_with_a_sentence(s3_lake, s3, three_tries, kind):
    s3_lake.write_json("a.json", {"a": 1})
    s3.faults.append(Fault(kind, "s3:GetObject", times=-1))
    with pytest.raises(
        RetryableError, match=rf"{s3_lake.root}/a\.json.*3 (tries|times).*the same command goes on"
    ) as raised:
        s3_lake.read_json("a.json")
    assert "\n" not in str(raised.value)
    assert s3.faults[0].happened == 3


@pytest.mark.parametrize(
    ("kind", "error", "message"),
    [
        ("400 ExpiredToken", SourceError, "have expired; log in again"),
        ("403 InvalidAccessKeyId", ConfigError, "does not accept the credentials"),
        ("403 AccessDenied", SourceError, "cluster/iam/"),
        ("400 AuthorizationHeaderMalformed", ConfigError, "set AWS_REGION"),
        ("501 NotImplemented", ConfigError, "cannot do that"),
        ("400 SomethingNew", SourceError, "SomethingNew"),
    ],
)
def test_what_cannot_pass_is_not_tried_again(s3_lake, s3, kind, error, message):
    s3.faults.append(Fault(kind, "s3:PutObject", times=-1))
    with pytest.raises(error, match=message) as raised:
        s3_lake.write_json("a.json", {"a": 1})
    assert f"{s3_lake.root}/a.json" in str(raised.value)
    assert "secret" not in str(raised.value)
    assert s3.faults[0].happened == 1


def test_an_error_inside_a_parquet_file_keeps_its_type(s3_lake, s3):
    s3_lake.write_table("t.parquet", big_table())
    s3.faults.append(Fault("slow", "s3:GetObject", times=1))  # the footer comes
    s3.slow_s = 0.0
    s3.faults.append(Fault("400 ExpiredToken", "s3:GetObject", times=-1))
    with pytest.raises(SourceError, match="have expired"):
        s3_lake.read_table("t.parquet")


def test_a_file_that_is_replaced_while_it_is_read_is_not_mixed(s3_lake):
    s3_lake.write_table("t.parquet", big_table())
    with s3_lake._files.open("t.parquet") as file:
        file.read(10)
        s3_lake.write_table("t.parquet", big_table(150_000))
        file.seek(2 << 20)
        with pytest.raises(RetryableError, match=r"t\.parquet was replaced while it was read"):
            file.read(10)


def test_a_bucket_that_is_not_there_is_named(s3):
    with pytest.raises(SourceError, match="no bucket 'nowhere'"):
        Lake("s3://nowhere/x").write_json("a.json", {})


def test_nobody_at_the_endpoint(s3_root, monkeypatch, three_tries):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(RetryableError, match="AWS_ENDPOINT_URL"):
        Lake(s3_root).exists("a")


def test_no_credentials_say_how_to_log_in(s3_root, monkeypatch):
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    with pytest.raises(ConfigError, match="aws configure"):
        Lake(s3_root).exists("a")


def test_a_profile_that_is_not_there(s3_root, monkeypatch):
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    with pytest.raises(ConfigError, match="nobody"):
        Lake(s3_root).exists("a")


# --- marks ---------------------------------------------------------------------------------------------------------


def test_of_two_that_make_a_mark_one_wins(s3_lake):
    files = S3Files(BUCKET, "marks", None)
    files.delete("m")
    first = files.write_mark("m", b"one", None)
    assert first
    assert files.write_mark("m", b"two", None) is None
    assert files.read_mark("m").content == b"one"
    second = files.write_mark("m", b"two", first)
    assert files.write_mark("m", b"three", first) is None
    assert (files.read_mark("m").content, files.read_mark("m").version) == (b"two", second)
    assert files.read_mark("m").age_s < 60
    files.delete("m")
    assert files.read_mark("m") is None
    assert files.write_mark("m", b"four", second) is None
