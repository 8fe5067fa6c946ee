"""A ROOT that an earlier version wrote is read and resumed.

tests/golden/root_of_0.1.0_74cb39e5.zip holds the sample quarter 2024Q1 as `make demo` wrote it at 30b40df, before the
package had folders: prefetch store, parts, published tables, run.json.
"""

from pathlib import Path
from zipfile import ZipFile

import pytest
from sample import NO_LLM, QUARTER, parts, record

from ftm_ray.config import RunConfig
from ftm_ray.lake import runs
from ftm_ray.lake.storage import Lake
from ftm_ray.results.status import quarter_status
from ftm_ray.results.theme_list import list_themes
from ftm_ray.results.theme_trace import trace_theme
from ftm_ray.results.verify.quarter import verify_quarter
from ftm_ray.run.pipeline import run_quarter

KEPT = Path(__file__).parents[1] / "golden" / "root_of_0.1.0_74cb39e5.zip"


@pytest.fixture
def kept(tmp_path):
    with ZipFile(KEPT) as files:
        files.extractall(tmp_path)
    return Lake(str(tmp_path))


def test_it_is_read(kept):
    themes = list_themes(kept, QUARTER, 5).themes
    assert len(themes) == 5
    trace = trace_theme(kept, themes[0].theme_id, 2)
    assert trace.topics[0].sentences[0].text
    assert quarter_status(kept, QUARTER).stage == "published"
    assert all(not check.problems for check in verify_quarter(kept, QUARTER))


def test_its_parts_are_taken_and_only_its_themes_are_made_anew(kept, ray_cluster, monkeypatch):
    """Its parts have the columns of today's; its themes were those of one fit, and are today the consensus of many."""
    before, made = record(kept), parts(kept)
    monkeypatch.setattr(runs, "code_version", lambda: before["code_version"])
    tables = {name: without_run_id(kept, name) for name in ("firms", "sentences", "topics")}
    outcome = run_quarter(kept.root, QUARTER, RunConfig(llm=NO_LLM), lambda _: None)
    assert not outcome.already_done
    assert outcome.record["map_id"] == before["map_id"]
    assert outcome.record["run_id"] != before["run_id"]
    assert parts(kept) == made
    assert {name: without_run_id(kept, name) for name in tables} == tables
    assert all(not check.problems for check in verify_quarter(kept, QUARTER))


def without_run_id(lake, name):
    return lake.read_folder(lake.table_dir(name, QUARTER)).drop(["run_id"])
