"""Which answers are accepted, and what is said about the others. docs/naming.md has the same table."""

import json

import pytest

from ftm_ray.naming.guards import OwnNames, cut_label, judge_answer, names_in
from ftm_ray.naming.outcomes import Outcome
from ftm_ray.naming.prompts import TOPIC_RULES, theme_prompt, topic_prompt
from ftm_ray.naming.tokens import EstimatedTokens

SENTENCES = ["Ocean freight rates from Asia rose again and added to our shipping cost.", "Ports were full."]
PROMPT = topic_prompt(["freight", "port"], SENTENCES, EstimatedTokens(), 900)
NAMES = OwnNames(frozenset({"acme", "at&t", "3m", "o'neil", "smith"}))

NOBODY = OwnNames(frozenset())


def answer(label="Freight costs", summary="Firms pay more for freight, which lowers margins."):
    return json.dumps({"label": label, "summary": summary})


def judged(content, finish_reason="stop", own_names=NAMES):
    return judge_answer(content, finish_reason, PROMPT, own_names)


# --- accepted ------------------------------------------------------------------------------------------------------


def test_a_good_answer_is_accepted_as_it_is():
    good = judged(answer())
    assert (good.outcome, good.label, good.text) == (
        Outcome.NAMED,
        "Freight costs",
        "Firms pay more for freight, which lowers margins.",
    )
    assert good.reminder is None
    assert not good.names_firm


def test_blanks_and_line_breaks_are_put_in_order():
    good = judged(" \n" + answer("  Freight costs", "Firms pay \n\n more for freight.  ") + "\n")
    assert (good.outcome, good.label, good.text) == (Outcome.NAMED, "Freight costs", "Firms pay more for freight.")


@pytest.mark.parametrize("text", ["Größere Häfen", "运费", "Costs \U0001f680 rise", 'He said "no"', "a < b"])
def test_letters_of_all_kinds_are_kept(text):
    good = judged(answer(text, f"{text}: firms pay more for freight."))
    assert (good.label, good.text) == (text, f"{text}: firms pay more for freight.")


def test_the_order_of_the_fields_does_not_matter():
    assert judged('{"summary": "Firms pay more for freight.", "label": "Freight"}').outcome is Outcome.NAMED


def test_a_theme_has_a_description_where_a_topic_has_a_summary():
    prompt = theme_prompt(["freight"], ["Firms pay more."], [], EstimatedTokens(), 900)
    described = '{"label": "Freight", "description": "Many pay more for freight."}'
    assert judge_answer(described, "stop", prompt, NOBODY).text == "Many pay more for freight."
    assert judge_answer(answer(), "stop", prompt, NOBODY).outcome is Outcome.NOT_JSON
    assert judged(described).outcome is Outcome.NOT_JSON


# --- refused -------------------------------------------------------------------------------------------------------

REFUSED = {
    "cut off": ('{"label": "Freight co', "length", Outcome.CUT_OFF),
    "cut off after whole JSON": (answer(), "length", Outcome.CUT_OFF),
    "cut off before anything": (None, "length", Outcome.CUT_OFF),
    "filtered": (answer(), "content_filter", Outcome.NOT_STOPPED),
    "a tool call": (None, "tool_calls", Outcome.NOT_STOPPED),
    "no reason to stop": (answer(), None, Outcome.NOT_STOPPED),
    "nothing": ("", "stop", Outcome.EMPTY),
    "null": (None, "stop", Outcome.EMPTY),
    "blanks": (" \n\t", "stop", Outcome.EMPTY),
    "an empty label": (answer(label=""), "stop", Outcome.EMPTY),
    "an empty summary": (answer(summary=""), "stop", Outcome.EMPTY),
    "a blank summary": (answer(summary=" \n "), "stop", Outcome.EMPTY),
    "thoughts before": (f"<think>hm</think>{answer()}", "stop", Outcome.THOUGHTS),
    "empty thoughts before": (f"<think>\n\n</think>\n\n{answer()}", "stop", Outcome.THOUGHTS),
    "the end of thoughts before": (f"hm</think>\n{answer()}", "stop", Outcome.THOUGHTS),
    "thoughts inside": (answer(summary="<think>what could it be?"), "stop", Outcome.THOUGHTS),
    "the end of thoughts inside": (answer(label="hm </think> Freight"), "stop", Outcome.THOUGHTS),
    "prose": ("The firms discuss freight.", "stop", Outcome.NOT_JSON),
    "JSON in a fence": (f"```json\n{answer()}\n```", "stop", Outcome.NOT_JSON),
    "JSON after words": (f"Here it is: {answer()}", "stop", Outcome.NOT_JSON),
    "JSON before words": (f"{answer()} I hope this helps.", "stop", Outcome.NOT_JSON),
    "two objects": (answer() * 2, "stop", Outcome.NOT_JSON),
    "half an object": (answer()[:-5], "stop", Outcome.NOT_JSON),
    "a list": ("[]", "stop", Outcome.NOT_JSON),
    "a list of one": (f"[{answer()}]", "stop", Outcome.NOT_JSON),
    "a string": ('"freight"', "stop", Outcome.NOT_JSON),
    "a number": ("3", "stop", Outcome.NOT_JSON),
    "the word null": ("null", "stop", Outcome.NOT_JSON),
    "an empty object": ("{}", "stop", Outcome.NOT_JSON),
    "no summary": ('{"label": "Freight"}', "stop", Outcome.NOT_JSON),
    "no label": ('{"summary": "Firms pay more."}', "stop", Outcome.NOT_JSON),
    "one field more": ('{"label": "a", "summary": "b", "mood": "c"}', "stop", Outcome.NOT_JSON),
    "fields in capitals": ('{"Label": "a", "Summary": "b"}', "stop", Outcome.NOT_JSON),
    "a list for a label": ('{"label": ["Freight"], "summary": "b"}', "stop", Outcome.NOT_JSON),
    "a number for a summary": ('{"label": "Freight", "summary": 3}', "stop", Outcome.NOT_JSON),
    "null for a summary": ('{"label": "Freight", "summary": null}', "stop", Outcome.NOT_JSON),
    "half an emoji": ('{"label": "Freight \\ud83d", "summary": "b"}', "stop", Outcome.NOT_JSON),
    "endless brackets": ("[" * 100_000, "stop", Outcome.NOT_JSON),
    "a sentence repeated": (answer(summary=SENTENCES[0]), "stop", Outcome.ECHO),
    "a sentence repeated in other letters": (answer(summary=SENTENCES[0].upper() + "!!"), "stop", Outcome.ECHO),
    "part of a sentence": (answer(summary="freight rates from Asia rose again and added to our"), "stop", Outcome.ECHO),
    "two sentences in a row": (answer(summary=" ".join(SENTENCES)), "stop", Outcome.ECHO),
    "a rule repeated": (answer(summary=TOPIC_RULES.splitlines()[-1]), "stop", Outcome.ECHO),
}

#: What the model does not put right when it is told.
HOPELESS = {Outcome.NOT_STOPPED}


@pytest.mark.parametrize(("content", "finish_reason", "outcome"), REFUSED.values(), ids=REFUSED)
def test_a_bad_answer_is_refused_for_its_own_reason_and_leaves_no_name(content, finish_reason, outcome):
    refused = judged(content, finish_reason)
    assert refused.outcome is outcome
    assert (refused.label, refused.text, refused.names_firm) == (None, None, False)
    assert (refused.reminder is None) == (outcome in HOPELESS)


def test_each_kind_of_refusal_is_told_apart_in_its_reminder():
    told = {outcome: judged(content, reason).reminder for content, reason, outcome in REFUSED.values()}
    assert len(set(told.values())) == len(told)


def test_a_name_of_two_words_is_no_echo_though_it_stands_in_the_material():
    assert judged(answer(summary="Costs rise: ports were full.")).outcome is Outcome.NAMED


def test_words_of_the_material_in_another_order_are_no_echo():
    mixed = "Our shipping cost rose again because ocean freight rates from Asia added to it."
    assert judged(answer(summary=mixed)).outcome is Outcome.NAMED


# --- accepted, but worth asking for again --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("label", "summary"),
    [
        ("Freight costs of Acme", "Firms pay more for freight."),
        ("Freight costs", "Acme's freight became much dearer."),
        ("Freight costs", "Freight became dearer, Smith says."),
    ],
)
def test_an_answer_that_names_the_firm_or_a_person_is_worth_asking_again(label, summary):
    named = judged(answer(label, summary))
    assert named.outcome is Outcome.NAMED
    assert named.label == label
    assert named.names_firm
    assert "without any name" in named.reminder
    assert ("Smith" if "Smith" in summary else "Acme") in named.reminder


def test_of_many_names_some_are_told():
    names = [f"Person{letter}" for letter in "abcdefgh"]
    reminder = judged(
        answer(summary=f"Freight costs {', '.join(names)} more."), own_names=OwnNames(frozenset(map(str.lower, names)))
    ).reminder
    assert "Persona, Personb, Personc, Persond, Persone." in reminder


@pytest.mark.parametrize(("n_words", "is_long"), [(1, False), (8, False), (9, True), (30, True)])
def test_a_label_may_have_eight_words(n_words, is_long):
    words = ["Freight", "rates", "and", "ports", "add", "to", "shipping", "costs"]
    words = words[:n_words] + [f"more{i}" for i in range(n_words - 8)]
    long = judged(answer(label=" ".join(words)))
    assert long.outcome is Outcome.NAMED
    assert (long.reminder is not None) == is_long
    assert cut_label(long.label).split() == words[:8]


def test_a_name_is_told_before_a_long_label():
    assert (
        "without any name"
        in judged(answer(label="Acme pays more for freight which lowers the margins of firms")).reminder
    )


def test_answers_can_be_ranked():
    long, name = answer(label="one two three four five six seven eight nine"), answer(label="Acme")
    ranked = [judged(content).faults for content in (answer(), long, name, "prose")]
    assert ranked == sorted(ranked)
    assert len(set(ranked)) == 4


# --- names ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Acme grows.", ["Acme"]),
        ("ACME grows.", ["ACME"]),
        ("Acme's growth", ["Acme"]),
        ("(Acme)", ["Acme"]),
        ("Acme, Acme and Smith", ["Acme", "Smith"]),
        ("AT&T and 3M raise prices", ["AT&T", "3M"]),
        ("O'Neil and O'Neil's plan", ["O'Neil"]),
        ("acme is a word when it is written small", []),
        ("Acmes and MyAcme are other words", []),
        ("Acme-led growth at non-Acme firms", ["Acme"]),
        ("'Acme' and Smiths' and Smith' pay", ["Acme", "Smith"]),
        ("Other firms grow", []),
        ("", []),
    ],
)
def test_names_are_capitalised_words_among_the_firms_own(text, found):
    assert names_in(text, NAMES) == found


def test_without_own_names_nothing_is_a_name():
    assert names_in("Acme and Smith", NOBODY) == []


#: Target and Gap are firms, Mr Price speaks for one, and all of them are words.
WORDS = OwnNames(frozenset({"target", "gap", "price", "acme", "smith"}), frozenset({"target", "gap", "price"}))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Price increases hold.", []),
        ("Demand is weak. Price cuts follow: Target groups shrink.", []),
        ("Price-led growth slows", []),
        ("Rising Price Targets and the Funding Gap", []),  # a title
        ("Gap. Price increases hold.", []),
        ("Sales at Target rise.", ["Target"]),
        ("Sales rise, Price says.", ["Price"]),
        ("Target raises wages, as Gap does.", ["Gap"]),
        ("Acme raises prices.", ["Acme"]),
        ("Costs of Acme", ["Acme"]),  # no word but a name, so it counts everywhere
        ("Smith sees a gap.", ["Smith"]),
    ],
)
def test_a_name_that_is_a_word_counts_only_where_words_are_written_small(text, found):
    assert names_in(text, WORDS) == found


def test_the_label_is_no_part_of_the_summarys_first_sentence():
    named = judge_answer(answer("Wages rise", "Price cuts follow where freight costs less."), "stop", PROMPT, WORDS)
    assert not named.names_firm
