"""Broken files under ROOT: what was sealed or hashed is refused or the same, everything else a clear error."""

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from damages import BYTES, JSON, TABLES, attempt, bytes_damaged, damages, dumped, json_damaged, table_damaged
from hypothesis import given
from hypothesis import strategies as st
from invented import QUARTER
from whole_quarter import write_whole_quarter

import ftm_ray
from ftm_ray.lake.storage import Lake
from ftm_ray.naming.kept_answers import AnswerStore
from ftm_ray.results.names_read import read_names
from ftm_ray.results.query import answer
from ftm_ray.results.status import quarter_status
from ftm_ray.results.theme_life import theme_life
from ftm_ray.results.theme_list import list_themes
from ftm_ray.results.theme_trace import trace_theme
from ftm_ray.results.verify.quarter import verify_quarter
from ftm_ray.run.lineage import extend_lineage
from ftm_ray.run.parts_before import parts_made_before
from ftm_ray.run.text_scores import ScoreStore
from ftm_ray.sources.manifest import check_chunks, read_manifest

PARTS = "intermediate/firm-topics/*/*/part-00000.parquet"
MANIFEST = f"{Lake.prefetch_dir(QUARTER)}/manifest.json"
RECORDS = {name: f"runs/quarter={QUARTER}/*/{name}" for name in ("run.json", "sentiment.json")}
_TABLES = ("firms", "topics", "themes", "theme_topics", "sentences", "lineage", "attention", "theme_sentiment")
PUBLISHED = {
    **{name: f"processed/{name}/quarter={QUARTER}/*.parquet" for name in _TABLES},
    "sentiment_ready": f"sentiment-ready/quarter={QUARTER}/*.parquet",
    "coverage": f"{Lake.prefetch_dir(QUARTER)}/coverage.parquet",
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory, config):
    """A lake that is whole; each input breaks one file of it, and puts it back."""
    folder = tmp_path_factory.mktemp("whole")
    run = write_whole_quarter(Lake(str(folder / "lake")), config, folder / "model")
    return Lake(str(folder / "lake")), run


@contextmanager
def put_back(lake: Lake, pattern: str) -> Iterator[tuple[Path, bytes]]:
    """A file to break, and what stands in it."""
    path = sorted(Path(lake.root).glob(pattern))[0]
    content = path.read_bytes()
    try:
        yield path, content
    finally:
        path.write_bytes(content)


#: Everything that reads what is published: each gives something, or says clearly why it does not.
READERS = {
    "verify": lambda lake: verify_quarter(lake, QUARTER),
    "themes": lambda lake: list_themes(lake, QUARTER, 5),
    "trace": lambda lake: trace_theme(lake, f"{QUARTER}-0001", 3),
    "life": lambda lake: theme_life(lake, f"{QUARTER}-0001"),
    "status": lambda lake: quarter_status(lake, QUARTER),
    "names": lambda lake: read_names(lake, QUARTER, 5),
    "lineage": lambda lake: extend_lineage(lake.root, [QUARTER]),
    "sql": lambda lake: [answer(ftm_ray.open_results(lake.root), f"SELECT * FROM {table} LIMIT 5") for table in ASKED],
}
ASKED = ("themes", "sentences", "sentiment_ready", "theme_sentiment", "lineage")


def write_table(path: Path, content: bytes, damages) -> None:
    """Broken rows in a file that is sound, and has no seal."""
    table = pq.read_table(io.BytesIO(content)).replace_schema_metadata(None)
    pq.write_table(table_damaged(table, damages), path)


def json_broken(content: bytes, kind, damages) -> bytes:
    """A JSON file with some damages: other bytes, or other values."""
    return bytes_damaged(content, damages) if kind is BYTES else dumped(json_damaged(json.loads(content), damages))


@given(damages=damages(BYTES))
def test_bytes_of_a_part(whole, damages):
    lake, run = whole
    before = parts_made_before(run, False)
    with put_back(lake, PARTS) as (path, content):
        path.write_bytes(bytes_damaged(content, damages))
        after = attempt(lambda: parts_made_before(run, False))
        assert after is not None, "a damaged part must not end a run"
        assert after in (before, {1: before[1]})


@given(damages=damages(TABLES))
def test_rows_of_a_part_without_a_seal(whole, damages):
    lake, run = whole
    with put_back(lake, PARTS) as (path, content):
        write_table(path, content, damages)
        after = attempt(lambda: parts_made_before(run, False))
        assert after is not None and 1 in after
        attempt(lambda: quarter_status(lake, QUARTER))
        attempt(lambda: read_names(lake, QUARTER, 5))
        attempt(lambda: list(run.parts()))


@given(damages=damages(BYTES))
def test_bytes_of_kept_answers(whole, damages):
    lake, _ = whole
    kept = AnswerStore(lake, QUARTER).find("question 007", "summary")
    with put_back(lake, "intermediate/llm-answers/*/*.parquet") as (path, content):
        path.write_bytes(bytes_damaged(content, damages))
        found = attempt(lambda: [AnswerStore(lake, QUARTER).find("question 007", "summary")])
        assert found in ([kept], [None])


@given(damages=damages(TABLES))
def test_rows_of_kept_answers_without_a_seal(whole, damages):
    lake, _ = whole
    with put_back(lake, "intermediate/llm-answers/*/*.parquet") as (path, content):
        write_table(path, content, damages)
        assert attempt(lambda: [AnswerStore(lake, QUARTER).find("question 007", "summary")]) is not None


@given(damages=damages(BYTES))
def test_bytes_of_kept_scores(whole, damages):
    lake, _ = whole
    with put_back(lake, "intermediate/sentiment/*/*/*.parquet") as (path, content):
        store = ScoreStore(lake, QUARTER, path.parent.name.removeprefix("model="))
        before = store.read()
        path.write_bytes(bytes_damaged(content, damages))
        after = attempt(store.read)
        assert after is not None and (after.num_rows == 0 or after.equals(before))


@given(damages=damages(BYTES))
def test_bytes_of_a_chunk(whole, damages):
    lake, run = whole
    with put_back(lake, f"{Lake.prefetch_dir(QUARTER)}/chunk_0000.parquet") as (path, content):
        broken = bytes_damaged(content, damages)
        path.write_bytes(broken)
        assert (attempt(lambda: check_chunks(lake, QUARTER)) is None) == (broken != content)
        attempt(lambda: list(run.stored_firms()))


@pytest.mark.parametrize("kind", [BYTES, JSON], ids=["bytes", "values"])
@given(data=st.data())
def test_the_manifest(whole, kind, data):
    lake, _ = whole
    some = data.draw(damages(kind))
    with put_back(lake, MANIFEST) as (path, content):
        path.write_bytes(json_broken(content, kind, some))
        before = json.loads(content)
        found = attempt(lambda: read_manifest(lake, QUARTER))
        assert found is None or found.digest == before["digest"]
        attempt(lambda: check_chunks(lake, QUARTER))
        attempt(lambda: quarter_status(lake, QUARTER))


@pytest.mark.parametrize("name", RECORDS)
@pytest.mark.parametrize("kind", [BYTES, JSON], ids=["bytes", "values"])
@given(data=st.data())
def test_records(whole, name, kind, data):
    lake, _ = whole
    some = data.draw(damages(kind))
    with put_back(lake, RECORDS[name]) as (path, content):
        path.write_bytes(json_broken(content, kind, some))
        reader = data.draw(st.sampled_from(sorted(READERS)))
        attempt(lambda: READERS[reader](lake))


@pytest.mark.parametrize("name", PUBLISHED)
@pytest.mark.parametrize("kind", [BYTES, TABLES], ids=["bytes", "rows"])
@given(data=st.data())
def test_published_tables(whole, name, kind, data):
    lake, _ = whole
    some = data.draw(damages(kind))
    with put_back(lake, PUBLISHED[name]) as (path, content):
        if kind is BYTES:
            path.write_bytes(bytes_damaged(content, some))
            reader = data.draw(st.sampled_from(sorted(READERS)))
            attempt(lambda: READERS[reader](lake))
        else:  # rows that somebody changed with care: to find them is what `ftm verify` is for
            write_table(path, content, some)
            attempt(lambda: verify_quarter(lake, QUARTER))
            reader = data.draw(st.sampled_from(sorted(READERS)))
            attempt(lambda: READERS[reader](lake))
