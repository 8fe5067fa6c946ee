"""The Ray that a command works on: the cluster at RAY_ADDRESS, or one inside this process that ends with it."""

import logging
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import ray

from ftm_ray.config import ray_address
from ftm_ray.errors import ConfigError


@contextmanager
def ray_session(on_start: Callable[[], None], seconds: dict[str, float]) -> Iterator[None]:
    """Join the cluster at RAY_ADDRESS, or start Ray inside this process and end it afterwards.

    Args:
        on_start: Called before Ray is started or joined, which takes some seconds.
        seconds: Gets how long that took, as "start".

    Raises:
        ConfigError: There is no Ray at RAY_ADDRESS, or it cannot start here.
    """
    if ray.is_initialized():  # a notebook or a test brought its own Ray: use it and leave it
        yield
        return
    start = time.perf_counter()
    on_start()
    logging.getLogger("ray.data").setLevel(logging.WARNING)  # our own progress says it in sentences
    address = ray_address()
    where: dict[str, Any] = {"address": address} if address else {"address": "local", "include_dashboard": False}
    try:
        ray.init(logging_level=logging.ERROR, log_to_driver=False, **where)
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise ConfigError(
            f"cannot start or reach Ray at {address or 'this machine'}: {str(error).splitlines()[0]}; "
            "RAY_ADDRESS must be empty, 'auto', or host:6379 of a running head"
        ) from error
    _listen_to_sigterm_again()
    seconds["start"] = round(time.perf_counter() - start, 3)
    try:
        yield
    finally:
        ray.shutdown()


def _listen_to_sigterm_again() -> None:
    """Ray (2.60) puts a handler in C++ over Python's: SIGTERM printed its frames, and nothing was taken down."""
    handler = signal.getsignal(signal.SIGTERM)
    if callable(handler) and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, handler)
