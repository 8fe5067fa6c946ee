"""Between a command and the work: options become settings, progress is shown, errors that crossed Ray are unwrapped."""

import asyncio
import logging
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ftm_ray.cli.progress import OnStep, Step, shown_progress
from ftm_ray.cli.screens import error_console
from ftm_ray.config import LlmSettings, RunConfig, llm_api_key, load_config
from ftm_ray.errors import ConfigError, FtmError, RetryableError, SourceError
from ftm_ray.lake.storage import Lake
from ftm_ray.naming.account import LlmAccount
from ftm_ray.naming.endpoint_check import check_endpoint
from ftm_ray.sources.files.source import FilesSettings, FilesSource
from ftm_ray.sources.prefetch import PrefetchReport, prefetch_quarter

if TYPE_CHECKING:
    from ftm_ray.naming.compare import Comparison
    from ftm_ray.run.pipeline import RunOutcome

logger = logging.getLogger(__name__)

Options = Mapping[str, Any]  # as click hands them over, by the name of the option

#: Options of `ftm prefetch` that only one of the sources knows.
FILES_OPTIONS = ("paths", "ids", "links", "columns")
WRDS_OPTIONS = ("as_of", "keep_unlinked", "firms", "limit", "dry_run", "schemas")


def launch_prefetch(lake: Lake, quarter: str, options: Options) -> PrefetchReport:
    """Bring a quarter in from files or from WRDS, with progress shown on standard error."""
    if options["source"] == "wrds":
        from ftm_ray.cli.launch_wrds import prefetch_from_wrds

        return prefetch_from_wrds(lake, quarter, options)
    source = FilesSource(files_settings(options))
    with shown_progress(error_console()) as show:
        return prefetch_quarter(
            lake,
            quarter,
            source,
            lambda stage, done, total: show(Step(stage, done, total, "firms")),
            options["take_lock"],
        )


def launch_run(root: str, quarter: str, options: Options) -> "RunOutcome":
    """Run a quarter with progress shown; an error that crossed Ray comes out as itself.

    Raises:
        FtmError: As `pipeline.run_quarter` does.
        RetryableError: Ray lost a worker and could not replace it.
    """
    config = run_config(options)
    from ftm_ray.run.pipeline import RunOptions, run_quarter

    _quiet_ray_data()
    with _ray_errors(), shown_progress(error_console()) as show:
        return run_quarter(
            root,
            quarter,
            config,
            lambda p: show(Step(p.stage, p.done, p.total, "sentences" if p.total > 1 else "", p.detail)),
            RunOptions(options["keep_llm"], options["take_lock"]),
        )


def _quiet_ray_data() -> None:
    """Ray Data tells each error of a worker twice in a hundred lines; ours is one sentence, and -v shows theirs, too.

    An error that is not ours still ends the command with its traceback.
    """
    logging.getLogger("ray.data._internal.progress").setLevel(logging.ERROR)  # its offer to show its own progress
    if not logger.isEnabledFor(logging.DEBUG):
        for name in ("exceptions", "_internal.execution.streaming_executor_state"):
            logging.getLogger(f"ray.data.{name}").setLevel(logging.CRITICAL)


@contextmanager
def _ray_errors() -> Iterator[None]:
    """An error of ours that crossed Ray comes out as itself, and the loss of a worker as one sentence."""
    from ray.exceptions import RayError, RayTaskError  # noqa: TID251 - Ray wraps our errors; types decide, not texts

    try:
        yield
    except RayTaskError as error:
        if isinstance(error.cause, FtmError):
            raise error.cause from error
        raise
    except RayError as error:
        last_line = str(error).strip().rpartition("\n")[2]
        raise RetryableError(
            f"Ray lost a part of itself ({last_line}); the same command goes on where it stopped"
        ) from error


def launch_compare(lake: Lake, quarter: str, options: Options) -> "Comparison":
    """Have two LLMs name the same topics, with progress shown; one of them may be served here for the while.

    Raises:
        ConfigError: Both are to be served, an endpoint is none, or a key is refused.
    """
    from ftm_ray.naming.compare import Side, compare_llms

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
    return _checked_endpoint(settings, f"--{letter}")


async def _refuse_silence(settings: LlmSettings) -> None:
    """A comparison with an endpoint that is not there would be a page of gaps."""
    trouble = await check_endpoint(settings, llm_api_key(settings), LlmAccount())
    if trouble:
        raise SourceError(f"{trouble}; start it or check its URL")


@contextmanager
def _served_here(settings: LlmSettings, config: RunConfig, show: OnStep) -> Iterator[LlmSettings]:
    from ftm_ray.run.session import ray_session
    from ftm_ray.serving.deployment import served

    with (
        _ray_errors(),
        ray_session(lambda: show(Step("start", 0, 1, detail="starting Ray")), {}),
        served(settings, config.serve, False, lambda text: show(Step("LLM", 0, 1, detail=text))) as url,
    ):
        yield settings.served_at(url)


def run_config(options: Options) -> RunConfig:
    """Settings from the file and the flags; a flag that is not given leaves the file's value."""
    flags = {
        "llm.endpoint": options["llm"],
        "llm.model": options["llm_model"],
        "workers": options["workers"],
        "keep_unlinked": options["keep_unlinked"] or None,
    }
    config = load_config(options["config"], flags)
    _checked_endpoint(config.llm, "--llm")
    return config


def _checked_endpoint(settings: LlmSettings, flag: str) -> LlmSettings:
    endpoint = settings.endpoint
    if endpoint in (None, "none", "serve"):
        return settings
    try:
        parts = urlsplit(endpoint)
        is_url = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number
        is_url = False
    if not is_url:
        raise ConfigError(f"{flag} {endpoint}: expected none, serve, or a URL such as http://localhost:8000/v1")
    return settings


def files_settings(options: Options) -> FilesSettings:
    """Which files to read and how.

    Raises:
        ConfigError: No file is given, a --column is not OURS=THEIRS, or an option of WRDS is given.
    """
    misplaced = [name for name in WRDS_OPTIONS if options[name]]
    if misplaced:
        name = "schema" if misplaced[0] == "schemas" else misplaced[0].replace("_", "-")
        raise ConfigError(f"--{name} is for --from wrds; files are read with --path")
    if not options["paths"]:
        raise ConfigError("no transcripts given: say --path FILE, folder or glob, or --from wrds")
    pairs = [text.partition("=") for text in options["columns"]]
    wrong = [ours for ours, equals, theirs in pairs if not (ours and equals and theirs)]
    if wrong:
        raise ConfigError(f"--column {wrong[0]}: expected OURS=THEIRS, such as --column text=body")
    columns = {ours: theirs for ours, _, theirs in pairs}
    return FilesSettings(tuple(options["paths"]), columns, options["ids"], options["links"])
