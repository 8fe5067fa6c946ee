"""Several quarters in one go: what they share is Ray and, where one is served, the model.

They are run one after the other (docs/adr/0030-one-quarter-after-the-other.md).
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from ftm_ray.config import LlmSettings, RunConfig
from ftm_ray.errors import FtmError, SourceError
from ftm_ray.lake.runs import is_published, run_ids
from ftm_ray.lake.storage import Lake
from ftm_ray.run.endpoint import with_endpoint
from ftm_ray.run.lineage import extend_lineage
from ftm_ray.run.map_size import MapSize
from ftm_ray.run.nodes import known_nodes
from ftm_ray.run.progress import OnProgress, Progress
from ftm_ray.run.session import ray_session
from ftm_ray.serving.deployment import served
from ftm_ray.sources.manifest import read_manifest


@dataclass(frozen=True, slots=True)
class QuarterResult:
    """What became of one quarter.

    Attributes:
        quarter: Such as 2023Q1.
        status: 'published', 'was done', 'failed', 'stopped', or 'not begun'.
        seconds: That it took now; None where it was not begun.
        exit: Exit code that `ftm run`, or linking it, would have ended with; None where it was stopped or not begun.
        record: run.json of what is published; None where nothing is.
        reason: Why it failed, or was not linked; None if neither.
    """

    quarter: str
    status: str
    seconds: float | None = None
    exit: int | None = None
    record: dict[str, Any] | None = None
    reason: str | None = None


@contextmanager
def shared_by_quarters(
    root: str, quarters: Sequence[str], config: RunConfig, keep_llm: bool, on_progress: OnProgress
) -> Iterator[RunConfig]:
    """Hold Ray, and the model that `config` has served, while the block runs these quarters.

    Runs inside the block find both there and leave them there. Nothing is started where no quarter has work to do.
    Gives the configuration with the URL of the LLM that answers now; its endpoint is none where there is no such.

    Args:
        root: ROOT.
        quarters: All that the block will run.
        config: That of all of them.
        keep_llm: Leave the model up afterwards.
        on_progress: Gets how far Ray and the model are.

    Raises:
        ConfigError, RetryableError: As `run_quarter` does where Ray or the model cannot be started.
    """
    if not _is_work_left(Lake(root), quarters, config):
        yield config if config.llm.endpoint not in (None, "serve") else _asking(config, LlmSettings(endpoint="none"))
        return
    with ray_session(lambda: on_progress(Progress("start", 0, 1, "starting Ray")), {}):
        nodes = known_nodes(config.cluster)
        chosen = with_endpoint(config, nodes)
        MapSize.of(chosen, nodes)  # what does not fit is said before a model is started
        if chosen.llm.endpoint != "serve":
            yield chosen
            return
        with served(chosen, nodes, keep_llm, lambda text: on_progress(Progress("LLM", 0, 1, text))) as url:
            yield _asking(chosen, chosen.llm.served_at(url))


def link_quarter(root: str, result: QuarterResult, config: RunConfig) -> QuarterResult:
    """Link a quarter that is published; where lineage waits for a gap, or its LLM is silent, the result says so.

    Args:
        root: ROOT.
        result: What became of the quarter; one that failed is left as it is.
        config: Whose LLM says whether old names fit.
    """
    if result.exit != 0:
        return result
    try:
        extend_lineage(root, [result.quarter], config=config)
    except FtmError as error:
        return replace(result, exit=error.exit_code, reason=f"not linked: {error}")
    return result


def _asking(config: RunConfig, llm: LlmSettings) -> RunConfig:
    return config.model_copy(update={"llm": llm})


def _is_work_left(lake: Lake, quarters: Sequence[str], config: RunConfig) -> bool:
    """Whether any quarter is not published yet; one that was not brought in fails by itself, without a model."""
    for quarter in quarters:
        try:
            manifest = read_manifest(lake, quarter)
        except SourceError:
            continue
        if not is_published(lake, manifest, run_ids(config, manifest)):
            return True
    return False
