"""The Ray that a command works on: the cluster at RAY_ADDRESS, or one inside this process that ends with it."""

import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import ray
from ray._common.utils import get_default_system_temp_dir
from ray.exceptions import RayTaskError

from ftm_ray.environment import ray_address
from ftm_ray.errors import ConfigError, FtmError, RetryableError

logger = logging.getLogger(__name__)

#: Linux takes 107 bytes for the path of a socket. Ray 2.60 puts /ray/session_2026-01-31_23-59-59_999999_4194304/sockets
#: and the longest name, plasma_store_4194304, behind the folder.
_LONGEST_FOLDER = 107 - 75
_SHORT_FOLDERS = ("/tmp", "/var/tmp", "/dev/shm")


@contextmanager
def ray_session(on_start: Callable[[], None], seconds: dict[str, float]) -> Iterator[None]:
    """Join the cluster at RAY_ADDRESS, or start Ray inside this process and end it afterwards.

    Args:
        on_start: Called before Ray is started or joined, which takes some seconds.
        seconds: Gets how long that took, as "start".

    Raises:
        ConfigError: There is no Ray at RAY_ADDRESS, or it cannot start here.
        RetryableError: The machine is too busy for Ray to start in time.
    """
    if ray.is_initialized():  # a notebook or a test brought its own Ray: use it and leave it
        yield
        return
    start = time.perf_counter()
    on_start()
    address = ray_address()
    where: dict[str, Any] = {"address": address} if address else {"address": "local", "include_dashboard": False}
    if not address:
        where |= _short_folder()
    on_sigterm = signal.getsignal(signal.SIGTERM)
    try:
        ray.init(logging_level=logging.ERROR, log_to_driver=False, **where)
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise ConfigError(
            f"cannot start or reach Ray at {address or 'this machine'}: {str(error).splitlines()[0]}; "
            "RAY_ADDRESS must be empty, 'auto', or host:6379 of a running head, and that not too busy to answer"
        ) from error
    except Exception as error:
        if type(error) is not Exception:  # Ray (2.60) raises just that where its own processes do not answer in 30 s
            raise
        raise RetryableError(
            "Ray did not start on this machine within 30 s, as where other work keeps it busy: "
            "run the same command again when there is less of that"
        ) from error
    _listen_to_sigterm_again(on_sigterm)
    seconds["start"] = round(time.perf_counter() - start, 3)
    if not address:
        node = ray.nodes()[0]
        logger.debug("metrics: http://%s:%s/metrics", node["NodeManagerAddress"], node["MetricsExportPort"])
    try:
        yield
    finally:
        ray.shutdown()


@contextmanager
def own_errors() -> Iterator[None]:
    """An error of ours that crossed Ray comes out as itself: Ray's wrapping says the whole Python traceback."""
    try:
        yield
    except RayTaskError as error:
        if isinstance(error.cause, FtmError):
            raise error.cause from error
        raise


def _listen_to_sigterm_again(handler: Any) -> None:
    """Ray (2.60) puts two handlers of its own over ours, in Python and in C++: one left without a word and with exit
    code 15, the other printed its frames and nothing was taken down."""
    if callable(handler) and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, handler)


def _short_folder() -> dict[str, str]:
    """A folder for Ray's sockets where the usual one has too long a path, as batch systems make them.

    Raises:
        ConfigError: There is no short folder to write to.
    """
    usual = get_default_system_temp_dir()  # RAY_TMPDIR, TMPDIR
    if len(usual.encode()) <= _LONGEST_FOLDER:
        return {}
    short = next((folder for folder in _SHORT_FOLDERS if os.access(folder, os.W_OK | os.X_OK)), None)
    if short is None:
        raise ConfigError(
            f"Ray's sockets cannot lie in {usual}: a socket's path may have 107 characters, and Ray adds about 60; set "
            f"TMPDIR to a folder of at most {_LONGEST_FOLDER} characters"
        )
    logger.info("Ray's sockets lie in %s: the path of TMPDIR is too long for them", short)
    return {"_temp_dir": f"{short}/ray-{os.getuid()}"}
