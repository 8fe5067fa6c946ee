"""An S3 server for tests: moto's, as a process of its own, behind a small proxy that records calls and puts faults in.

The proxy reads plain HTTP. It knows which S3 action a call is, so that a test can say which calls shall fail and can
check every call that was made against the policy files in cluster/iam/.
"""

import http.client
import os
import socket
import struct
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

BUCKET = "research"


@dataclass(frozen=True)
class Call:
    """One call: the action that IAM knows it by, its key or listed prefix, and who made it."""

    action: str
    key: str
    who: str
    method: str
    query: str
    n_bytes: int


@dataclass
class Fault:
    """What shall happen to the next `times` calls of an action (all actions if empty) on keys that hold `key`.

    kind: an S3 error code with its status, such as '503 SlowDown', or 'reset', 'slow', 'truncated', 'unheard' (the
    call goes through, but its answer is lost).
    """

    kind: str
    action: str = ""
    key: str = ""
    times: int = 1  # -1 = always
    after: int = 0  # calls that go through first
    happened: int = 0


@dataclass
class S3Server:
    """The endpoint that tests talk to, what was asked, and what shall go wrong.

    Attributes:
        n_bytes_sent: Bodies of all answers.
        slow_s: How long a call waits that meets the fault 'slow'.
        delay_s: How long every call waits, as over a long line.
    """

    url: str
    port_behind: int
    calls: list[Call] = field(default_factory=list)
    n_bytes_sent: int = 0
    faults: list[Fault] = field(default_factory=list)
    slow_s: float = 3.0
    delay_s: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, call: Call) -> Fault | None:
        """Record a call; the fault that it shall meet, if any."""
        with self.lock:
            self.calls.append(call)
            for fault in self.faults:
                if fault.times and fault.action in ("", call.action) and fault.key in call.key:
                    if fault.after:
                        fault.after -= 1
                        continue
                    fault.times -= 1
                    fault.happened += 1
                    return fault
        return None

    def root(self, name: str) -> str:
        """A ROOT of its own."""
        return f"s3://{BUCKET}/{name}"


def action_of(method: str, query: dict[str, list[str]]) -> str:
    """What IAM calls this call."""
    if method == "GET":
        return "s3:ListBucket" if "list-type" in query else "s3:GetObject"
    if method == "DELETE":
        return "s3:AbortMultipartUpload" if "uploadId" in query else "s3:DeleteObject"
    return {"PUT": "s3:PutObject", "POST": "s3:PutObject", "HEAD": "s3:GetObject"}[method]


def handler_for(server: S3Server) -> type[BaseHTTPRequestHandler]:
    """The proxy's handler of one connection."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # else the body of each answer waits 40 ms behind its headers

        def do_any(self):
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            where = urlsplit(self.path)
            query = parse_qs(where.query, keep_blank_values=True)
            _, _, key = unquote(where.path).lstrip("/").partition("/")
            who = self.headers.get("Authorization", "").partition("Credential=")[2].partition("/")[0]
            action = action_of(self.command, query)
            named = query.get("prefix", [""])[0] if action == "s3:ListBucket" else key
            fault = server.note(Call(action, named, who, self.command, where.query, len(body)))
            kind = fault.kind if fault else ""
            if kind == "reset":
                return self.reset()
            time.sleep(server.slow_s if kind == "slow" else server.delay_s)
            if kind[:1].isdigit():
                return self.refuse(*kind.split())
            status, headers, content = self.forward(body)
            if kind == "unheard":
                return self.reset()
            self.answer(status, headers, content, cut=kind == "truncated")
            return None

        do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = do_any  # noqa: N815 - the names that http.server calls

        def forward(self, body):
            behind = http.client.HTTPConnection("127.0.0.1", server.port_behind, timeout=60)
            behind.request(self.command, self.path, body, dict(self.headers))
            answer = behind.getresponse()
            content = answer.read()
            behind.close()
            return answer.status, answer.getheaders(), content

        def answer(self, status, headers, content, cut=False):
            self.send_response_only(status)
            for name, value in headers:
                if name.lower() not in ("content-length", "transfer-encoding", "connection"):
                    self.send_header(name, value)
            length = dict(headers).get("Content-Length", len(content)) if self.command == "HEAD" else len(content)
            self.send_header("Content-Length", str(length))
            self.end_headers()
            if cut:
                self.wfile.write(content[: len(content) // 2])
                self.wfile.flush()
                return self.hang_up()
            if self.command != "HEAD":
                self.wfile.write(content)
                with server.lock:
                    server.n_bytes_sent += len(content)
            return None

        def refuse(self, status, code):
            text = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>As the test wants it.</Message></Error>"
            self.answer(int(status), [("Content-Type", "application/xml")], text.encode())

        def reset(self):
            """Close so that the other side reads 'connection reset by peer'."""
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.hang_up()

        def hang_up(self):
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)

        def log_message(self, *_):
            """Stay quiet."""

    return Handler


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def serve():
    """Start the server and its proxy; yields the S3Server, and ends both."""
    port = free_port()
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    proxy = None
    try:
        wait_for(port, process)
        server = S3Server("", port)
        proxy = Proxy(("127.0.0.1", 0), handler_for(server))
        server.url = f"http://127.0.0.1:{proxy.server_port}"
        threading.Thread(target=proxy.serve_forever, daemon=True).start()
        behind = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        behind.request("PUT", f"/{BUCKET}")
        assert behind.getresponse().status == 200
        yield server
    finally:
        if proxy is not None:
            proxy.shutdown()
        process.terminate()
        process.wait(timeout=30)


class Proxy(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, *_):
        """A connection that a fault broke is no news."""


def wait_for(port: int, process: subprocess.Popen) -> None:
    """Until the server listens."""
    deadline = time.time() + 60
    while time.time() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError(f"the S3 server did not start (exit code {process.poll()})")


def credentials(server: S3Server, who: str) -> dict[str, str]:
    """The usual AWS settings that lead to the server; `who` stands in every call."""
    return {
        "AWS_ENDPOINT_URL": server.url,
        "AWS_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": who,
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }
