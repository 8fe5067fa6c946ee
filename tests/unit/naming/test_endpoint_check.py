"""The first question of a run: which endpoints stop it, and which may yet come back."""

import asyncio
import traceback

import pytest
from llm_asking import GOOD, KEY, closed_port, patience, settings_for
from llm_server import LlmServer, Reply, completion, error, hang, reset

from ftm_ray.errors import ConfigError
from ftm_ray.naming.account import LlmAccount
from ftm_ray.naming.endpoint_check import check_endpoint

pytestmark = pytest.mark.usefixtures("short_waits")


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


@pytest.mark.parametrize("status", [200, 401, 403, 404, 422])
def test_the_key_is_in_no_line_of_the_error_that_stops_a_run(status):
    with pytest.raises(ConfigError) as caught:
        check(error(status, f"bad key {KEY}"))
    assert KEY not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(
    ("content", "finish_reason", "words"),
    [
        ('<think>The user wants JSON.</think>{"label": "a", "summary": "b"}', "stop", "thinks aloud"),
        ('```json\n{"label": "a", "summary": "b"}\n```', "stop", "code fences"),
        ("Sure! Here is the summary.", "stop", "does not answer with the JSON object"),
        ('{"label": "a", "summ', "length", "does not end within llm.max_tokens"),
        ("", "stop", "does not answer with the JSON object"),
    ],
)
def test_the_form_of_the_test_answer_is_judged_and_said_before_the_work(content, finish_reason, words, caplog):
    assert check(completion(content, finish_reason)) == (None, 1)
    assert words in caplog.text


def test_of_a_good_form_nothing_is_said(caplog):
    check(GOOD)
    assert not caplog.records
