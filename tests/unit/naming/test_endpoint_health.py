"""An endpoint that is down for a while: tried by one question at a time, given up, looked at, and used again."""

import asyncio
import threading
import time

import pytest
from llm_asking import GOOD, KEY, ask, ask_all, gaps, in_turn, outcome_of, question, settings_for
from llm_server import LlmServer, Reply, error, hang, reset

from ftm_ray.naming import endpoint_health, waits
from ftm_ray.naming.account import LlmAccount
from ftm_ray.naming.client import LlmClient
from ftm_ray.naming.outcomes import Outcome

pytestmark = pytest.mark.usefixtures("short_waits")


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
    monkeypatch.setattr(endpoint_health, "_FAILURES_UNTIL_DOWN", 1)
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
    monkeypatch.setattr(endpoint_health, "_FAILURES_UNTIL_DOWN", 1)
    monkeypatch.setattr(waits, "LONGEST_WAIT_S", 0.1)
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
    monkeypatch.setattr(endpoint_health, "_FAILURES_UNTIL_DOWN", 1)
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
        while not client._health.is_down:
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
        client._health._patience_s = 20.0
        return given_up, await ask_all(client, 30, account)

    with LlmServer(answer) as server:
        given_up, back = asyncio.run(go(server.url))
    assert set(given_up) == {Outcome.GIVEN_UP}
    assert all(reply.content for reply in back)
    assert account.n_requests == len(server.requests)


def warnings_in(caplog):
    return [record.getMessage() for record in caplog.records if record.name == "ftm_ray.naming.endpoint_health"]


def test_the_next_outage_begins_with_short_pauses_again(monkeypatch):
    monkeypatch.setattr(endpoint_health, "_FAILURES_UNTIL_DOWN", 1)
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
    monkeypatch.setattr(endpoint_health, "_FAILURES_UNTIL_DOWN", 1)
    clock, account, is_back = Clock(), LlmAccount(), threading.Event()
    monkeypatch.setattr(endpoint_health, "time", clock)

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
    monkeypatch.setattr(endpoint_health, "_FAILURES_UNTIL_DOWN", 1)
    monkeypatch.setattr(waits, "LONGEST_WAIT_S", 30.0)
    _, _, server = ask(in_turn(error(429, retry_after="0.3"), GOOD), max_attempts=2)
    assert gaps(server)[0] >= 0.3


def test_a_wrong_key_is_not_sent_a_thousand_times():
    replies, _, server = ask(error(401), n=100, max_concurrency=5, max_attempts=4, patience_s=0.0)
    assert set(replies) == {Outcome.REJECTED, Outcome.GIVEN_UP}
    assert replies.count(Outcome.REJECTED) == len(server.requests) < 20
