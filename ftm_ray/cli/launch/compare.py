"""`ftm llm compare` between the command and the work: two endpoints that answer, one of them perhaps served here."""

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from ftm_ray.cli.launch.endpoint import checked_endpoint
from ftm_ray.cli.launch.ray_errors import ray_errors
from ftm_ray.cli.options import Options
from ftm_ray.cli.progress import OnStep, Step, shown_progress
from ftm_ray.cli.screens.shapes import error_console
from ftm_ray.config import LlmSettings, RunConfig, llm_api_key, load_config
from ftm_ray.errors import ConfigError, SourceError
from ftm_ray.lake.storage import Lake
from ftm_ray.naming.account import LlmAccount
from ftm_ray.naming.compare import Side, compare_llms
from ftm_ray.naming.compare_result import Comparison
from ftm_ray.naming.endpoint_check import check_endpoint


def launch_compare(lake: Lake, quarter: str, options: Options) -> Comparison:
    """Have two LLMs name the same topics, with progress shown; one of them may be served here for the while.

    Raises:
        ConfigError: Both are to be served, an endpoint is none, or a key is refused.
    """
    config = load_config(options["config"], {})
    a, b = (_side_settings(options, letter) for letter in "ab")
    if a.endpoint == b.endpoint == "serve":
        raise ConfigError("--a and --b cannot both be serve: one model is served at a time; give one of them a URL")
    with shown_progress(error_console()) as show, ExitStack() as until_done:
        sides = []
        for settings in (a, b):
            if settings.endpoint == "serve":
                settings = until_done.enter_context(_served_here(settings, config, show))
            asyncio.run(_refuse_silence(settings))
            sides.append(Side(settings, llm_api_key(settings)))
        n = options["sample"]
        return compare_llms(
            lake, quarter, (sides[0], sides[1]), n, lambda side, done: show(Step(f"LLM {side}", done, n, "topics"))
        )


def _side_settings(options: Options, letter: str) -> LlmSettings:
    """The settings of one of the two LLMs: those of the configuration, with what the flags say of this side."""
    flags = {
        "llm.endpoint": options[letter],
        "llm.model": options[f"{letter}_model"],
        "llm.api_key_variable": options[f"{letter}_key_variable"],
    }
    settings = load_config(options["config"], flags).llm
    if settings.endpoint == "none":
        raise ConfigError(f"--{letter} none: keywords are no LLM to compare; give serve or a URL")
    return checked_endpoint(settings, f"--{letter}")


async def _refuse_silence(settings: LlmSettings) -> None:
    """A comparison with an endpoint that is not there would be a page of gaps."""
    trouble = await check_endpoint(settings, llm_api_key(settings), LlmAccount())
    if trouble:
        raise SourceError(f"{trouble}; start it or check its URL")


@contextmanager
def _served_here(settings: LlmSettings, config: RunConfig, show: OnStep) -> Iterator[LlmSettings]:
    from ftm_ray.run.nodes import known_nodes
    from ftm_ray.run.session import ray_session
    from ftm_ray.serving.deployment import served

    config = config.model_copy(update={"llm": settings})
    with ray_errors(), ray_session(lambda: show(Step("start", 0, 1, detail="starting Ray")), {}):
        nodes = known_nodes(config.cluster)
        with served(config, nodes, False, lambda text: show(Step("LLM", 0, 1, detail=text))) as url:
            yield settings.served_at(url)
