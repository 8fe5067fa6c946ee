"""Files of a folder: marks that several processes watch. The rest is tested through the lake (test_storage.py)."""

import errno
import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ftm_ray.lake.local_files import WRITING, LocalFiles


@pytest.fixture
def files(tmp_path):
    return LocalFiles(str(tmp_path))


def test_of_two_that_make_a_mark_one_wins(files):
    first = files.write_mark("locks/m", b"one", None)
    assert first
    assert files.write_mark("locks/m", b"two", None) is None
    assert files.read_mark("locks/m").content == b"one"
    second = files.write_mark("locks/m", b"two", first)
    assert files.write_mark("locks/m", b"three", first) is None
    assert (files.read_mark("locks/m").content, files.read_mark("locks/m").version) == (b"two", second)
    files.delete("locks/m")
    assert files.read_mark("locks/m") is None
    assert files.write_mark("locks/m", b"four", second) is None


def test_of_many_that_replace_a_mark_at_once_one_wins(files, monkeypatch):
    """Each looks and replaces; between the two, all others get their turn."""
    version = files.write_mark("locks/m", b"old", None)
    read_mark = LocalFiles.read_mark

    def slow(self, path):
        found = read_mark(self, path)
        time.sleep(0.05)
        return found

    monkeypatch.setattr(LocalFiles, "read_mark", slow)
    contents = [f"number {number}".encode() for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        versions = list(pool.map(lambda content: files.write_mark("locks/m", content, version), contents))
    [winner] = [content for content, written in zip(contents, versions, strict=True) if written]
    assert files.read_mark("locks/m").content == winner
    assert [name for name in files.names_in("locks")[0] if not name.startswith(".")] == ["m"]


def test_marks_are_written_on_a_disk_without_flock(files, monkeypatch):
    monkeypatch.setattr("fcntl.flock", lambda *_: (_ for _ in ()).throw(OSError(errno.ENOLCK, "No locks available")))
    assert files.write_mark("m", b"two", files.write_mark("m", b"one", None))


def test_a_mark_that_is_written_again_is_young_again(files, tmp_path):
    version = files.write_mark("m", b"same", None)
    os.utime(tmp_path / "m", (time.time() - 500, time.time() - 500))
    assert files.read_mark("m").age_s > 400
    assert files.write_mark("m", b"same", version) == version
    assert files.read_mark("m").age_s < 60


def test_leftovers_go_when_they_are_old(files, tmp_path):
    for name, age_s in (("old", 7200), ("new", 0)):
        path = Path(tmp_path, f"{WRITING}{name}.tmp")
        path.touch()
        os.utime(path, (time.time() - age_s, time.time() - age_s))
    files.delete_leftovers("")
    assert [path.name for path in tmp_path.iterdir()] == [f"{WRITING}new.tmp"]
    files.delete_leftovers("not/there")


def test_a_new_file_is_made_by_its_writer(files, tmp_path):
    """Made before the writer is there to delete it, it would stay where Ctrl-C comes in between."""
    with files.new_file("t.txt") as local:
        assert not os.path.exists(local)
        Path(local).write_text("whole")
    assert (tmp_path / "t.txt").read_text() == "whole"
    with pytest.raises(KeyboardInterrupt), files.new_file("u.txt") as local:
        Path(local).write_text("hal")
        raise KeyboardInterrupt
    assert [path.name for path in tmp_path.iterdir()] == ["t.txt"]
