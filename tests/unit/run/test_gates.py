"""Nothing is published below the limits, and the message says what to do."""

from dataclasses import replace

import pytest
from invented import bare_row, done_row, firm, part_table, run_files, topic_vector, write_store

from ftm_ray.config import LlmSettings, RunConfig
from ftm_ray.errors import QualityError
from ftm_ray.naming.account import LlmAccount
from ftm_ray.run.gates import check_parts, check_theme_names
from ftm_ray.text.keyword_names import keyword_name

NO_LLM = RunConfig(llm=LlmSettings(endpoint="none"))
WITH_LLM = RunConfig(llm=LlmSettings(endpoint="http://127.0.0.1:9/v1"))
NOTHING_ASKED = LlmAccount()


def run_of(lake, statuses, n_llm=0):
    """A run over one batch whose firms have these statuses, and one topic each; so many are named by an LLM."""
    firms = [firm(f"F{number:03d}", [["Freight cost more."] * 3]) for number in range(len(statuses))]
    run = run_files(lake, write_store(lake, [firms]), NO_LLM)
    rows = [
        done_row(one, [0, 0, 0], [topic_vector(0)]) if status == "done" else bare_row(one, status, f"was {status}")
        for one, status in zip(firms, statuses, strict=True)
    ]
    for row in rows[:n_llm]:
        row["topics"][0]["summary_source"] = "llm"
    run.lake.write_table(run.part_path(run.manifest.batches[0]), part_table(rows))
    return run


def test_one_failed_firm_in_fifty_passes(lake):
    check_parts(run_of(lake, ["done"] * 49 + ["failed"]), NO_LLM, NOTHING_ASKED)


def test_two_failed_firms_in_fifty_do_not(lake):
    with pytest.raises(QualityError, match="2 of 50 firms"):
        check_parts(run_of(lake, ["done"] * 48 + ["failed"] * 2), NO_LLM, NOTHING_ASKED)


def test_a_quarter_without_any_firm_with_topics_is_not_published(lake):
    with pytest.raises(QualityError, match="was skipped"):
        check_parts(run_of(lake, ["skipped"] * 3), NO_LLM, NOTHING_ASKED)


def test_keyword_names_pass_only_where_no_llm_was_asked(lake):
    run = run_of(lake, ["done"] * 3)
    check_parts(run, NO_LLM, NOTHING_ASKED)
    with pytest.raises(QualityError, match="named 0 of 3 topics"):
        check_parts(run, WITH_LLM, NOTHING_ASKED)


@pytest.mark.parametrize(("n_llm", "passes"), [(100, True), (98, True), (97, False)])
def test_the_llm_must_have_named_nearly_all_topics(lake, n_llm, passes):
    run = run_of(lake, ["done"] * 100, n_llm)
    if passes:
        check_parts(run, WITH_LLM, NOTHING_ASKED)
    else:
        with pytest.raises(QualityError, match="named 97 of 100 topics of 2024Q1, fewer than min_llm_ratio 0.98"):
            check_parts(run, WITH_LLM, NOTHING_ASKED)


def test_what_became_of_the_questions_is_said_commonest_first(lake):
    account = LlmAccount(outcomes={"named": 1, "busy": 1, "timed_out": 1234})
    with pytest.raises(QualityError) as stopped:
        check_parts(run_of(lake, ["done"] * 3), WITH_LLM, account)
    assert "(timed_out 1,234, busy 1, named 1)" in str(stopped.value)
    assert "names only what is missing" in str(stopped.value)
    assert stopped.value.exit_code == 3


def test_a_run_that_asked_nothing_says_nothing_of_questions(lake):
    with pytest.raises(QualityError) as stopped:
        check_parts(run_of(lake, ["done"] * 3), WITH_LLM, NOTHING_ASKED)
    assert "(" not in str(stopped.value).split("; nothing was published")[0]


# --- themes --------------------------------------------------------------------------------------------------------

BY_KEYWORDS = keyword_name(["freight"], ["Freight cost more."])
BY_LLM = replace(BY_KEYWORDS, summary_source="llm")


@pytest.mark.parametrize(("n_llm", "passes"), [(100, True), (98, True), (97, False), (0, False)])
def test_the_llm_must_have_described_nearly_all_themes(lake, n_llm, passes):
    names = [BY_LLM] * n_llm + [BY_KEYWORDS] * (100 - n_llm)
    account = LlmAccount(outcomes={"named": n_llm, "busy": 100 - n_llm})
    run = run_of(lake, ["done"])
    check_theme_names(run, NO_LLM, names, account)
    if passes:
        check_theme_names(run, WITH_LLM, names, account)
    else:
        with pytest.raises(QualityError, match=rf"described {n_llm} of 100 themes of 2024Q1.*busy {100 - n_llm}"):
            check_theme_names(run, WITH_LLM, names, account)


def test_no_themes_need_no_names(lake):
    check_theme_names(run_of(lake, ["done"]), WITH_LLM, [], NOTHING_ASKED)
