"""A run that keeps the vectors of its sentences, and what `ftm search` finds in it."""

import json
import shlex

import numpy as np
import pytest
from command import ftm
from sample import NO_LLM, QUARTER, prefetch_sample

from ftm_ray.config import RunConfig
from ftm_ray.lake.runs import published_record
from ftm_ray.results.verify.quarter import verify_quarter
from ftm_ray.run.pipeline import run_quarter
from ftm_ray.vectors.small_vectors import SmallVectors


@pytest.fixture(scope="module")
def kept(tmp_path_factory, ray_cluster):
    """The sample quarter, run by one worker that keeps vectors."""
    lake = prefetch_sample(tmp_path_factory.mktemp("search"))
    run_quarter(lake.root, QUARTER, RunConfig(workers=1, llm=NO_LLM, keep_vectors=True), lambda _: None)
    return lake


def hits_of(lake, *arguments):
    result = ftm("search", *arguments, "--json", "--root", lake.root)
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def test_the_run_keeps_a_vector_of_each_sentence_and_verify_agrees(kept):
    assert [check for check in verify_quarter(kept, QUARTER) if check.problems] == []
    counts = published_record(kept, QUARTER)["counts"]
    vectors = kept.read_folder(kept.table_dir("sentence_vectors", QUARTER))
    assert vectors.num_rows == counts["n_in_topics"] + counts["n_outliers"]


def test_topics_are_the_means_of_what_is_kept(kept):
    vectors = kept.read_folder(kept.table_dir("sentence_vectors", QUARTER))
    small = SmallVectors.from_columns(vectors["vector"], vectors["scale"])
    row_of = {sentence_id: row for row, sentence_id in enumerate(vectors["sentence_id"].to_pylist())}
    for topic in kept.read_folder(kept.table_dir("topics", QUARTER)).to_pylist():
        rows = [row_of[sentence_id] for sentence_id in topic["sentence_ids"]]
        mean = (small.numbers[rows] * small.scales[rows, None]).mean(axis=0)
        assert mean @ np.array(topic["embedding"]) / np.linalg.norm(mean) > 0.999


def test_neither_kept_vectors_nor_one_worker_change_anything_else(kept, lake):
    """`lake` is the same quarter without them, by two workers; the ids differ, and so do the columns that hold them."""
    for name in ("topics", "themes", "theme_topics", "sentences", "firms"):
        here, there = (
            root.read_folder(root.table_dir(name, QUARTER)).drop_columns(["run_id"]) for root in (kept, lake)
        )
        assert here.equals(there)
    assert kept.read_table(kept.sentiment_file(QUARTER)).equals(lake.read_table(lake.sentiment_file(QUARTER)))


@pytest.mark.parametrize("among", ["themes", "topics", "sentences"])
def test_planted_subjects_are_found_and_lead_to_what_was_spoken(kept, among):
    found = hits_of(kept, "ships that avoid the Red Sea", "--in", among)
    assert found["by"] == "vectors"
    first = found["hits"][0]
    spoken = ftm(*shlex.split(first["trace"])[1:], "--json").stdout.lower()
    assert "red sea" in spoken or "suez" in spoken


def test_a_second_run_has_nothing_to_do(kept):
    config = RunConfig(llm=NO_LLM, keep_vectors=True)
    assert run_quarter(kept.root, QUARTER, config, lambda _: None).already_done
