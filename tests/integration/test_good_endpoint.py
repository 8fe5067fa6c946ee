"""A whole run named by the endpoint that answers well: what a person wrote passes, and nothing else is published.

The last digits of a vector depend on the processor, and UMAP makes other clusters of them: of the sample's topics
some ten are others on another machine. Nobody wrote answers for these: they are refused, by the endpoint or by a guard.
"""

import pytest
from good_endpoint import MIN_KNOWN, good_endpoint, written_answers
from sample import QUARTER, prefetch_sample, record

from ftm_ray.config import GateSettings, LlmSettings, RunConfig
from ftm_ray.run.pipeline import run_quarter


@pytest.mark.chaos  # test_naming_faults.py publishes what an endpoint named
def test_a_run_with_answers_written_by_hand_is_published(tmp_path, ray_cluster):
    lake = prefetch_sample(tmp_path)
    with good_endpoint() as server:
        llm = LlmSettings(endpoint=server.url, model="hand-written", timeout_s=30.0)
        config = RunConfig(workers=1, llm=llm, gates=GateSettings(min_llm_ratio=MIN_KNOWN))
        run_quarter(lake.root, QUARTER, config, lambda _: None)
        unknown = server.answer.unknown
    done = record(lake)
    outcomes, themes = done["llm"]["topics"]["outcomes"], done["llm"]["themes"]["outcomes"]
    if not unknown:  # the topics that were answered by hand: each answer passes
        assert done["naming"]["n_keywords"] == 0
        assert themes == {"named": done["quality"]["n_themes"]}
    assert set(outcomes) <= {"named", "unsupported", "rejected"}
    assert outcomes["named"] >= MIN_KNOWN * done["counts"]["n_topics"] > 40
    assert outcomes.get("rejected", 0) + themes.get("rejected", 0) == len(set(unknown))
    assert themes["named"] >= MIN_KNOWN * done["quality"]["n_themes"] > 3
    topics = lake.read_folder(lake.table_dir("topics", QUARTER)).to_pylist()
    by_llm = {topic["representation"] for topic in topics if topic["summary_source"] == "llm"}
    assert len(by_llm) > 40
    assert by_llm <= {answer.summary for answer in written_answers()}
