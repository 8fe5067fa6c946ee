"""The lake: files are there whole or not at all, equal work gives equal bytes, errors say what and where."""

import hashlib
import os
import pickle
import stat
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ftm_ray.errors import ConfigError, DamagedError, SourceError
from ftm_ray.lake.storage import Lake, check_quarter

TABLE = pa.table({"a": [1, 2, 3], "b": ["x", None, "z"]})


def files_under(lake):
    return sorted(path.name for path in Path(lake.root).rglob("*") if path.is_file())


def interrupted(error):
    yield TABLE
    raise error


def test_ids_of_another_type_are_refused(lake):
    lake.write_table("x.parquet", pa.table({"run_id": pa.array([2**62], pa.timestamp("us"))}))
    with pytest.raises(DamagedError, match="'run_id' is timestamp.*, expected text"):
        lake.read_texts("x.parquet", "run_id")


# --- writing -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("error", [RuntimeError("boom"), KeyboardInterrupt(), SourceError("gone")])
def test_an_interrupted_write_leaves_no_file_at_all(lake, error):
    with pytest.raises(type(error)):
        lake.write_batches("folder/t.parquet", TABLE.schema, interrupted(error))
    assert files_under(lake) == []


def test_an_interrupted_write_leaves_the_old_file_alone(lake):
    lake.write_table("t.parquet", TABLE)
    with pytest.raises(RuntimeError):
        lake.write_batches("t.parquet", TABLE.schema, interrupted(RuntimeError("boom")))
    assert lake.read_table("t.parquet").equals(TABLE)
    assert files_under(lake) == ["t.parquet"]


def test_json_that_cannot_be_written_leaves_no_file(lake):
    with pytest.raises(TypeError):
        lake.write_json("run.json", {"when": object()})
    assert files_under(lake) == []


def test_a_file_being_written_is_not_listed(lake):
    seen = []

    def watched():
        yield TABLE
        seen.append((lake.list_files("folder"), lake.exists("folder/t.parquet"), files_under(lake)))

    lake.write_batches("folder/t.parquet", TABLE.schema, watched())
    (listed, exists, on_disk), after = seen[0], lake.list_files("folder")
    assert (listed, exists, len(on_disk)) == ([], False, 1)
    assert after == ["t.parquet"]


def test_others_may_read_what_was_written(lake):
    lake.write_table("t.parquet", TABLE)
    assert stat.S_IMODE(os.stat(f"{lake.root}/t.parquet").st_mode) == 0o644


def test_equal_tables_give_equal_bytes(lake):
    lake.write_table("a.parquet", TABLE)
    lake.write_table("b.parquet", pa.table({"a": [1, 2, 3], "b": ["x", None, "z"]}))
    assert lake.fingerprint("a.parquet") == lake.fingerprint("b.parquet")


def test_each_table_is_a_row_group_that_can_be_read_alone(lake):
    tables = [TABLE.slice(0, 1), TABLE.slice(1, 2)]
    assert lake.write_batches("t.parquet", TABLE.schema, tables) == 3
    assert lake.read_row_group("t.parquet", 1).equals(tables[1])
    assert list(lake.read_row_groups("t.parquet")) == list(tables)
    assert list(lake.read_row_groups("t.parquet", [1])) == [tables[1]]
    assert pq.ParquetFile(f"{lake.root}/t.parquet").num_row_groups == 2


def test_no_tables_give_an_empty_file_with_its_schema(lake):
    assert lake.write_batches("t.parquet", TABLE.schema, []) == 0
    assert lake.read_table("t.parquet").schema == TABLE.schema


def test_json_keeps_order_and_letters(lake):
    lake.write_json("run.json", {"z": "naïve", "a": 1})
    assert list(lake.read_json("run.json")) == ["z", "a"]
    assert "naïve" in Path(lake.root, "run.json").read_text(encoding="utf-8")


# --- reading -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "read",
    [
        lambda lake, path: lake.read_table(path),
        lambda lake, path: lake.read_row_group(path, 0),
        lambda lake, path: list(lake.read_row_groups(path)),
        lambda lake, path: lake.read_json(path),
        lambda lake, path: lake.fingerprint(path),
    ],
)
def test_a_missing_file_is_named_with_root(lake, read):
    with pytest.raises(SourceError, match="it is not there") as caught:
        read(lake, "no/such.parquet")
    assert f"{lake.root}/no/such.parquet" in str(caught.value)


@pytest.mark.parametrize("cut", [slice(0, 5), slice(0, -20)])
def test_a_damaged_file_is_named(lake, cut):
    lake.write_table("t.parquet", TABLE)
    path = Path(lake.root, "t.parquet")
    path.write_bytes(path.read_bytes()[cut])
    with pytest.raises(SourceError, match=str(path)):
        lake.read_table("t.parquet")


def test_a_flipped_byte_is_found_out(lake):
    lake.write_table("t.parquet", TABLE)
    before = lake.fingerprint("t.parquet")
    path = Path(lake.root, "t.parquet")
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 0xFF
    path.write_bytes(bytes(content))
    assert lake.fingerprint("t.parquet") != before
    assert lake.fingerprint("t.parquet") == {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def test_a_row_group_that_is_not_there_is_an_error_with_path(lake):
    lake.write_table("t.parquet", TABLE)
    with pytest.raises(SourceError, match=r"t\.parquet"):
        lake.read_row_group("t.parquet", 5)


@pytest.mark.parametrize("text", ["{", "", "\x00"])
def test_broken_json_is_named(lake, text):
    Path(lake.root).mkdir()
    Path(lake.root, "run.json").write_text(text)
    with pytest.raises(SourceError, match=r"run\.json is not valid JSON"):
        lake.read_json("run.json")


def test_a_folder_is_read_in_the_order_of_names(lake):
    for number in (2, 0, 1):
        lake.write_table(f"f/part-{number:05d}.parquet", pa.table({"n": [number]}))
    lake.write_json("f/notes.json", {})
    assert lake.read_folder("f")["n"].to_pylist() == [0, 1, 2]


def test_a_folder_without_tables_is_an_error(lake):
    lake.write_json("f/notes.json", {})
    for folder in ("f", "missing"):
        with pytest.raises(SourceError, match=f"no Parquet file in {lake.root}/{folder}"):
            lake.read_folder(folder)


def test_files_and_folders_are_told_apart(lake):
    lake.write_table("a/b/t.parquet", TABLE)
    assert (lake.list_files("a"), lake.list_folders("a")) == ([], ["b"])
    assert not lake.exists("a/b")
    assert (lake.list_files("missing"), lake.list_folders("missing")) == ([], [])


def test_deleting_twice_is_no_error(lake):
    lake.write_table("t.parquet", TABLE)
    lake.delete_file("t.parquet")
    lake.delete_file("t.parquet")
    assert not lake.exists("t.parquet")


# --- ROOT ----------------------------------------------------------------------------------------------------------


def test_a_root_that_is_a_file_is_an_error_when_written_to(tmp_path):
    (tmp_path / "root").write_text("not a folder")
    with pytest.raises(SourceError, match="cannot write"):
        Lake(str(tmp_path / "root")).write_table("a/t.parquet", TABLE)


@pytest.mark.parametrize("root", ["gopher://x", "S3://bucket/x", "s3:/bucket/x", "s3:bucket/x"])
def test_an_unknown_kind_of_root_is_refused(root):
    with pytest.raises(ConfigError, match=root):
        Lake(root)


def test_a_slash_at_the_end_of_root_changes_nothing(lake):
    lake.write_table("t.parquet", TABLE)
    assert Lake(lake.root + "/").full_path("t.parquet") == lake.full_path("t.parquet")
    assert Lake(f"file://{lake.root}/").exists("t.parquet")


@pytest.mark.parametrize("scheme", ["", "file://"])
def test_a_lake_travels_to_another_process(lake, scheme):
    lake.write_table("t.parquet", TABLE)
    copy = pickle.loads(pickle.dumps(Lake(scheme + lake.root)))
    assert copy.read_table("t.parquet").equals(TABLE)


def test_a_relative_root_means_the_same_folder_in_a_worker_elsewhere(tmp_path, monkeypatch):
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    lake = Lake("lake")
    lake.write_table("t.parquet", TABLE)
    letter = pickle.dumps(lake)
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert pickle.loads(letter).exists("t.parquet")


@pytest.fixture
def remote(s3, tmp_path):
    """A lake in a bucket."""
    return Lake(s3.root(f"lakes/{tmp_path.name}"))


def test_remote_files_come_back_as_they_were(remote):
    remote.write_table("f/t.parquet", TABLE)
    remote.write_json("f/run.json", {"a": 1})
    assert remote.read_table("f/t.parquet").equals(TABLE)
    assert remote.read_table("f/t.parquet", ["b"]).column_names == ["b"]
    assert remote.read_json("f/run.json") == {"a": 1}
    assert remote.list_files("f") == ["run.json", "t.parquet"]
    assert (remote.list_folders(""), remote.list_folders("missing")) == (["f"], [])
    assert (remote.exists("f/t.parquet"), remote.exists("f/t"), remote.exists("f")) == (True, False, False)


def test_an_interrupted_remote_write_leaves_nothing_there_and_nothing_here(remote, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(RuntimeError):
        remote.write_batches("f/t.parquet", TABLE.schema, interrupted(RuntimeError("boom")))
    assert remote.list_files("f") == []
    assert list(tmp_path.iterdir()) == []


def test_local_and_remote_bytes_are_equal(lake, remote):
    lake.write_table("f/t.parquet", TABLE)
    remote.write_table("f/t.parquet", TABLE)
    assert lake.fingerprint("f/t.parquet") == remote.fingerprint("f/t.parquet")


def test_a_remote_file_that_is_missing_or_damaged_is_named(remote, s3):
    with pytest.raises(SourceError, match=rf"cannot read {remote.root}/no\.parquet: it is not there"):
        remote.read_table("no.parquet")
    remote.write_json("t.parquet", {"not": "parquet"})
    with pytest.raises(SourceError, match=rf"{remote.root}/t\.parquet"):
        remote.read_table("t.parquet")


def test_a_remote_lake_travels_by_its_root_alone(remote):
    remote.write_table("t.parquet", TABLE)
    letter = pickle.dumps(remote)
    assert len(letter) < 200
    assert b"secret" not in letter
    assert pickle.loads(letter).read_table("t.parquet").equals(TABLE)


@pytest.mark.parametrize("root", ["s3://", "s3:///prefix", "s3://b/p?region=x", "s3://b/p?sse=rot13", "s3://b/p#x"])
def test_a_root_on_s3_is_a_bucket_a_prefix_and_no_more(root):
    with pytest.raises(ConfigError, match="ROOT"):
        Lake(root)


def test_messages_show_a_root_on_s3_without_its_options():
    lake = Lake("s3://b/p/?sse=aws:kms:alias/ftm")
    assert lake.full_path("a/b") == "s3://b/p/a/b"
    assert pickle.loads(pickle.dumps(lake)).root == lake.root


# --- quarters ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "quarter", ["2023Q5", "2023Q0", "23Q1", "2023-Q1", "2023q1", "", "2023Q1 ", "2023Q1\n", "../x"]
)
def test_what_is_no_quarter_is_refused(quarter):
    with pytest.raises(ConfigError, match="2023Q1"):
        check_quarter(quarter)


def test_a_quarter_is_given_back():
    assert check_quarter("1999Q4") == "1999Q4"
