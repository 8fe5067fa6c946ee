"""The client against a real HTTP server that is well or strict; every request is counted."""

import asyncio
import logging

import pytest
from llm_asking import GOOD, KEY, ask, ask_all, in_turn, outcome_of, question, settings_for
from llm_server import LlmServer, busy, completion, error

from ftm_ray.naming import endpoint_health
from ftm_ray.naming.account import LlmAccount
from ftm_ray.naming.client import LlmClient
from ftm_ray.naming.failures import NoAnswerError
from ftm_ray.naming.outcomes import Outcome

pytestmark = pytest.mark.usefixtures("short_waits")


# --- a good answer ----------------------------------------------------------------------------------------------------


def test_an_answer_comes_with_its_end_and_its_tokens():
    (reply,), account, _ = ask(GOOD)
    assert reply.content == GOOD.body["choices"][0]["message"]["content"]
    assert (reply.finish_reason, reply.prompt_tokens, reply.completion_tokens) == ("stop", 11, 7)
    assert (account.n_requests, account.n_retries) == (1, 0)
    assert (account.prompt_tokens, account.completion_tokens, account.cached_tokens) == (11, 7, 0)


def test_the_request_forbids_thinking_and_asks_for_bounded_json():
    _, _, server = ask(GOOD, max_tokens=123)
    (request,) = server.requests
    assert (request["model"], request["temperature"], request["max_tokens"]) == ("tiny", 0, 123)
    assert request["chat_template_kwargs"] == {"enable_thinking": False}
    assert request["messages"] == question("word0").messages
    assert request["response_format"] == question().answer_form(with_lengths=True)
    assert server.keys == [f"Bearer {KEY}"]


def test_seconds_of_all_requests_are_added():
    _, account, _ = ask(in_turn(busy(), GOOD), delay_s=0.1, max_attempts=2)
    assert 0.2 <= account.request_s < 2


def with_usage(usage):
    return GOOD._replace(body=GOOD.body | {"usage": usage})


def test_tokens_from_the_prefix_cache_are_counted():
    used = {"prompt_tokens": 500, "completion_tokens": 40, "total_tokens": 540}
    cached = with_usage(used | {"prompt_tokens_details": {"cached_tokens": 300}})
    _, account, _ = ask(in_turn(with_usage(used), cached, cached), n=3)
    assert (account.prompt_tokens, account.completion_tokens, account.cached_tokens) == (1500, 120, 600)


@pytest.mark.parametrize(
    "usage",
    [
        None,
        {},
        [],
        "many",
        {"prompt_tokens": None, "completion_tokens": None},
        {"prompt_tokens": "11", "completion_tokens": 7.5},
    ],
    ids=str,
)
def test_an_endpoint_that_counts_no_tokens_is_fine(usage):
    (reply,), account, _ = ask(with_usage(usage))
    assert reply.content
    assert (reply.prompt_tokens, reply.completion_tokens) == (None, None)
    assert (account.prompt_tokens, account.completion_tokens, account.cached_tokens) == (0, 0, 0)


@pytest.mark.parametrize("details", [None, {}, [], "many", {"cached_tokens": None}], ids=str)
def test_an_endpoint_that_says_nothing_of_its_cache_is_fine(details):
    _, account, _ = ask(with_usage({"prompt_tokens": 5, "completion_tokens": 3, "prompt_tokens_details": details}))
    assert (account.prompt_tokens, account.completion_tokens, account.cached_tokens) == (5, 3, 0)


def test_answers_belong_to_their_questions():
    def echo(_, body):
        return completion(body["messages"][1]["content"].splitlines()[0])

    replies, _, _ = ask(echo, n=30, max_concurrency=8)
    assert [reply.content for reply in replies] == [f"Keywords: word{i}" for i in range(30)]


def test_no_more_questions_are_under_way_than_allowed():
    _, _, server = ask(GOOD, n=12, delay_s=0.03, max_concurrency=3)
    assert 1 < server.most_at_once <= 3


# --- strict endpoints -------------------------------------------------------------------------------------------------


def has_lengths(body):
    return "maxLength" in body["response_format"]["json_schema"]["schema"]["properties"]["label"]


def is_plain(body):
    return "chat_template_kwargs" not in body and not has_lengths(body)


@pytest.mark.parametrize(
    "dislikes", [lambda body: "chat_template_kwargs" in body, has_lengths], ids=["field", "lengths"]
)
@pytest.mark.parametrize("status", [400, 422])
def test_a_strict_endpoint_is_asked_in_plain_form_from_then_on(dislikes, status):
    account = LlmAccount()

    async def two_rounds(url):
        client = LlmClient(settings_for(url), KEY)
        return await ask_all(client, 3, account) + await ask_all(client, 2, account)

    with LlmServer(lambda _, body: error(status, "unknown field") if dislikes(body) else GOOD) as server:
        replies = asyncio.run(two_rounds(server.url))
    assert all(reply.content for reply in replies)
    assert [is_plain(body) for body in server.requests].count(False) == 3
    assert all(is_plain(body) for body in server.requests[-2:])
    assert (account.n_requests, account.n_retries) == (len(server.requests), 3) == (8, 3)


@pytest.mark.parametrize("status", [400, 422])
def test_an_endpoint_that_refuses_the_question_in_any_form_is_asked_twice_and_no_more(status):
    replies, account, server = ask(error(status), max_attempts=3)
    assert replies == [Outcome.REJECTED]
    assert [is_plain(body) for body in server.requests] == [False, True]
    assert account.n_retries == 1


def test_one_question_that_is_refused_does_not_take_the_switch_against_thinking_from_the_others():
    """vLLM answers 400 to a prompt that is too long; Qwen3 would then think in every later answer."""
    account = LlmAccount()

    async def bad_and_good(url):
        client = LlmClient(settings_for(url), KEY)
        return [await outcome_of(client, question(word), account) for word in ("bad", "good", "bad", "good")]

    with LlmServer(lambda _, body: error(400) if "bad" in body["messages"][1]["content"] else GOOD) as server:
        replies = asyncio.run(bad_and_good(server.url))
    assert [reply is Outcome.REJECTED for reply in replies] == [True, False, True, False]
    assert [is_plain(body) for body in server.requests] == [False, True, False, False, True, False]


def test_a_strict_endpoint_may_be_busy_as_well():
    def answer(number, body):
        return busy() if number in (0, 2) else GOOD if is_plain(body) else error(400)

    (reply,), account, _ = ask(answer, max_attempts=3)
    assert reply.content
    assert (account.n_requests, account.n_retries) == (4, 3)


# --- secrets ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [200, 400, 401, 404, 422, 429, 500])
def test_the_key_is_in_no_log_and_no_exception_even_if_the_endpoint_repeats_it(status, caplog, monkeypatch):
    caplog.set_level(logging.DEBUG)
    told = error(status, f"bad key {KEY}")

    async def go(url):
        with pytest.raises(NoAnswerError) as caught:
            await LlmClient(settings_for(url, patience_s=0.0), KEY).ask(question(), LlmAccount())
        return caught.value

    monkeypatch.setattr(endpoint_health, "_FAILURES_UNTIL_DOWN", 1)  # a warning is logged
    with LlmServer(lambda *_: told) as server:
        why = asyncio.run(go(server.url))
    assert set(server.keys) == {f"Bearer {KEY}"}
    assert KEY not in f"{why} {why!r}"
    own = [record for record in caplog.records if record.name.startswith("ftm_ray")]
    assert KEY not in "".join(f"{record.getMessage()} {record.exc_text or ''}" for record in own)
    assert KEY not in caplog.text  # nor in those of the libraries
