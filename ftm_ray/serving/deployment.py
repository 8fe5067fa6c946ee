"""The language model on the cluster: one Ray Serve application, started, tried with a real question, and taken down.

Whoever has the model served gets a URL that speaks the OpenAI protocol, as any other endpoint does; nothing else in the
project knows that the model runs here (docs/adr/0008-serve-llm-and-http.md). Ray must be started or joined already.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

from ray import serve as ray_serve
from ray.serve.schema import ApplicationStatus

from ftm_ray.config import LlmSettings, ServeSettings
from ftm_ray.serving.endpoint import served_model
from ftm_ray.serving.serve_state import (
    APPLICATION,
    endpoint_url,
    failure_reason,
    find_application,
    is_deployed,
    n_ready_replicas,
)
from ftm_ray.serving.startup import start_model
from ftm_ray.serving.wait import OnWait, Wait, wait_for_answer

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LlmStatus:
    """What is served. `model` and `url` are null where nothing answers."""

    state: Literal["down", "starting", "up", "failed"]
    model: str | None = None
    url: str | None = None
    n_replicas: int = 0
    message: str = ""


@contextmanager
def served(llm: LlmSettings, serve: ServeSettings, keep: bool, on_wait: OnWait) -> Iterator[str]:
    """Have the model served while the block runs; gives the URL, which every node of the cluster can reach.

    A model that is up already is used and left as it is.

    Args:
        llm: Names the model.
        serve: How it is served.
        keep: Leave it up afterwards, if it was started here.
        on_wait: Given what is waited for, about once a second.

    Raises:
        ConfigError: Another model is up, or this one cannot be served; what was started is taken down again.
        RetryableError: It did not answer within `serve.patience_s`.
    """
    was_there = is_deployed()
    try:
        url = up(llm, serve, on_wait)
        yield url
    finally:
        if not (keep or was_there):
            down()


def up(llm: LlmSettings, serve: ServeSettings, on_wait: OnWait) -> str:
    """Have the model served until `down`; returns the URL. Fails as `served` does, and then leaves nothing behind."""
    was_there = is_deployed()
    wait = Wait(llm.model, serve.patience_s, on_wait)
    try:
        if not was_there:
            start_model(llm, serve, wait)
        url = endpoint_url()
        wait_for_answer(url, llm.model, wait)
    except BaseException:
        if not was_there:
            down()
        raise
    return url


def down() -> bool:
    """Take the model down, whoever started it; False if there was none. Returns when its processes have ended.

    Serve's own controller and proxy stay, with nothing to serve: they ask for no resources, so they keep no node.
    """
    if not is_deployed():
        return False
    logging.getLogger("ray.serve").setLevel(logging.WARNING)
    try:
        ray_serve.delete(APPLICATION)
    except TimeoutError:
        logger.warning("the model is still ending; `ftm llm status` says when it is gone")
    return True


def status() -> LlmStatus:
    """What is served now. Starts nothing."""
    found = find_application()
    if found is None:
        return LlmStatus("down")
    if found.status == ApplicationStatus.DEPLOY_FAILED:
        return LlmStatus("failed", message=failure_reason(found))
    url = endpoint_url()
    model = served_model(url)
    is_up = found.status == ApplicationStatus.RUNNING and model is not None
    return LlmStatus("up" if is_up else "starting", model, url if model else None, n_ready_replicas(found))
