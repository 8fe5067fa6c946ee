"""Naming against a real HTTP server: good answers replace keyword names, everything else leaves them and is counted."""

import asyncio
from pathlib import Path

import pytest
from llm_asking import GOOD
from llm_server import LlmServer, Reply, completion, error, hang, named, reset
from name_asking import (
    LONG,
    LONG_SENTENCE,
    OWN_NAMES,
    PROMPT,
    PROSE,
    WITH_NAME,
    ask,
    assert_adds_up,
    namer_for,
    store,
)

from ftm_ray.errors import SourceError
from ftm_ray.naming import endpoint_health, guards
from ftm_ray.naming import kept_answers as answers
from ftm_ray.naming import namer as naming
from ftm_ray.naming.account import LlmAccount
from ftm_ray.naming.failures import NoAnswerError
from ftm_ray.naming.kept_answers import AnswerStore
from ftm_ray.naming.outcomes import Outcome
from ftm_ray.naming.prompts import PROMPT_VERSION, topic_prompt
from ftm_ray.naming.tokens import EstimatedTokens

GOOD_TEXT = "Firms pay more for freight, which lowers margins."

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
        "word_support": 0.4,  # "freight" and "cost" of these, "firm", "margin" and "pay"
        "unsupported": (),
    }
    assert account.outcomes == {"named": 1}


def test_an_endpoint_that_counts_no_tokens_gives_names_too():
    name, _, _ = ask(GOOD._replace(body={key: value for key, value in GOOD.body.items() if key != "usage"}))
    assert name.label == "Freight costs"
    assert (name.prompt_tokens, name.completion_tokens) == (None, None)


LOOP = named("Freight", "Freight goes over and over and over and over and over and over.")

#: How to come to each outcome: what the server sends, how many requests that takes, and settings.
WAYS = {
    Outcome.NAMED: (GOOD, 1, {}),
    Outcome.CUT_OFF: (completion('{"label": "Frei', "length"), 2, {}),
    Outcome.NOT_STOPPED: (completion("{}", "content_filter"), 1, {}),
    Outcome.THOUGHTS: (completion("<think>hm</think>{}"), 2, {}),
    Outcome.EMPTY: (completion(""), 2, {}),
    Outcome.NOT_JSON: (PROSE, 2, {}),
    Outcome.ECHO: (named("Freight costs", LONG_SENTENCE), 2, {}),
    Outcome.TASK_WORDS: (named("The business concept", GOOD_TEXT), 2, {}),
    Outcome.LOOPED: (named("Freight", "Freight costs more, " + "and freight costs more " * 9 + "."), 2, {}),
    Outcome.CUT_TEXT: (named("Freight", "Firms pay more for freight, which"), 2, {}),
    Outcome.TOO_SHORT: (named("Freight", "Freight."), 2, {}),
    Outcome.COPIED: (named("Freight", f"Firms pay more. {LONG_SENTENCE}"), 2, {}),
    Outcome.CUT_LABEL: (named("Freight costs of the", GOOD_TEXT), 2, {}),
    Outcome.UNSUPPORTED: (named("Car seats", "Drivers want heated leather in luxury vehicles."), 2, {}),
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
        monkeypatch.setattr(endpoint_health, "_FAILURES_UNTIL_DOWN", 1)
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
    "a figure that nobody said": (named("Freight", "Firms pay 17% more for freight."), "No sentence says 17%"),
    "a loop": (LOOP, "over and over"),
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


def test_a_figure_that_nobody_said_is_refused_if_it_stays():
    invented = named("Freight", "Firms pay 17% more for freight.")
    name, account, _ = ask(invented, invented)
    assert (name, account.outcomes) == (None, {"unsupported": 1})


def test_a_name_that_nobody_said_is_flagged_if_it_stays():
    invented = named("Freight", "Firms pay more for freight from Chile.")
    name, account, _ = ask(invented, invented)
    assert (name.unsupported, account.outcomes, account.n_again) == (("Chile",), {"named": 1}, 1)


def test_of_two_answers_with_the_same_fault_the_second_counts():
    name, _, _ = ask(WITH_NAME, named("Shipping", "Smith speaks of shipping and freight."))
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
    monkeypatch.setattr(endpoint_health, "_FAILURES_UNTIL_DOWN", 1)
    account = LlmAccount()

    async def go(url):
        namer = namer_for(url, patience_s=0.0)
        judge = naming.judge_answer

        def judge_and_break(*args):
            namer._client._health.failed(NoAnswerError(Outcome.SERVER_ERROR))
            return judge(*args)

        monkeypatch.setattr(naming, "judge_answer", judge_and_break)
        return await namer.name(PROMPT, OWN_NAMES, account)

    with LlmServer(lambda *_: WITH_NAME) as server:
        assert asyncio.run(go(server.url)).names_firm
        assert_adds_up(account, server)
    assert (account.n_requests, account.n_again, account.outcomes) == (1, 0, {"named": 1})


# --- answers are kept, so that nothing is paid for twice ----------------------------------------------------


def test_a_second_namer_over_the_same_lake_asks_nothing(lake):
    first, _, _ = ask(GOOD, store=store(lake))
    second, account, server = ask(store=store(lake))
    assert second == first
    assert server.requests == []
    assert (account.n_questions, account.n_remembered, account.n_requests) == (1, 1, 0)
    assert account.outcomes == {"named": 1}
    assert account.prompt_tokens == 0


@pytest.mark.parametrize(
    ("first", "label", "names_firm"),
    [
        (PROSE, "Freight costs", False),
        (LONG, "Freight costs", False),
    ],
)
def test_a_mended_answer_is_remembered_for_the_first_question(lake, first, label, names_firm):
    ask(first, GOOD, store=store(lake))
    name, account, _ = ask(store=store(lake))
    assert (name.label, name.names_firm, account.n_remembered) == (label, names_firm, 1)


def test_an_answer_with_a_name_is_remembered_with_its_flag(lake):
    first, _, _ = ask(WITH_NAME, WITH_NAME, store=store(lake))
    second, account, _ = ask(store=store(lake))
    assert second == first
    assert second.names_firm
    assert account.n_again == 0


@pytest.mark.parametrize("change", [{"model": "other"}, {"max_tokens": 100}], ids=str)
def test_another_model_or_limit_asks_again(lake, change):
    ask(GOOD, store=store(lake))
    name, account, _ = ask(named("Other", "Ocean freight from Asia costs more."), store=store(lake), **change)
    assert name.label == "Other"
    assert account.n_remembered == 0
    assert ask(store=store(lake))[0].label == "Freight costs"  # and the first is still known


def test_other_weights_behind_the_same_name_are_asked_again(lake):
    ask(GOOD, store=AnswerStore(lake, "2024Q1", ["fp8"]))
    name, account, _ = ask(
        named("Other", "Ocean freight from Asia costs more."), store=AnswerStore(lake, "2024Q1", ["none"])
    )
    assert (name.label, account.n_remembered) == ("Other", 0)
    assert ask(store=AnswerStore(lake, "2024Q1", ["fp8"]))[1].n_remembered == 1


def test_another_prompt_or_prompt_version_asks_again(lake, monkeypatch):
    ask(GOOD, store=store(lake))
    other = topic_prompt(["freight"], ["Other sentence."], EstimatedTokens(), 900)
    assert ask(GOOD, store=store(lake), prompt=other)[1].n_requests == 1
    monkeypatch.setattr(answers, "PROMPT_VERSION", "another")
    assert ask(GOOD, store=store(lake))[1].n_requests == 1


@pytest.mark.parametrize("reply", [PROSE, completion("{}", "content_filter"), LOOP])
def test_a_refused_answer_is_kept_and_not_paid_for_again(lake, reply):
    first, account, _ = ask(reply, reply, store=store(lake))
    second, again, server = ask(store=store(lake))
    assert first is second is None
    assert server.requests == []
    assert again.outcomes == account.outcomes
    assert (again.n_remembered, again.n_again) == (1, 0)


def test_newer_guards_judge_what_was_kept(lake, monkeypatch):
    """What older guards accepted is refused, and asked for once more with the reminder; the rest costs nothing."""
    ask(GOOD, store=store(lake))
    monkeypatch.setattr(guards, "content_fault", lambda label, *_: Outcome.CUT_LABEL if "cost" in label else None)
    name, account, server = ask(named("Freight", GOOD_TEXT), store=store(lake))
    assert name.label == "Freight"
    assert len(server.requests) == 1
    assert "broke off" in server.shown[0]
    assert (account.n_remembered, account.n_again) == (1, 1)


def test_one_refused_answer_of_each_kind_can_be_looked_at():
    _, account, _ = ask(LOOP, LOOP)
    shown = account.refused["looped"]
    assert "over and over" in shown["content"]
    assert shown["sentences"][0].strip('"') == LONG_SENTENCE


@pytest.mark.parametrize("reply", [error(422), error(500), reset()])
def test_missing_answers_are_not_kept(lake, reply):
    assert ask(reply, reply, store=store(lake))[0] is None
    name, account, _ = ask(GOOD, store=store(lake))
    assert name.label == "Freight costs"
    assert (account.n_remembered, account.n_requests) == (0, 1)


def test_without_a_store_every_question_is_asked():
    assert [ask(GOOD)[1].n_requests for _ in range(2)] == [1, 1]


def test_the_key_is_in_no_file(lake):
    ask(GOOD, store=store(lake))
    files = [path for path in Path(lake.root).rglob("*") if path.is_file()]
    assert files
    assert all(b"sk-secret" not in path.read_bytes() for path in files)


def test_while_answers_cannot_be_kept_the_server_is_asked_no_more(lake, monkeypatch):
    """With storage away, each answer would be paid for and lost."""
    monkeypatch.setattr(answers, "_UNSAFE_AFTER_S", 0.0)
    prompts = [topic_prompt(["freight", f"port{n}"], [LONG_SENTENCE], EstimatedTokens(), 900) for n in range(40)]

    def away(*_):
        raise SourceError("S3 is away")

    async def go(url):
        namer = namer_for(url, store(lake), max_concurrency=2)
        await namer.name(PROMPT, OWN_NAMES, LlmAccount())
        monkeypatch.setattr(lake, "write_sealed", away)
        with pytest.raises(SourceError, match="away"):
            await namer.write_answers()
        with pytest.raises(SourceError, match="away"):
            await asyncio.gather(*(namer.name(prompt, OWN_NAMES, LlmAccount()) for prompt in prompts))

    with LlmServer(lambda *_: GOOD) as server:
        asyncio.run(go(server.url))
        assert len(server.requests) == 1
