"""`ftm sentiment` between the command and the work: the configuration, and progress."""

from typing import TYPE_CHECKING

from ftm_ray.cli.launch.ray_errors import ray_errors
from ftm_ray.cli.launch.run import quiet_ray_data, step_of
from ftm_ray.cli.options import Options
from ftm_ray.cli.progress import shown_progress
from ftm_ray.cli.screens.shapes import error_console
from ftm_ray.config import RunConfig, load_config

if TYPE_CHECKING:
    from ftm_ray.run.tone import ToneOutcome


def sentiment_config(options: Options) -> RunConfig:
    """Settings from the file and the flags; a flag that is not given leaves the file's value.

    Raises:
        ConfigError: The file or a flag is wrong.
    """
    names = ("model", "precision", "word_list")
    flags = {f"sentiment.{name}": options[name] for name in names} | {"workers": options["workers"]}
    return load_config(options["config"], flags)


def launch_sentiment(root: str, quarter: str, config: RunConfig, take_lock: bool) -> "ToneOutcome":
    """Score a quarter with progress shown; an error that crossed Ray comes out as itself.

    Raises:
        FtmError: As `tone.score_quarter` does.
        RetryableError: Ray lost a worker and could not replace it.
    """
    from ftm_ray.run.tone import score_quarter

    quiet_ray_data()
    with ray_errors(), shown_progress(error_console()) as show:
        return score_quarter(
            root,
            quarter,
            config,
            lambda progress: show(step_of(progress)),
            take_lock,
        )
