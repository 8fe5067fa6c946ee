"""Which LLM names the topics of a run: one that is served here, one at a URL, or none."""

import asyncio
import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from ftm_ray.config import LlmSettings, NodeType, RunConfig, llm_api_key
from ftm_ray.environment import ray_address
from ftm_ray.errors import ConfigError
from ftm_ray.naming.endpoint_check import check_endpoint
from ftm_ray.naming.tokens import ModelTokenizer, token_counter
from ftm_ray.run.progress import OnProgress, Progress
from ftm_ray.run.record import RunLog
from ftm_ray.serving.deployment import served

logger = logging.getLogger(__name__)


@contextmanager
def answering_llm(
    config: RunConfig, nodes: Sequence[NodeType], keep_served: bool, log: RunLog, on_progress: OnProgress
) -> Iterator[RunConfig]:
    """Have an LLM that answers, or none if that was asked for; gives the configuration with its address.

    Args:
        config: Its `llm.endpoint` is decided (`with_endpoint`).
        nodes: Those that may come.
        keep_served: Leave the model up that is served here.
        log: Gets the endpoint, what counts its tokens, and what the first question cost.
        on_progress: Gets how far the model is.

    Raises:
        ConfigError: It cannot be served or refuses the key.
    """
    endpoint = config.llm.endpoint
    if endpoint is None or endpoint == "none":
        yield config
    elif endpoint == "serve":
        start = time.perf_counter()
        with served(config, nodes, keep_served, lambda text: on_progress(Progress("LLM", 0, 1, text))) as url:
            log.endpoint = url
            log.seconds["llm"] = round(time.perf_counter() - start, 3)
            on_progress(Progress("LLM", 1, 1, f"{config.llm.model} answers at {url}"))
            tokenizer = config.llm.tokenizer or config.serve.model_source
            # Embedded, no other node can ever take the model over; on a cluster one comes when the cloud has it.
            patience_s = config.cluster.patience_s if ray_address() else 0.0
            llm = config.llm.served_at(url, patience_s).model_copy(update={"tokenizer": tokenizer})
            yield _with(config, llm, log)
    else:
        log.endpoint = endpoint
        on_progress(Progress("LLM", 0, 1, f"asking {endpoint}"))
        trouble = asyncio.run(check_endpoint(config.llm, llm_api_key(config.llm), log.check))
        if trouble:
            logger.warning("%s; the map goes on, and names are asked for later", trouble)
        yield _with(config, config.llm, log)


def with_endpoint(config: RunConfig, nodes: Sequence[NodeType]) -> RunConfig:
    """The configuration with `llm.endpoint` decided: the model is served where no other was chosen and a GPU may come.

    Names of keywords are never a silent default.

    Raises:
        ConfigError: No LLM was chosen, and no node has a GPU to serve one on.
    """
    if config.llm.endpoint is not None:
        return config
    if not any(kind.gpus for kind in nodes):
        raise ConfigError(
            "no --llm was given, and no node has a GPU to serve a model on. Choose: --llm URL (an OpenAI-compatible "
            "endpoint names the topics), --llm none (keywords stand in, and every row says so), or --llm serve on a "
            "cluster with a GPU (or on CPU with a small model and serve.preset = 'cpu')"
        )
    return config.model_copy(update={"llm": config.llm.model_copy(update={"endpoint": "serve"})})


def _with(config: RunConfig, llm: LlmSettings, log: RunLog) -> RunConfig:
    """The configuration with the LLM that answers.

    Whether its tokens are counted or estimated is decided here, once: each actor for itself could find another answer,
    and would say so where nobody reads it.
    """
    tokenizer = llm.tokenizer or llm.model
    is_counted = not llm.estimate_tokens and isinstance(token_counter(tokenizer), ModelTokenizer)
    log.tokenizer = tokenizer if is_counted else None
    return config.model_copy(update={"llm": llm.model_copy(update={"estimate_tokens": not is_counted})})
