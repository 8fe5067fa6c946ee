"""`ftm run-quarters` between the command and the work: quarters in order, of which none stops the others."""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ftm_ray.cli.launch.notify import tell_end
from ftm_ray.cli.launch.ray_errors import ray_errors
from ftm_ray.cli.launch.run import launch_run, run_config, step_of
from ftm_ray.cli.options import Options
from ftm_ray.cli.progress import shown_progress
from ftm_ray.cli.screens.notice import RunEnd
from ftm_ray.cli.screens.shapes import error_console
from ftm_ray.config import RunConfig
from ftm_ray.errors import FtmError

if TYPE_CHECKING:
    from ftm_ray.run.quarters import QuarterResult

logger = logging.getLogger(__name__)

#: Of an error that is not ours: as Python itself ends.
_EXIT_UNKNOWN = 1


OnResults = Callable[[list["QuarterResult"]], None]


def launch_quarters(root: str, quarters: Sequence[str], options: Options, on_results: OnResults) -> int:
    """Run quarters in order, with progress shown; returns the highest exit code.

    Args:
        root: ROOT.
        quarters: In the order in which they are run.
        options: Those of `ftm run`, for all of them; `lineage` = link each quarter when it is published.
        on_results: Gets the results of all quarters at the end, also where Ctrl-C or SIGTERM was the end.

    Raises:
        FtmError: A flag is wrong, or Ray or the model cannot be started, so that no quarter was begun.
    """
    from ftm_ray.run.progress import Progress
    from ftm_ray.run.quarters import QuarterResult, link_quarter, shared_by_quarters

    def begins(progress: Progress) -> None:
        with shown_progress(error_console()) as show:
            show(step_of(progress))

    config = run_config(options)
    results: list[QuarterResult] = []
    with (
        _told_if_none_begins(root, quarters, config, results),
        ray_errors(),
        shared_by_quarters(root, quarters, config, options["keep_llm"], begins) as asking,
    ):
        start = time.perf_counter()
        try:
            for quarter in quarters:
                start = time.perf_counter()
                logger.info("%s begins, %d of %d", quarter, len(results) + 1, len(quarters))
                result = _one_quarter(root, quarter, config, options["take_lock"])
                results.append(link_quarter(root, result, asking) if options["lineage"] else result)
        finally:
            if len(results) < len(quarters):
                results.append(QuarterResult(quarters[len(results)], "stopped", time.perf_counter() - start))
            results += [QuarterResult(left, "not begun") for left in quarters[len(results) :]]
            on_results(results)
    return max(result.exit or 0 for result in results)


@contextmanager
def _told_if_none_begins(
    root: str, quarters: Sequence[str], config: RunConfig, results: Sequence["QuarterResult"]
) -> Iterator[None]:
    """Each quarter tells of its own end; where Ray or the model does not start there is none."""
    start = time.perf_counter()
    try:
        yield
    except FtmError as error:
        if not results:
            reason = f"none of {len(quarters)} quarters was begun: {error}"
            tell_end(config.notify, RunEnd(quarters[0], root, "failed", time.perf_counter() - start, reason=reason))
        raise


def _one_quarter(root: str, quarter: str, config: RunConfig, take_lock: bool) -> "QuarterResult":
    from ftm_ray.run.quarters import QuarterResult

    start = time.perf_counter()
    try:
        outcome = launch_run(root, quarter, config, False, take_lock)
    except FtmError as error:
        reason, code = str(error), error.exit_code
        logger.error("%s failed: %s", quarter, reason)
    except Exception as error:  # noqa: BLE001 - a night's other quarters do not stop; it is told with all its lines
        reason, code = f"{error.__class__.__name__}: {error}", _EXIT_UNKNOWN
        logger.exception("%s failed", quarter)
    else:
        status = "was done" if outcome.already_done else "published"
        return QuarterResult(quarter, status, time.perf_counter() - start, 0, outcome.record)
    return QuarterResult(quarter, "failed", time.perf_counter() - start, code, reason=reason)
