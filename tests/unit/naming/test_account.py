"""Accounts: what was asked and what it cost."""

import json
from dataclasses import asdict, fields

from ftm_ray.naming.account import LlmAccount
from ftm_ray.naming.outcomes import Outcome


def test_sums_of_accounts_are_accounts():
    one = LlmAccount(*range(1, 9), request_s=0.5, outcomes={"named": 2, "busy": 1})
    other = LlmAccount(*range(10, 18), request_s=1.0, outcomes={"named": 1, "echo": 4})
    one.add(other)
    assert one == LlmAccount(*range(11, 27, 2), request_s=1.5, outcomes={"named": 3, "busy": 1, "echo": 4})
    assert other.outcomes == {"named": 1, "echo": 4}


def test_requests_are_counted_by_how_long_they_took():
    one, other = LlmAccount(), LlmAccount()
    for seconds in (0.1, 0.11, 61.0):
        one.count_request(seconds)
    other.count_request(0.2)
    one.add(other)
    assert one.latencies == {"0.1": 1, "0.25": 2, "inf": 1}
    assert round(one.request_s, 2) == 61.41
    assert one.as_second_ask().latencies == one.latencies  # a second request takes its time, too


def test_every_number_of_an_account_is_added():
    numbers = [f.name for f in fields(LlmAccount) if f.name not in ("latencies", "outcomes", "refused")]
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
