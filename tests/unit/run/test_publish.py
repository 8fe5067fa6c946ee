"""From parts to published tables: nothing lost, nothing twice, ordered by content."""

import pyarrow as pa
import pytest
from invented import (
    SIX_FIRMS_TOPICS,
    bare_row,
    done_row,
    firm,
    part_table,
    run_files,
    six_firms,
    topic_vector,
    write_six_parts,
    write_store,
)

from ftm_ray.errors import SourceError
from ftm_ray.run.publish import read_parts, sentences_table
from ftm_ray.schemas.published import FIRMS, SENTENCES, TOPICS


@pytest.fixture
def run(six_firms_run):
    return six_firms_run


def all_sentences(run):
    found = read_parts(run).sentence_topics
    stored = zip(run.stored_firms(), found, strict=True)
    return pa.concat_tables([sentences_table(run, batch, store, topics) for (batch, store), topics in stored])


# --- firms ---------------------------------------------------------------------------------------------------------


def test_the_sentences_of_every_firm_add_up(run):
    table = read_parts(run).firms
    assert table.schema == FIRMS
    for row in table.to_pylist():
        assert row["n_in_topics"] + row["n_outliers"] + row["n_dropped"] == row["n_sentences"] == 8
    counts = [(row["n_in_topics"], row["n_outliers"], row["n_dropped"]) for row in table.to_pylist()]
    assert counts == [(7, 0, 1), (6, 1, 1)] * 3
    assert table["n_topics"].to_pylist() == [3] * 6


def test_firms_that_failed_or_were_skipped_are_listed_with_their_reason(lake, config):
    firms = [firm("A", [["One."] * 3]), firm("B", [[]]), firm("C", [["Two."] * 2])]
    run = run_files(lake, write_store(lake, [firms]), config)
    rows = [
        bare_row(firms[0], "failed", "boom"),
        bare_row(firms[1], "skipped", "few"),
        done_row(firms[2], [-1, -1], []),
    ]
    lake.write_table(run.part_path(run.manifest.batches[0]), part_table(rows))
    table = read_parts(run).firms.to_pylist()
    assert [(row["status"], row["reason"]) for row in table] == [("failed", "boom"), ("skipped", "few"), ("done", None)]
    assert [row["n_dropped"] for row in table] == [3, 0, 0]
    assert [row["n_outliers"] for row in table] == [0, 0, 2]
    assert read_parts(run).topics.num_rows == 0
    assert read_parts(run).topics.schema == TOPICS


def test_firms_and_topics_are_ordered_by_content_however_they_were_batched(lake, config):
    firms = six_firms()
    shuffled = [[firms[4], firms[1]], [firms[5]], [firms[3], firms[0], firms[2]]]
    run = run_files(lake, write_store(lake, shuffled), config)
    write_six_parts(run)
    assert read_parts(run).firms["firm_id"].to_pylist() == [f"F{i}" for i in range(6)]
    topics = read_parts(run).topics
    keys = list(zip(topics["firm_id"].to_pylist(), topics["topic_id"].to_pylist(), strict=True))
    assert keys == [(f"F{i}", topic) for i in range(6) for topic in range(3)]


def test_what_is_kept_of_all_sentences_is_small(run):
    """It must fit into memory for a whole quarter: no text, and each reason once."""
    for kept in read_parts(run).sentence_topics:
        assert pa.types.is_dictionary(kept.drop_reasons.type)
        assert kept.topic_ids.nbytes + kept.drop_reasons.nbytes < 12 * len(kept.topic_ids) + 64


# --- topics --------------------------------------------------------------------------------------------------------


def test_topics_carry_the_links_of_their_own_firm(run):
    table = read_parts(run).topics
    assert table.schema == TOPICS
    stock = {row["firm_id"]: row["permno"] for row in table.to_pylist()}
    assert stock == {"F0": 10001, "F1": 10002, "F2": 10003, "F3": 10004, "F4": None, "F5": None}
    assert set(table["run_id"].to_pylist()) == {run.run_id}
    for row in table.to_pylist():
        assert all(sentence_id.startswith(row["firm_id"]) for sentence_id in row["sentence_ids"])


# --- sentences -----------------------------------------------------------------------------------------------------


def test_every_sentence_of_the_store_is_published_once_with_its_topic(run):
    table = all_sentences(run)
    assert table.schema == SENTENCES
    given = [sentence for row in six_firms() for sentence in row["sentences"]]
    assert table["sentence_id"].to_pylist() == [sentence["sentence_id"] for sentence in given]
    assert table["raw_text"].to_pylist() == [sentence["raw_text"] for sentence in given]
    assert table["topic_id"].to_pylist() == [topic for topics in SIX_FIRMS_TOPICS for topic in topics]
    assert table["firm_id"].to_pylist() == [f"F{i}" for i in range(6) for _ in range(8)]


def test_left_out_means_a_reason_and_no_topic(run):
    table = all_sentences(run)
    for topic_id, reason in zip(table["topic_id"].to_pylist(), table["drop_reason"].to_pylist(), strict=True):
        assert (topic_id is None) == (reason is not None)


def test_topics_and_sentences_name_each_other(run):
    of_topic = {(row["firm_id"], row["topic_id"]): row["sentence_ids"] for row in read_parts(run).topics.to_pylist()}
    of_sentences: dict = {}
    for row in all_sentences(run).to_pylist():
        if row["topic_id"] is not None and row["topic_id"] >= 0:
            of_sentences.setdefault((row["firm_id"], row["topic_id"]), []).append(row["sentence_id"])
    assert of_topic == of_sentences


@pytest.mark.parametrize("change", ["another firm", "fewer sentences", "order of firms"])
def test_parts_of_another_store_are_refused(run, change):
    firms = six_firms()[:3]
    if change == "another firm":
        firms[1] = firm("X1", [["A."] * 8])
    elif change == "fewer sentences":
        firms[1]["sentences"] = firms[1]["sentences"][:-1]
    else:
        firms = firms[::-1]
    write_store(run.lake, [firms, six_firms()[3:]])
    batch, store = next(run.stored_firms())
    with pytest.raises(SourceError, match="does not fit chunk_0000.parquet") as caught:
        sentences_table(run, batch, store, read_parts(run).sentence_topics[0])
    assert run.part_path(batch) in str(caught.value)


def test_a_vector_is_published_as_it_was_found(run):
    first = read_parts(run).topics["embedding"][0].as_py()
    assert first == pytest.approx(topic_vector(0), abs=1e-6)
