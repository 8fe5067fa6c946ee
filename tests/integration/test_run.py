"""A quarter from transcripts to published tables, on real Ray."""

import time
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
import ray
from sample import NO_LLM, QUARTER, parts, prefetch_sample, published_bytes, record

from ftm_ray.config import LlmSettings, RunConfig
from ftm_ray.errors import SourceError
from ftm_ray.lake.locks import QuarterLock
from ftm_ray.lake.runs import RunFiles
from ftm_ray.lake.storage import Lake
from ftm_ray.run import pipeline
from ftm_ray.run.datasets import MapStages, map_dataset
from ftm_ray.run.map_size import MapSize
from ftm_ray.run.pipeline import run_quarter
from ftm_ray.sources.prefetch import read_manifest


def test_every_sentence_and_every_firm_is_accounted_for(lake):
    counts = record(lake)["counts"]
    assert counts["n_sentences"] == counts["n_in_topics"] + counts["n_outliers"] + counts["n_dropped"]
    assert counts["n_firms"] == counts["n_done"] + counts["n_failed"] + counts["n_skipped"]
    sentences = lake.read_folder(lake.table_dir("sentences", QUARTER))
    assert sentences.num_rows == counts["n_sentences"] == read_manifest(lake, QUARTER).n_sentences
    left_out = sentences.filter(pc.is_null(sentences["topic_id"]))
    assert left_out["drop_reason"].null_count == 0
    assert left_out.num_rows == counts["n_dropped"]


def test_a_firm_without_permno_is_skipped_with_a_reason(lake):
    firms = {row["firm_id"]: row for row in lake.read_folder(lake.table_dir("firms", QUARTER)).to_pylist()}
    assert firms["TRNH"]["status"] == "skipped"
    assert "PERMNO" in firms["TRNH"]["reason"]
    assert firms["HLXS"]["status"] == "done"
    assert firms["HLXS"]["n_topics"] >= 3


def test_a_theme_reaches_down_to_its_sentences(lake):
    themes = lake.read_folder(lake.table_dir("themes", QUARTER)).to_pylist()
    members = lake.read_folder(lake.table_dir("theme_topics", QUARTER)).to_pylist()
    topics = {(t["firm_id"], t["topic_id"]): t for t in lake.read_folder(lake.table_dir("topics", QUARTER)).to_pylist()}
    known = set(lake.read_folder(lake.table_dir("sentences", QUARTER))["sentence_id"].to_pylist())
    assert themes
    for theme in themes:
        mine = [topics[row["firm_id"], row["topic_id"]] for row in members if row["theme_id"] == theme["theme_id"]]
        assert len({topic["firm_id"] for topic in mine}) == theme["n_firms"] >= 2
        assert sum(topic["n_sentences"] for topic in mine) == theme["n_sentences"]
        assert {sentence for topic in mine for sentence in topic["sentence_ids"]} <= known


def test_planted_themes_are_found(lake):
    """The sample calls were written around shared subjects; a reader must find the clearest of them again."""
    themes = lake.read_folder(lake.table_dir("themes", QUARTER)).to_pylist()
    words = [set(" ".join(theme["keywords"]).lower().split()) for theme in themes]
    assert any(len(found & {"red", "sea", "freight", "ocean", "ships", "surcharges"}) >= 2 for found in words)
    assert any(len(found & {"data", "center", "megawatts", "power", "transformers", "grid"}) >= 2 for found in words)


def test_sentiment_rows_have_one_stock_and_one_date(lake):
    rows = lake.read_table(lake.sentiment_file(QUARTER)).to_pylist()
    assert rows
    assert all(row["permno"] is not None and row["n_sentences"] == len(row["sentences"]) for row in rows)
    keys = [(row["theme_id"], row["firm_id"], row["topic_id"], row["transcript_id"]) for row in rows]
    assert len(keys) == len(set(keys))


def test_the_same_command_again_does_nothing(lake):
    before = published_bytes(lake)
    outcome = run_quarter(lake.root, QUARTER, RunConfig(llm=NO_LLM), lambda _: None)
    assert outcome.already_done
    assert published_bytes(lake) == before


@pytest.mark.chaos  # test_search.py compares what one worker found
def test_one_worker_publishes_the_same_bytes_as_two(lake, tmp_path):
    other = prefetch_sample(tmp_path)
    run_quarter(other.root, QUARTER, RunConfig(workers=1, llm=NO_LLM), lambda _: None)
    assert published_bytes(other) == published_bytes(lake)
    assert record(other)["run_id"] == record(lake)["run_id"]


def fail_a_firm(path: Path) -> None:
    """Make a part look as if its firm had failed, for lack of memory say."""
    part = pq.read_table(path)
    failed = pa.array(["failed"] * part.num_rows, pa.string())
    pq.write_table(part.set_column(part.schema.get_field_index("status"), part.schema.field("status"), failed), path)


def test_a_lost_part_and_a_failed_firm_are_made_again_and_nothing_else(lake):
    before = published_bytes(lake)
    lost, failed = sorted(parts(lake))[3:5]
    fail_a_firm(next(Path(lake.root).glob(f"intermediate/**/{failed}")))
    written = parts(lake)
    next(Path(lake.root).glob(f"intermediate/**/{lost}")).unlink()
    next(Path(lake.root).glob("runs/*/*/run.json")).unlink()
    outcome = run_quarter(lake.root, QUARTER, RunConfig(llm=NO_LLM), lambda _: None)
    assert not outcome.already_done
    assert {name for name, when in parts(lake).items() if when != written[name]} == {lost, failed}
    assert published_bytes(lake) == before


def test_other_theme_settings_reuse_the_map(lake):
    written = parts(lake)
    config = RunConfig.model_validate({"themes": {"min_cluster_size": 4}, "llm": {"endpoint": "none"}})
    first = record(lake)["run_id"]
    outcome = run_quarter(lake.root, QUARTER, config, lambda _: None)
    assert outcome.record["run_id"] != first
    assert parts(lake) == written
    run_quarter(
        lake.root, QUARTER, RunConfig(llm=NO_LLM), lambda _: None
    )  # the first run's tables were replaced: back again
    assert record_of(lake, first)["run_id"] == first
    lake.delete_file(lake.run_file(QUARTER, outcome.record["run_id"]))  # other tests share this root


def record_of(lake: Lake, run_id: str) -> dict:
    return lake.read_json(lake.run_file(QUARTER, run_id))


def test_a_run_that_loses_its_lock_does_not_wait_for_the_publisher(ray_cluster, monkeypatch):
    monkeypatch.setattr(pipeline, "_LOOK_S", 0.1)

    class SlowPublisher:  # in here, so that Ray sends it along: a worker knows no tests
        """Publishes for a minute, and says what it is at."""

        def publish(self, run):
            time.sleep(60)

        def step(self):
            return "writing the tables"

    publisher = ray.remote(SlowPublisher).options(max_concurrency=2, num_cpus=0).remote()
    steps = []

    def look(step):
        steps.append(step)
        if "writing" in step and len(steps) >= 3:
            raise SourceError("the lock was taken over")

    start = time.monotonic()
    with pytest.raises(SourceError, match="taken over"):
        pipeline._published(publisher, None, look)
    assert time.monotonic() - start < 30
    assert steps[0] == "starting the last step"
    ray.kill(publisher)


@pytest.mark.chaos
def test_a_run_that_lost_its_lock_writes_no_record(tmp_path, ray_cluster, monkeypatch):
    """Somebody else may be publishing by then: run.json would call a mix whole."""
    lake = prefetch_sample(tmp_path)
    check, is_lost = QuarterLock.check, []
    reduced = pipeline._map_and_reduce

    def lost_at_the_end(*arguments):
        report = reduced(*arguments)
        is_lost.append(True)
        return report

    def checked(lock):
        if is_lost:
            raise SourceError("the lock was taken over")
        check(lock)

    monkeypatch.setattr(pipeline, "_map_and_reduce", lost_at_the_end)
    monkeypatch.setattr(QuarterLock, "check", checked)
    with pytest.raises(SourceError, match="taken over"):
        run_quarter(lake.root, QUARTER, RunConfig(workers=1, llm=NO_LLM), lambda _: None)
    assert not lake.list_folders(f"runs/quarter={QUARTER}")


@pytest.mark.parametrize("endpoint", ["none", "http://127.0.0.1:9/v1"])
def test_the_stream_for_cards_can_be_built_where_no_card_is(lake, endpoint):
    """Ray Data refuses some settings only for actors with a share of a card. It runs in test_from_zero.py."""
    manifest = read_manifest(lake, QUARTER)
    config = RunConfig(llm=LlmSettings(endpoint=endpoint, estimate_tokens=True))
    stages = MapStages(MapSize(8, 0.25, "cuda", 4.0), on_head=True, is_cluster=True)
    data = map_dataset(RunFiles(lake, manifest, "map", "run"), config, stages, list(manifest.batches), None)
    assert "TopicFinder" in repr(data)
