"""The run of one quarter on Ray: the only file that touches `ray.data`. It reads like the picture in the README.

    manifest -> [ read -> find topics -> name -> write part ] per batch of firms -> themes -> publish -> run.json

One block of Ray Data is one batch of firms is one row group of the prefetch store is one part file. The driver sees
only a row of counts per batch, so its memory does not grow with the quarter. A part file that is there is never made
again: a rerun of the same command goes on where the last one stopped.
"""

import asyncio
import json
import logging
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import ray
from pydantic import SecretStr
from ray.data import ActorPoolStrategy, DataContext

from ftm_ray.config import LlmSettings, RunConfig, llm_api_key
from ftm_ray.errors import ConfigError
from ftm_ray.lake.locks import quarter_lock
from ftm_ray.lake.runs import RunFiles, is_published, part_name, run_ids
from ftm_ray.lake.storage import Lake
from ftm_ray.naming.account import LlmAccount
from ftm_ray.naming.endpoint_check import check_endpoint
from ftm_ray.naming.outcomes import Outcome
from ftm_ray.naming.tokens import ModelTokenizer, token_counter
from ftm_ray.run.actors import ACCOUNT, PROMPT, FirmReader, PartNamer, PartReader, PartWriter, TopicFinder
from ftm_ray.run.gates import check_parts
from ftm_ray.run.publish import SUMMARY_SOURCE, summary_sources
from ftm_ray.run.record import RunLog, run_record
from ftm_ray.run.reduce import ReduceReport, ThemePublisher
from ftm_ray.run.session import ray_session
from ftm_ray.schemas.parts import FirmStatus, SummarySource
from ftm_ray.schemas.store import Batch
from ftm_ray.serving.deployment import served
from ftm_ray.sources.prefetch import read_manifest

logger = logging.getLogger(__name__)

#: Reading, naming and writing wait for disks and networks; they need a sliver of a core each, and topic actors must
#: never take the last one, or reads starve and the run hangs.
_IO_CPUS = 0.1
_TOPIC_CPUS = 0.7

#: A topic actor needs 10 to 20 s of a core to start (imports, model, numba), in which it could do this much work: a
#: second one for less than that makes a small run slower.
_SENTENCES_WORTH_AN_ACTOR = 2500

#: Actors that share one GPU: one firm is far too small to fill a card.
_ACTORS_PER_GPU = 4

#: Batches that the naming actor asks about at once: while the last answers of one come, others keep the endpoint busy.
_BATCHES_AT_ONCE = 8

#: A batch must reach its part file in one piece, so no block may be cut on the way: far above the largest (25 firms
#: with 5,000 sentences each make about 60 MB).
_NEVER_SPLIT_BYTES = 4 << 30

#: Ray Data ends a run that makes no progress for 30 minutes; waiting for Spot capacity can take longer.
_PATIENCE_S = 6 * 3600

#: While the publisher works, the run looks so often whether the quarter's lock is still its own.
_LOOK_S = 5.0

#: One thread per actor (busy OpenMP threads of several processes stall each other), and numba's own thread pool,
#: because with Intel's OpenMP one UMAP call makes every later encode 20 times slower. Bytes depend on it, too.
_ACTOR_ENVIRONMENT = {
    "env_vars": {
        "OMP_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "NUMBA_THREADING_LAYER": "workqueue",
        "TOKENIZERS_PARALLELISM": "false",
    }
}


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a run stands. `done` and `total` count sentences in the map and steps elsewhere."""

    stage: str
    done: int
    total: int
    detail: str = ""


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
class _Counted:
    """A stage over batches, for its progress: sentences in all, and the batches that are still to do."""

    name: str
    total: int
    batches: list[Batch]


OnProgress = Callable[[Progress], None]


@dataclass(frozen=True, slots=True)
class _Room:
    """What the map may take: the cluster's cores, and the GPUs that the served model leaves."""

    cpus: float
    gpus: float

    @classmethod
    def on(cls, config: RunConfig) -> "_Room":
        gpus = ray.available_resources().get("GPU", 0.0)
        use_gpu = config.topics.backend != "cpu" and gpus >= 1 / _ACTORS_PER_GPU
        return cls(ray.cluster_resources().get("CPU", 1.0), gpus if use_gpu else 0.0)

    @property
    def device(self) -> str:
        return "cuda" if self.gpus else "cpu"


def run_quarter(
    root: str, quarter: str, config: RunConfig, on_progress: OnProgress, options: RunOptions = RunOptions()
) -> RunOutcome:
    """Find topics and themes of a prefetched quarter and publish them.

    Args:
        root: A folder or s3://bucket/prefix.
        quarter: Such as 2023Q1.
        config: What decides the result, and how many workers do it.
        on_progress: Told where the run stands.
        options: What changes nothing in the result.

    Raises:
        ConfigError: No LLM was chosen where none can be served, or it cannot be served or refuses the key.
        SourceError: The quarter was not prefetched, another run works on it, or ROOT cannot be read or written.
        QualityError: Too many firms failed, or too few topics have an LLM name; nothing was published.
    """
    lake = Lake(root)
    manifest = read_manifest(lake, quarter)
    ids = run_ids(config, manifest)
    if is_published(lake, manifest, ids):
        return RunOutcome(lake.read_json(lake.run_file(quarter, ids.run_id)), already_done=True)
    run = RunFiles(lake, manifest, ids.map_id, ids.run_id)
    log = RunLog()
    with quarter_lock(lake, quarter, ids.run_id, options.take_lock) as lock:

        def watched(progress: Progress) -> None:
            lock.check()
            on_progress(progress)

        with (
            ray_session(lambda: on_progress(Progress("start", 0, 1, "starting Ray")), log.seconds),
            _llm(config, options.keep_llm, log, watched) as config_here,
        ):
            report = _map_and_reduce(run, config_here, log, watched)
            record = run_record(run, config, report, log)
            lock.check()  # run.json says that all is whole: not if somebody else publishes by now
            lake.write_json(lake.run_file(quarter, ids.run_id), record)  # before the model goes: that takes a while
    on_progress(Progress("themes", 1, 1, f"{record['quality']['n_themes']} themes published"))
    return RunOutcome(record, already_done=False)


def _map_and_reduce(run: RunFiles, config: RunConfig, log: RunLog, on_progress: OnProgress) -> ReduceReport:
    room = _Room.on(config)  # after the model is up, before anything else is
    publisher = _start_publisher(config, room) if _core_to_spare(run, config, room) else None
    try:
        with _timed(log, "map"):
            log.topics = _map(run, config, room, on_progress)
        check_parts(run, config, log.topics)
        clustering = Progress("themes", 0, 1, "clustering the topics of all firms")
        on_progress(clustering)
        run.lake.delete_file(run.lake.run_file(run.quarter, run.run_id))  # until the new one, nothing is whole
        with _timed(log, "reduce"):
            publisher = publisher or _start_publisher(config, room)
            report = _published(publisher.publish.remote(run), lambda: on_progress(clustering))
    finally:
        if publisher is not None:
            ray.kill(publisher)
    logger.debug("one prompt of the themes:\n%s", report.theme_prompt)
    return report


# --- LLM -----------------------------------------------------------------------------------------------------------


@contextmanager
def _llm(config: RunConfig, keep: bool, log: RunLog, on_progress: OnProgress) -> Iterator[RunConfig]:
    """Have an LLM that answers, or none if that was asked for; gives the configuration with its address."""
    endpoint = config.llm.endpoint or _endpoint_by_default()
    if endpoint == "none":
        yield config
    elif endpoint == "serve":
        start = time.perf_counter()
        with served(config.llm, config.serve, keep, lambda text: on_progress(Progress("LLM", 0, 1, text))) as url:
            log.endpoint = url
            log.seconds["llm"] = round(time.perf_counter() - start, 3)
            on_progress(Progress("LLM", 1, 1, f"{config.llm.model} answers at {url}"))
            tokenizer = config.llm.tokenizer or config.serve.model_source
            yield _with(config, config.llm.served_at(url).model_copy(update={"tokenizer": tokenizer}), log)
    else:
        log.endpoint = endpoint
        on_progress(Progress("LLM", 0, 1, f"asking {endpoint}"))
        trouble = asyncio.run(check_endpoint(config.llm, llm_api_key(config.llm), log.check))
        if trouble:
            logger.warning("%s; the map goes on, and names are asked for later", trouble)
        yield _with(config, config.llm, log)


def _endpoint_by_default() -> str:
    """Who gives no --llm has the model served where a GPU is; names of keywords are never a silent default."""
    if ray.cluster_resources().get("GPU", 0) > 0:
        return "serve"
    raise ConfigError(
        "no --llm was given, and Ray sees no GPU to serve a model on. Choose: --llm URL (an OpenAI-compatible "
        "endpoint names the topics), --llm none (keywords stand in, and every row says so), or --llm serve on a "
        "cluster with a GPU (or on CPU with a small model and serve.preset = 'cpu')"
    )


def _with(config: RunConfig, llm: LlmSettings, log: RunLog) -> RunConfig:
    """The configuration with the LLM that answers.

    Whether its tokens are counted or estimated is decided here, once: each actor for itself could find another answer,
    and would say so where nobody reads it.
    """
    tokenizer = llm.tokenizer or llm.model
    is_counted = not llm.estimate_tokens and isinstance(token_counter(tokenizer), ModelTokenizer)
    log.tokenizer = tokenizer if is_counted else None
    return config.model_copy(update={"llm": llm.model_copy(update={"estimate_tokens": not is_counted})})


# --- map -----------------------------------------------------------------------------------------------------------


def _map(run: RunFiles, config: RunConfig, room: _Room, on_progress: OnProgress) -> LlmAccount:
    """Make every part file that is missing; then name what an earlier run could not name. Says what naming cost."""
    account = LlmAccount()
    folder = run.lake.parts_dir(run.quarter, run.map_id)
    run.lake.delete_leftovers(folder)
    finished = set(run.lake.list_files(folder))
    made = [batch for batch in run.manifest.batches if part_name(batch) in finished]
    whole = {batch.number for batch in made if not _has_failed_firm(run, batch)}
    missing = [batch for batch in run.manifest.batches if batch.number not in whole]
    done = run.manifest.n_sentences - sum(batch.n_sentences for batch in missing)
    on_progress(Progress("firm topics", done, run.manifest.n_sentences, _batches_left(run, missing)))
    if missing:
        stage = _Counted("firm topics", run.manifest.n_sentences, missing)
        account.add(_drain(_map_dataset(run, config, room, missing), stage, on_progress))
    unnamed = _unnamed(run, config, [batch for batch in run.manifest.batches if batch not in missing])
    if unnamed:
        stage = _Counted("missing names", sum(b.n_sentences for b in unnamed), unnamed)
        on_progress(Progress(stage.name, 0, stage.total, f"{len(unnamed)} batches"))
        account.add(_drain(_naming_dataset(run, config, unnamed), stage, on_progress))
    return account


def _has_failed_firm(run: RunFiles, batch: Batch) -> bool:
    """A firm may have failed for a passing reason (memory, a card): a rerun tries its batch again."""
    statuses = run.lake.read_table(run.part_path(batch), ["status"])["status"].to_pylist()
    return FirmStatus.FAILED.value in statuses


def _unnamed(run: RunFiles, config: RunConfig, batches: list[Batch]) -> list[Batch]:
    """Batches made earlier in which some topic still waits for its LLM name."""
    if config.llm.endpoint == "none":
        return []
    sources = ((batch, run.lake.read_table(run.part_path(batch), [SUMMARY_SOURCE])) for batch in batches)
    return [batch for batch, part in sources if SummarySource.KEYWORDS.value in summary_sources(part)]


def _map_dataset(run: RunFiles, config: RunConfig, room: _Room, batches: list[Batch]) -> ray.data.Dataset:
    """read -> find topics -> name -> write, as one stream."""
    linked_only = run.manifest.linked and not config.keep_unlinked
    # Largest batches first: the last ones to end are then small, and no worker waits long for another.
    items = _items(sorted(batches, key=lambda batch: (-batch.n_sentences, batch.number)))
    data = items.map_batches(FirmReader, fn_constructor_args=(run,), **_io_stage())
    data = data.map_batches(
        TopicFinder,
        fn_constructor_args=(config, linked_only, room.device),
        **_topic_stage(config, room, batches),
    )
    if config.llm.endpoint != "none":
        data = _named(data, run, config)
    return data.map_batches(PartWriter, fn_constructor_args=(run,), **_io_stage())


def _naming_dataset(run: RunFiles, config: RunConfig, batches: list[Batch]) -> ray.data.Dataset:
    """read part -> name -> write part again."""
    data = _items(batches).map_batches(PartReader, fn_constructor_args=(run,), **_io_stage())
    return _named(data, run, config).map_batches(PartWriter, fn_constructor_args=(run,), **_io_stage())


def _items(batches: list[Batch]) -> ray.data.Dataset:
    context = DataContext.get_current()
    context.enable_progress_bars = False  # ours say what is done in sentences, and read well in a job's log
    context.target_max_block_size = _NEVER_SPLIT_BYTES
    context.execution_options.verbose_progress = False
    context.raise_original_map_exception = True  # so that our errors keep their type on the way to the person
    context.execution_no_progress_timeout_s = _PATIENCE_S
    rows = [{"batch": b.number, "chunk": b.chunk, "row_group": b.row_group} for b in batches]
    return ray.data.from_items(rows, override_num_blocks=len(rows))


def _named(data: ray.data.Dataset, run: RunFiles, config: RunConfig) -> ray.data.Dataset:
    """One actor asks for all names, so that `max_concurrency` holds for the whole run."""
    return data.map_batches(
        PartNamer,
        fn_constructor_args=(run, config, SecretStr(llm_api_key(config.llm))),  # Ray Data logs a stage's arguments
        **_io_stage() | {"compute": ActorPoolStrategy(size=1, max_concurrent_calls_per_actor=_BATCHES_AT_ONCE)},
    )


def _io_stage() -> dict[str, Any]:
    """A stage that waits for disks and networks: one actor, whole batches."""
    return {
        "batch_size": None,
        "batch_format": "pyarrow",
        "num_cpus": _IO_CPUS,
        "compute": ActorPoolStrategy(size=1),
        "runtime_env": _ACTOR_ENVIRONMENT,
    }


def _topic_stage(config: RunConfig, room: _Room, batches: list[Batch]) -> dict[str, Any]:
    """How many topic actors, and what each takes: a share of a GPU where there is one, else a core."""
    if room.gpus:
        able, n_gpus = math.floor(room.gpus * _ACTORS_PER_GPU), 1 / _ACTORS_PER_GPU
    else:  # the reading, naming and writing actors need their slivers, too
        able, n_gpus = math.floor((room.cpus - 3 * _IO_CPUS) / _TOPIC_CPUS), 0
    size = max(1, min(config.workers or _worth_it(batches), able, len(batches)))
    compute = ActorPoolStrategy(size=size, max_tasks_in_flight_per_actor=2)
    return _io_stage() | {"num_cpus": _TOPIC_CPUS, "num_gpus": n_gpus, "compute": compute}


def _worth_it(batches: list[Batch]) -> int:
    """Topic actors that pay for their start."""
    return math.ceil(sum(batch.n_sentences for batch in batches) / _SENTENCES_WORTH_AN_ACTOR)


def _drain(data: ray.data.Dataset, stage: _Counted, on_progress: OnProgress) -> LlmAccount:
    """Run the stream; each row that comes out is one finished part. Says what naming cost."""
    done = stage.total - sum(batch.n_sentences for batch in stage.batches)
    left, n_topics, n_failed = len(stage.batches), 0, 0
    account = LlmAccount()
    for row in data.iter_rows():
        done, left = done + row["n_sentences"], left - 1
        n_topics, n_failed = n_topics + row["n_topics"], n_failed + row["n_failed"]
        if ACCOUNT in row:
            account.add(LlmAccount(**json.loads(row[ACCOUNT])))
            logger.debug("one prompt of batch %d:\n%s", row["batch"], row[PROMPT])
        n_unnamed = account.n_questions - account.outcomes.get(Outcome.NAMED, 0)
        detail = f"{n_topics} topics, {left} of {len(stage.batches)} batches left"
        detail += f", {n_unnamed} without a name" if n_unnamed else ""
        detail += f", {n_failed} firms failed" if n_failed else ""
        on_progress(Progress(stage.name, done, stage.total, detail))
    return account


def _batches_left(run: RunFiles, missing: list[Batch]) -> str:
    n = len(run.manifest.batches)
    if len(missing) == n:
        return f"{run.manifest.n_firms} firms in {n} batches"
    return f"{n - len(missing)} of {n} batches are done already, {len(missing)} left"


# --- reduce ----------------------------------------------------------------------------------------------


def _core_to_spare(run: RunFiles, config: RunConfig, room: _Room) -> bool:
    """Whether a small map leaves a core idle, on which the final actor can already import and compile."""
    n_workers = config.workers or _worth_it(list(run.manifest.batches))
    return not room.gpus and n_workers + 1 <= room.cpus


def _start_publisher(config: RunConfig, room: _Room) -> Any:
    """Start the final actor. Any: Ray's typing does not know the methods of remote classes."""
    n_gpus = 1 / _ACTORS_PER_GPU if room.gpus else 0  # the model may still have the rest of the card
    actor: Any = ray.remote(ThemePublisher)
    actor = actor.options(num_cpus=_IO_CPUS, num_gpus=n_gpus, runtime_env=_ACTOR_ENVIRONMENT)
    return actor.remote(config, llm_api_key(config.llm), room.device)


def _published(publication: Any, on_wait: Callable[[], None]) -> ReduceReport:
    """Wait for the publisher, and call now and then what ends the run if its lock is lost."""
    while not ray.wait([publication], timeout=_LOOK_S)[0]:
        on_wait()
    report: ReduceReport = ray.get(publication)
    return report


@contextmanager
def _timed(log: RunLog, step: str) -> Iterator[None]:
    start = time.perf_counter()
    yield
    log.seconds[step] = round(time.perf_counter() - start, 3)
