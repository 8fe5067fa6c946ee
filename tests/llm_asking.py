"""Asks the client questions of a server on this machine that answers as a test wants; counts every request."""

import asyncio
import socket

from llm_server import LlmServer, named

from ftm_ray.config import LlmSettings
from ftm_ray.naming.account import LlmAccount
from ftm_ray.naming.client import LlmClient
from ftm_ray.naming.failures import NoAnswerError
from ftm_ray.naming.prompts import topic_prompt
from ftm_ray.naming.tokens import EstimatedTokens

GOOD = named("Freight costs", "Firms pay more for freight, which lowers margins.")
KEY = "sk-secret"


def question(word="freight"):
    return topic_prompt([word], ["Freight cost more."], EstimatedTokens(), 900)


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


def gaps(server):
    return [later - earlier for earlier, later in zip(server.times, server.times[1:], strict=False)]


def patience(reply):
    """Seconds to wait for an answer: few where none will come, but enough for a busy machine to send a question."""
    return 0.5 if reply.fate in ("hang", "trickle") else 5.0
