"""Asking the endpoint itself, over HTTP: which model is there, and does it answer? Plain Python, no Ray."""

import json
import urllib.request
from http.client import HTTPException
from typing import Any

#: An answer of one token from a model that is loaded takes far less; the first one compiles.
_ANSWER_S = 60.0

#: Errors of a server that is not there yet, breaks the connection, or answers with something else.
_NO_ANSWER = (OSError, HTTPException, ValueError, KeyError, TypeError, IndexError)


def answers(url: str, model: str) -> bool:
    """Whether the model answers a question: an engine can be healthy and yet fail at the first one."""
    question = {
        "model": model,
        "messages": [{"role": "user", "content": "Good morning."}],
        "max_tokens": 1,
        "temperature": 0,
        "chat_template_kwargs": {"enable_thinking": False},
    }
    try:
        return _http(f"{url}/chat/completions", question)["choices"][0]["finish_reason"] is not None
    except _NO_ANSWER:
        return False


def served_model(url: str) -> str | None:
    """Name of the model behind a URL, or None if nothing answers."""
    try:
        return str(_http(f"{url}/models")["data"][0]["id"])
    except _NO_ANSWER:
        return None


def _http(url: str, body: dict[str, Any] | None = None) -> Any:
    """Ask for JSON; not through a proxy that the environment names, as the way is within the cluster."""
    request = urllib.request.Request(
        url, json.dumps(body).encode() if body else None, {"Content-Type": "application/json"}
    )
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with direct.open(request, timeout=_ANSWER_S) as reply:
        return json.load(reply)
