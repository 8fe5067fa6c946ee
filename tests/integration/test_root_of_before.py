"""A ROOT that an earlier version wrote is read, and run again beside what it had found.

tests/golden/root_of_0.1.0_74cb39e5.zip holds the sample quarter 2024Q1 as `make demo` wrote it at 30b40df, before the
package had folders: prefetch store, parts, published tables, run.json.
"""

from pathlib import Path
from zipfile import ZipFile

import pytest
from sample import NO_LLM, QUARTER, parts, record

from ftm_ray.config import RunConfig
from ftm_ray.lake.runs import published_run_id
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
