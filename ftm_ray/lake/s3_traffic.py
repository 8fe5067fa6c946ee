"""What this process asked of S3: requests as they are billed, and bytes.

Each process counts its own, tries after a failure among them, since S3 counts each request that it answers. An actor
hands its count on with its work (`run/actors.py`), so that run.json has those of all processes that lived. `taken()`
starts anew from zero: whatever is handed on is handed on once.
"""

import threading
from dataclasses import dataclass, fields
from typing import Any

#: Requests that are billed in one class with writing: https://aws.amazon.com/s3/pricing names PUT, COPY, POST and LIST.
_LISTS = frozenset({"ListObjects", "ListObjectsV2", "ListBuckets"})


@dataclass(slots=True)
class S3Traffic:
    """Requests and bytes.

    Attributes:
        n_puts: Requests that write: PUT and POST.
        n_lists: Listings; billed like those that write.
        n_gets: Requests that read: GET and HEAD.
        n_deletes: Requests that delete; S3 bills none.
        bytes_up: Of the bodies that were sent.
        bytes_down: Of the bodies that were answered.
    """

    n_puts: int = 0
    n_lists: int = 0
    n_gets: int = 0
    n_deletes: int = 0
    bytes_up: int = 0
    bytes_down: int = 0

    def add(self, other: "S3Traffic") -> None:
        """Add another count to this one."""
        for name in (field.name for field in fields(self)):
            setattr(self, name, getattr(self, name) + getattr(other, name))

    @property
    def n_requests(self) -> int:
        """All of them."""
        return self.n_puts + self.n_lists + self.n_gets + self.n_deletes


class _Tally:
    """The count of this process since it was last taken. boto3 sends from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._traffic = S3Traffic()

    def add(self, traffic: S3Traffic) -> None:
        with self._lock:
            self._traffic.add(traffic)

    def take(self) -> S3Traffic:
        with self._lock:
            taken, self._traffic = self._traffic, S3Traffic()
            return taken


#: One for the process, as each Lake that is opened in it has a client of its own, and they share one bill.
_TALLY = _Tally()


def taken() -> S3Traffic:
    """What this process asked since this was last called."""
    return _TALLY.take()


def count_traffic(client: Any) -> None:
    """Have a client of boto3 count what it sends and what comes back.

    Args:
        client: For S3.
    """
    client.meta.events.register("before-send.s3", _on_send)
    client.meta.events.register("response-received.s3", _on_answer)


def _on_send(request: Any, event_name: str, **_: Any) -> None:
    """One request goes out, a first or a further try; nothing is returned, so that botocore sends it."""
    operation = event_name.rpartition(".")[2]
    kinds = {"PUT": "n_puts", "POST": "n_puts", "GET": "n_gets", "HEAD": "n_gets", "DELETE": "n_deletes"}
    kind = "n_lists" if operation in _LISTS else kinds[request.method]
    headers = request.headers  # a body with a checksum behind it says its own length in a header of AWS's
    n_bytes = int(headers.get("X-Amz-Decoded-Content-Length") or headers.get("Content-Length") or 0)
    _TALLY.add(S3Traffic(**{kind: 1}, bytes_up=n_bytes))


def _on_answer(response_dict: dict[str, Any] | None, **_: Any) -> None:
    """An answer has come, or none has."""
    if response_dict is None:
        return
    body = response_dict.get("body")
    length = response_dict["headers"].get("content-length")  # of a file, whose body is read later
    _TALLY.add(S3Traffic(bytes_down=len(body) if isinstance(body, bytes) else int(length or 0)))
