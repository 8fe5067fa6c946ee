"""The client against a server that is busy, broken or silent: what is tried again, and how often."""

import asyncio

import pytest
from llm_asking import GOOD, KEY, ask, closed_port, in_turn, outcome_of, patience, question, settings_for
from llm_server import LlmServer, Reply, error, hang, reset, trickle, truncated

from ftm_ray.naming.account import LlmAccount
from ftm_ray.naming.client import LlmClient
from ftm_ray.naming.outcomes import Outcome

pytestmark = pytest.mark.usefixtures("short_waits")


PASSING = {
    "500": (error(500), Outcome.SERVER_ERROR),
    "502 with a page": (Reply(502, "<html>Bad gateway</html>", {}), Outcome.SERVER_ERROR),
    "503": (error(503), Outcome.SERVER_ERROR),
    "504": (error(504), Outcome.SERVER_ERROR),
    "429": (error(429), Outcome.BUSY),
    "409": (error(409), Outcome.BUSY),
    "408": (error(408), Outcome.TIMED_OUT),
    "a broken connection": (reset(), Outcome.UNREACHABLE),
    "half an answer": (truncated(), Outcome.UNREACHABLE),
    "silence": (hang(), Outcome.TIMED_OUT),
    "blanks instead of an answer": (trickle(), Outcome.TIMED_OUT),
}


EMPTY = {"id": "1", "object": "chat.completion", "created": 1, "model": "tiny"}


def with_choice(**choice):
    return Reply(200, EMPTY | {"choices": [{"index": 0, "finish_reason": "stop"} | choice]}, {})


FINAL = {
    "401": (error(401), Outcome.REJECTED),
    "403": (error(403), Outcome.REJECTED),
    "404 with a page": (Reply(404, "<html>Not found</html>", {}), Outcome.REJECTED),
    "413": (error(413), Outcome.REJECTED),
    "a page": (Reply(200, "<html>Bad gateway</html>", {}), Outcome.MALFORMED),
    "an error with status 200": (error(200, "model is loading"), Outcome.MALFORMED),
    "an empty body": (Reply(200, "", {"Content-Type": "application/json"}), Outcome.MALFORMED),
    "broken JSON": (Reply(200, '{"choices": [', {"Content-Type": "application/json"}), Outcome.MALFORMED),
    "a list": (Reply(200, [], {}), Outcome.MALFORMED),
    "a number": (Reply(200, 3, {}), Outcome.MALFORMED),
    "null": (Reply(200, None, {}), Outcome.MALFORMED),
    "an empty object": (Reply(200, {}, {}), Outcome.MALFORMED),
    "no choices": (Reply(200, EMPTY | {"choices": []}, {}), Outcome.MALFORMED),
    "null choices": (Reply(200, EMPTY | {"choices": None}, {}), Outcome.MALFORMED),
    "choices that are no list": (Reply(200, EMPTY | {"choices": {"a": 1}}, {}), Outcome.MALFORMED),
    "choices that are text": (Reply(200, EMPTY | {"choices": "abc"}, {}), Outcome.MALFORMED),
    "a null choice": (Reply(200, EMPTY | {"choices": [None]}, {}), Outcome.MALFORMED),
    "an empty choice": (Reply(200, EMPTY | {"choices": [{}]}, {}), Outcome.MALFORMED),
    "a null message": (with_choice(message=None), Outcome.MALFORMED),
    "a message that is text": (with_choice(message="Freight."), Outcome.MALFORMED),
    "content that is a list": (with_choice(message={"content": [{"type": "text", "text": "x"}]}), Outcome.MALFORMED),
    "content that is a number": (with_choice(message={"content": 3}), Outcome.MALFORMED),
}


@pytest.mark.parametrize(("reply", "outcome"), PASSING.values(), ids=PASSING)
def test_a_failure_that_may_pass_is_tried_again_so_many_times(reply, outcome):
    tries = 3 if patience(reply) > 1 else 2
    replies, account, _ = ask(reply, max_attempts=tries, timeout_s=patience(reply))
    assert replies == [outcome]
    assert (account.n_requests, account.n_retries) == (tries, tries - 1)


@pytest.mark.parametrize(("reply", "outcome"), PASSING.values(), ids=PASSING)
def test_a_failure_that_passed_costs_no_answer(reply, outcome):
    (answered,), account, server = ask(in_turn(reply, GOOD), max_attempts=2, timeout_s=patience(reply))
    assert answered.content == GOOD.body["choices"][0]["message"]["content"]
    assert account.n_retries == 1
    assert server.requests[0] == server.requests[1]
    assert (account.prompt_tokens, account.completion_tokens) == (11, 7)


@pytest.mark.parametrize(("reply", "outcome"), FINAL.values(), ids=FINAL)
def test_a_failure_that_will_not_pass_is_not_tried_again(reply, outcome):
    replies, account, _ = ask(reply, max_attempts=3)
    assert replies == [outcome]
    assert (account.n_requests, account.n_retries) == (1, 0)


def test_an_endpoint_that_is_not_there_is_unreachable():
    account = LlmAccount()
    client = LlmClient(settings_for(closed_port(), max_attempts=2), KEY)
    assert asyncio.run(outcome_of(client, question(), account)) is Outcome.UNREACHABLE
    assert (account.n_requests, account.n_retries) == (2, 1)


def test_different_failures_are_tries_of_the_same_question():
    replies, account, _ = ask(in_turn(reset(), error(429), error(500)), max_attempts=3)
    assert replies == [Outcome.SERVER_ERROR]  # the last one counts
    assert account.n_requests == 3


def test_a_proxy_that_the_environment_names_is_used_only_where_that_is_wanted(monkeypatch):
    """Our own model stands in the cluster; a way out of it would not lead back in."""
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    for name in ("HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(name, closed_port().removesuffix("/v1"))
    (reply,), _, _ = ask(GOOD, use_proxy=False)
    assert reply.content
    account = LlmAccount()
    with LlmServer(lambda *_: GOOD) as server:
        client = LlmClient(settings_for(server.url, use_proxy=True), KEY)
        assert asyncio.run(outcome_of(client, question(), account)) is Outcome.UNREACHABLE
    assert server.requests == []
