"""Tables that contradict one another: every command that reads gives something, or says in a line what is wrong."""

import shutil

import pytest
from command import ftm, one_error_line
from invented import QUARTER
from long_mode import FUZZ_INPUTS
from planted_faults import ROW_FAULTS
from published import NEXT, AxisEncoder, write_returns
from whole_quarter import write_whole_quarter

from ftm_ray.lake.storage import Lake

THEME = f"{QUARTER}-0001"
TABLES = ("themes", "theme_topics", "topics", "sentences", "firms", "sentiment_ready", "lineage", "attention")


@pytest.fixture(scope="module")
def whole(tmp_path_factory, config):
    folder = tmp_path_factory.mktemp("whole")
    write_whole_quarter(Lake(str(folder / "lake")), config, folder / "model")
    write_returns(folder / "returns.csv", range(10001, 10005))
    return folder


#: Each command that reads what is published, and the life of a theme on all of its ways.
COMMANDS = {
    "status": ["status", QUARTER],
    "themes": ["themes", QUARTER],
    "themes by stability": ["themes", QUARTER, "--by", "stability", "--json"],
    "trace": ["trace", THEME],
    "trace as json": ["trace", THEME, "--json"],
    "life": ["lineage", THEME],
    "lineage": ["lineage", QUARTER, NEXT],
    "report": ["report", NEXT, "--from", QUARTER, "--out", "page.html"],
    "names": ["llm", "read", QUARTER, "--out", "names.html"],
    "events": ["events", "--quarters", f"{QUARTER},{NEXT}", "--returns", "returns.csv"],
    "sentiment": ["sentiment", QUARTER, "--model", "model"],
    "verify": ["verify", QUARTER],
    **{f"search {among}": ["search", "freight rates", "--in", among] for among in ("themes", "topics", "sentences")},
    "search of firms": ["search", "freight", "--firm", "F1", "--kind", "subject"],
    **{f"sql {table}": ["sql", f"SELECT * FROM {table}", "--json"] for table in TABLES},
}


#: In the short mode each fault meets every third command, and each command a third of the faults.
STEP = 1 if FUZZ_INPUTS else 3


@pytest.mark.parametrize(("number", "fault"), list(enumerate(ROW_FAULTS)), ids=ROW_FAULTS)
def test_no_command_falls_over_tables_that_contradict_one_another(number, fault, whole, tmp_path, monkeypatch):
    monkeypatch.setattr("ftm_ray.results.search.searcher.load_query_encoder", lambda _: AxisEncoder())
    monkeypatch.chdir(tmp_path)
    shutil.copytree(whole, tmp_path, dirs_exist_ok=True)
    lake = Lake(str(tmp_path / "lake"))
    ROW_FAULTS[fault][0](lake)
    fell = {}
    for name, arguments in list(COMMANDS.items())[number % STEP :: STEP]:
        result = ftm(*arguments, "--root", lake.root)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            fell[name] = repr(result.exception)
        elif result.exit_code:
            one_error_line(result)
    assert fell == {}


def test_the_error_says_what_contradicts_what_and_who_finds_it(whole, tmp_path):
    shutil.copytree(whole / "lake", tmp_path / "a lake")
    ROW_FAULTS["orphan topic"][0](Lake(str(tmp_path / "a lake")))
    result = ftm("trace", THEME, "--root", tmp_path / "a lake")
    assert result.exit_code == 4
    line = one_error_line(result)
    assert "topics has no row 'F0/0', which another table names" in line
    assert f"`ftm verify {QUARTER} --root '{tmp_path}/a lake'` says which files are wrong" in line
