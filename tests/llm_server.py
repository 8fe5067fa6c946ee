"""A real HTTP server on this machine that speaks as much of the OpenAI chat-completions protocol as naming needs."""

import json
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

#: What the server sends: status, body (text as it is, other values as JSON), headers.
Reply = tuple[int, Any, dict[str, str]]


def completion(content: str | None, finish_reason: str = "stop") -> Reply:
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
    return 200, body, {}


def named(label: str, summary: str) -> Reply:
    """A good answer."""
    return completion(json.dumps({"label": label, "summary": summary}))


def busy() -> Reply:
    """503, with the wish to be asked again at once."""
    return 503, {"error": {"message": "overloaded"}}, {"Retry-After-Ms": "5"}


class LlmServer(AbstractContextManager["LlmServer"]):
    """Answers each request with what `answer` makes of it; keeps all requests.

    Args:
        answer: Gets the number of the request and its body.
        delay_s: How long an answer takes.
    """

    def __init__(self, answer: Callable[[int, dict[str, Any]], Reply], delay_s: float = 0.0) -> None:
        self.answer, self.delay_s = answer, delay_s
        self.requests: list[dict[str, Any]] = []
        self.keys: list[str | None] = []
        self.n_at_once = self.most_at_once = 0
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)

    @property
    def url(self) -> str:
        """The endpoint, as --llm takes it."""
        return f"http://127.0.0.1:{self._server.server_port}/v1"

    def __enter__(self) -> "LlmServer":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def reply(self, path: str, key: str | None, body: dict[str, Any]) -> Reply:
        """Answer one request; called by the handler's threads."""
        with self._lock:
            number = len(self.requests)
            self.requests.append(body)
            self.keys.append(key)
            self.n_at_once += 1
            self.most_at_once = max(self.most_at_once, self.n_at_once)
        time.sleep(self.delay_s)
        with self._lock:
            self.n_at_once -= 1
        return self.answer(number, body) if path == "/v1/chat/completions" else (404, {"error": {"message": path}}, {})


def _handler(server: LlmServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status, value, headers = server.reply(self.path, self.headers.get("Authorization"), body)
            is_text = isinstance(value, str)
            content = (value if is_text else json.dumps(value)).encode()
            self.send_response(status)
            for name, text in {"Content-Type": "text/html" if is_text else "application/json", **headers}.items():
                self.send_header(name, text)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    return Handler
