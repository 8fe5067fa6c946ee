"""A whole run named by the endpoint that answers well: what a person wrote passes, and no prompt is unknown."""

from good_endpoint import good_endpoint, written_answers
from sample import QUARTER, prefetch_sample, record

from ftm_ray.config import LlmSettings, RunConfig
from ftm_ray.run.pipeline import run_quarter


def test_a_run_with_answers_written_by_hand_is_published(tmp_path, ray_cluster):
    lake = prefetch_sample(tmp_path)
    with good_endpoint() as server:
        llm = LlmSettings(endpoint=server.url, model="hand-written", timeout_s=30.0)
        run_quarter(lake.root, QUARTER, RunConfig(workers=1, llm=llm), lambda _: None)
        assert server.answer.unknown == []
    done = record(lake)
    assert done["naming"]["n_keywords"] == 0
    assert done["llm"]["themes"]["outcomes"] == {"named": done["quality"]["n_themes"]}
    topics = lake.read_folder(lake.table_dir("topics", QUARTER)).to_pylist()
    written = {answer.summary for answer in written_answers()}
    assert {topic["representation"] for topic in topics if topic["topic_id"] >= 0} <= written
