"""`ftm llm up`, `status` and `down` between the command and the work: a model that a cluster serves between runs."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ftm_ray.cli.launch.ray_errors import lost_part
from ftm_ray.cli.options import Options
from ftm_ray.cli.progress import OnStep, Step, shown_progress
from ftm_ray.cli.screens.shapes import error_console
from ftm_ray.config import load_config
from ftm_ray.environment import ray_address
from ftm_ray.errors import ConfigError

if TYPE_CHECKING:
    from ftm_ray.serving.deployment import LlmStatus


def bring_up(options: Options) -> "LlmStatus":
    """Have the model served until `take_down`, with progress shown.

    Raises:
        FtmError: As `serving.up` does; nothing is left behind then.
    """
    flags = {"llm.model": options["llm_model"], "serve.preset": options["preset"]}
    config = load_config(options["config"], flags)
    with _cluster() as show:
        from ftm_ray.run.nodes import known_nodes
        from ftm_ray.serving import deployment as serving

        nodes = known_nodes(config.cluster)
        serving.up(config, nodes, lambda text: show(Step("LLM", 0, 1, detail=text)))
        show(Step("LLM", 1, 1, detail=f"{config.llm.model} answers"))
        return serving.status()


def served_status() -> "LlmStatus":
    """What is served now."""
    with _cluster():
        from ftm_ray.serving import deployment as serving

        return serving.status()


def take_down() -> bool:
    """End what is served; False if there was nothing."""
    with _cluster():
        from ftm_ray.serving import deployment as serving

        return serving.down()


@contextmanager
def _cluster() -> Iterator[OnStep]:
    """The cluster at RAY_ADDRESS, and a way to show progress."""
    if ray_address() is None:
        raise ConfigError(
            "a model can only stand by on a cluster, and RAY_ADDRESS is not set: `ray start --head`, then "
            "`export RAY_ADDRESS=auto`; without a cluster, `ftm run --llm serve` serves the model while it runs"
        )
    from ray.exceptions import RayError  # noqa: TID251 - Ray's errors are recognised by type

    from ftm_ray.run.session import ray_session

    with shown_progress(error_console()) as show:
        try:
            with ray_session(lambda: show(Step("start", 0, 1, detail="joining Ray")), {}):
                yield show
        except RayError as error:
            raise lost_part(error, "run the same command again") from error
