"""A webhook's server for tests: keeps the texts that it gets, and answers as it is told."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

#: A part of the address that nobody may read anywhere.
SECRET = "B0SeCrEt"


class Hook:
    """A webhook's server: answers with these codes in turn, the last one for ever; 0 = never answers."""

    def __init__(self, *codes, location=None):
        self.codes, self.location = list(codes), location
        self.texts = []
        self.closing = threading.Event()
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                hook.texts.append(json.loads(self.rfile.read(int(self.headers["Content-Length"])))["text"])
                code = hook.codes.pop(0) if len(hook.codes) > 1 else hook.codes[0]
                if code == 0:
                    hook.closing.wait()
                    return
                self.send_response(code, f"no {SECRET}" if code != 200 else None)
                if hook.location:
                    self.send_header("Location", hook.location)
                self.send_header("Content-Length", "0")
                self.end_headers()

            do_GET = do_POST  # noqa: N815 - the name that http.server calls

            def log_message(self, *_):
                """Stay quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.address = f"http://127.0.0.1:{self.server.server_port}/services/{SECRET}"


@contextmanager
def hook(*codes: int, **more: str) -> Iterator[Hook]:
    """A webhook that answers while the block runs; arguments as `Hook` has them."""
    made = Hook(*codes, **more)
    threading.Thread(target=made.server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield made
    finally:
        made.closing.set()
        made.server.shutdown()
        made.server.server_close()
