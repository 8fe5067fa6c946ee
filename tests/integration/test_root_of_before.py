"""ROOTs that earlier versions wrote are read by every command, and run again beside what they had found.

tests/golden/root_of_0.1.0_74cb39e5.zip holds the sample quarter 2024Q1 as `make demo` wrote it at 30b40df, before the
package had folders: prefetch store, parts, published tables, run.json. The others were written by
tests/golden/write_root.py, which says what they hold.
"""

import json
from pathlib import Path
from zipfile import ZipFile

import pytest
from command import ftm
from sample import NO_LLM, QUARTER, parts, record

from ftm_ray.config import RunConfig
from ftm_ray.lake.runs import published_run_id
from ftm_ray.lake.storage import Lake
from ftm_ray.results.status import quarter_status
from ftm_ray.results.theme_list import list_themes
from ftm_ray.results.theme_trace import trace_theme
from ftm_ray.results.verify.quarter import verify_quarter
from ftm_ray.run.pipeline import run_quarter

GOLDEN = Path(__file__).parents[1] / "golden"
FIRST = "root_of_0.1.0_74cb39e5.zip"
ROOTS = sorted(path.name for path in GOLDEN.glob("root_of_*.zip"))

#: Commands that read, and whether the first version's ROOT has what they show.
READING = {
    "status": (["status", QUARTER], True),
    "themes": (["themes", QUARTER], True),
    "trace": (["trace", f"{QUARTER}-0001"], True),
    "verify": (["verify", QUARTER], True),
    "search": (["search", "freight rates and shipping"], True),
    "search of sentences": (["search", "freight rates and shipping", "--in", "sentences"], True),
    "report": (["report", QUARTER, "--out", "page.html"], True),
    "life": (["lineage", f"{QUARTER}-0001"], False),
    "names": (["llm", "read", QUARTER, "--out", "names.html"], False),
    "sql": (["sql", "SELECT count(*) AS n FROM sentences JOIN topics USING (firm_id, topic_id)", "--json"], True),
    "sql of lineage": (["sql", "SELECT count(*) AS n FROM attention", "--json"], False),
    "sql of sentiment": (["sql", "SELECT count(*) AS n FROM theme_sentiment WHERE score IS NOT NULL", "--json"], False),
}


def unpacked(name, folder):
    with ZipFile(GOLDEN / name) as files:
        files.extractall(folder)
    return Lake(str(folder))


@pytest.fixture
def kept(tmp_path):
    return unpacked(FIRST, tmp_path)


@pytest.fixture(scope="module", params=ROOTS)
def root(request, tmp_path_factory):
    """(name, lake) of each version."""
    return request.param, unpacked(request.param, tmp_path_factory.mktemp("root"))


@pytest.mark.parametrize("command", READING)
def test_it_is_read(command, root, tmp_path, monkeypatch):
    name, lake = root
    arguments, first_has_it = READING[command]
    monkeypatch.chdir(tmp_path)
    result = ftm(*arguments, "--root", lake.root)
    if name != FIRST or first_has_it:
        assert result.exit_code == 0, result.output
        if "--json" in arguments:
            assert json.loads(result.stdout)[0]["n"] > 0
    else:
        assert result.exit_code in (0, 4), result.output  # it says that there is none
    assert result.exception is None or isinstance(result.exception, SystemExit)


def test_a_theme_leads_to_what_was_said(root):
    lake = root[1]
    themes = list_themes(lake, QUARTER, 5).themes
    assert len(themes) >= 3
    trace = trace_theme(lake, themes[0].theme_id, 2)
    assert trace.topics[0].sentences[0].text
    assert quarter_status(lake, QUARTER).stage == "published"
    assert all(not check.problems for check in verify_quarter(lake, QUARTER))


@pytest.mark.chaos
def test_a_run_of_today_replaces_what_is_published_and_leaves_the_old_parts_alone(kept, ray_cluster):
    """Topics have other columns and themes are found in another way since: that is another map, beside the old one."""
    before, made = record(kept), parts(kept)
    outcome = run_quarter(kept.root, QUARTER, RunConfig(llm=NO_LLM), lambda _: None)
    assert not outcome.already_done
    assert outcome.record["map_id"] != before["map_id"]
    assert outcome.record["counts"]["n_sentences"] == before["counts"]["n_sentences"]
    assert made.items() <= old_parts(kept, before["map_id"]).items()
    assert published_run_id(kept, QUARTER) == outcome.record["run_id"]
    assert all(not check.problems for check in verify_quarter(kept, QUARTER))
    assert run_quarter(kept.root, QUARTER, RunConfig(llm=NO_LLM), lambda _: None).already_done


def old_parts(lake, map_id):
    """When each part file of a map was written."""
    return {path.name: path.stat().st_mtime_ns for path in Path(lake.root).glob(f"intermediate/*/*/map={map_id}/*")}
