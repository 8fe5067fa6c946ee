"""Boilerplate must not reach the encoder, and business must."""

import pytest

from ftm_ray.text.boilerplate_rules import rule_drop_reason


@pytest.mark.parametrize(
    ("sentence", "reason"),
    [
        ("Thank you very much.", "pleasantry"),
        ("Yeah, Vijay, thanks for the question.", "pleasantry"),
        (
            "Good afternoon, everyone, and welcome to Waters Corporation's Third Quarter 2024 Earnings Call.",
            "pleasantry",
        ),
        ("Hey, guys, congrats on a great quarter.", "pleasantry"),
        ("Okay.", "fragment"),
        ("Right, right.", "fragment"),
        ("Great question, Brian.", "fragment"),
        ("And then I have a follow-up.", "fragment"),
        ("05.", "fragment"),
        ("Our next question comes from the line of Joe Moore with Morgan Stanley.", "procedure"),
        ("We'll go next to Angel Castillo with Morgan Stanley.", "procedure"),
        ("With that, I'll turn it over to Amy for the details.", "procedure"),
        ("If you would like to ask a question, please press star 1 on your telephone keypad.", "procedure"),
        ("This concludes today's conference call.", "procedure"),
        ("Joining me today are Chris Cox, Chief Executive Officer, and Gina Goetter, CFO.", "procedure"),
        ("Hi, this is Ann Lee on for Bob Stone.", "pleasantry"),
        ("Actual results may differ materially from these forward-looking statements.", "legal"),
        ("A replay of this webcast will be available on our website.", "legal"),
    ],
)
def test_boilerplate_is_dropped_with_its_reason(sentence, reason):
    assert rule_drop_reason(sentence, None) == reason


@pytest.mark.parametrize(
    "sentence",
    [
        "Revenue was up 8%.",
        "Our guidance for the full year is unchanged.",
        "Thank you for asking about pricing, we took another increase in July.",
        "Thanks, Matt, and gross margin improved again.",
        "Yes, we expect that to continue into next year.",
        "We pass that on to the customers.",
        "They don't have to give it back to us unless they want to.",
        "Risk adjustment payments came in below what we had assumed.",
        "I wanted to ask a question on real assets and the momentum there.",
        "Demand comes from data centers.",
        "The question is whether utilities can add power fast enough.",
        "We safe harbored solar modules ahead of the deadline.",
        "Our conference business and webcast revenue recovered.",
        "We open the floor of the new plant in June.",
        "It should be better in the second half.",
        "We handed the keys to three thousand home buyers.",
        "Volumes fell.",
    ],
)
def test_business_stays(sentence):
    assert rule_drop_reason(sentence, None) is None


def test_the_operator_is_known_by_role_when_the_source_has_one():
    assert rule_drop_reason("Revenue was up 8%.", "Operator") == "operator"
    assert rule_drop_reason("Revenue was up 8%.", "Analyst") is None


def test_a_figure_saves_a_sentence_from_a_phrase():
    assert rule_drop_reason("Before I turn the call over to Jim, margin was 23%.", None) is None


def test_a_run_on_that_holds_a_phrase_and_business_stays():
    run_on = "next question comes from the line of Joe with Citi " + "we saw demand for value added services grow " * 6
    assert rule_drop_reason(run_on, None) is None
