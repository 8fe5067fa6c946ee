"""Has a namer ask a server on this machine that answers as a test wants, and checks that all is accounted for."""

import asyncio

from llm_asking import KEY, settings_for
from llm_server import LlmServer, completion, named

from ftm_ray.naming.account import LlmAccount
from ftm_ray.naming.guards import OwnNames
from ftm_ray.naming.kept_answers import AnswerStore
from ftm_ray.naming.namer import Namer
from ftm_ray.naming.prompts import topic_prompt
from ftm_ray.naming.tokens import EstimatedTokens

LONG_SENTENCE = "Ocean freight rates from Asia rose again and added to our shipping cost."
PROMPT = topic_prompt(["freight", "port"], [LONG_SENTENCE, "Ports were full."], EstimatedTokens(), 900)
OWN_NAMES = OwnNames(frozenset({"acme", "smith"}))

WITH_NAME = named("Freight costs", "Acme pays more for freight.")
LONG = named("one two three four five six seven eight nine ten", "Firms pay more for freight from Asia.")
PROSE = completion("The firms discuss freight.")


def namer_for(url, store=None, **settings):
    return Namer(settings_for(url, **settings), KEY, store)


def assert_adds_up(account, server):
    """Each question has one outcome, and each request is accounted for."""
    server.wait_for(account.n_requests)
    assert sum(account.outcomes.values()) == account.n_questions
    assert account.n_requests == len(server.requests)
    n_first = account.n_questions - account.n_remembered - account.outcomes.get("given_up", 0)
    assert account.n_requests - account.n_retries - account.n_again in (n_first, n_first + 1)


def ask(*replies, store=None, prompt=PROMPT, **settings):
    """The name that comes out when the server answers like this, the account, and the server."""
    account = LlmAccount()

    async def go(url):
        namer = namer_for(url, store, **settings)
        name = await namer.name(prompt, OWN_NAMES, account)
        await namer.write_answers()
        return name

    with LlmServer(lambda number, _: replies[number]) as server:
        name = asyncio.run(go(server.url))
        assert_adds_up(account, server)
    assert account.n_questions == 1
    return name, account, server


def store(lake):
    return AnswerStore(lake, "2024Q1")
