"""`ftm events` on a published quarter: from files to tables, and what it answers to wrong ones."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from command import ftm, one_error_line
from invented import QUARTER
from scored import keep_scores, make_config_only

import ftm_ray
from ftm_ray.errors import SourceError
from ftm_ray.lake.calendar import known_from
from ftm_ray.lake.storage import Lake
from ftm_ray.schemas.events import EVENT_STUDY

DOCS = Path(__file__).parents[3] / "docs"


@pytest.fixture
def market(published, tmp_path):
    """Returns of the linked firms over the days around the quarter, as a user has them."""
    rng = np.random.default_rng(3)
    firms = ftm_ray.open_results(published.lake.root).firms.to_arrow_table().to_pylist()
    permnos = sorted({firm["permno"] for firm in firms if firm["permno"] is not None})
    end = np.datetime64(known_from(QUARTER).date(), "D")
    days = np.arange(end - 330, end + 60)
    days = days[np.is_busday(days)]
    lines = ["permno,date,ret,vwretd"]
    moved = rng.normal(0, 0.01, len(days))
    for permno in permnos:
        own = rng.normal(0, 0.01, len(days))
        lines += [
            f"{permno},{day},{value:.6f},{common:.6f}"
            for day, value, common in zip(days, moved + own, moved, strict=True)
        ]
    path = tmp_path / "returns.csv"
    path.write_text("\n".join(lines) + "\n")
    return published.lake.root, path


def study(market, *flags):
    root, returns = market
    return ftm("events", "--root", root, "--quarters", QUARTER, "--returns", returns, *flags)


def test_a_study_is_printed_written_and_opened(market, tmp_path):
    files = {flag: tmp_path / f"out.{flag}" for flag in ("csv", "latex", "plot")}
    result = study(market, "--window", "-1,+1", "--window", "0,+2", *(x for f in files for x in (f"--{f}", files[f])))
    assert result.exit_code == 0, result.output
    assert "two-way t" in result.stdout and "all events" in result.stdout
    results = ftm_ray.open_results(market[0])
    opened = results.events()
    assert opened.name == "market"
    tables = {name: getattr(opened, name).to_arrow_table() for name in EVENT_STUDY}
    assert {name: table.column_names for name, table in tables.items()} == {
        name: schema.names for name, schema in EVENT_STUDY.items()
    }
    spoken = results.sql("SELECT DISTINCT s.firm_id, s.transcript_id FROM sentences s JOIN theme_topics "
                         "USING (quarter, firm_id, topic_id)").fetchall()  # fmt: skip
    assert tables["events"].num_rows == len(spoken)
    linked = {row["firm_id"] for row in results.firms.to_arrow_table().to_pylist() if row["permno"] is not None}
    for row in tables["events"].to_pylist():
        assert (row["reason"] == "no PERMNO") == (row["firm_id"] not in linked)
    assert set(tables["event_windows"]["event_window"].to_pylist()) == {"-1,+1", "0,+2"}
    assert all(0 < exposure <= 1 for exposure in tables["event_themes"]["exposure"].to_pylist())
    assert files["csv"].read_text().startswith("event_group,theme_name,event_window")
    assert r"\toprule" in files["latex"].read_text()
    page = files["plot"].read_text()
    assert "mean CAR" in page and 'src="http' not in page


def test_two_runs_give_the_same_bytes_and_another_name_another_study(market):
    folder = Path(market[0]) / "events" / "market"
    assert study(market).exit_code == 0
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert study(market).exit_code == 0
    assert before == {path.name: path.read_bytes() for path in folder.iterdir()}
    assert study(market, "--name", "short", "--window", "0,0").exit_code == 0
    results = ftm_ray.open_results(market[0])
    assert (
        results.events("short").event_means.filter("event_window = '0,0'").aggregate("count(*)").fetchall()[0][0] == 3
    )
    with pytest.raises(SourceError, match="say which event study in .*: there are market, short"):
        results.events()


def test_sentiment_goes_into_regressions_and_sorts(market, tmp_path):
    spoken = json.loads(study(market, "--json").stdout)["events"]
    theme = ftm_ray.open_results(market[0]).themes.to_arrow_table()["theme_id"][0].as_py()
    rows = [
        {"theme_id": theme, "firm_id": row["firm_id"], "transcript_id": row["transcript_id"], "speaker_group": group,
         "score": score, "n_sentences": n}
        for row in spoken for group, score, n in (("CEO", 0.8, 1), ("analyst", -0.4, 3))
    ]  # fmt: skip
    path = tmp_path / "sentiment.parquet"
    pq.write_table(pa.Table.from_pylist(rows), path)
    assert study(market, "--sentiment", path).exit_code == 0
    themes = ftm_ray.open_results(market[0]).events().event_themes.to_arrow_table().to_pylist()
    assert {row["theme_uid"]: row["sentiment"] for row in themes}[theme] == pytest.approx((0.8 - 3 * 0.4) / 4)
    assert {row["sentiment"] is None for row in themes if row["theme_uid"] != theme} == {True}
    path.unlink()
    pq.write_table(pa.table({"theme_id": [theme]}), path)
    assert "lacks firm_id, n_sentences, score, transcript_id" in one_error_line(study(market, "--sentiment", path))


@pytest.mark.parametrize(
    ("flags", "message", "code"),
    [
        (["--model", "capm"], "there is no model 'capm'", 2),
        (["--model", "ff5"], "the model ff5 needs cma, hml", 2),
        (["--window", "1"], "'1' is no window; write first and last day, such as -1,+1", 2),
        (["--quarters", "2024Q4..2024Q1"], "ends before it starts", 2),
        (["--quarters", "1999Q1"], "nothing of 1999Q1 is published", 4),
        (["--name", "../x"], "is no name of a study", 2),
        (["--plot", "p.html", "--plot-group", "2030Q1-0001"], "no event of '2030Q1-0001' is used", 4),
    ],
)
def test_what_is_wrong_is_said_in_one_line(market, flags, message, code):
    result = study(market, *flags)
    assert message in one_error_line(result)
    assert result.exit_code == code


def test_the_notebook_runs_from_top_to_bottom(market, tmp_path, monkeypatch):
    assert study(market).exit_code == 0
    Path(market[0]).rename(tmp_path / "demo-output")
    monkeypatch.chdir(tmp_path)
    notebook = json.loads((DOCS / "event-study.ipynb").read_text(encoding="utf-8"))
    names = {}
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            exec("".join(cell["source"]), names)
    assert len(names["means"]) == 3
    assert len(names["largest"]) > 0


def test_a_study_takes_the_sentiment_that_is_published(market, tmp_path):
    model, root = make_config_only(tmp_path / "model"), market[0]
    assert {row["sentiment"] for row in mentions(market)} == {None}
    keep_scores(Lake(root), QUARTER, model)
    assert ftm("sentiment", QUARTER, "--root", root, "--model", model).exit_code == 0
    alike = {(row["event_id"], row["theme_uid"]): row["sentiment"] for row in mentions(market)}
    expected = ftm_ray.open_results(root).sql("""
        SELECT firm_id || '_' || transcript_id, theme_id, sum(score * n_sentences) / sum(n_sentences)
        FROM theme_sentiment GROUP BY ALL
    """)
    assert alike == {(event, theme): pytest.approx(score) for event, theme, score in expected.fetchall()}
    weighed = {(row["event_id"], row["theme_uid"]): row["sentiment"] for row in mentions(market, "analyst=1")}
    assert weighed != alike
    tables = ftm_ray.open_results(root).events()
    assert json.loads((Path(root) / "events" / "market" / "study.json").read_text())["tone"] == {
        "measure": "model",
        "speaker_weights": {"analyst": 1.0},
    }
    assert tables.event_themes.aggregate("count(*)").fetchall()[0][0] == len(alike)
    words = study(market, "--tone", "words")  # no list was counted
    assert words.exit_code == 0
    for weights in ("analyst", "analyst=1,boss=2", "cfo=0", "cfo=1,cfo=2"):
        assert "are no speaker weights" in one_error_line(study(market, "--speaker-weights", weights))


def mentions(market, weights=None):
    """Rows of event_themes of a study with these speaker weights."""
    result = study(market, *(("--speaker-weights", weights) if weights else ()))
    assert result.exit_code == 0, result.output
    return ftm_ray.open_results(market[0]).events().event_themes.to_arrow_table().to_pylist()
