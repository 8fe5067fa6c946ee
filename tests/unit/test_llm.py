"""The client against a real HTTP server that is well, busy, strict, broken or dead; every request is counted."""

import asyncio
import json
import logging
import socket
import threading
import time
import traceback
from dataclasses import asdict, fields
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from llm_server import LlmServer, Reply, busy, completion, error, hang, named, reset, trickle, truncated

from ftm_ray import llm_line
from ftm_ray.config import LlmSettings
from ftm_ray.errors import ConfigError
from ftm_ray.guards import Outcome
from ftm_ray.llm import LlmAccount, LlmClient, check_endpoint
from ftm_ray.llm_line import NoAnswerError
from ftm_ray.prompts import topic_prompt
from ftm_ray.tokens import EstimatedTokens

GOOD = named("Freight costs", "Firms pay more for freight, which lowers margins.")
KEY = "sk-secret"


def question(word="freight"):
    return topic_prompt([word], ["Freight cost more."], EstimatedTokens(), 900)


@pytest.fixture(autouse=True)
def short_waits(monkeypatch):
    """The same waits as ever, fifty times shorter."""
    monkeypatch.setattr(llm_line, "_FIRST_WAIT_S", 0.01)
    monkeypatch.setattr(llm_line, "_LONGEST_WAIT_S", 0.04)


def settings_for(url, **settings):
    return LlmSettings(**({"endpoint": url, "model": "tiny", "max_attempts": 1, "timeout_s": 5.0} | settings))


async def outcome_of(client, prompt, account):
    """The reply, or why there is none."""
    try:
        return await client.ask(prompt, account)
    except NoAnswerError as why:
        return why.outcome


async def ask_all(client, n, account):
    return await asyncio.gather(*(outcome_of(client, question(f"word{i}"), account) for i in range(n)))


def ask(answer, n=1, delay_s=0.0, **settings):
    """Ask n questions at once of a server that answers like this: replies or outcomes, account, server."""
    account = LlmAccount()

    async def go(url):
        return await ask_all(LlmClient(settings_for(url, **settings), KEY), n, account)

    with LlmServer(answer if callable(answer) else lambda *_: answer, delay_s) as server:
        replies = asyncio.run(go(server.url))
        server.wait_for(account.n_requests)
    assert account.n_requests == len(server.requests)  # in every case
    return replies, account, server


def in_turn(*replies):
    """The first request gets the first reply, and so on."""
    return lambda number, _: replies[number]


def closed_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}/v1"


# --- a good answer -------------------------------------------------------------------------------------------------


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


# --- failures ------------------------------------------------------------------------------------------------------

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


def patience(reply):
    """Seconds to wait for an answer: few where none will come, but enough for a busy machine to send a question."""
    return 0.5 if reply.fate in ("hang", "trickle") else 5.0


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


# --- waits ---------------------------------------------------------------------------------------------------------


def gaps(server):
    return [later - earlier for earlier, later in zip(server.times, server.times[1:], strict=False)]


def test_waits_grow_from_try_to_try(monkeypatch):
    monkeypatch.setattr(llm_line, "_LONGEST_WAIT_S", 30.0)
    _, _, server = ask(error(503), max_attempts=5)
    assert all(gap >= least for gap, least in zip(gaps(server), (0.005, 0.01, 0.02, 0.04), strict=True))


def test_waits_are_bounded_and_differ(monkeypatch):
    monkeypatch.setattr(llm_line, "_FIRST_WAIT_S", 0.5)
    monkeypatch.setattr(llm_line, "_LONGEST_WAIT_S", 30.0)
    waits = [llm_line.wait_s(attempts) for attempts in (1, 2, 3, 10, 60) for _ in range(20)]
    assert len(set(waits)) == 100  # or all questions that failed together would come back together
    assert 0.25 <= min(waits) <= 0.5
    assert 15 <= max(waits) <= 30


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    "headers",
    [
        {"retry_after": "0.3"},
        {"retry_after_ms": "300"},
        {"retry_after_ms": "300", "retry_after": "60"},
        {"retry_after_ms": "soon", "retry_after": "0.3"},
        {"retry_after_ms": "nan", "retry_after": "0.3"},
        {"retry_after_ms": "", "retry_after": "0.3"},
    ],
    ids=str,
)
def test_the_wait_that_the_server_asks_for_is_kept(monkeypatch, status, headers):
    monkeypatch.setattr(llm_line, "_LONGEST_WAIT_S", 30.0)
    _, _, server = ask(in_turn(error(status, **headers), GOOD), max_attempts=2)
    assert 0.3 <= gaps(server)[0] < 10


def test_the_wait_may_be_given_as_a_date(monkeypatch):
    monkeypatch.setattr(llm_line, "_LONGEST_WAIT_S", 30.0)

    def answer(number, _):
        soon = datetime.now(UTC) + timedelta(seconds=1.5)  # dates have no parts of seconds: half a second at least
        return GOOD if number else error(503, retry_after=format_datetime(soon, usegmt=True))

    _, _, server = ask(answer, max_attempts=2)
    assert 0.4 <= gaps(server)[0] < 10


@pytest.mark.parametrize(
    "wish",
    [
        {"retry_after": "86400"},
        {"retry_after_ms": "86400000"},
        {"retry_after_ms": "inf"},
        {"retry_after": "Fri, 31 Dec 2100 23:59:59 GMT"},
    ],
    ids=str,
)
def test_no_server_can_make_us_wait_for_a_day(wish):
    start = time.monotonic()
    replies, _, server = ask(in_turn(error(429, **wish), GOOD), max_attempts=2)
    assert replies[0].content
    assert gaps(server)[0] >= 0.08  # twice the longest wait of our own
    assert time.monotonic() - start < 20


@pytest.mark.parametrize(
    "wish",
    [
        {"retry_after": "soon"},
        {"retry_after": ""},
        {"retry_after": "-5"},
        {"retry_after": "nan"},
        {"retry_after": "0"},
        {"retry_after": "Wed, 21 Oct 2015 07:28:00 GMT"},
        {"retry_after": "Wed, 21 Oct 2099 07:28:00"},
        {"retry_after_ms": "soon"},
        {"retry_after_ms": "nan"},
        {"retry_after_ms": "-1"},
    ],
    ids=str,
)
def test_a_wish_that_cannot_be_read_or_is_over_leaves_our_own_wait(wish):
    replies, _, server = ask(in_turn(error(429, **wish), GOOD), max_attempts=2)
    assert replies[0].content
    assert 0.005 <= gaps(server)[0] < 10


# --- strict endpoints ----------------------------------------------------------------------------------------------


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


# --- an endpoint that is down --------------------------------------------------------------------------------------


def test_after_ten_failures_one_question_at_a_time_is_sent_until_the_endpoint_is_back_and_none_is_lost():
    n_bad, n_slots = 30, 6

    def answer(number, _):
        return error(503) if number < n_bad else GOOD

    replies, account, server = ask(answer, n=60, delay_s=0.02, max_concurrency=n_slots, max_attempts=10)
    assert all(reply.content for reply in replies)
    alone = server.at_once[12 + n_slots : n_bad + 1]  # those that were under way at the tenth failure still came
    assert alone == [1] * len(alone)
    assert 1 < max(server.at_once[n_bad + 1 :]) <= n_slots
    assert (account.n_requests, account.n_retries) == (60 + n_bad, n_bad)


def test_tries_of_an_endpoint_that_is_down_do_not_use_up_a_question(monkeypatch):
    monkeypatch.setattr(llm_line, "_FAILURES_UNTIL_DOWN", 1)
    (reply,), account, _ = ask(lambda n, _: error(503) if n < 20 else GOOD, max_attempts=2)
    assert reply.content
    assert (account.n_requests, account.n_retries) == (21, 20)


@pytest.mark.parametrize("fate", [error(503), reset(), error(429)], ids=["503", "reset", "429"])
def test_a_dead_endpoint_is_given_up_and_the_rest_is_not_sent(fate, caplog):
    start = time.monotonic()
    replies, _, server = ask(fate, n=200, max_concurrency=5, max_attempts=10, patience_s=0.2)
    assert set(replies) == {Outcome.GIVEN_UP}
    assert 10 <= len(server.requests) < 40
    assert time.monotonic() - start < 20
    assert [("waiting" in text, "given up" in text) for text in warnings_in(caplog)] == [(True, False), (False, True)]


def test_pauses_grow_to_the_longest_while_the_endpoint_is_down(monkeypatch):
    monkeypatch.setattr(llm_line, "_FAILURES_UNTIL_DOWN", 1)
    monkeypatch.setattr(llm_line, "_LONGEST_WAIT_S", 0.1)
    really_sleep, slept = asyncio.sleep, []

    async def sleep(seconds):
        slept.append(seconds)
        await really_sleep(0.001)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    replies, _, server = ask(lambda n, _: error(503) if n < 8 else GOOD, max_attempts=4)
    assert replies[0].content
    assert slept == [0.01, 0.02, 0.04, 0.08, 0.1, 0.1, 0.1, 0.1]
    assert len(server.requests) == 9


def test_a_silent_endpoint_is_tried_by_one_question_at_a_time(monkeypatch):
    """Here a try lasts longer than the pause before the next one. Counted by the client: the server hears no end."""
    monkeypatch.setattr(llm_line, "_FAILURES_UNTIL_DOWN", 1)
    send, under_way, at_once = LlmClient._request, 0, []

    async def counted(*args):
        nonlocal under_way
        under_way += 1
        at_once.append(under_way)
        try:
            return await send(*args)
        finally:
            under_way -= 1

    async def go(url):
        client = LlmClient(settings_for(url, timeout_s=0.1, patience_s=0.5, max_attempts=9), KEY)
        first = asyncio.create_task(outcome_of(client, question(), LlmAccount()))
        while not client._line.is_down:
            await asyncio.sleep(0.01)
        return [await first, *await ask_all(client, 30, LlmAccount())]

    monkeypatch.setattr(LlmClient, "_request", counted)
    with LlmServer(lambda *_: hang()) as server:
        replies = asyncio.run(go(server.url))
    assert set(replies) == {Outcome.GIVEN_UP}
    assert set(at_once) == {1}


def test_what_was_given_up_stays_so():
    account = LlmAccount()

    async def go(url):
        client = LlmClient(settings_for(url, max_attempts=10, patience_s=0.05), KEY)
        first = await ask_all(client, 30, account)
        sent = account.n_requests
        return first + await ask_all(client, 30, account), sent

    with LlmServer(lambda *_: error(503)) as server:
        replies, sent = asyncio.run(go(server.url))
    assert set(replies) == {Outcome.GIVEN_UP}
    assert sent == account.n_requests == len(server.requests)


def test_a_late_answer_brings_a_given_up_endpoint_back_with_all_patience():
    account = LlmAccount()
    good_from = 10_000
    is_late = threading.Event()

    def answer(number, body):
        if "late" in body["messages"][1]["content"]:
            is_late.wait(10)
            return GOOD
        return GOOD if number >= good_from else error(503)

    async def go(url):
        nonlocal good_from
        client = LlmClient(settings_for(url, max_attempts=10, patience_s=0.05, timeout_s=20.0), KEY)
        late = asyncio.create_task(outcome_of(client, question("late"), account))
        given_up = await ask_all(client, 30, account)
        is_late.set()
        assert (await late).content
        good_from = account.n_requests + 13
        client._line._patience_s = 20.0
        return given_up, await ask_all(client, 30, account)

    with LlmServer(answer) as server:
        given_up, back = asyncio.run(go(server.url))
    assert set(given_up) == {Outcome.GIVEN_UP}
    assert all(reply.content for reply in back)
    assert account.n_requests == len(server.requests)


def warnings_in(caplog):
    return [record.getMessage() for record in caplog.records if record.name == "ftm_ray.llm_line"]


def test_the_next_outage_begins_with_short_pauses_again(monkeypatch):
    monkeypatch.setattr(llm_line, "_FAILURES_UNTIL_DOWN", 1)
    account = LlmAccount()
    really_sleep, slept = asyncio.sleep, []

    async def sleep(seconds):
        slept.append(seconds)
        await really_sleep(0.001)

    async def one_after_another(url):
        client = LlmClient(settings_for(url, max_attempts=4), KEY)
        return [await outcome_of(client, question(word), account) for word in ("one", "two")]

    monkeypatch.setattr(asyncio, "sleep", sleep)
    with LlmServer(lambda n, _: GOOD if n in (3, 6) else error(503)) as server:
        replies = asyncio.run(one_after_another(server.url))
    assert all(reply.content for reply in replies)
    assert slept == [0.01, 0.02, 0.04, 0.01, 0.02]


@pytest.mark.parametrize(("n_bad", "is_down"), [(9, False), (10, True)])
def test_ten_failures_in_a_row_are_down_and_nine_are_restless(caplog, n_bad, is_down):
    replies, _, _ = ask(lambda n, _: error(503) if n < n_bad else GOOD, max_attempts=11)
    assert replies[0].content
    assert len(warnings_in(caplog)) == is_down


def test_an_answer_between_failures_counts_them_anew(caplog):
    """Nine of ten requests fail, again and again: restless, but not down."""
    account = LlmAccount()

    async def one_after_another(url):
        client = LlmClient(settings_for(url, max_attempts=11), KEY)
        return [await outcome_of(client, question(word), account) for word in ("one", "two", "three")]

    with LlmServer(lambda n, _: GOOD if n % 10 == 9 else error(503)) as server:
        replies = asyncio.run(one_after_another(server.url))
    assert all(reply.content for reply in replies)
    assert len(server.requests) == 30
    assert warnings_in(caplog) == []


@pytest.mark.parametrize("reply", [error(400), error(422), error(413), Reply(200, "<html>Hello</html>", {})])
def test_bad_questions_and_bad_answers_do_not_take_an_endpoint_down(reply, caplog):
    """An endpoint that says no is up."""
    replies, _, _ = ask(lambda n, _: reply if n < 40 else GOOD, n=60, max_concurrency=5, patience_s=0.0)
    assert Outcome.GIVEN_UP not in replies
    assert any(reply not in list(Outcome) for reply in replies)
    assert warnings_in(caplog) == []


class Clock:
    """Stands in for the module `time`, so that minutes can pass at once."""

    def __init__(self):
        self.now_s = 1000.0

    def monotonic(self):
        self.now_s += 0.001
        return self.now_s


def test_a_given_up_endpoint_is_looked_at_once_a_minute_and_used_when_it_is_back(monkeypatch):
    """A map goes on for hours; somebody may have started the endpoint again."""
    monkeypatch.setattr(llm_line, "_FAILURES_UNTIL_DOWN", 1)
    clock, account, is_back = Clock(), LlmAccount(), threading.Event()
    monkeypatch.setattr(llm_line, "time", clock)

    async def go(url):
        client = LlmClient(settings_for(url, patience_s=0.0, max_attempts=4, max_concurrency=5), KEY)
        lost, n_requests = await ask_all(client, 20, account), [account.n_requests]
        for seconds in (50, 50, 50):  # the second is the first look, the third comes too early for another
            clock.now_s += seconds
            lost += await ask_all(client, 20, account)
            n_requests.append(account.n_requests)
        is_back.set()
        clock.now_s += 50
        look = await outcome_of(client, question("look"), account)
        return lost, n_requests, [look, *await ask_all(client, 20, account)]

    with LlmServer(lambda *_: GOOD if is_back.is_set() else error(503)) as server:
        lost, n_requests, back = asyncio.run(go(server.url))
    assert set(lost) == {Outcome.GIVEN_UP}
    assert [n - n_requests[0] for n in n_requests] == [0, 0, 1, 1]
    assert all(reply.content for reply in back)
    assert account.n_requests == len(server.requests)


def test_a_wish_for_a_pause_is_kept_while_the_endpoint_is_down(monkeypatch):
    monkeypatch.setattr(llm_line, "_FAILURES_UNTIL_DOWN", 1)
    monkeypatch.setattr(llm_line, "_LONGEST_WAIT_S", 30.0)
    _, _, server = ask(in_turn(error(429, retry_after="0.3"), GOOD), max_attempts=2)
    assert gaps(server)[0] >= 0.3


def test_a_wrong_key_is_not_sent_a_thousand_times():
    replies, _, server = ask(error(401), n=100, max_concurrency=5, max_attempts=4, patience_s=0.0)
    assert set(replies) == {Outcome.REJECTED, Outcome.GIVEN_UP}
    assert replies.count(Outcome.REJECTED) == len(server.requests) < 20


# --- the first question of a run -----------------------------------------------------------------------------------


def check(reply, **settings):
    """What is wrong with an endpoint that answers like this, and how often it was asked."""
    account = LlmAccount()
    with LlmServer(lambda *_: reply) as server:
        trouble = asyncio.run(check_endpoint(settings_for(server.url, max_attempts=4, **settings), KEY, account))
        server.wait_for(account.n_requests)
    assert account.n_requests == len(server.requests)
    return trouble, len(server.requests)


def test_an_endpoint_that_answers_is_fine():
    assert check(GOOD) == (None, 1)


@pytest.mark.parametrize("reply", [error(503), error(429), error(408), error(409), reset(), hang()])
def test_an_endpoint_that_may_come_back_is_asked_once_and_named(reply):
    trouble, n_requests = check(reply, timeout_s=patience(reply))
    assert n_requests == 1
    assert trouble.startswith("the LLM at http://127.0.0.1:")
    assert "does not answer" in trouble


def test_an_endpoint_that_is_not_there_yet_may_come():
    url = closed_port()
    assert asyncio.run(check_endpoint(settings_for(url), KEY, LlmAccount())) == (
        f"the LLM at {url} does not answer (unreachable)"
    )


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_stops_the_run_at_once_and_names_its_variable(status):
    with pytest.raises(ConfigError, match=f"refuses the key in MY_KEY .status {status}"):
        check(error(status), api_key_variable="MY_KEY")


@pytest.mark.parametrize("status", [400, 413, 422])
def test_an_endpoint_that_rejects_the_simplest_question_stops_the_run_at_once(status):
    with pytest.raises(ConfigError, match=f"rejects the simplest question .status {status}"):
        check(error(status))


def test_an_unknown_model_or_path_stops_the_run_at_once():
    with pytest.raises(ConfigError, match="has no model tiny"):
        check(error(404))


NO_LLM = {
    "a page": (Reply(200, "<!doctype html>\n<title>Our wiki</title>" + "x" * 9999, {}), "<title>Our wiki</title>"),
    "another program": (Reply(200, {"status": "green"}, {}), '"status": "green"'),
    "broken JSON": (Reply(200, '{"choices": [', {"Content-Type": "application/json"}), '{"choices": ['),
    "nothing": (Reply(200, "", {}), "nothing"),
}


@pytest.mark.parametrize(("reply", "came"), NO_LLM.values(), ids=NO_LLM)
def test_a_url_that_leads_to_something_else_stops_the_run_at_once_and_shows_what_came(reply, came):
    with pytest.raises(ConfigError, match=r"does the URL end in /v1\?") as stopped:
        check(reply)
    assert came in str(stopped.value)
    assert stopped.value.exit_code == 2
    assert len(str(stopped.value)) < 300


# --- secrets -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [200, 400, 401, 404, 422, 429, 500])
def test_the_key_is_in_no_log_and_no_exception_even_if_the_endpoint_repeats_it(status, caplog, monkeypatch):
    caplog.set_level(logging.DEBUG)
    told = error(status, f"bad key {KEY}")

    async def go(url):
        with pytest.raises(NoAnswerError) as caught:
            await LlmClient(settings_for(url, patience_s=0.0), KEY).ask(question(), LlmAccount())
        return caught.value

    monkeypatch.setattr(llm_line, "_FAILURES_UNTIL_DOWN", 1)  # a warning is logged
    with LlmServer(lambda *_: told) as server:
        why = asyncio.run(go(server.url))
    assert set(server.keys) == {f"Bearer {KEY}"}
    assert KEY not in f"{why} {why!r}"
    own = [record for record in caplog.records if record.name.startswith("ftm_ray")]
    assert KEY not in "".join(f"{record.getMessage()} {record.exc_text or ''}" for record in own)
    assert KEY not in caplog.text  # nor in those of the libraries


@pytest.mark.parametrize("status", [200, 401, 403, 404, 422])
def test_the_key_is_in_no_line_of_the_error_that_stops_a_run(status):
    with pytest.raises(ConfigError) as caught:
        check(error(status, f"bad key {KEY}"))
    assert KEY not in "".join(traceback.format_exception(caught.value))


# --- accounts ------------------------------------------------------------------------------------------------------


def test_sums_of_accounts_are_accounts():
    one = LlmAccount(*range(1, 9), request_s=0.5, outcomes={"named": 2, "busy": 1})
    other = LlmAccount(*range(10, 18), request_s=1.0, outcomes={"named": 1, "echo": 4})
    one.add(other)
    assert one == LlmAccount(*range(11, 27, 2), request_s=1.5, outcomes={"named": 3, "busy": 1, "echo": 4})
    assert other.outcomes == {"named": 1, "echo": 4}


def test_every_number_of_an_account_is_added():
    numbers = [f.name for f in fields(LlmAccount) if f.name != "outcomes"]
    total, ones = LlmAccount(), LlmAccount(**dict.fromkeys(numbers, 1))
    total.add(ones)
    total.add(ones)
    assert [getattr(total, name) for name in numbers] == [2] * len(numbers)


def test_second_asks_cost_but_are_no_questions_of_their_own():
    asked = LlmAccount(
        n_questions=5, n_remembered=2, n_requests=4, n_retries=1, prompt_tokens=40, outcomes={"named": 5}
    )
    assert asked.as_second_ask() == LlmAccount(n_requests=4, n_retries=1, n_again=3, prompt_tokens=40)
    assert asked.outcomes == {"named": 5}


def test_second_asks_that_were_given_up_before_they_were_sent_are_none():
    asked = LlmAccount(n_questions=3, n_requests=2, n_retries=1, outcomes={"given_up": 3})
    assert asked.as_second_ask() == LlmAccount(n_requests=2, n_retries=1, n_again=1)


def test_an_account_survives_the_way_through_json():
    """As it goes from the naming actor to the driver."""
    one = LlmAccount(n_questions=2, request_s=0.25, outcomes={"named": 2})
    assert LlmAccount(**json.loads(json.dumps(asdict(one)))) == one


def test_outcomes_are_counted_by_their_names():
    account = LlmAccount()
    for outcome in (Outcome.NAMED, Outcome.ECHO, Outcome.NAMED):
        account.count(outcome)
    assert json.dumps(account.outcomes) == '{"named": 2, "echo": 1}'
