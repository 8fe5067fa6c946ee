"""A real HTTP server on this machine that speaks as much of the OpenAI chat-completions protocol as naming needs.

It can also be unwell in the ways that real endpoints are: slow, silent, broken off, and full of other things.
"""

import json
import socket
import struct
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from textwrap import shorten
from typing import Any, NamedTuple


class Reply(NamedTuple):
    """What the server sends; a plain tuple of the first three does as well.

    Attributes:
        status: 200 and so on.
        body: Text as it is, other values as JSON.
        headers: Beside those that every reply has.
        fate: 'whole'; 'truncated' = half the body and a proper end of the connection; 'reset' = half the body, and
            the connection breaks; 'hang' = nothing at all until the server ends; 'trickle' = a blank now and then.
    """

    status: int
    body: Any
    headers: dict[str, str]
    fate: str = "whole"


def completion(content: str | None, finish_reason: str | None = "stop") -> Reply:
    """A protocol-true answer with this content."""
    message = {"role": "assistant", "content": content}
    body = {
        "id": "chat-1",
        "object": "chat.completion",
        "created": 1,
        "model": "tiny",
        "choices": [{"index": 0, "message": message, "finish_reason": finish_reason}],
        "usage": {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18},
    }
    return Reply(200, body, {})


def named(label: str, summary: str, text_field: str = "summary") -> Reply:
    """A good answer."""
    return completion(json.dumps({"label": label, text_field: summary}))


def in_its_words(body: dict[str, Any], label: str | None = None) -> Reply:
    """A good answer to this very question: it speaks of its keywords, so that the guards find it borne out.

    The prompt for a theme holds the summaries of its topics. One of them may speak of the same keywords, and the same
    sentence about the theme would be a copy of it: so a theme is described otherwise.
    """
    keywords = body["messages"][1]["content"].splitlines()[0].removeprefix("Keywords: ")
    words = " ".join(keywords.replace(",", "").split()[:7])
    label = label or shorten(words, 60, placeholder="") + " matters"  # no keyword ends it: "cut in"; nor does the limit
    if '"description"' in body["messages"][0]["content"]:
        described = f"Several of them point at {keywords}, each for its own reasons, and tell what they do about it."
        return named(label, described, "description")
    return named(label, f"Firms speak of {keywords} and say what comes of it.")


def error(status: int, message: str = "no", **headers: str) -> Reply:
    """An error as OpenAI-compatible endpoints send it; `retry_after="1"` is the header Retry-After."""
    return Reply(status, {"error": {"message": message}}, {k.replace("_", "-"): v for k, v in headers.items()})


def busy() -> Reply:
    """503, with the wish to be asked again at once."""
    return error(503, "overloaded", retry_after_ms="5")


def reset() -> Reply:
    """A good answer that breaks off in the middle, as when the server is killed."""
    return named("Broken", "Off.")._replace(fate="reset")


def truncated() -> Reply:
    """A good answer of which only half arrives."""
    return named("Broken", "Off.")._replace(fate="truncated")


def hang() -> Reply:
    """No answer, ever."""
    return named("Never", "Sent.")._replace(fate="hang")


def trickle() -> Reply:
    """No answer, but blanks to keep the connection, as some proxies send them."""
    return named("Never", "Sent.")._replace(fate="trickle")


class LlmServer(AbstractContextManager["LlmServer"]):
    """Answers each request with what `answer` makes of it; keeps all requests.

    Args:
        answer: Gets the number of the request and its body.
        delay_s: How long an answer takes.

    Attributes:
        requests: Bodies, in the order in which they came.
        keys: Authorization headers of the requests.
        times: When they came; seconds of time.monotonic().
        at_once: How many were under way when they came, themselves included.
    """

    def __init__(self, answer: Callable[[int, dict[str, Any]], tuple[Any, ...]], delay_s: float = 0.0) -> None:
        self.answer, self.delay_s = answer, delay_s
        self.requests: list[dict[str, Any]] = []
        self.keys: list[str | None] = []
        self.times: list[float] = []
        self.at_once: list[int] = []
        self.closing = threading.Event()
        self._n_under_way = 0
        self._lock = threading.Lock()
        self._server = _HttpServer(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)

    @property
    def url(self) -> str:
        """The endpoint, as --llm takes it."""
        return f"http://127.0.0.1:{self._server.server_port}/v1"

    @property
    def most_at_once(self) -> int:
        """The most requests that were ever under way together."""
        return max(self.at_once)

    @property
    def shown(self) -> list[str]:
        """What the model was shown: the material of each request."""
        return [request["messages"][1]["content"] for request in self.requests]

    def wait_for(self, n_requests: int) -> None:
        """Wait until so many requests came: who does not wait for an answer is ahead of the server."""
        until = time.monotonic() + 2
        while len(self.requests) < n_requests and time.monotonic() < until:
            time.sleep(0.005)

    def __enter__(self) -> "LlmServer":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def reply(self, path: str, key: str | None, body: dict[str, Any]) -> Reply:
        """Answer one request; called by the handler's threads."""
        with self._lock:
            number = len(self.requests)
            self.requests.append(body)
            self.keys.append(key)
            self.times.append(time.monotonic())
            self._n_under_way += 1
            self.at_once.append(self._n_under_way)
        time.sleep(self.delay_s)
        with self._lock:
            self._n_under_way -= 1
        return Reply(*self.answer(number, body)) if path == "/v1/chat/completions" else error(404, path)


class _HttpServer(ThreadingHTTPServer):
    request_queue_size = 128  # with the usual 5, the sixth of many at once would wait a second to be let in


def _handler(server: LlmServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            reply = server.reply(self.path, self.headers.get("Authorization"), body)
            if reply.fate == "hang":
                server.closing.wait()
                return
            is_text = isinstance(reply.body, str)
            content = (reply.body if is_text else json.dumps(reply.body)).encode()
            kind = "text/html" if is_text else "application/json"
            self.send_response(reply.status)
            for name, text in {"Content-Type": kind, **reply.headers}.items():
                self.send_header(name, text)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            while reply.fate == "trickle" and not server.closing.wait(0.03):
                self.wfile.write(b" ")
            self.wfile.write(content if reply.fate == "whole" else content[: len(content) // 2])
            if reply.fate == "reset":
                self._break_connection()

        def _break_connection(self) -> None:
            """Close so that the other side gets a reset and no proper end."""
            self.wfile.flush()
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()

        def handle(self) -> None:
            with suppress(ConnectionError):  # who waited no longer is gone
                super().handle()

        def log_message(self, *_: object) -> None:
            pass

    return Handler
