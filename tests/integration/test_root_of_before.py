"""A ROOT that an earlier version wrote is read and resumed.

tests/golden/root_of_0.1.0_74cb39e5.zip holds the sample quarter 2024Q1 as `make demo` wrote it at 30b40df, before the
package had folders: prefetch store, parts, published tables, run.json.
"""

import shutil
from pathlib import Path
from zipfile import ZipFile

import pytest
from sample import NO_LLM, QUARTER, parts, published_bytes, record

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


def rows(lake, path):
    """What stands in a published file, wherever its quarter stands."""
    table = lake.read_table(path)
    return table.select([name for name in table.column_names if name != "quarter"])


def test_it_is_resumed_without_looking_for_topics_again(kept, ray_cluster, monkeypatch):
    """Its parts have the columns of today's: with the version they were made by, the map has nothing to do."""
    before, made = record(kept), parts(kept)
    monkeypatch.setattr(runs, "code_version", lambda: before["code_version"])
    rows_before = {path: rows(kept, path) for path in published_bytes(kept)}
    config = RunConfig(llm=NO_LLM)
    assert run_quarter(kept.root, QUARTER, config, lambda _: None).already_done
    for folder in ("processed", "sentiment-ready", "runs"):
        shutil.rmtree(Path(kept.root) / folder)
    outcome = run_quarter(kept.root, QUARTER, config, lambda _: None)
    assert not outcome.already_done
    assert outcome.record["run_id"] == before["run_id"]
    assert parts(kept) == made
    assert outcome.record["counts"] == before["counts"]
    now = published_bytes(kept)
    assert set(now) == set(rows_before)
    # Themes are computed anew, and another processor may round UMAP's steps in another way.
    from_parts = [path for path in now if path.split("/")[1] in ("firms", "sentences", "topics")]
    assert {path: rows(kept, path) for path in from_parts} == {path: rows_before[path] for path in from_parts}
    assert all(not check.problems for check in verify_quarter(kept, QUARTER))
