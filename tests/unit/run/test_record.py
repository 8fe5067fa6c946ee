"""run.json: the counts add up, the numbers are those of the tables, and a changed file is found out."""

import json
from dataclasses import asdict

import pyarrow as pa
import pytest
from invented import bare_row, counted_parts, done_row, firm, part_table, run_files, topic_vector, write_store

from ftm_ray.config import LlmSettings
from ftm_ray.naming.account import LlmAccount
from ftm_ray.run.record import RunLog, environment, firm_counts, quality_numbers, run_record, sentence_counts
from ftm_ray.run.reduce import ThemePublisher
from ftm_ray.run.reduce_report import ReduceReport
from ftm_ray.schemas.published import FIRMS


@pytest.fixture
def record(six_firms_run, config):
    report = ThemePublisher(config, "none").publish(six_firms_run)
    return run_record(six_firms_run, config, report, RunLog(seconds={"map": 1.5}, parts=counted_parts(six_firms_run)))


def firm_row(**values):
    empty = dict.fromkeys(FIRMS.names)
    counts = {"n_sentences": 10, "n_in_topics": 6, "n_outliers": 2, "n_dropped": 2, "n_topics": 2, "status": "done"}
    return empty | counts | values


def firms_of(*rows):
    return pa.Table.from_pylist(list(rows), schema=FIRMS)


def themes_of(**values):
    return asdict(ReduceReport()) | values


# --- the whole record ----------------------------------------------------------------------------------------------


def test_counts_add_up(record, six_firms_run):
    counts = record["counts"]
    assert counts["n_done"] + counts["n_failed"] + counts["n_skipped"] == counts["n_firms"] == 6
    assert counts["n_in_topics"] + counts["n_outliers"] + counts["n_dropped"] == counts["n_sentences"] == 48
    assert counts["n_sentences"] == six_firms_run.manifest.n_sentences
    inside, outside = counts["n_topics_in_themes"], counts["n_topics_outliers"]
    assert inside + outside + sum(counts["n_topics_in_invalid"].values()) == counts["n_topics"] == 18
    assert counts["dropped_by_reason"] == {"procedure": 6} and counts["n_dropped"] == 6


def test_hashes_are_those_of_the_files(record, six_firms_run):
    lake = six_firms_run.lake
    assert len(record["files"]) == 7  # firms, topics, themes, theme_topics, sentences of two batches, sentiment
    for path, stored in record["files"].items():
        assert stored["sha256"] == lake.fingerprint(path)["sha256"]
        assert stored["rows"] == lake.read_table(path).num_rows


def test_ids_and_configuration_lead_back_to_the_work(record, six_firms_run, config):
    assert (record["run_id"], record["map_id"]) == (six_firms_run.run_id, six_firms_run.map_id)
    assert record["config"] == config.model_dump(mode="json")
    assert record["prefetch"]["digest"] == six_firms_run.manifest.digest


def test_seconds_of_all_firms_are_added(record):
    assert record["seconds"]["embed_s"] == pytest.approx(6 * 0.5)
    assert record["seconds"]["cluster_s"] == pytest.approx(6 * 0.25)
    assert record["seconds"]["map"] == 1.5
    assert record["seconds"]["themes"] > 0


def test_a_record_survives_its_file(record, six_firms_run):
    path = six_firms_run.lake.run_file(six_firms_run.quarter, six_firms_run.run_id)
    six_firms_run.lake.write_json(path, record)
    assert six_firms_run.lake.read_json(path) == record
    json.dumps(record, allow_nan=False)


def test_the_key_is_in_no_record(six_firms_run, config, monkeypatch):
    monkeypatch.setenv("FTM_LLM_API_KEY", "sk-secret")
    report = ThemePublisher(config, "sk-secret").publish(six_firms_run)
    named_by = config.model_copy(update={"llm": LlmSettings(endpoint="http://localhost:1/v1")})
    assert "sk-secret" not in json.dumps(run_record(six_firms_run, named_by, report, RunLog()))


def test_a_source_without_links_says_why_there_is_no_sentiment_table(lake, config):
    firms = [firm("A", [["One."]], permno=None)]
    run = run_files(lake, write_store(lake, [firms], linked=False), config)
    lake.write_table(run.part_path(run.manifest.batches[0]), part_table([done_row(firms[0], [-1], [])]))
    record = run_record(run, config, ThemePublisher(config, "none").publish(run), RunLog())
    assert "no PERMNO links" in record["sentiment_ready"]


def test_names_are_counted_by_their_source(lake, config):
    firms = [firm("A", [["One.", "Two."]]), firm("B", [["Three."]]), firm("C", [["Four."]])]
    rows = [
        done_row(firms[0], [0, 1], [topic_vector(0), topic_vector(3)]),
        bare_row(firms[1], "failed", "boom"),
        done_row(firms[2], [0], [topic_vector(0)]),
    ]
    rows[0]["topics"][1] |= {"summary_source": "llm", "prompt_tokens": 500, "completion_tokens": 40}
    rows[0]["topics"][1] |= {"names_firm": True}
    run = run_files(lake, write_store(lake, [firms]), config)
    lake.write_table(run.part_path(run.manifest.batches[0]), part_table(rows))
    record = run_record(run, config, ThemePublisher(config, "none").publish(run), RunLog(parts=counted_parts(run)))
    assert record["naming"] == {
        "n_llm": 1,
        "n_keywords": 2,
        "n_names_firm": 1,
        "prompt_tokens": 500,
        "completion_tokens": 40,
        "n_numbered_labels": 0,
        "support_auc": None,  # the run has no LLM now
        "theme_support_auc": None,
        "distinct_labels": None,
        "n_unsupported": 0,
        "support_model_p": None,
        "theme_support_model_p": None,
    }


def test_tokens_of_answers_are_added_over_all_parts_and_missing_counts_are_none(lake, config):
    firms = [firm(name, [["One."]]) for name in "ABCD"]
    rows = [done_row(one, [0], [topic_vector(0)]) for one in firms]
    for row, tokens, names_firm in zip(rows, (100, 20, None, None), (False, True, True, None), strict=True):
        source = "keywords" if names_firm is None else "llm"
        row["topics"][0] |= {"summary_source": source, "prompt_tokens": tokens, "completion_tokens": tokens}
        row["topics"][0]["names_firm"] = names_firm
    run = run_files(lake, write_store(lake, [firms[:1], firms[1:]]), config)
    for batch, of_batch in zip(run.manifest.batches, (rows[:1], rows[1:]), strict=True):
        lake.write_table(run.part_path(batch), part_table(of_batch))
    record = run_record(run, config, ThemePublisher(config, "none").publish(run), RunLog(parts=counted_parts(run)))
    counted = [record["naming"][name] for name in ("n_llm", "n_keywords", "n_names_firm", "prompt_tokens")]
    assert counted == [3, 1, 2, 120]


# --- what was asked ------------------------------------------------------------------------------------------------


def test_without_an_llm_nothing_was_asked(record):
    assert record["llm"] is None


def test_what_was_asked_stands_in_the_record_by_phase(six_firms_run, config):
    report = ThemePublisher(config, "none").publish(six_firms_run)
    report.theme_account = LlmAccount(n_questions=2, n_requests=3, n_again=1, outcomes={"named": 1, "echo": 1})
    report.n_numbered_labels = 1
    log = RunLog(
        check=LlmAccount(n_requests=1, request_s=0.123456),
        topics=LlmAccount(n_questions=18, n_remembered=18, outcomes={"named": 18}),
        endpoint="http://127.0.0.1:9/v1",
        tokenizer="Qwen/Qwen3-8B",
    )
    record = run_record(six_firms_run, config, report, log)
    assert record["naming"]["n_numbered_labels"] == 1
    llm = record["llm"]
    assert list(llm) == ["endpoint", "tokenizer", "check", "topics", "themes"]
    assert (llm["endpoint"], llm["tokenizer"]) == ("http://127.0.0.1:9/v1", "Qwen/Qwen3-8B")
    assert llm["check"] == asdict(LlmAccount(n_requests=1, request_s=0.123))
    assert llm["topics"] == asdict(log.topics)
    assert llm["themes"] == asdict(report.theme_account)
    assert json.loads(json.dumps(llm)) == llm


# --- numbers -------------------------------------------------------------------------------------------------------


def test_firms_are_counted_by_what_became_of_them():
    rows = [firm_row(status=status) for status in ("done", "done", "failed", "skipped", "done")]
    assert firm_counts(firms_of(*rows)) == {"n_firms": 5, "n_done": 3, "n_failed": 1, "n_skipped": 1}


def test_ratios_have_the_right_wholes():
    firms = firms_of(firm_row(), firm_row(status="failed", n_in_topics=0, n_outliers=0, n_dropped=10, n_topics=0))
    numbers = quality_numbers(firms, themes_of(n_topics=8, n_topics_in_themes=6, firms_per_theme=[2, 3, 10]))
    assert numbers["outlier_ratio"] == 0.25  # of those clustered
    assert numbers["dropped_ratio"] == 0.6  # of all
    assert numbers["theme_coverage"] == 0.75
    assert numbers["topics_per_firm"] == 2.0  # of firms that are done
    assert (numbers["n_themes"], numbers["median_firms_per_theme"]) == (3, 3.0)


def test_means_leave_out_firms_without_a_number():
    firms = firms_of(firm_row(npmi=0.2, diversity=1.0), firm_row(npmi=None), firm_row(npmi=0.4, diversity=0.5))
    numbers = quality_numbers(firms, themes_of())
    assert (numbers["npmi_coherence"], numbers["topic_diversity"]) == (0.3, 0.75)


def test_what_cannot_be_said_is_null_and_not_zero():
    nothing = firm_row(status="skipped", n_sentences=0, n_in_topics=0, n_outliers=0, n_dropped=0, n_topics=0)
    numbers = quality_numbers(firms_of(nothing), themes_of())
    assert numbers.pop("n_themes") == 0
    assert set(numbers.values()) == {None}
    assert sum(sentence_counts(firms_of()).values()) == 0


def test_the_environment_names_the_libraries_that_are_there():
    found = environment()
    assert {"python", "numpy", "pyarrow", "ray", "umap-learn"} <= found.keys()
    assert all(found.values())
