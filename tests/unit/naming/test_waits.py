"""After which wait a question is sent again: our own, or the one that the server asks for."""

import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from llm_asking import GOOD, ask, gaps, in_turn
from llm_server import error

from ftm_ray.naming import waits

pytestmark = pytest.mark.usefixtures("short_waits")


def test_waits_grow_from_try_to_try(monkeypatch):
    monkeypatch.setattr(waits, "LONGEST_WAIT_S", 30.0)
    _, _, server = ask(error(503), max_attempts=5)
    assert all(gap >= least for gap, least in zip(gaps(server), (0.005, 0.01, 0.02, 0.04), strict=True))


def test_waits_are_bounded_and_differ(monkeypatch):
    monkeypatch.setattr(waits, "FIRST_WAIT_S", 0.5)
    monkeypatch.setattr(waits, "LONGEST_WAIT_S", 30.0)
    seconds = [waits.wait_s(attempts) for attempts in (1, 2, 3, 10, 60) for _ in range(20)]
    assert len(set(seconds)) == 100  # or all questions that failed together would come back together
    assert 0.25 <= min(seconds) <= 0.5
    assert 15 <= max(seconds) <= 30


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
    monkeypatch.setattr(waits, "LONGEST_WAIT_S", 30.0)
    _, _, server = ask(in_turn(error(status, **headers), GOOD), max_attempts=2)
    assert 0.3 <= gaps(server)[0] < 10


def test_the_wait_may_be_given_as_a_date(monkeypatch):
    monkeypatch.setattr(waits, "LONGEST_WAIT_S", 30.0)

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
