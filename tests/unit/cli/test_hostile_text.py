"""Text that would run, escape or deceive goes from files of calls to every screen: nothing runs, nothing gets out.

Each hostile text is a firm's id, its name, its speaker, a sentence, a keyword and a label; the way is the real one,
but for the topics, which are put in by hand.
"""

import json
import logging
import re
import shlex
import subprocess
from pathlib import Path

import pytest
from command import ftm
from hostile import HOSTILE_NAMES
from invented import done_row, part_table, run_files, topic_vector
from odd_files import speech
from published import NEXT, AxisEncoder, copy_run, publish, write_returns
from rich.cells import cell_len
from scored import keep_scores, make_config_only

import ftm_ray
from ftm_ray.lake.storage import Lake
from ftm_ray.run.lineage import extend_lineage
from ftm_ray.sources.manifest import read_manifest

QUARTER = "2024Q1"
THEME = f"{QUARTER}-0001"

#: What rich itself sends to a terminal: colours.
COLORS = re.compile(r"\x1b\[[0-9;]*m")

#: Codes that a terminal obeys, and those that turn text round.
OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def calls():
    """Two calls of a firm for each hostile text."""
    for number, text in enumerate(HOSTILE_NAMES):
        for call in range(2):
            row = {"ticker": f"F{number:02d}{text}", "company": text, "date": f"2024-02-{1 + number:02d}"}
            row |= {"transcript_id": f"T{number}-{call}{text}", "permno": 10001 + number, "speaker": text}
            yield row | {
                "speaker_type": text,
                "section": text,
                "text": f"We call it {text} here. {speech(3 * (2 * number + call), 25)}",
            }


def write_parts(run):
    """Topics by hand: the first two sentences of each call, the next two, the rest; names as hostile as the texts."""
    for batch, firms in run.stored_firms():
        rows = []
        for firm in firms.to_pylist():
            text = firm["firm_name"] or firm["firm_id"]
            places = [min(sentence["position"] // 2, 2) for sentence in firm["sentences"]]
            row = done_row(firm, places, [topic_vector(axis) for axis in (0, 3, 6)])
            for topic in row["topics"]:
                topic |= {"label": text, "representation": f"{text} {text}", "keywords": [text, "freight", "port"]}
                topic |= {"outcome": "refused", "refused_answer": f'{{"label": {json.dumps(text)}}} {text}'}
            rows.append(row)
        run.lake.write_sealed(run.part_path(batch), part_table(rows))


@pytest.fixture(scope="module")
def root(tmp_path_factory, config):
    folder = tmp_path_factory.mktemp("hostile")
    (folder / "calls.jsonl").write_text("".join(json.dumps(row) + "\n" for row in calls()), encoding="utf-8")
    lake = Lake(str(folder / "lake"))
    made = ftm("prefetch", QUARTER, "--path", folder / "calls.jsonl", "--root", lake.root)
    assert made.exit_code == 0, made.output
    run = run_files(lake, read_manifest(lake, QUARTER), config)
    write_parts(run)
    publish(run, config)
    keep_scores(lake, QUARTER, make_config_only(folder / "model"))
    assert ftm("sentiment", QUARTER, "--root", lake.root, "--model", folder / "model").exit_code == 0
    copy_run(lake, lake, run.run_id, NEXT)
    extend_lineage(lake.root, [QUARTER, NEXT])
    write_returns(folder / "returns.csv", range(10001, 10001 + len(HOSTILE_NAMES)))
    return folder


SCREENS = {
    "prefetch again": ["prefetch", QUARTER, "--path", "../calls.jsonl"],
    "prefetch, a look": ["prefetch", QUARTER, "--path", "../calls.jsonl", "--dry-run"],
    "status": ["status", QUARTER],
    "themes": ["themes", QUARTER],
    "trace": ["trace", THEME],
    "lineage": ["lineage", QUARTER, NEXT],
    "life": ["lineage", THEME],
    "llm read": ["llm", "read", QUARTER, "--out", "names.html"],
    "verify": ["verify", QUARTER],
    "report": ["report", QUARTER, "--out", "page.html"],
    "events": ["events", "--quarters", QUARTER, "--returns", "../returns.csv", "--latex", "t.tex", "--csv", "t.csv"],
    **{f"search {among}": ["search", "freight", "--in", among] for among in ("themes", "topics", "sentences")},
    "sql firms": ["sql", "SELECT firm_id, firm_name FROM firms"],
    "sql topics": ["sql", "SELECT label, representation, keywords FROM topics WHERE topic_id = 0"],
    "sql sentences": ["sql", "SELECT speaker_name, section, raw_text FROM sentences WHERE topic_id = 0 LIMIT 40"],
    "sql sentiment_ready": ["sql", "SELECT theme_name, sentences FROM sentiment_ready WHERE len(firm_id) < 99 LIMIT 9"],
}
WITHOUT_JSON = ("report", "prefetch, a look")


@pytest.fixture
def here(root, tmp_path, monkeypatch):
    """A folder to stand in beside which nothing may appear."""
    monkeypatch.setattr("ftm_ray.results.search.searcher.load_query_encoder", lambda _: AxisEncoder())
    (root / "here").mkdir(exist_ok=True)
    monkeypatch.chdir(root / "here")
    yield root
    assert {path.name for path in Path().iterdir()} <= {"names.html", "page.html", "t.tex", "t.csv"}
    assert {path.name for path in root.iterdir()} == {"lake", "model", "calls.jsonl", "returns.csv", "here"}
    folders = {"prefetch", "intermediate", "processed", "sentiment-ready", "runs", "locks", "events"}
    assert {path.name for path in (root / "lake").iterdir()} <= folders


def look(here, name, *flags):
    result = ftm(*SCREENS[name], "--root", here / "lake", *flags)
    assert result.exit_code == 0, result.output[-2000:]
    return result


@pytest.mark.parametrize("name", SCREENS)
def test_no_screen_obeys_a_text_or_breaks(name, here):
    result = look(here, name)
    for text in (result.stdout, result.stderr):
        assert not OBEYED.search(text), ascii(OBEYED.findall(text)[:5])
    boxed = [line for line in result.stdout.splitlines() if line and line[0] in "│┃┏┌├└┡"]
    assert all(cell_len(line) <= 80 for line in boxed)
    assert all(line[-1] in "│┃┓┐┤┘┩" for line in boxed)


@pytest.mark.parametrize("name", ["themes", "trace", "status", "llm read", "sql firms", "search topics"])
def test_a_terminal_gets_colours_and_no_other_code(name, here, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    shown = look(here, name).stdout
    assert COLORS.search(shown), "there was no terminal"
    assert not OBEYED.search(COLORS.sub("", shown))


@pytest.mark.parametrize("name", [name for name in SCREENS if name not in WITHOUT_JSON])
def test_json_has_no_code_and_loses_nothing(name, here):
    shown = look(here, name, "--json").stdout
    assert not OBEYED.search(shown)
    json.loads(shown)
    if name == "sql firms":
        names = {row["firm_name"] for row in json.loads(shown)}
        assert "'; DROP TABLE topics;--" in names


def test_a_command_that_is_printed_does_what_it_says_and_nothing_else(here):
    found = json.loads(ftm("search", "freight", "--limit", "60", "--root", here / "lake", "--json").stdout)
    commands = sorted({hit["trace"] for hit in found["hits"]})
    assert sum(command.startswith("ftm sql") for command in commands) >= 10
    for command in commands:
        said = subprocess.run(
            ["bash", "-c", f'ftm() {{ printf "%s\\0" "$@"; }}\n{command}'], capture_output=True, text=True, check=True
        )
        words = said.stdout.split("\0")[:-1]
        assert words == shlex.split(command)[1:]
        result = ftm(*words, "--json")
        assert result.exit_code == 0 and json.loads(result.stdout), command


def test_texts_stand_in_the_tables_as_they_were_said(here):
    (file,) = (here / "lake" / "sentiment-ready").glob(f"quarter={QUARTER}/*.parquet")
    table = Lake(str(here / "lake")).read_table(str(file.relative_to(here / "lake")))
    assert set(table["permno"].to_pylist()) == set(range(10001, 10001 + len(HOSTILE_NAMES)))
    said = " ".join(sentence["text"] for row in table["sentences"].to_pylist() for sentence in row)
    for text in ("$(touch touched)", "'; DROP TABLE topics;--", "`touch touched`", "/etc/passwd"):
        assert text in said


@pytest.mark.parametrize("page", ["page.html", "names.html"])
def test_pages_hold_no_tag_of_a_text(page, here):
    look(here, "report" if page == "page.html" else "llm read")
    assert "<img" not in Path(page).read_text(encoding="utf-8")


def test_latex_and_csv_hold_their_rows(here):
    look(here, "events")
    tabular = Path("t.tex").read_text(encoding="utf-8")
    assert "\\begin{tabular}" in tabular and "\x1b" not in tabular


def test_log_lines_and_errors_show_codes(capsys, here):
    ftm("status", QUARTER, "--root", here / "lake")  # sets the log up
    logging.getLogger("ftm_ray").warning("left out: %s", "\x1b[2J\u202e")
    shown = capsys.readouterr().err
    result = ftm("trace", "\x1b[2J", "--root", here / "lake")
    assert result.exit_code == 2
    for text in (shown, result.stderr):
        assert "\u241b[2J" in text and not OBEYED.search(text)


QUARTERS = ("../../etc", "2024Q1/../..", "'; DROP", "$(touch touched)", "2024Q1\n", "\x1b[2J", "20٢٤Q1", "", "2024q1")
WITH_QUARTER = (
    *(["status"], ["themes"], ["verify"], ["report"], ["prefetch", "--path", "../calls.jsonl"], ["run"]),
    *(["llm", "read"], ["sentiment", "--model", "../model"], ["plan"]),
)


@pytest.mark.parametrize("quarter", QUARTERS)
def test_what_is_no_quarter_is_refused_before_any_work(quarter, here):
    before = sorted((here / "lake").rglob("*"))
    root = ["--root", here / "lake"]
    results = [ftm(*command, quarter, *root) for command in WITH_QUARTER]
    results.append(ftm("sql", "SELECT 1", "--quarter", quarter, *root))
    results.append(ftm("search", "freight", "--quarter", quarter, *root))
    results.append(ftm("report", QUARTER, "--from", quarter or "x", *root))
    results.append(ftm("events", "--quarters", quarter.replace("\n", "-"), "--returns", "../returns.csv", *root))
    results.append(ftm("lineage", quarter, *root))
    for result in results:
        assert result.exit_code == 2, result.output
        assert not OBEYED.search(result.output)
    assert sorted((here / "lake").rglob("*")) == before


def test_everything_is_printed_through_the_one_place():
    for file in Path(ftm_ray.__file__).parent.rglob("*.py"):
        text = file.read_text(encoding="utf-8")
        if file.name not in ("terminal.py", "options.py"):
            assert "click.echo(" not in text and "click.secho(" not in text, file
        if file.name != "shapes.py":
            assert not re.search(r"\bConsole\(", text), file
