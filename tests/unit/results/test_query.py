"""Questions over published quarters: in Python, in a terminal, as the documentation asks them, on a disk and on S3."""

import json
import re
from pathlib import Path

import pandas as pd
import pytest
from command import ftm, one_error_line
from invented import QUARTER, SUBJECTS
from published import NEXT, copy_run, publish
from s3_server import Fault

import ftm_ray
from ftm_ray.errors import ConfigError, SourceError
from ftm_ray.lake.storage import Lake
from ftm_ray.results.query import TABLES, answer
from ftm_ray.results.theme_trace import trace_theme
from ftm_ray.run.lineage import extend_lineage
from ftm_ray.schemas.sentiment import SENTIMENT_TABLES

DOCS = Path(__file__).parents[3] / "docs"


@pytest.fixture
def lake(six_firms_run, config):
    """Two published quarters; the second says the same as the first."""
    run = publish(six_firms_run, config)
    copy_run(run.lake, run.lake, run.run_id, NEXT)
    return run.lake


# --- open_results --------------------------------------------------------------------------------------------------


def test_every_published_quarter_is_open_with_every_table(lake):
    results = ftm_ray.open_results(lake.root)
    assert results.quarters == (QUARTER, NEXT)
    for name, schema in TABLES.items():
        table = getattr(results, name).to_arrow_table()
        joined = ["theme_uid", "knowledge_time"] if name in ("sentiment_ready", "theme_sentiment") else []
        assert table.column_names == [*schema.names, *joined]
        assert set(table["quarter"].to_pylist()) == (set() if name in SENTIMENT_TABLES else {QUARTER, NEXT})
    assert results.sentences.aggregate("count(*)").fetchall() == [(96,)]


def test_one_quarter_can_be_chosen(lake):
    results = ftm_ray.open_results(lake.root, NEXT)
    assert results.quarters == (NEXT,)
    assert set(results.themes.df().theme_id) == {f"{NEXT}-0001", f"{NEXT}-0002"}


def test_a_relation_is_arrow_and_pandas_and_can_be_read_again(lake):
    sentences = ftm_ray.open_results(lake.root, QUARTER).sentences.filter("topic_id >= 0")
    first, again, frame = sentences.to_arrow_table(), sentences.to_arrow_table(), sentences.df()
    assert first.equals(again)
    assert first["sentence_id"].to_pylist() == frame.sentence_id.to_list()


def test_a_trace_is_what_ftm_trace_shows_one_sentence_a_row(lake):
    theme_id = f"{QUARTER}-0002"
    rows = ftm_ray.open_results(lake.root).trace(theme_id).df()
    trace = trace_theme(lake, theme_id, None)
    traced = [(topic.firm.firm_id, s.sentence_id, s.text) for topic in trace.topics for s in topic.sentences]
    assert sorted(zip(rows.firm_id, rows.sentence_id, rows.raw_text, strict=True)) == sorted(traced)
    assert list(dict.fromkeys(rows.firm_id)) == [topic.firm.firm_id for topic in trace.topics]
    assert set(rows.raw_text) == set(SUBJECTS["hiring"])


@pytest.mark.parametrize(
    ("theme_id", "message"), [("2024Q1-0009", "no theme 2024Q1-0009 in 2024Q1"), ("x' OR 1", "is no")]
)
def test_a_theme_that_is_not_there_is_an_error(lake, theme_id, message):
    with pytest.raises(ConfigError, match=message):
        ftm_ray.open_results(lake.root, QUARTER).trace(theme_id)


def test_values_and_tables_of_the_notebook_can_be_used(lake):
    mine = pd.DataFrame({"permno": [10001], "weight": [0.5]})
    found = ftm_ray.open_results(lake.root).sql(
        "SELECT f.firm_id, m.weight FROM firms f JOIN mine m USING (permno) WHERE quarter = $quarter", quarter=QUARTER
    )
    assert found.fetchall() == [("F0", 0.5)]
    assert len(mine) == 1


def test_an_unfinished_quarter_is_left_out_with_a_word_or_refused_by_name(lake, caplog):
    [run_id] = lake.list_folders(f"runs/quarter={NEXT}")
    lake.delete_file(lake.run_file(NEXT, run_id))
    assert ftm_ray.open_results(lake.root).quarters == (QUARTER,)
    assert f"publication of {NEXT}" in caplog.text
    with pytest.raises(SourceError, match="not finished"):
        ftm_ray.open_results(lake.root, NEXT)


def test_nothing_published_says_what_to_run(tmp_path):
    with pytest.raises(SourceError, match="ftm prefetch"):
        ftm_ray.open_results(str(tmp_path))
    with pytest.raises(ConfigError, match="2023Q1"):
        ftm_ray.open_results(str(tmp_path), "Q1")


def test_the_package_has_no_other_names():
    with pytest.raises(AttributeError, match="no attribute 'open_result'"):
        ftm_ray.open_result  # noqa: B018 - asking for it is the test


# --- on S3 ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def remote(lake, s3, tmp_path):
    target = Lake(s3.root(f"query/{tmp_path.name}"))
    for quarter in (QUARTER, NEXT):
        [run_id] = lake.list_folders(f"runs/quarter={QUARTER}")
        copy_run(lake, target, run_id, quarter)
    s3.calls.clear()
    return target


def test_a_bucket_answers_like_a_folder(lake, remote):
    for name in TABLES:
        here, there = (getattr(ftm_ray.open_results(root), name).to_arrow_table() for root in (lake.root, remote.root))
        order = [(column, "ascending") for column in ("quarter", "firm_id", "topic_id") if column in here.column_names]
        assert here.sort_by(order).num_rows == there.sort_by(order).num_rows
    question = "SELECT quarter, theme_id, label, n_firms FROM themes ORDER BY ALL"
    assert (
        ftm_ray.open_results(lake.root).sql(question).df().equals(ftm_ray.open_results(remote.root).sql(question).df())
    )


def test_a_question_about_a_quarter_opens_its_files_only(remote, s3):
    results = ftm_ray.open_results(remote.root)
    assert not [call for call in s3.calls if "/sentences/" in call.key]
    s3.calls.clear()
    found = results.sql(f"SELECT count(raw_text) FROM sentences WHERE quarter = '{NEXT}'").fetchall()
    assert found == [(48,)]
    assert s3.calls
    assert all(f"/sentences/quarter={NEXT}/" in call.key and call.action == "s3:GetObject" for call in s3.calls)


def test_credentials_that_expire_before_the_answer_are_named(remote, s3):
    results = ftm_ray.open_results(remote.root)
    s3.faults.append(Fault("400 ExpiredToken", "s3:GetObject", times=-1))
    with pytest.raises(SourceError, match="have expired; log in again"):
        answer(results, "SELECT count(raw_text) FROM sentences")


def test_a_lost_file_is_one_line(remote):
    remote.delete_file(f"processed/sentences/quarter={NEXT}/part-00000.parquet")
    result = ftm("sql", "SELECT count(raw_text) FROM sentences", "--root", remote.root)
    assert result.exit_code == 4
    line = one_error_line(result)
    assert f"quarter={NEXT}/part-00000.parquet is missing" in line and f"ftm verify {NEXT}" in line


# --- ftm sql -------------------------------------------------------------------------------------------------------


def test_sql_prints_rows_as_they_are(lake):
    shown = ftm("sql", "SELECT theme_id, keywords, n_firms FROM themes", "--root", lake.root, columns=100).stdout
    assert f"{QUARTER}-0001" in shown
    assert "4 rows" in shown
    one = ftm("sql", "SELECT 0.25 AS r, NULL AS gone", "--root", lake.root).stdout
    assert "0.25" in one and "None" not in one


def test_sql_as_json_and_for_one_quarter(lake):
    question = "SELECT firm_id, link_date, permno FROM firms ORDER BY firm_id"
    rows = json.loads(ftm("sql", question, "--root", lake.root, "--quarter", NEXT, "--json").stdout)
    assert len(rows) == 6
    assert rows[0] == {"firm_id": "F0", "link_date": "2024-01-01", "permno": 10001}


def test_sql_can_write_a_file_for_a_spreadsheet(lake, tmp_path):
    for name, read in (("themes.csv", pd.read_csv), ("themes.parquet", pd.read_parquet)):
        result = ftm("sql", "SELECT * FROM themes", "--out", tmp_path / name, "--root", lake.root)
        assert (result.exit_code, len(read(tmp_path / name))) == (0, 4)
    refused = ftm("sql", "SELECT * FROM themes", "--out", tmp_path / "themes.xlsx", "--root", lake.root)
    assert refused.exit_code == 2 and "themes.xlsx" in one_error_line(refused)
    refused = ftm("sql", "SELECT * FROM themes", "--out", tmp_path / "nowhere" / "themes.csv", "--root", lake.root)
    assert refused.exit_code == 4 and "nowhere" in one_error_line(refused)


@pytest.mark.parametrize("question", ["SELECT nope FROM themes", "SELEC", "SELECT 'x'::INT", "FROM nowhere"])
def test_a_wrong_question_is_one_line(lake, question):
    result = ftm("sql", question, "--root", lake.root)
    assert result.exit_code == 2
    assert "this cannot be answered" in one_error_line(result)


def test_who_asks_for_an_unknown_table_is_told_which_there_are(lake):
    line = one_error_line(ftm("sql", "FROM theme", "--root", lake.root))
    assert "theme does not exist! The tables are " in line
    assert "themes, " in line
    assert "sentiment_ready" in line
    assert "Did you mean" not in line


# --- documentation -------------------------------------------------------------------------------------------------


def blocks(page, language):
    return re.findall(rf"```{language}\n(.*?)```", (DOCS / page).read_text(encoding="utf-8"), re.DOTALL)


@pytest.mark.parametrize("question", blocks("query.md", "sql"))
def test_every_question_of_the_documentation_has_an_answer(lake, question):
    extend_lineage(lake.root, [QUARTER, NEXT])
    assert ftm_ray.open_results(lake.root).sql(question).to_arrow_table().num_rows > 0


def test_the_python_of_the_documentation_runs(lake, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (code,) = blocks("query.md", "python")
    names = {}
    exec(code, names)
    assert len(names["large"]) == 4  # both themes of both quarters
    assert set(names["spoken"].permno.dropna()) == {10001, 10002, 10003, 10004}


def test_the_worked_example_joins_returns_by_stock_and_date(lake, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    days = pd.bdate_range("2024-01-25", "2024-02-20")
    returns = pd.DataFrame([(10001 + n, day, 0.01 * (n + 1)) for n in range(4) for day in days])
    returns.to_csv("returns.csv", header=["permno", "date", "ret"], index=False)
    (code,) = blocks("sentiment-ready.md", "python")
    names = {}
    exec(code, names)
    windows = names["windows"]
    assert set(windows.groupby(["theme_id", "permno", "earnings_call_date"]).size()) == {3}
    assert (windows.date >= windows.earnings_call_date).all()
    first = names["cumulative"][f"{QUARTER}-0001", 10001]
    assert first.iloc[0] == pytest.approx(1.01**3 - 1)
    assert len(names["by_theme"]) == 2


def test_the_notebook_runs_from_top_to_bottom(lake, tmp_path, monkeypatch):
    Path(lake.root).rename(tmp_path / "demo-output")
    monkeypatch.chdir(tmp_path)
    notebook = json.loads((DOCS / "query.ipynb").read_text(encoding="utf-8"))
    cells = ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]
    names = {}
    for cell in cells:
        exec(cell, names)
    assert len(cells) >= 6
    assert names["results"].quarters == (QUARTER, NEXT)
    assert len(names["spoken"]) > 0
