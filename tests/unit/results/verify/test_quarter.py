"""A published quarter passes; each way to damage it is found, and named."""

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from invented import QUARTER
from published import publish

from ftm_ray.errors import SourceError
from ftm_ray.lake.runs import with_digest
from ftm_ray.lake.storage import Lake
from ftm_ray.results.verify.quarter import verify_quarter

SENTENCES = f"processed/sentences/quarter={QUARTER}/part-00001.parquet"
TOPICS = f"processed/topics/quarter={QUARTER}/part-00000.parquet"
THEMES = f"processed/themes/quarter={QUARTER}/part-00000.parquet"
THEME_TOPICS = f"processed/theme_topics/quarter={QUARTER}/part-00000.parquet"
SENTIMENT = Lake.sentiment_file(QUARTER)


@pytest.fixture
def forge(published):
    """Rewrite a file, and its hash in run.json too, so that only the content can give it away."""

    def change(path, edit):
        lake = published.lake
        table = edit(lake.read_table(path))
        lake.write_table(path, table)
        record_path = lake.run_file(QUARTER, published.run_id)
        record = lake.read_json(record_path)
        record["files"][path] = lake.fingerprint(path) | {"rows": table.num_rows}
        lake.write_json(record_path, with_digest(record))
        return problems(lake)

    return change


def problems(lake):
    """The checks that found something, with what they found."""
    return {check.name: " ".join(check.problems) for check in verify_quarter(lake, QUARTER) if check.problems}


def with_column(table, name, values):
    at = table.schema.get_field_index(name)
    return table.set_column(at, table.schema.field(at), pa.array(values, table.schema.field(at).type))


def edited(name, edit):
    """An edit of the values of one column."""

    def change(table):
        values = table[name].to_pylist()
        edit(values)
        return with_column(table, name, values)

    return change


def test_a_whole_quarter_passes_every_check(published):
    checks = verify_quarter(published.lake, QUARTER)
    assert {check.name for check in checks} >= {"files", "schemas", "chain", "sentence counts", "sentiment-ready"}
    assert problems(published.lake) == {}


def test_a_quarter_without_links_passes_without_a_sentiment_table(lake, config):
    from invented import run_files, write_six_firms, write_six_parts

    run = run_files(lake, write_six_firms(lake, linked=False), config)
    write_six_parts(run)
    publish(run, config)
    assert problems(lake) == {}


def test_a_changed_file_is_named(published):
    table = published.lake.read_table(SENTENCES)
    published.lake.write_table(SENTENCES, with_column(table, "raw_text", ["something else"] * table.num_rows))
    assert SENTENCES in problems(published.lake)["files"]


def test_a_missing_file_is_named_and_marked(published):
    published.lake.delete_file(SENTENCES)
    files = verify_quarter(published.lake, QUARTER)[0]
    assert files.files_missing
    assert SENTENCES in files.problems[0]


def test_a_file_of_another_run_is_found(published):
    other = SENTENCES.replace("00001", "00009")
    published.lake.write_table(other, published.lake.read_table(SENTENCES))
    assert other in problems(published.lake)["leftovers"]


def test_a_file_that_is_no_parquet_is_a_problem_and_not_a_crash(published):
    with open(published.lake.full_path(TOPICS), "w", encoding="utf-8") as file:
        file.write("no parquet")
    found = problems(published.lake)
    assert TOPICS in found["files"]


def test_a_sentence_moved_to_another_topic_breaks_the_chain(forge):
    found = forge(SENTENCES, edited("topic_id", lambda ids: ids.__setitem__(0, 1)))
    assert "differ" in found["chain"]
    assert "sentiment-ready" in found


def test_a_left_out_sentence_needs_a_reason(forge):
    def forget(reasons):
        reasons[:] = [None] * len(reasons)

    found = forge(SENTENCES, edited("drop_reason", forget))
    assert "reason None" in found["sentence counts"]


def test_a_sentence_that_vanished_is_missed(forge):
    found = forge(SENTENCES, lambda table: table.slice(1))
    assert {"chain", "sentence counts", "sentiment-ready"} <= set(found)


def test_a_theme_of_one_firm_is_no_theme(forge):
    found = forge(
        THEME_TOPICS, lambda t: t.filter(pc.or_(pc.equal(t["firm_id"], "F0"), pc.equal(t["theme_id"], "2024Q1-0001")))
    )
    assert "2024Q1-0002 has 1 firms, fewer than 2" in found["themes"]
    assert "n_topics_in_themes" in found["topic counts"]


def test_numbers_of_a_theme_are_counted_again(forge):
    found = forge(THEMES, edited("n_sentences", lambda values: values.__setitem__(0, 999)))
    assert "n_sentences is 999" in found["themes"]


def test_a_topic_that_does_not_exist_cannot_be_in_a_theme(forge):
    found = forge(THEME_TOPICS, edited("topic_id", lambda ids: ids.__setitem__(0, 77)))
    assert "there is no such topic" in found["theme topics"]


def test_rows_of_another_run_are_found(forge):
    found = forge(TOPICS, edited("run_id", lambda ids: ids.__setitem__(0, "2024Q1-elsewhere")))
    assert "2024Q1-elsewhere" in found["run id"]


@pytest.mark.parametrize(
    "edit",
    [
        lambda table: table.slice(1),
        lambda table: pa.concat_tables([table, table.slice(0, 1)]),
        edited("n_sentences", lambda values: values.__setitem__(0, 99)),
        edited("earnings_call_date", lambda days: days.__setitem__(0, days[-1].replace(year=1999))),
        edited("sentences", lambda lists: lists[0].pop()),
    ],
    ids=["row missing", "row double", "wrong count", "wrong date", "sentence missing"],
)
def test_the_sentiment_table_holds_exactly_what_is_published(forge, edit):
    assert set(forge(SENTIMENT, edit)) == {"sentiment-ready"}


def test_rows_are_counted_against_the_record(published):
    lake = published.lake
    path = lake.run_file(QUARTER, published.run_id)
    record = lake.read_json(path)
    record["files"][TOPICS]["rows"] += 1
    record["counts"]["n_done"] -= 1
    lake.write_json(path, with_digest(record))
    found = problems(lake)
    assert TOPICS in found["rows"]
    assert "n_done" in found["firm counts"]


def test_many_problems_of_one_kind_are_counted(forge):
    def empty(texts):
        texts[:] = [" "] * len(texts)

    checked = forge(TOPICS, edited("representation", empty))["chain"]
    assert checked.count("no representation") == 5
    assert "and 13 more like these" in checked


def test_nothing_published_is_no_pass(tmp_path):
    with pytest.raises(SourceError, match="nothing of 2024Q1 is published"):
        verify_quarter(Lake(str(tmp_path)), QUARTER)
