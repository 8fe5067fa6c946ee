"""Nothing is published below the limits, and the message says what to do."""

from dataclasses import replace

import pytest
from invented import QUARTER, bare_row, done_row, firm, part_table, topic_vector

from ftm_ray.config import LlmSettings, RunConfig
from ftm_ray.errors import QualityError
from ftm_ray.naming.account import LlmAccount, RefusedAnswer
from ftm_ray.naming.distinct_labels import numbered
from ftm_ray.run.counts import count_part
from ftm_ray.run.gates import check_naming, check_parts, check_theme_names
from ftm_ray.run.naming_quality import NamingQuality, names_table, worst_themes
from ftm_ray.text.keyword_names import keyword_name

NO_LLM = RunConfig(llm=LlmSettings(endpoint="none"))
WITH_LLM = RunConfig(llm=LlmSettings(endpoint="http://127.0.0.1:9/v1"))
NOTHING_ASKED = LlmAccount()


def counts_of(statuses, n_llm=0):
    """Of a part whose firms have these statuses, and one topic each; so many are named by an LLM."""
    firms = [firm(f"F{number:03d}", [["Freight cost more."] * 3]) for number in range(len(statuses))]
    rows = [
        done_row(one, [0, 0, 0], [topic_vector(0)]) if status == "done" else bare_row(one, status, f"was {status}")
        for one, status in zip(firms, statuses, strict=True)
    ]
    for row in rows[:n_llm]:
        row["topics"][0]["summary_source"] = "llm"
    return count_part(part_table(rows))


def test_one_failed_firm_in_fifty_passes():
    check_parts(QUARTER, NO_LLM, counts_of(["done"] * 49 + ["failed"]), NOTHING_ASKED)


def test_two_failed_firms_in_fifty_do_not():
    with pytest.raises(QualityError, match="2 of 50 firms"):
        check_parts(QUARTER, NO_LLM, counts_of(["done"] * 48 + ["failed"] * 2), NOTHING_ASKED)


def test_a_quarter_without_any_firm_with_topics_is_not_published():
    with pytest.raises(QualityError, match="commonest reason: was skipped"):
        check_parts(QUARTER, NO_LLM, counts_of(["skipped"] * 100 + ["failed"]), NOTHING_ASKED)


def test_keyword_names_pass_only_where_no_llm_was_asked():
    counts = counts_of(["done"] * 3)
    check_parts(QUARTER, NO_LLM, counts, NOTHING_ASKED)
    with pytest.raises(QualityError, match="named 0 of 3 topics"):
        check_parts(QUARTER, WITH_LLM, counts, NOTHING_ASKED)


@pytest.mark.parametrize(("n_llm", "passes"), [(100, True), (98, True), (97, False)])
def test_the_llm_must_have_named_nearly_all_topics(n_llm, passes):
    counts = counts_of(["done"] * 100, n_llm)
    if passes:
        check_parts(QUARTER, WITH_LLM, counts, NOTHING_ASKED)
    else:
        with pytest.raises(QualityError, match="named 97 of 100 topics of 2024Q1, fewer than min_llm_ratio 0.98"):
            check_parts(QUARTER, WITH_LLM, counts, NOTHING_ASKED)


def test_what_became_of_the_questions_is_said_commonest_first():
    account = LlmAccount(outcomes={"named": 1, "busy": 1, "timed_out": 1234})
    with pytest.raises(QualityError) as stopped:
        check_parts(QUARTER, WITH_LLM, counts_of(["done"] * 3), account)
    assert "(timed_out 1,234, busy 1, named 1)" in str(stopped.value)
    assert "names only what is missing" in str(stopped.value)
    assert stopped.value.exit_code == 3


def test_a_run_that_asked_nothing_says_nothing_of_questions():
    with pytest.raises(QualityError) as stopped:
        check_parts(QUARTER, WITH_LLM, counts_of(["done"] * 3), NOTHING_ASKED)
    assert "(" not in str(stopped.value).split("; nothing was published")[0]


# --- themes --------------------------------------------------------------------------------------------------------

BY_KEYWORDS = keyword_name(["freight"], ["Freight cost more."])
BY_LLM = replace(BY_KEYWORDS, summary_source="llm")


@pytest.mark.parametrize(("n_llm", "passes"), [(100, True), (98, True), (97, False), (0, False)])
def test_the_llm_must_have_described_nearly_all_themes(n_llm, passes):
    names = [BY_LLM] * n_llm + [BY_KEYWORDS] * (100 - n_llm)
    account = LlmAccount(outcomes={"named": n_llm, "busy": 100 - n_llm})
    check_theme_names(QUARTER, NO_LLM, names, account)
    if passes:
        check_theme_names(QUARTER, WITH_LLM, names, account)
    else:
        with pytest.raises(QualityError, match=rf"described {n_llm} of 100 themes of 2024Q1.*busy {100 - n_llm}"):
            check_theme_names(QUARTER, WITH_LLM, names, account)


def test_no_themes_need_no_names():
    check_theme_names(QUARTER, WITH_LLM, [], NOTHING_ASKED)


def good_names(**changes):
    return replace(NamingQuality(n_named=50, n_compared=50, support_auc=0.97, distinct_labels=0.95), **changes)


@pytest.mark.parametrize(
    "quality",
    [
        good_names(),
        good_names(support_auc=0.8, distinct_labels=0.6),
        good_names(support_auc=None, distinct_labels=None),
        good_names(n_named=9, n_compared=9, support_auc=0.5, distinct_labels=0.1),  # too few to say anything
    ],
)
def test_names_that_differ_and_fit_their_sentences_pass(quality):
    check_naming(QUARTER, WITH_LLM, quality, "topics", lambda: ["never shown"])


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"support_auc": 0.55}, "AUC 0.55, less than min_support_auc 0.8"),
        ({"distinct_labels": 0.4}, "0.40 of them are different, less than min_distinct_labels 0.6"),
    ],
)
def test_names_that_say_nothing_stop_the_publication_and_the_worst_are_shown(changes, words):
    with pytest.raises(QualityError) as stopped:
        check_naming(QUARTER, WITH_LLM, good_names(**changes), "topics", lambda: ["\n  the worst"])
    assert words in str(stopped.value)
    assert str(stopped.value).endswith("the worst")
    assert stopped.value.exit_code == 3


def test_refused_answers_are_shown_beside_what_they_were_asked_about():
    account = LlmAccount(outcomes={"looped": 3})
    account.show_refused(RefusedAnswer("looped", "over and over", ["Freight cost more."]))
    account.show_refused(RefusedAnswer("cut_text", '{"label": "Freight", "summary": "It"}', ["Ships waited."]))
    with pytest.raises(QualityError) as stopped:
        check_parts(QUARTER, WITH_LLM, counts_of(["done"] * 3), account)
    shown = str(stopped.value).splitlines()[1:]
    assert shown == [
        '  looped, says the same over and over: "over and over"',
        "    asked about: Freight cost more.",
        '  cut_text, the text breaks off: "Freight" / "It"',
        "    asked about: Ships waited.",
    ]


def test_a_number_behind_equal_labels_makes_them_no_different_labels():
    names, _ = numbered([keyword_name(["business", "update"], ["We updated."])] * 3)
    assert len({name.label for name in names}) == 3
    assert len(set(names_table(names)["label"].to_pylist())) == 1


def test_the_worst_themes_are_shown_beside_the_summaries_they_were_written_from():
    names, _ = numbered([keyword_name(["freight", "ships"], ["-"]), keyword_name(["chips", "wafers"], ["-"])])
    summaries = [["Ships waited."], ["Wafers sold out.", "Chips were short."]]
    shown = "".join(worst_themes(names, good_names(worst=(1,)), summaries)).splitlines()[1:]
    assert shown[0].startswith(f"  {names[1].label}: ")
    assert shown[1:] == ["    was written from: Wafers sold out.", "    was written from: Chips were short."]
