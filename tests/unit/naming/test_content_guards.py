"""What an answer says: loops, broken ends, the rules said back, and copies are refused; good answers are not."""

import json

import pytest

from ftm_ray.naming.content_guards import (
    TASK_PHRASES,
    content_fault,
    is_copied,
    is_cut_label,
    is_cut_text,
    is_looped,
    is_too_short,
    says_task,
    without_open_end,
)
from ftm_ray.naming.guards import OwnNames, cut_label, judge_answer
from ftm_ray.naming.outcomes import Outcome
from ftm_ray.naming.prompts import MAX_LABEL_CHARACTERS, MAX_TEXT_CHARACTERS, THEME_RULES, TOPIC_RULES, topic_prompt
from ftm_ray.naming.tokens import EstimatedTokens

SENTENCES = [
    "We use organic cotton in most of our sheets, and the mills raised the price of cotton by 12% this year.",
    "Freight from India took longer, so we ordered earlier and hold more stock than we like.",
]
PROMPT = topic_prompt(["cotton", "mill", "stock"], SENTENCES, EstimatedTokens(), 900)
GOOD_LABEL = "Rising cost of raw cotton"
GOOD = "Mills ask more for cotton, and slow freight means larger stocks, which together weigh on margins."

LOOP = "It is a product that is made from a single product " + "that is made from a single product " * 8
FILLED = ("Sheets are made of organic cotton, 100% of which are made from organic cotton, 100" * 9)[
    :MAX_TEXT_CHARACTERS
]


def test_a_good_answer_has_no_fault():
    assert content_fault(GOOD_LABEL, GOOD, PROMPT) is None


@pytest.mark.parametrize(
    ("label", "text", "fault"),
    [
        (GOOD_LABEL, LOOP + ".", Outcome.LOOPED),
        (GOOD_LABEL, FILLED, Outcome.LOOPED),
        ("cotton cotton cotton", GOOD, Outcome.LOOPED),
        (GOOD_LABEL, GOOD.removesuffix("margins."), Outcome.CUT_TEXT),
        ("The business concept", GOOD, Outcome.TASK_WORDS),
        ("Summary", GOOD, Outcome.TASK_WORDS),
        (GOOD_LABEL, "One or two sentences.", Outcome.TASK_WORDS),
        (GOOD_LABEL, "The business concept, in at most 8 words.", Outcome.TASK_WORDS),
        ("Bloom", "Bloom.", Outcome.TOO_SHORT),
        (GOOD_LABEL, "Cotton.", Outcome.TOO_SHORT),
        (GOOD_LABEL, SENTENCES[1], Outcome.COPIED),
        (GOOD_LABEL, f"Cotton is scarce. {SENTENCES[1]}", Outcome.COPIED),
        ("The company is a mill for cotton, and", GOOD, Outcome.CUT_LABEL),
        ("Rising cost of the", GOOD, Outcome.CUT_LABEL),
        ("High-end car seats", "Drivers want heated leather upholstery in luxury vehicles.", Outcome.UNSUPPORTED),
    ],
)
def test_each_fault_is_told_by_its_own_name(label, text, fault):
    assert content_fault(label, text, PROMPT) is fault


@pytest.mark.parametrize(
    "fault", ["looped", "cut_text", "too_short", "copied", "cut_label", "task_words", "unsupported"]
)
def test_each_fault_is_worth_asking_once_more(fault):
    answers = {
        "looped": (GOOD_LABEL, LOOP),
        "cut_text": (GOOD_LABEL, GOOD[:-9]),
        "too_short": (GOOD_LABEL, "Cotton."),
        "copied": (GOOD_LABEL, SENTENCES[1]),
        "cut_label": ("Cost of", GOOD),
        "task_words": ("Label", GOOD),
        "unsupported": ("Car seats", "Drivers want heated leather upholstery in luxury vehicles."),
    }
    label, text = answers[fault]
    judged = judge_answer(json.dumps({"label": label, "summary": text}), "stop", PROMPT, OwnNames(frozenset()))
    # a whole copied sentence of the material was an echo before it was a copy
    assert judged.outcome.value in (fault, "echo" if fault == "copied" else fault)
    assert judged.reminder
    assert judged.label is None


# --- loops ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        "Prices rise and volumes fall. Prices rise because mills ask more, and volumes fall because shoppers wait.",
        "Revenue grew because more customers renewed, and margins grew because more of them pay by the year.",
        "Year over year growth slowed. Year over year costs rose.",
        "",
    ],
)
def test_a_natural_text_is_no_loop(text):
    assert not is_looped(text)


@pytest.mark.parametrize("text", [LOOP, FILLED, "more more more", "cost of sales and cost of sales and cost of sales"])
def test_the_same_words_over_and_over_are_a_loop(text):
    assert is_looped(text)


# --- ends -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", [".", "!", "?", '."', ".)", "。", ".”"])
def test_a_text_ends_with_a_sentence(end):
    assert not is_cut_text(f"Mills ask more for cotton{end}")


@pytest.mark.parametrize("end", ["", ",", " and", "...", "…", ":", " -", " (as of"])
def test_a_text_without_a_sentences_end_was_cut(end):
    assert is_cut_text(f"Mills ask more for cotton{end}")


def test_a_text_that_fills_the_form_was_cut_even_if_it_ends_well():
    words = "Mills ask more for cotton every time. " * 20
    full = words[: MAX_TEXT_CHARACTERS - 1] + "."
    assert is_cut_text(full)
    assert not is_cut_text(full + " Endpoints without limits may say more.")


@pytest.mark.parametrize(
    "label",
    ["Cost of", "Cotton, wool, and", "Margins (gross", "Cotton -", "Cotton:", "Cotton ...", "x" * MAX_LABEL_CHARACTERS],
)
def test_a_label_that_breaks_off(label):
    assert is_cut_label(label)


@pytest.mark.parametrize(
    "label", ["Cotton", "Plant start up", "Store roll out", "Margins (gross)", "R&D", "What AI costs"]
)
def test_a_label_that_is_whole(label):
    assert not is_cut_label(label)


def test_a_label_is_never_cut_behind_a_word_that_wants_another():
    assert cut_label("Higher cost of freight from Asia and the Americas") == "Higher cost of freight from Asia"
    assert cut_label("one two three four five six seven eight nine") == "one two three four five six seven eight"
    assert without_open_end(["The"]) == ["The"]


# --- the rules, and what was said -------------------------------------------------------------------------------------


def test_task_phrases_stand_in_the_rules():
    rules = " ".join(f"{TOPIC_RULES} {THEME_RULES}".lower().replace("themes", "theme").split())
    assert [phrase for phrase in TASK_PHRASES if phrase not in rules] == []


@pytest.mark.parametrize("rules", [TOPIC_RULES, THEME_RULES])
@pytest.mark.parametrize(
    "text", [GOOD, "Many companies report slower orders in the quarter, and say why.", "Label printing"]
)
def test_answers_do_not_say_the_rules(text, rules):
    assert not says_task(text, rules)


def test_five_words_of_the_rules_in_a_row_are_the_rules():
    assert says_task("They say why it matters: cause, effect, or plan.", TOPIC_RULES)


def test_a_short_text_says_no_more_than_its_label():
    assert is_too_short("Rising costs of cotton and freight", "Rising costs of cotton and freight.")
    assert not is_too_short("Cotton", GOOD)


def test_some_words_in_a_row_may_be_the_speakers():
    assert not is_copied(
        "Because freight from India took longer, firms order goods far ahead of the season.", SENTENCES
    )


def test_what_was_spoken_may_be_said_though_the_task_has_such_words_too():
    said = topic_prompt(["JSON", "object"], ["Each JSON object is indexed when it is written."], EstimatedTokens(), 900)
    assert not says_task("Databases index each JSON object.", said.rules, said.sources)
    assert says_task("Databases index each JSON object.", said.rules)


@pytest.mark.parametrize("label", [".", "***", "?", "12"])
def test_a_label_without_a_letter_is_none(label):
    assert content_fault(label, GOOD, PROMPT) is Outcome.TOO_SHORT


@pytest.mark.parametrize("label", ["None", "Unknown", "Topic", "The company", "Our business", "Its companies"])
def test_words_for_no_label_are_the_tasks(label):
    assert content_fault(label, GOOD, PROMPT) is Outcome.TASK_WORDS


@pytest.mark.parametrize("label", ["Company stores", "Business travel", "How companies hire"])
def test_a_label_with_a_subject_may_speak_of_companies(label):
    assert content_fault(label, GOOD, PROMPT) is not Outcome.TASK_WORDS
