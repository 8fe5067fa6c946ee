"""Several quarters in one go: what they share is Ray and, where one is served, the model.

They are run one after the other (docs/adr/0030-one-quarter-after-the-other.md).
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from ftm_ray.config import RunConfig
from ftm_ray.errors import SourceError
from ftm_ray.lake.runs import is_published, run_ids
from ftm_ray.lake.storage import Lake
from ftm_ray.run.endpoint import with_endpoint
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
        exit: Exit code that `ftm run` would have ended with; None where it was stopped or not begun.
        record: run.json of what is published; None where nothing is.
        reason: Why it failed; None if it did not.
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
) -> Iterator[None]:
    """Hold Ray, and the model that `config` has served, while the block runs these quarters.

    Runs inside the block find both there and leave them there. Nothing is started where no quarter has work to do.

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
        yield
        return
    with ray_session(lambda: on_progress(Progress("start", 0, 1, "starting Ray")), {}):
        nodes = known_nodes(config.cluster)
        chosen = with_endpoint(config, nodes)
        MapSize.of(chosen, nodes)  # what does not fit is said before a model is started
        if chosen.llm.endpoint != "serve":
            yield
            return
        with served(chosen, nodes, keep_llm, lambda text: on_progress(Progress("LLM", 0, 1, text))):
            yield


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
