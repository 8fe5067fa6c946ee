"""A run whose names a support model judges, on Ray Data. The model is tiny and random: only its ways are tested."""

import pytest
from good_endpoint import good_endpoint
from sample import HALF, QUARTER, prefetch_sample
from tiny_classifier import make_tiny_classifier

from ftm_ray.config import GateSettings, LlmSettings, RunConfig
from ftm_ray.errors import ConfigError
from ftm_ray.naming.entailment import EntailmentJudge
from ftm_ray.run.pipeline import run_quarter


@pytest.mark.chaos
def test_each_name_by_the_llm_is_judged_against_its_own_sentences(tmp_path, ray_cluster):
    model = str(make_tiny_classifier(tmp_path / "nli"))
    lake = prefetch_sample(tmp_path / "root", files=HALF)
    with good_endpoint() as server:
        settings = {"endpoint": server.url, "model": "hand-written", "timeout_s": 30.0}
        gates = GateSettings(min_llm_ratio=0.3)  # a theme that nobody wrote an answer for keeps its keywords
        config = RunConfig(workers=1, llm=LlmSettings(**settings), gates=gates)
        plain = run_quarter(lake.root, QUARTER, config, lambda _: None).record
        assert plain["naming"]["support_model_p"] is None
        config = RunConfig(workers=1, llm=LlmSettings(**settings, support_model=model), gates=gates)
        judged = run_quarter(lake.root, QUARTER, config, lambda _: None).record
    assert judged["map_id"] == plain["map_id"]  # a quarter that is named is not named again
    assert judged["run_id"] != plain["run_id"]

    topics = lake.read_folder(lake.table_dir("topics", QUARTER)).to_pylist()
    sentences = {
        (firm["firm_id"], topic["topic_id"]): topic["exemplar_texts"]
        for firm in lake.read_folder(lake.parts_dir(QUARTER, judged["map_id"])).to_pylist()
        for topic in firm["topics"]
    }
    judge = EntailmentJudge(model)
    n_topics = check(judge, topics, "representation", lambda row: sentences[row["firm_id"], row["topic_id"]])
    assert n_topics == judged["naming"]["n_llm"] > 15
    values = [topic["support_model_p"] for topic in topics if topic["support_model_p"] is not None]
    assert len(set(values)) > len(values) / 2
    assert judged["naming"]["support_model_p"] == pytest.approx(sum(values) / len(values), abs=1e-4)

    summaries = {f"{topic['firm_id']}/{topic['topic_id']}": topic["representation"] for topic in topics}
    themes = lake.read_folder(lake.table_dir("themes", QUARTER)).to_pylist()
    assert check(judge, themes, "description", lambda row: [summaries[key] for key in row["exemplar_topic_ids"]])


def check(judge, rows, text, sources):
    """Each name by the LLM has what the judge says here, all others null; the number of the former."""
    named = [row for row in rows if row["summary_source"] == "llm"]
    here = judge.probabilities([sources(row) for row in named], [row[text] for row in named])
    assert [row["support_model_p"] for row in named] == pytest.approx(here, abs=2e-4)
    assert all(row["support_model_p"] is None for row in rows if row["summary_source"] != "llm")
    return len(named)


def test_a_model_that_is_not_there_is_said_before_any_work(tmp_path):
    lake = prefetch_sample(tmp_path / "root")
    llm = LlmSettings(endpoint="http://127.0.0.1:9/v1", support_model=str(tmp_path / "nowhere"))
    with pytest.raises(ConfigError, match=r"cannot load llm\.support_model"):
        run_quarter(lake.root, QUARTER, RunConfig(llm=llm), lambda _: None)
    assert not (tmp_path / "root" / "intermediate" / "firm-topics").exists()
