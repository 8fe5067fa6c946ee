"""`ftm run` between the command and the work: the configuration, progress, and few words of Ray Data."""

import logging
from typing import TYPE_CHECKING

from ftm_ray.cli.launch.endpoint import checked_endpoint
from ftm_ray.cli.launch.notify import told
from ftm_ray.cli.launch.ray_errors import ray_errors
from ftm_ray.cli.options import Options
from ftm_ray.cli.progress import Step, shown_progress
from ftm_ray.cli.screens.shapes import error_console
from ftm_ray.config import RunConfig, load_config
from ftm_ray.machines.prices import load_prices

if TYPE_CHECKING:
    from ftm_ray.run.pipeline import RunOutcome
    from ftm_ray.run.progress import Progress

logger = logging.getLogger(__name__)


def run_config(options: Options) -> RunConfig:
    """Settings from the file and the flags; a flag that is not given leaves the file's value.

    Raises:
        ConfigError: The file or a flag is wrong.
    """
    flags = {
        "llm.endpoint": options["llm"],
        "llm.model": options["llm_model"],
        "llm.support_model": options.get("support_model"),
        "workers": options["workers"],
        "themes.stability": options.get("stability"),
        "keep_unlinked": options["keep_unlinked"] or None,
        "keep_vectors": options.get("keep_vectors") or None,
        "cost.prices": options.get("prices"),
    }
    config = load_config(options["config"], flags)
    load_prices(config.cost.prices)  # a mistake in it is said before hours of work
    checked_endpoint(config.llm, "--llm")
    return config


def launch_run(root: str, quarter: str, config: RunConfig, keep_llm: bool, take_lock: bool) -> "RunOutcome":
    """Run a quarter with progress shown; an error that crossed Ray comes out as itself. Who wants to know is told.

    Raises:
        FtmError: As `pipeline.run_quarter` does.
        RetryableError: Ray lost a worker and could not replace it.
    """
    from ftm_ray.run.pipeline import RunOptions, run_quarter

    quiet_ray_data()
    with told(root, quarter, config.notify) as tell:
        with ray_errors(), shown_progress(error_console()) as show:
            outcome = run_quarter(
                root,
                quarter,
                config,
                lambda progress: show(step_of(progress)),
                RunOptions(keep_llm, take_lock),
            )
        tell(outcome)
    return outcome


def step_of(progress: "Progress") -> Step:
    """Where the work on Ray stands, as the bars show it."""
    unit = "sentences" if progress.total > 1 else ""
    return Step(progress.stage, progress.done, progress.total, unit, progress.detail)


def quiet_ray_data() -> None:
    """Ray Data tells each error of a worker twice in a hundred lines; ours is one sentence, and -v shows theirs, too.

    An error that is not ours still ends the command with its traceback.
    """
    logging.getLogger("ray.data._internal.progress").setLevel(logging.ERROR)  # its offer to show its own progress
    # "may hang forever unless the cluster scales up", where the run's own progress says what it waits for, and why;
    # that a share of a card beside one of a core is experimental; that a pool that begins at its full size never grows.
    for name in (
        "execution.resource_manager",
        "execution.operators.map_operator",
        "actor_autoscaler.default_actor_autoscaler",
    ):
        logging.getLogger(f"ray.data._internal.{name}").setLevel(logging.ERROR)
    if not logger.isEnabledFor(logging.DEBUG):
        for name in ("exceptions", "_internal.execution.streaming_executor_state"):
            logging.getLogger(f"ray.data.{name}").setLevel(logging.CRITICAL)
