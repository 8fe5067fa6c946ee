"""Naming against a real HTTP server: good answers replace keyword names, everything else leaves them and is counted."""

import asyncio

import pytest
from llm_server import LlmServer, Reply, completion, error, hang, named, reset
from name_asking import (
    GOOD,
    LONG,
    LONG_SENTENCE,
    OWN_NAMES,
    PROMPT,
    PROSE,
    WITH_NAME,
    ask,
    assert_adds_up,
    namer_for,
)

from ftm_ray.naming import endpoint_health as llm_line
from ftm_ray.naming import namer as naming
from ftm_ray.naming.client import LlmAccount
from ftm_ray.naming.endpoint_health import NoAnswerError
from ftm_ray.naming.guards import Outcome
from ftm_ray.naming.kept_answers import AnswerStore
from ftm_ray.naming.prompts import PROMPT_VERSION
from ftm_ray.text.keyword_names import keyword_name

pytestmark = pytest.mark.usefixtures("short_waits")


# --- one question -----------------------------------------------------------------------------------------------------


def test_a_good_answer_becomes_the_name_with_its_origin():
    name, account, _ = ask(GOOD)
    assert name.as_columns() == {
        "label": "Freight costs",
        "representation": "Firms pay more for freight, which lowers margins.",
        "summary_source": "llm",
        "prompt_version": PROMPT_VERSION,
        "llm_model": "tiny",
        "finish_reason": "stop",
        "prompt_tokens": 11,
        "completion_tokens": 7,
        "names_firm": False,
    }
    assert account.outcomes == {"named": 1}


def test_an_endpoint_that_counts_no_tokens_gives_names_too():
    name, _, _ = ask(GOOD._replace(body={key: value for key, value in GOOD.body.items() if key != "usage"}))
    assert name.label == "Freight costs"
    assert (name.prompt_tokens, name.completion_tokens) == (None, None)


#: How to come to each outcome: what the server sends, how many requests that takes, and settings.
WAYS = {
    Outcome.NAMED: (GOOD, 1, {}),
    Outcome.CUT_OFF: (completion('{"label": "Frei', "length"), 2, {}),
    Outcome.NOT_STOPPED: (completion("{}", "content_filter"), 1, {}),
    Outcome.THOUGHTS: (completion("<think>hm</think>{}"), 2, {}),
    Outcome.EMPTY: (completion(""), 2, {}),
    Outcome.NOT_JSON: (PROSE, 2, {}),
    Outcome.ECHO: (named("Freight costs", LONG_SENTENCE), 2, {}),
    Outcome.MALFORMED: (Reply(200, "<html>Hello</html>", {}), 1, {}),
    Outcome.REJECTED: (error(422), 2, {}),  # once more without what strict endpoints refuse
    Outcome.TIMED_OUT: (hang(), 2, {"timeout_s": 0.5, "max_attempts": 2}),
    Outcome.UNREACHABLE: (reset(), 2, {"max_attempts": 2}),
    Outcome.BUSY: (error(429), 2, {"max_attempts": 2}),
    Outcome.SERVER_ERROR: (error(500), 2, {"max_attempts": 2}),
    Outcome.GIVEN_UP: (error(503), 1, {"max_attempts": 4, "patience_s": 0.0}),
}


@pytest.mark.parametrize("outcome", Outcome)
def test_every_outcome_is_reached_and_counted_once(outcome, monkeypatch, lake):
    reply, n_requests, settings = WAYS[outcome]
    if outcome is Outcome.GIVEN_UP:
        monkeypatch.setattr(llm_line, "_FAILURES_UNTIL_DOWN", 1)
    name, account, server = ask(*[reply] * n_requests, store=AnswerStore(lake, "2024Q1"), **settings)
    assert account.outcomes == {outcome.value: 1}
    assert len(server.requests) == n_requests
    assert (name is None) == (outcome is not Outcome.NAMED)


# --- asking once more -------------------------------------------------------------------------------------------------


def reminder_in(server):
    """What was added to the second question."""
    first, second = server.shown
    assert second.startswith(first + "\n\n")
    assert server.requests[0]["messages"][0] == server.requests[1]["messages"][0]
    return second.removeprefix(first + "\n\n")


MENDED = {
    "cut off": (completion('{"label": "Frei', "length"), "fewer words"),
    "thoughts": (completion("<think>hm</think>{}"), "without any thoughts"),
    "empty": (completion(None), "Fill both fields"),
    "an empty field": (named("", "Firms pay more."), "Fill both fields"),
    "prose": (PROSE, "that object alone"),
    "echo": (named("Freight costs", LONG_SENTENCE), "words of your own"),
    "a name": (WITH_NAME, "named Acme. Answer again without any name"),
    "a long label": (LONG, "more than 8 words"),
}


@pytest.mark.parametrize(("first", "reminder"), MENDED.values(), ids=MENDED)
def test_an_answer_that_can_be_mended_is_asked_for_once_more(first, reminder):
    name, account, server = ask(first, GOOD)
    assert (name.label, name.names_firm) == ("Freight costs", False)
    assert reminder in reminder_in(server)
    assert account.outcomes == {"named": 1}
    assert (account.n_requests, account.n_again, account.n_retries) == (2, 1, 0)
    assert (account.prompt_tokens, account.completion_tokens) == (22, 14)  # both were paid for
    assert (name.prompt_tokens, name.completion_tokens) == (11, 7)  # those of the answer that counts


@pytest.mark.parametrize("second", [WITH_NAME, PROSE, completion("", "length"), error(500), error(422), reset()])
def test_an_answer_with_a_name_is_kept_and_flagged_if_the_second_is_no_better(second):
    name, account, _ = ask(WITH_NAME, second)
    assert (name.representation, name.summary_source) == ("Acme pays more for freight.", "llm")
    assert name.names_firm
    assert account.outcomes == {"named": 1}
    assert account.n_again == 1


@pytest.mark.parametrize("second", [LONG, PROSE, error(500)])
def test_a_label_that_stays_too_long_is_cut_after_eight_words(second):
    name, account, _ = ask(LONG, second)
    assert name.label == "one two three four five six seven eight"
    assert account.outcomes == {"named": 1}


@pytest.mark.parametrize(("first", "second"), [(LONG, WITH_NAME), (WITH_NAME, LONG)])
def test_a_long_label_is_better_than_a_name(first, second):
    name, _, _ = ask(first, second)
    assert name.label == "one two three four five six seven eight"
    assert not name.names_firm


def test_of_two_answers_with_the_same_fault_the_second_counts():
    name, _, _ = ask(WITH_NAME, named("Shipping", "Smith speaks of shipping."))
    assert name.label == "Shipping"


@pytest.mark.parametrize(
    ("second", "outcome"),
    [(PROSE, "not_json"), (completion("", "length"), "cut_off"), (completion(""), "empty"), (error(500), "not_json")],
)
def test_two_bad_answers_are_one_refusal(second, outcome):
    name, account, _ = ask(PROSE, second)
    assert name is None
    assert account.outcomes == {outcome: 1}
    assert account.n_again == 1


def test_the_second_question_may_be_tried_again_too():
    name, account, _ = ask(PROSE, error(503), GOOD, max_attempts=2)
    assert name.label == "Freight costs"
    assert (account.n_requests, account.n_again, account.n_retries) == (3, 1, 1)


def test_a_second_question_that_was_never_sent_is_not_counted(monkeypatch):
    """Meanwhile other questions found the endpoint down for too long."""
    monkeypatch.setattr(llm_line, "_FAILURES_UNTIL_DOWN", 1)
    account = LlmAccount()

    async def go(url):
        namer = namer_for(url, patience_s=0.0)
        judge = naming.judge_answer

        def judge_and_break(*args):
            namer._client._line.failed(NoAnswerError(Outcome.SERVER_ERROR))
            return judge(*args)

        monkeypatch.setattr(naming, "judge_answer", judge_and_break)
        return await namer.name(PROMPT, OWN_NAMES, account)

    with LlmServer(lambda *_: WITH_NAME) as server:
        assert asyncio.run(go(server.url)).names_firm
        assert_adds_up(account, server)
    assert (account.n_requests, account.n_again, account.outcomes) == (1, 0, {"named": 1})


# --- names of keywords ------------------------------------------------------------------------------------------------


def test_a_keyword_name_says_what_it_is():
    name = keyword_name(["freight", "port", "vessel", "sail", "dock", "crane"], ["Freight cost more.", "Other."])
    assert name.label == "freight, port, vessel"
    assert name.representation == "freight, port, vessel, sail, dock: Freight cost more."
    assert name.summary_source == "keywords"
    assert (name.llm_model, name.prompt_version, name.prompt_tokens, name.names_firm) == (None,) * 4


@pytest.mark.parametrize("keywords", [[], ["freight"]])
@pytest.mark.parametrize("sentences", [[], ["Freight " + "cost more and more " * 10]])
def test_no_name_is_ever_empty(keywords, sentences):
    name = keyword_name(keywords, sentences)
    assert name.label.strip()
    assert name.representation.strip()
    assert len(name.label) <= 60
