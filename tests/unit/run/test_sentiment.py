"""The table per stock: one row per theme, firm, topic and call, and nothing of firms without a stock."""

from datetime import date

import pyarrow as pa
import pytest
from invented import QUARTER, run_files, six_firms, write_six_firms, write_six_parts

from ftm_ray.run.publish import read_parts, sentences_table
from ftm_ray.run.sentiment import SentimentRows
from ftm_ray.schemas.published import THEME_TOPICS, THEMES
from ftm_ray.schemas.sentiment import SENTIMENT_READY


@pytest.fixture
def run(six_firms_run):
    return six_firms_run


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


def sentences_of(run):
    stored = zip(run.stored_firms(), read_parts(run).sentence_topics, strict=True)
    return [sentences_table(run, batch, store, topics) for (batch, store), topics in stored]


def sentiment_of(run, pairs, call_times=None):
    parts, (themes, theme_topics) = read_parts(run), themes_of(pairs)
    published = {"firms": parts.firms, "topics": parts.topics, "themes": themes, "theme_topics": theme_topics}
    rows = SentimentRows(published, call_times)
    tables = [rows.of_batch(sentences) for sentences in sentences_of(run)]
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
    topic = next(t for t in read_parts(run).topics.to_pylist() if (t["firm_id"], t["topic_id"]) == ("F1", 1))
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
        for row in pa.concat_tables(sentences_of(run)).to_pylist()
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


def test_the_time_of_a_call_stands_in_its_rows_where_it_is_known(run):
    rows = sentiment_of(run, [("t1", "F0", 0)], {("F0", "TF00"): "2024-02-01T16:30:00-05:00"})
    assert [row["earnings_call_time"] for row in rows] == ["2024-02-01T16:30:00-05:00", None]
