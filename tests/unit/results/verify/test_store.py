"""The prefetch store beside what is published: a byte that changed is found; one that was moved away is none."""

import shutil
from pathlib import Path

import pytest
from invented import QUARTER

import ftm_ray
from ftm_ray.lake.storage import Lake
from ftm_ray.results.verify.quarter import verify_quarter
from ftm_ray.results.verify.store import check_store
from ftm_ray.sources.files.source import FilesSettings, FilesSource
from ftm_ray.sources.prefetch import prefetch_quarter

CHUNK = f"{Lake.prefetch_dir(QUARTER)}/chunk_0000.parquet"
SAMPLE = Path(ftm_ray.__file__).parent / "sample_calls" / "*.jsonl"


@pytest.fixture
def store(lake):
    """The project's sample calls, prefetched."""
    prefetch(lake)
    return lake


def prefetch(lake):
    prefetch_quarter(lake, QUARTER, FilesSource(FilesSettings((str(SAMPLE),))), lambda *_: None)


def problems(lake):
    (check,) = check_store(lake, QUARTER)
    return check.problems


def test_a_whole_store_is_counted(store):
    (check,) = check_store(store, QUARTER)
    assert check.seen.startswith("1 chunks of transcripts, 0.") and check.problems == ()


def test_a_byte_that_changed_is_found(store):
    path = Path(store.root) / CHUNK
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    assert problems(store) == (
        f"{store.full_path(CHUNK)} was changed, "
        f"its hash is not the manifest's; delete it and run `ftm prefetch {QUARTER}` again",
    )
    path.unlink()  # as the message says
    prefetch(store)
    assert problems(store) == ()


def test_a_chunk_that_is_missing_is_found(store):
    (Path(store.root) / CHUNK).unlink()
    assert problems(store) == (f"{store.full_path(CHUNK)} is missing; run `ftm prefetch {QUARTER}` again",)


def test_a_manifest_that_was_changed_is_found(store):
    path = f"{Lake.prefetch_dir(QUARTER)}/manifest.json"
    store.write_json(path, store.read_json(path) | {"n_firms": 7})
    (problem,) = problems(store)
    assert "was changed by hand" in problem


def test_where_the_transcripts_were_moved_away_there_is_no_store_to_check(store, published):
    shutil.rmtree(Path(store.root) / Lake.prefetch_dir(QUARTER))
    assert check_store(store, QUARTER) == []
    assert "store" not in {check.name for check in verify_quarter(published.lake, QUARTER)}
