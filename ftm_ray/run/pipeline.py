"""The run of one quarter on Ray. It reads like the picture in the README.

    manifest -> [ find topics -> name -> write part ] per batch of firms -> themes -> publish -> run.json

One block of Ray Data is one batch of firms is one row group of the prefetch store is one part file. The driver sees
only a row of counts per batch, so its memory does not grow with the quarter. A part file that is there is never made
again: a rerun of the same command goes on where the last one stopped. The datasets are built in `datasets.py`, the
fits of themes in `theme_fits.py`; what else here touches Ray asks it for nodes (`nodes.py`, `waiting.py`).
"""

import json
import logging
import shlex
from collections.abc import Callable
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import ray

from ftm_ray.config import RunConfig, llm_api_key
from ftm_ray.environment import ray_address
from ftm_ray.errors import QualityError
from ftm_ray.lake.locks import quarter_lock
from ftm_ray.lake.runs import RunFiles, is_published, run_ids, with_digest
from ftm_ray.lake.s3_traffic import S3Traffic, taken
from ftm_ray.lake.storage import Lake
from ftm_ray.machines.prices import load_prices
from ftm_ray.naming.account import LlmAccount
from ftm_ray.naming.entailment import borne_out_class
from ftm_ray.naming.outcomes import Outcome
from ftm_ray.run.actors import ACCOUNT, COUNTS, PROMPT, TRAFFIC
from ftm_ray.run.counts import PartCounts
from ftm_ray.run.datasets import AttemptsOnRay, MapStages, embedded_on_ray, judged_on_ray, map_dataset, naming_dataset
from ftm_ray.run.endpoint import answering_llm, with_endpoint
from ftm_ray.run.final_actor import FinalActor
from ftm_ray.run.gates import check_parts
from ftm_ray.run.map_size import MapSize
from ftm_ray.run.metrics import RunMetrics
from ftm_ray.run.nodes import has_head_by_label, known_nodes
from ftm_ray.run.parts_before import parts_made_before
from ftm_ray.run.progress import OnProgress, Progress, SoFar, timed
from ftm_ray.run.record import RunLog, run_record
from ftm_ray.run.reduce import STARTING, Workers
from ftm_ray.run.reduce_report import ReduceReport
from ftm_ray.run.session import own_errors, ray_session
from ftm_ray.run.spending import cost_of_run, dollars_of_nodes
from ftm_ray.run.theme_fits import fits_on_ray
from ftm_ray.run.waiting import watched_cluster
from ftm_ray.schemas.store import Batch
from ftm_ray.sources.manifest import check_chunks, read_manifest

logger = logging.getLogger(__name__)

#: While the publisher works, the run looks so often whether the quarter's lock is still its own.
_LOOK_S = 5.0


@dataclass(frozen=True, slots=True)
class RunOutcome:
    """What a run did: its record (run.json), and whether it had been done before."""

    record: dict[str, Any]
    already_done: bool


@dataclass(frozen=True, slots=True)
class RunOptions:
    """What changes nothing in the result.

    Attributes:
        keep_llm: Leave the LLM up that this run deployed.
        take_lock: Take over the lock of a run that is dead (docs/s3.md).
    """

    keep_llm: bool = False
    take_lock: bool = False


@dataclass(frozen=True, slots=True)
class MapReport:
    """What the part files hold, and what naming cost this time.

    Attributes:
        counts: Of each batch by its number, whichever run made its part.
        account: What became of the questions of this run.
        traffic: What its actors asked of S3.
    """

    counts: dict[int, PartCounts] = field(default_factory=dict)
    account: LlmAccount = field(default_factory=LlmAccount)
    traffic: S3Traffic = field(default_factory=S3Traffic)

    def total(self) -> PartCounts:
        """The counts of all parts, added in their order."""
        total = PartCounts()
        for _, counts in sorted(self.counts.items()):
            total.add(counts)
        return total


@dataclass(frozen=True, slots=True)
class _Stage:
    """A stream over batches, for its progress: sentences in all, and the batches that are still to do."""

    name: str
    n_sentences: int
    batches: list[Batch]


def run_quarter(
    root: str, quarter: str, config: RunConfig, on_progress: OnProgress, options: RunOptions = RunOptions()
) -> RunOutcome:
    """Find topics and themes of a prefetched quarter and publish them.

    Args:
        root: A folder or s3://bucket/prefix.
        quarter: Such as 2023Q1.
        config: What decides the result, and how many workers do it.
        on_progress: Gets where the run stands.
        options: What changes nothing in the result.

    Raises:
        ConfigError: No LLM was chosen where none can be served, or it cannot be served or refuses the key; or the
            support model cannot judge.
        SourceError: The quarter was not prefetched, another run works on it, or ROOT cannot be read or written.
        QualityError: Too many firms failed, or too few topics have an LLM name; nothing was published.
    """
    prices = load_prices(config.cost.prices)
    taken()  # what this process asked of S3 before is not this run's
    lake = Lake(root)
    manifest = read_manifest(lake, quarter)
    ids = run_ids(config, manifest)
    if is_published(lake, manifest, ids):
        return RunOutcome(lake.read_json(lake.run_file(quarter, ids.run_id)), already_done=True)
    check_chunks(lake, quarter)  # what is damaged there would be in every result
    if config.llm.support_model is not None:
        borne_out_class(config.llm.support_model)  # a model that cannot judge is said before hours of work
    run = RunFiles(lake, manifest, ids.map_id, ids.run_id)
    log = RunLog()
    metrics = RunMetrics(manifest, lambda: dollars_of_nodes(prices, log))
    with quarter_lock(lake, quarter, ids.run_id, options.take_lock) as lock:

        def watched(progress: Progress) -> None:
            lock.check()
            metrics.show(progress)
            on_progress(progress)

        with ray_session(lambda: on_progress(Progress("start", 0, 1, "starting Ray")), log.seconds):
            nodes = known_nodes(config.cluster)
            chosen = with_endpoint(config, nodes)
            size = MapSize.of(chosen, nodes)  # what does not fit is said before a model is started
            log.n_actors = size.n_actors(config, manifest.batches)
            stages = MapStages(size, has_head_by_label(), ray_address() is not None)
            with (
                _shown(run, stages, watched, log) as show,
                answering_llm(chosen, nodes, options.keep_llm, log, show) as config_here,
                metrics.until_the_end(),
            ):
                try:
                    report = _map_and_reduce(run, config_here, stages, log, show)
                except QualityError as error:
                    raise _with_reading(error, run, config_here) from error
                log.cost = cost_of_run(root, chosen, prices, log, report)
                record = with_digest(run_record(run, config, report, log))
                metrics.end(record)
                lock.check()  # run.json says that all is whole: not if somebody else publishes by now
                lake.write_json(lake.run_file(quarter, ids.run_id), record)  # before the model goes: that takes a while
    on_progress(Progress("themes", 1, 1, f"{record['quality']['n_themes']} themes published"))
    return RunOutcome(record, already_done=False)


def _with_reading(error: QualityError, run: RunFiles, config: RunConfig) -> QualityError:
    """A refusal with the command that shows all that was refused, where an LLM was asked."""
    if config.llm.endpoint == "none":
        return error
    command = f"ftm llm read {run.quarter} --root {shlex.quote(run.lake.root)} --map {run.map_id}"
    return QualityError(f"{error}\nTo read all answers beside their sentences: `{command}`")


def _shown(
    run: RunFiles, stages: MapStages, on_progress: OnProgress, log: RunLog
) -> AbstractContextManager[OnProgress]:
    """Progress, and on a cluster with what is waited for."""
    if not stages.is_cluster:
        return nullcontext(on_progress)
    return watched_cluster(run.lake, run.quarter, on_progress, log.starting_s)


def _map_and_reduce(
    run: RunFiles, config: RunConfig, stages: MapStages, log: RunLog, on_progress: OnProgress
) -> ReduceReport:
    start_early = stages.size.has_idle_core(config, run.manifest.batches)
    publisher = _start_publisher(config, stages) if start_early else None
    try:
        with timed(log.seconds, "map"):
            mapped = _map(run, config, stages, log, on_progress)
        log.parts, log.topics, log.traffic = mapped.total(), mapped.account, mapped.traffic
        check_parts(run.quarter, config, log.parts, log.topics)
        on_progress(Progress("themes", 0, 1, "clustering the topics of all firms"))
        run.lake.delete_file(run.lake.run_file(run.quarter, run.run_id))  # until the new one, nothing is whole
        with timed(log.seconds, "reduce"):
            publisher = publisher or _start_publisher(config, stages)
            report = _published(publisher, run, lambda step: on_progress(Progress("themes", 0, 1, step)))
    finally:
        if publisher is not None:
            ray.kill(publisher)
    logger.debug("one prompt of the themes:\n%s", report.theme_prompt)
    return report


# --- map -----------------------------------------------------------------------------------------------------------


def _map(run: RunFiles, config: RunConfig, stages: MapStages, log: RunLog, on_progress: OnProgress) -> MapReport:
    """Make every part file that is missing; then name what an earlier run could not name."""
    report = MapReport()
    batches = run.manifest.batches
    made = parts_made_before(run, config.keep_vectors, on_progress)
    report.counts.update(made)
    log.n_batches_before = len(made)
    missing = [batch for batch in batches if batch.number not in made]
    done = run.manifest.n_sentences - sum(batch.n_sentences for batch in missing)
    so_far = SoFar(report.total(), report.account, len(missing))
    on_progress(Progress("firm topics", done, run.manifest.n_sentences, _batches_left(run, missing), so_far))
    if missing:
        stage = _Stage("firm topics", run.manifest.n_sentences, missing)
        with closing(AttemptsOnRay()) as attempts:
            _drain(map_dataset(run, config, stages, missing, attempts), stage, report, on_progress)
    unnamed = [batch for batch in batches if batch.number in made and made[batch.number].n_unnamed]
    if unnamed and config.llm.endpoint != "none":
        stage = _Stage("missing names", sum(b.n_sentences for b in unnamed), unnamed)
        so_far = SoFar(report.total(), report.account, len(unnamed))  # the clock of its speed begins here
        on_progress(Progress(stage.name, 0, stage.n_sentences, f"{len(unnamed)} batches", so_far))
        _drain(naming_dataset(run, config, stages, unnamed), stage, report, on_progress)
    return report


def _drain(data: ray.data.Dataset, stage: _Stage, report: MapReport, on_progress: OnProgress) -> None:
    """Run the stream; each row that comes out is one finished part, whose counts go into the report."""
    done = stage.n_sentences - sum(batch.n_sentences for batch in stage.batches)
    left, account, now = len(stage.batches), LlmAccount(), PartCounts()
    for row in data.iter_rows():
        done, left = done + row["n_sentences"], left - 1
        counts = PartCounts.from_json(row[COUNTS])
        report.counts[row["batch"]] = counts
        report.traffic.add(S3Traffic(**json.loads(row[TRAFFIC])))
        now.add(counts)
        if ACCOUNT in row:
            asked = LlmAccount(**json.loads(row[ACCOUNT]))
            account.add(asked)
            report.account.add(asked)
            if row[PROMPT] is not None:  # a batch whose firms have no topics asks nothing
                logger.debug("one prompt of batch %d:\n%s", row["batch"], row[PROMPT])
        n_unnamed = account.n_questions - account.outcomes.get(Outcome.NAMED, 0)
        detail = f"{now.n_topics} topics, {left} of {len(stage.batches)} batches left"
        detail += f", {n_unnamed} without a name" if n_unnamed else ""
        detail += f", {now.n_failed} firms failed" if now.n_failed else ""
        so_far = SoFar(report.total(), report.account, left)
        on_progress(Progress(stage.name, done, stage.n_sentences, detail, so_far))


def _batches_left(run: RunFiles, missing: list[Batch]) -> str:
    n = len(run.manifest.batches)
    if len(missing) == n:
        return f"{run.manifest.n_firms} firms in {n} batches"
    return f"{n - len(missing)} of {n} batches are done already, {len(missing)} left"


# --- reduce ----------------------------------------------------------------------------------------------


def _start_publisher(config: RunConfig, stages: MapStages) -> Any:
    """Start the final actor. Any: Ray's typing does not know the methods of remote classes."""
    actor: Any = ray.remote(FinalActor)
    final = actor.options(**stages.final_actor_options(config), max_concurrency=2)  # publish, and say what it is at
    beside = stages.size_beside_final(config)
    judge = partial(judged_on_ray, config, beside) if config.llm.support_model is not None else None
    workers = Workers(fits_on_ray, judge, partial(embedded_on_ray, config, beside))
    return final.remote(config, llm_api_key(config.llm), stages.final_device(config), workers)


def _published(publisher: Any, run: RunFiles, on_wait: Callable[[str], None]) -> ReduceReport:
    """Wait for the publisher; say now and then what it is at, to what also ends the run if its lock is lost."""
    publication, question, step = publisher.publish.remote(run), publisher.step.remote(), STARTING
    while not ray.wait([publication], timeout=_LOOK_S)[0]:
        if ray.wait([question], timeout=0)[0]:
            step, question = ray.get(question), publisher.step.remote()
        on_wait(step)
    with own_errors():  # its text is added to, and shown to a person
        report: ReduceReport = ray.get(publication)
    return report
