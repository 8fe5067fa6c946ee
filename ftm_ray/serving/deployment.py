"""The language model on the cluster: one Ray Serve application, started, tried with a real question, and taken down.

Whoever has the model served gets a URL that speaks the OpenAI protocol, as any other endpoint does; nothing else in the
project knows that the model runs here (docs/adr/0008-serve-llm-and-http.md). Ray must be started or joined already.
"""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

from ray import serve as ray_serve
from ray.serve.schema import ApplicationStatus

from ftm_ray.config import NodeType, RunConfig
from ftm_ray.environment import ray_address
from ftm_ray.serving.endpoint import served_model
from ftm_ray.serving.lease import drop_lease, joined_lease, new_lease
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
def served(config: RunConfig, nodes: Sequence[NodeType], keep: bool, on_wait: OnWait) -> Iterator[str]:
    """Have the model served while the block runs; gives the URL, which every node of the cluster can reach.

    A model that is up already is used. It is left as it is where it was kept on purpose; where runs share it, the last
    one takes it down.

    Args:
        config: `llm` names the model, `serve` says how it is served.
        nodes: Those that may come.
        keep: Leave it up afterwards.
        on_wait: Given what is waited for, about once a second.

    Raises:
        ConfigError: Another model is up, or this one cannot be served; what was started is taken down again.
        RetryableError: It did not answer within `serve.patience_s`.
    """
    lease = None if ray_address() is None else joined_lease(config.serve.lease_s)
    was_there = is_deployed()
    if lease is None and not (was_there or ray_address() is None):
        lease = new_lease(config.serve.lease_s)
    must_wait = True
    try:
        url = _up(config, nodes, on_wait)
        if keep:
            drop_lease()  # now, or the run that started it would end it under this one
        yield url
    except KeyboardInterrupt:
        must_wait = lease is None  # whoever stops a job ends it the hard way some seconds later; the lease goes on
        raise
    finally:
        goes = lease.give_back() if lease else not (keep or was_there)
        if goes and must_wait:
            down()


def up(config: RunConfig, nodes: Sequence[NodeType], on_wait: OnWait) -> str:
    """Have the model served until `down`; returns the URL. Fails as `served` does, and then leaves nothing behind."""
    was_there = is_deployed()
    try:
        url = _up(config, nodes, on_wait)
    except BaseException:
        if not was_there:
            down()
        raise
    drop_lease()
    return url


def _up(config: RunConfig, nodes: Sequence[NodeType], on_wait: OnWait) -> str:
    """Start the model where none is up, and wait for an answer; returns the URL."""
    wait = Wait(config.llm.model, config.serve.patience_s, config.cluster.patience_s, on_wait)
    # Also where another run started it. Not by the preset, which is that run's: a model that is up is simply joined.
    wait.needs_gpu = config.serve.preset != "cpu" and any(node.gpus for node in nodes)
    if not is_deployed():
        start_model(config, nodes, wait)
    url = endpoint_url()
    wait_for_answer(url, config.llm.model, wait)
    return url


def down() -> bool:
    """Take the model down, whoever started it; False if there was none. Returns when its processes have ended.

    Serve's own controller and proxy stay, with nothing to serve: they ask for no resources, so they keep no node.
    """
    if not is_deployed():
        return False
    logging.getLogger("ray.serve").setLevel(logging.WARNING)
    drop_lease()  # first: once the model is gone, the lease may be the next run's
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
