"""A run whose names a support model judges, on Ray Data. The model is tiny and random: only its ways are tested."""

import pytest
from good_endpoint import good_endpoint
from sample import QUARTER, prefetch_sample
from tiny_classifier import make_tiny_classifier

from ftm_ray.config import LlmSettings, RunConfig
from ftm_ray.errors import ConfigError
from ftm_ray.naming.entailment import EntailmentJudge
from ftm_ray.run.pipeline import run_quarter


def test_each_name_by_the_llm_is_judged_against_its_own_sentences(tmp_path, ray_cluster):
    model = str(make_tiny_classifier(tmp_path / "nli"))
    lake = prefetch_sample(tmp_path / "root")
    with good_endpoint() as server:
        settings = {"endpoint": server.url, "model": "hand-written", "timeout_s": 30.0}
        config = RunConfig(workers=1, llm=LlmSettings(**settings))
        plain = run_quarter(lake.root, QUARTER, config, lambda _: None).record
        assert plain["naming"]["support_model_p"] is None
        config = RunConfig(workers=1, llm=LlmSettings(**settings, support_model=model))
        judged = run_quarter(lake.root, QUARTER, config, lambda _: None).record
    assert judged["map_id"] == plain["map_id"]  # a quarter that is named is not named again
    assert judged["run_id"] != plain["run_id"]

    topics = lake.read_folder(lake.table_dir("topics", QUARTER)).to_pylist()
    themes = lake.read_folder(lake.table_dir("themes", QUARTER)).to_pylist()
    parts = lake.parts_dir(QUARTER, judged["map_id"])
    sentences = {
        (firm["firm_id"], topic["topic_id"]): topic["exemplar_texts"]
        for firm in lake.read_folder(parts).to_pylist()
        for topic in firm["topics"]
    }
    own = [sentences[topic["firm_id"], topic["topic_id"]] for topic in topics]
    here = EntailmentJudge(model).probabilities(own, [topic["representation"] for topic in topics])
    assert [topic["support_model_p"] for topic in topics] == pytest.approx(here, abs=2e-4)
    assert len(set(here)) > len(here) / 2
    summaries = {f"{topic['firm_id']}/{topic['topic_id']}": topic["representation"] for topic in topics}
    read = [[summaries[key] for key in theme["exemplar_topic_ids"]] for theme in themes]
    here = EntailmentJudge(model).probabilities(read, [theme["description"] for theme in themes])
    assert [theme["support_model_p"] for theme in themes] == pytest.approx(here, abs=2e-4)
    mean = sum(topic["support_model_p"] for topic in topics) / len(topics)
    assert judged["naming"]["support_model_p"] == pytest.approx(mean, abs=1e-4)


def test_a_model_that_is_not_there_is_said_before_any_work(tmp_path):
    lake = prefetch_sample(tmp_path / "root")
    llm = LlmSettings(endpoint="http://127.0.0.1:9/v1", support_model=str(tmp_path / "nowhere"))
    with pytest.raises(ConfigError, match=r"cannot load llm\.support_model"):
        run_quarter(lake.root, QUARTER, RunConfig(llm=llm), lambda _: None)
    assert not (tmp_path / "root" / "intermediate" / "firm-topics").exists()
