"""Trying S3 again: how often a call is tried, how long it may be silent, and how long is waited in between.

botocore tries calls again by itself, as `client_settings` asks it to, but not where the body of an answer breaks off
half-way: that is what `read_whole` is for.
"""

import random
import time
from collections.abc import Callable
from typing import Any

from ftm_ray.lake.s3_errors import NO_ANSWER

#: Tries of one call, first one included. Pauses grow to 20 s (botocore's standard mode), so that a busy minute passes.
TRIES = 8
CONNECT_TIMEOUT_S = 10
#: Longest silence on a connection, not the longest transfer.
READ_TIMEOUT_S = 60


def client_settings() -> dict[str, Any]:
    """What botocore's `Config` must say, so that it tries calls again."""
    return {
        "retries": {"mode": "standard", "total_max_attempts": TRIES},
        "connect_timeout": CONNECT_TIMEOUT_S,
        "read_timeout": READ_TIMEOUT_S,
    }


def read_whole(get_object: Callable[[], dict[str, Any]]) -> tuple[dict[str, Any], bytes]:
    """Ask for an object until its body has come whole.

    Args:
        get_object: One GET; its answer has the body to read.

    Returns:
        The answer, and its body.

    Raises:
        HTTPClientError, ConnectionError, IncompleteReadError: botocore's, when the last body broke off, too.
    """
    for trial in range(TRIES):
        answer = get_object()
        try:
            return answer, answer["Body"].read()
        except NO_ANSWER:
            if trial == TRIES - 1:
                raise
            _pause(trial)
    raise AssertionError("unreachable: the last try returns or raises")


def _pause(trial: int) -> None:
    """As botocore waits between its own tries: up to twice as long each time, at random, so that actors spread out."""
    time.sleep(random.random() * min(2**trial, 20))
