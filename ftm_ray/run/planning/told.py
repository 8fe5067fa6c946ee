"""What a plan takes out of a run.json, looked at before it is used: any file may be given, of any version."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ftm_ray.config import RunConfig
from ftm_ray.errors import ConfigError
from ftm_ray.run.planning.work import Work

Seconds = Annotated[float, Field(ge=0.0, allow_inf_nan=False)]
Number = Annotated[int, Field(ge=0)]

#: A value in a message is cut off here.
_SHOWN = 60


class _Told(BaseModel):
    """Frozen; what else a record holds is none of a plan's business."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Counts(_Told):
    """How much was done."""

    n_firms: Number
    n_sentences: Number
    n_topics: Number


class StepSeconds(_Told):
    """How long steps took; what has a default was not done in every run, or not by earlier versions."""

    map: Seconds
    reduce: Seconds
    themes: Seconds
    embed_s: Seconds
    cluster_s: Seconds
    start: Seconds = 0.0
    describe_themes: Seconds = 0.0
    support_model: Seconds = 0.0


class Asked(_Told):
    """What became of the questions about topics."""

    n_requests: Number
    request_s: Seconds


class Llm(_Told):
    """Who was asked for names."""

    topics: Asked


class NodesSeen(_Told):
    """Nodes of one type and market that were there."""

    type: str
    market: str | None = None
    n_nodes: Number
    node_s: Seconds


class Cost(_Told):
    """What was counted for the cost."""

    nodes: tuple[NodesSeen, ...]
    n_actors: Number = 0
    n_batches_before: Number = 0


class ToldRun(_Told):
    """A run, as its run.json tells it. Its `llm` is null without one, its `cost` in records of earlier versions."""

    run_id: str
    config: RunConfig
    counts: Counts
    seconds: StepSeconds
    llm: Llm | None
    cost: Cost | None = None

    @property
    def work(self) -> Work:
        """How much that run did."""
        return Work(self.counts.n_firms, self.counts.n_sentences, self.counts.n_topics)

    @property
    def is_served(self) -> bool:
        """Whether the run's own nodes served the model: it was asked for, or nothing else was."""
        return self.llm is not None and self.config.llm.endpoint in (None, "serve")


def read_run(record: Mapping[str, Any], where: str) -> ToldRun:
    """A run.json as a plan reads it.

    Args:
        record: Its content.
        where: Its file or quarter, for messages.

    Raises:
        ConfigError: It is no record of a run, it did not do all of its work itself, or it is too small to tell.
    """
    try:
        run = ToldRun.model_validate(record)
    except ValidationError as error:
        raise ConfigError(
            f"--from-run {where} is no run.json of a finished run that this version can read: {_problem(error)}; "
            "give one that `ftm run` wrote"
        ) from error
    _check_tells_rates(run, where)
    return run


def _problem(error: ValidationError) -> str:
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"])
    if first["type"] == "missing":
        return f"it lacks '{place}'"
    if first["type"] == "extra_forbidden":
        return f"it has a setting '{place}', which is not known here"
    return f"{place}: {first['msg']} (got {first['input']!r:.{_SHOWN}})"


def _check_tells_rates(run: ToldRun, where: str) -> None:
    seconds, counts = run.seconds, run.counts
    if run.cost is not None and run.cost.n_batches_before:
        raise ConfigError(
            f"--from-run {where}: that run found {run.cost.n_batches_before} of its batches done by an earlier one, so "
            "its seconds are too few; give a run that did all of its work itself"
        )
    if not all((counts.n_firms, counts.n_sentences, counts.n_topics, seconds.map, seconds.reduce, seconds.embed_s)):
        raise ConfigError(
            f"--from-run {where}: that run found no topic, or took no time, so it tells no rates: {counts.n_firms} "
            f"firms, {counts.n_sentences} sentences, {counts.n_topics} topics, {seconds.map:g} s of map, "
            f"{seconds.reduce:g} s of reduce, {seconds.embed_s:g} s of encoding; give one that found topics"
        )
    if seconds.map * 1000 < seconds.embed_s:  # a thousand actors at once: parts of an earlier run
        raise ConfigError(
            f"--from-run {where}: its map took far less time than its firms did, so an earlier run has done them; give "
            "a run that did all of its work itself"
        )
