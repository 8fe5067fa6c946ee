"""The lines of the quality box."""

from invented import QUARTER

from ftm_ray.results.report.quality import quality_lines


def test_counts_names_and_refusals_are_said(published):
    record = published.lake.read_json(published.lake.run_file(QUARTER, published.run_id))
    lines = dict(quality_lines(record))
    assert lines["Firms"].startswith("6: ")
    assert lines["Topics named by"] == "keywords, by no LLM"
    assert "Answers refused or missing, topics" not in lines
    asked = {"topics": {"outcomes": {"named": 5, "looped": 2, "cut_label": 1}}, "themes": {"outcomes": {"named": 2}}}
    naming = record["naming"] | {"n_llm": 5, "n_keywords": 3}
    config = record["config"] | {"llm": record["config"]["llm"] | {"model": "/home/me/models/Qwen3-8B"}}
    lines = dict(quality_lines(record | {"llm": asked, "naming": naming, "config": config}))
    assert lines["Topics named by"] == "an LLM 5 (Qwen3-8B), keywords 3"
    assert lines["Answers refused or missing, topics"] == "2 looped, 1 cut label"
    assert lines["Answers refused or missing, themes"] == "none"
