"""EC2's metadata service as a node sees it: a token by PUT, then nothing until the notice."""

import json
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TOKEN = "token-of-the-stand-in"


class MetadataService:
    """A server on this machine.

    Attributes:
        url: What AWS_EC2_METADATA_SERVICE_ENDPOINT takes.
        asked: Paths in the order they were asked for.
        told: What it says under /latest/meta-data/.
    """

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.told: dict[str, str] = {}
        self._notice: dict[str, str] | None = None
        self.tokens = {TOKEN}
        service = self

        class Answers(BaseHTTPRequestHandler):
            def do_PUT(self):
                service.asked.append(self.path)
                asked_for = self.headers.get("X-aws-ec2-metadata-token-ttl-seconds")
                known = self.path == "/latest/api/token" and asked_for is not None
                service.tokens.add(TOKEN)
                self._answer(200 if known else 400, TOKEN if known else "")

            def do_GET(self):
                service.asked.append(self.path)
                if self.headers.get("X-aws-ec2-metadata-token") not in service.tokens:
                    self._answer(401, "")
                elif self.path == "/latest/meta-data/spot/instance-action" and service._notice:
                    self._answer(200, json.dumps(service._notice))
                elif told := service.told.get(self.path.removeprefix("/latest/meta-data/")):
                    self._answer(200, told)
                else:
                    self._answer(404, "")

            def _answer(self, code, text):
                self.send_response(code)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *_):
                """Nothing: tests look at `asked`."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def announce(self, seconds: float) -> None:
        """EC2 will take the machine in so many seconds."""
        at = datetime.now(UTC) + timedelta(seconds=seconds)
        self._notice = {"action": "terminate", "time": at.strftime("%Y-%m-%dT%H:%M:%SZ")}

    def stop(self) -> None:
        """End the server."""
        self._server.shutdown()
        self._server.server_close()
