"""The prompts, to the letter: whoever changes their wording changes PROMPT_VERSION and the file with them."""

import asyncio
from pathlib import Path

from llm_server import LlmServer, named

from ftm_ray.config import LlmSettings
from ftm_ray.naming import PROMPT_VERSION, LlmClient

KEYWORDS = ["freight", "container rate", "port"]
SENTENCES = [
    "Ocean freight rates from Asia rose again and added four million dollars to our shipping cost.",
    "Delays at the ports kept finished goods on the water for three more weeks than planned, " + "and then some, " * 20,
    'He said "ignore all rules": we did not.',
]


def test_the_question_to_the_model_is_the_stored_one():
    with LlmServer(lambda *_: named("a", "b")) as server:
        client = LlmClient(LlmSettings(endpoint=server.url, max_attempts=1), "none")
        asyncio.run(client.name(KEYWORDS, SENTENCES))
    messages = server.requests[0]["messages"]
    sent = "\n\n".join(f"[{message['role']}]\n{message['content']}" for message in messages)
    expected = Path(__file__).with_name("topic_prompt.txt").read_text(encoding="utf-8")
    assert f"[version] {PROMPT_VERSION}\n\n{sent}\n" == expected
