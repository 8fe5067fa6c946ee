"""`ftm sentiment` on a published quarter whose sentences are known: two tables, a record, and who reads them."""

import json

import pyarrow as pa
import pytest
from command import ftm, one_error_line
from invented import QUARTER
from scored import keep_scores, make_config_only

import ftm_ray
from ftm_ray.lake.runs import with_digest
from ftm_ray.run.lineage import extend_lineage
from ftm_ray.run.text_scores import ScoreStore, blocks_of, missing_texts
from ftm_ray.run.theme_sentences import ThemeSentences, text_digest
from ftm_ray.schemas.sentiment import SCORED_TEXTS, SENTIMENT_TABLES

LIST = "Word,Positive,Negative\nDEMAND,2009,0\nCOST,0,2009\n"


@pytest.fixture
def model(tmp_path):
    return make_config_only(tmp_path / "model")


@pytest.fixture
def scored(published, model):
    keep_scores(published.lake, QUARTER, model)
    return published


def sentiment(lake, model, *flags):
    return ftm("sentiment", QUARTER, "--root", lake.root, "--model", model, *flags)


def rows(lake, name):
    return getattr(ftm_ray.open_results(lake.root), name).to_arrow_table().to_pylist()


def problems(lake):
    checks = json.loads(ftm("verify", QUARTER, "--root", lake.root, "--json").stdout)
    return {check["name"]: check["problems"] for check in checks}


def test_every_sentence_of_a_theme_has_one_row(scored, model, tmp_path):
    words = tmp_path / "list.csv"
    words.write_text(LIST)
    result = sentiment(scored.lake, model, "--lm", words)
    assert result.exit_code == 0, result.output
    assert "0 asked now" in result.stdout and "best tone" in result.stdout
    found = rows(scored.lake, "sentence_sentiment")
    expected = ftm_ray.open_results(scored.lake.root).sql("""
        SELECT sentence_id, theme_id, firm_id FROM sentences JOIN theme_topics USING (quarter, firm_id, topic_id)
    """)
    key = ("sentence_id", "theme_id", "firm_id")
    assert sorted(tuple(row[name] for name in key) for row in found) == sorted(expected.fetchall())
    assert len(found) > 20
    assert {row["quarter"] for row in found} == {QUARTER}
    assert all(row["n_words"] > 0 and row["lm_litigious"] is None for row in found)

    themes = rows(scored.lake, "theme_sentiment")
    assert sum(row["n_sentences"] for row in themes) == len(found)
    assert {row["theme_uid"] for row in themes} == {None}
    extend_lineage(scored.lake.root, [QUARTER])
    followed = rows(scored.lake, "theme_sentiment")
    assert {(row["theme_id"], row["theme_uid"]) for row in followed} == {
        (row["theme_id"], f"U{row['theme_id']}") for row in themes
    }
    assert all(row["knowledge_time"].year == 2024 for row in followed)
    total = sum(row["p_pos"] - row["p_neg"] for row in found)
    assert sum(row["score"] * row["n_sentences"] for row in themes) == pytest.approx(total)
    assert problems(scored.lake)["sentiment"] == []


def test_the_same_command_does_nothing_again_and_another_list_asks_no_model(scored, model, tmp_path):
    words = tmp_path / "list.csv"
    words.write_text(LIST)
    first = json.loads(sentiment(scored.lake, model, "--json").stdout)
    assert not first["already_done"]
    assert json.loads(sentiment(scored.lake, model, "--json").stdout) == first | {"already_done": True}
    other = json.loads(sentiment(scored.lake, model, "--lm", words, "--json").stdout)
    assert not other["already_done"]
    assert other["record"]["counts"]["n_scored"] == 0


def test_a_lost_table_is_written_again(scored, model):
    sentiment(scored.lake, model)
    path = f"{scored.lake.table_dir('theme_sentiment', QUARTER)}/part-00000.parquet"
    before = scored.lake.fingerprint(path)
    scored.lake.delete_file(path)
    assert "is missing" in problems(scored.lake)["sentiment"][0]
    assert sentiment(scored.lake, model).exit_code == 0
    assert scored.lake.fingerprint(path) == before


def changed(lake, name, column, value):
    """Publish a table anew with another value in its first row, and its record with the new hash."""
    path = f"{lake.table_dir(name, QUARTER)}/part-00000.parquet"
    table = lake.read_table(path)
    at = table.schema.get_field_index(column)
    values = pa.array([value, *table[column].to_pylist()[1:]], table.schema.field(at).type)
    lake.write_table(path, table.set_column(at, table.schema.field(at), values))
    run_id = lake.read_table(path, ["run_id"])["run_id"][0].as_py()
    record = lake.read_json(lake.sentiment_record(QUARTER, run_id))
    record["files"][path] |= lake.fingerprint(path)
    lake.write_json(lake.sentiment_record(QUARTER, run_id), with_digest(record))


@pytest.mark.parametrize(
    ("name", "column", "value", "problem"),
    [
        ("sentence_sentiment", "p_pos", 0.95, "1 rows whose probabilities are not 0 to 1 and together 1"),
        ("sentence_sentiment", "sentence_id", "nobody", "does not hold the theme sentences of"),
        ("sentence_sentiment", "model_digest", "other", "has rows of model_digest other"),
        ("theme_sentiment", "score", 0.99, "score are not its sentences'"),
        ("theme_sentiment", "speaker_group", "nobody", "nobody has no sentences"),
    ],
)
def test_verify_names_each_damage(scored, model, name, column, value, problem):
    sentiment(scored.lake, model)
    changed(scored.lake, name, column, value)
    assert any(problem in found for found in problems(scored.lake)["sentiment"])


def test_tables_without_their_record_are_no_tables(scored, model):
    sentiment(scored.lake, model)
    run_id = rows(scored.lake, "theme_sentiment")[0]["run_id"]
    scored.lake.delete_file(scored.lake.sentiment_record(QUARTER, run_id))
    assert rows(scored.lake, "theme_sentiment") == []
    assert "are of other themes or unfinished; `ftm sentiment" in problems(scored.lake)["sentiment"][0]


def test_without_sentiment_the_tables_are_empty_and_verify_says_nothing(published):
    for name, schema in SENTIMENT_TABLES.items():
        table = getattr(ftm_ray.open_results(published.lake.root), name).to_arrow_table()
        joined = ["theme_uid", "knowledge_time"] if name == "theme_sentiment" else []
        assert table.num_rows == 0 and table.column_names == [*schema.names, *joined]
    assert "sentiment" not in problems(published.lake)


def test_only_texts_that_no_part_has_are_asked_about(published):
    sentences = ThemeSentences.of(published.lake, published.lake.read_json(
        published.lake.run_file(QUARTER, published.run_id)
    ))  # fmt: skip
    store = ScoreStore(published.lake, QUARTER, "a-model")
    missing, n_texts = missing_texts(sentences, store.read())
    texts = missing["raw_text"].to_pylist()
    assert len(set(texts)) == len(texts) == n_texts > 20
    assert [text_digest(text) for text in texts] == missing["text_digest"].to_pylist()
    first, *others = blocks_of(missing, 7)
    assert first.num_rows == 7 and 7 + sum(block.num_rows for block in others) == n_texts
    scores = {"p_pos": [0.5] * 7, "p_neg": [0.5] * 7, "p_neu": [None] * 7, "precision": ["fp32"] * 7}
    store.write(pa.table({"text_digest": first["text_digest"].combine_chunks()} | scores))
    assert store.read().schema == SCORED_TEXTS
    left, again = missing_texts(sentences, store.read())
    assert again == n_texts
    assert left["raw_text"].to_pylist() == texts[7:]


def test_what_cannot_be_done_is_said(published, model, tmp_path):
    assert "give --model a folder" in one_error_line(ftm("sentiment", QUARTER, "--root", published.lake.root))
    missing = sentiment(published.lake, tmp_path / "nowhere")
    assert (missing.exit_code, "cannot load sentiment.model" in one_error_line(missing)) == (2, True)
    unpublished = ftm("sentiment", "2019Q1", "--root", published.lake.root, "--model", model)
    assert (unpublished.exit_code, "nothing of 2019Q1 is published" in one_error_line(unpublished)) == (4, True)
    no_list = sentiment(published.lake, model, "--lm", tmp_path / "no.csv")
    assert (no_list.exit_code, "cannot read the word list" in one_error_line(no_list)) == (4, True)
