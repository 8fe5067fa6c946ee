"""From parts to published tables: nothing lost, nothing twice, ordered by content."""

from datetime import date

import pyarrow as pa
import pytest
from invented import (
    QUARTER,
    SIX_FIRMS_TOPICS,
    bare_row,
    done_row,
    firm,
    part_table,
    run_files,
    six_firms,
    topic_vector,
    write_six_firms,
    write_six_parts,
    write_store,
)

from ftm_ray.errors import SourceError
from ftm_ray.run.publish import firms_table, sentences_table, sentiment_rows, topics_table
from ftm_ray.schemas.published import FIRMS, SENTENCES, THEME_TOPICS, THEMES, TOPICS
from ftm_ray.schemas.sentiment import SENTIMENT_READY


@pytest.fixture
def run(six_firms_run):
    return six_firms_run


def all_sentences(run):
    return pa.concat_tables([sentences_table(run, batch, part) for batch, part in run.parts()])


# --- firms ---------------------------------------------------------------------------------------------------------


def test_the_sentences_of_every_firm_add_up(run):
    table = firms_table(run)
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
    table = firms_table(run).to_pylist()
    assert [(row["status"], row["reason"]) for row in table] == [("failed", "boom"), ("skipped", "few"), ("done", None)]
    assert [row["n_dropped"] for row in table] == [3, 0, 0]
    assert [row["n_outliers"] for row in table] == [0, 0, 2]
    assert topics_table(run).num_rows == 0
    assert topics_table(run).schema == TOPICS


def test_firms_and_topics_are_ordered_by_content_however_they_were_batched(lake, config):
    firms = six_firms()
    shuffled = [[firms[4], firms[1]], [firms[5]], [firms[3], firms[0], firms[2]]]
    run = run_files(lake, write_store(lake, shuffled), config)
    write_six_parts(run)
    assert firms_table(run)["firm_id"].to_pylist() == [f"F{i}" for i in range(6)]
    topics = topics_table(run)
    keys = list(zip(topics["firm_id"].to_pylist(), topics["topic_id"].to_pylist(), strict=True))
    assert keys == [(f"F{i}", topic) for i in range(6) for topic in range(3)]


# --- topics --------------------------------------------------------------------------------------------------------


def test_topics_carry_the_links_of_their_own_firm(run):
    table = topics_table(run)
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
    of_topic = {(row["firm_id"], row["topic_id"]): row["sentence_ids"] for row in topics_table(run).to_pylist()}
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
    batch, part = next(run.parts())
    with pytest.raises(SourceError, match="does not fit chunk_0000.parquet") as caught:
        sentences_table(run, batch, part)
    assert run.part_path(batch) in str(caught.value)


# --- sentiment-ready -----------------------------------------------------------------------------------------------


def themes_of(pairs):
    """Hand-made themes and theme_topics: (theme_id, firm_id, topic_id)."""
    ids = sorted({theme_id for theme_id, _, _ in pairs})
    shared = {"quarter": QUARTER, "run_id": "r"}
    themes = [
        dict.fromkeys(THEMES.names)
        | {"theme_id": theme_id, "label": f"label {theme_id}", "description": "d", "keywords": ["k"]}
        | shared
        for theme_id in ids
    ]
    topics = [
        {"theme_id": t, "firm_id": f, "topic_id": n, "similarity": 0.9, "n_sentences": 2, "permno": None} | shared
        for t, f, n in pairs
    ]
    return pa.Table.from_pylist(themes, schema=THEMES), pa.Table.from_pylist(topics, schema=THEME_TOPICS)


def sentiment_of(run, pairs):
    tables = list(sentiment_rows(run, *themes_of(pairs)))
    assert all(table.schema == SENTIMENT_READY for table in tables)
    return [row for table in tables for row in table.to_pylist()]


def test_a_topic_spoken_of_in_two_calls_gives_a_row_for_each_date(run):
    rows = sentiment_of(run, [("t1", "F0", 0)])
    assert [(row["transcript_id"], row["earnings_call_date"]) for row in rows] == [
        ("TF00", date(2024, 2, 1)),
        ("TF01", date(2024, 2, 2)),
    ]
    assert [row["n_sentences"] for row in rows] == [2, 1]
    for row in rows:
        assert row["n_sentences"] == len(row["sentences"])
        assert all(sentence["sentence_id"].startswith(f"F0_{row['transcript_id']}") for sentence in row["sentences"])


def test_rows_name_theme_firm_and_what_was_said(run):
    row = sentiment_of(run, [("t1", "F1", 1)])[0]
    assert (row["theme_name"], row["theme_keywords"], row["quarter"]) == ("label t1", ["k"], QUARTER)
    assert (row["firm_name"], row["permno"], row["gvkey"]) == ("F1 Corporation", 10002, "010002")
    said = {s["sentence_id"]: s["raw_text"] for s in six_firms()[1]["sentences"]}
    assert [s["text"] for s in row["sentences"]] == [said[s["sentence_id"]] for s in row["sentences"]]
    topic = next(t for t in topics_table(run).to_pylist() if (t["firm_id"], t["topic_id"]) == ("F1", 1))
    assert row["topic_summary"] == topic["representation"]


def test_firms_without_a_stock_and_topics_without_a_theme_are_left_out(run):
    rows = sentiment_of(run, [("t1", "F0", 2), ("t1", "F4", 2), ("t2", "F5", 0)])
    assert {(row["firm_id"], row["topic_id"]) for row in rows} == {("F0", 2)}
    assert all(row["permno"] is not None for row in rows)


def test_outliers_and_left_out_sentences_are_in_no_row(run):
    pairs = [("t1", f"F{i}", topic) for i in range(4) for topic in range(3)]
    in_rows = [s["sentence_id"] for row in sentiment_of(run, pairs) for s in row["sentences"]]
    in_topics = [
        row["sentence_id"]
        for row in all_sentences(run).to_pylist()
        if row["topic_id"] is not None and row["topic_id"] >= 0 and row["firm_id"] < "F4"
    ]
    assert sorted(in_rows) == sorted(in_topics)
    assert len(set(in_rows)) == len(in_rows)


def test_without_themes_there_are_tables_without_rows(run):
    assert sentiment_of(run, []) == []


def test_batches_of_firms_do_not_change_the_rows(lake, config, run):
    pairs = [("t1", f"F{i}", topic) for i in range(4) for topic in range(3)]
    expected = sentiment_of(run, pairs)
    other = run_files(lake, write_six_firms(lake, groups=(1, 5)), config)
    write_six_parts(other)
    assert sentiment_of(other, pairs) == expected


def test_a_vector_is_published_as_it_was_found(run):
    first = topics_table(run)["embedding"][0].as_py()
    assert first == pytest.approx(topic_vector(0), abs=1e-6)
