"""The run of one quarter on Ray: the only file that touches `ray.data`. It reads like the picture in the README.

    manifest -> [ read -> find topics -> name -> write part ] per batch of firms -> themes -> publish -> run.json

One block of Ray Data is one batch of firms is one row group of the prefetch store is one part file. The driver sees
only a row of counts per batch, so its memory does not grow with the quarter. A part file that is there is never made
again: a rerun of the same command goes on where the last one stopped.
"""

import logging
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import ray
from ray.data import ActorPoolStrategy, DataContext

from ftm_ray.config import RunConfig, llm_api_key, ray_address
from ftm_ray.errors import ConfigError
from ftm_ray.gates import check_parts
from ftm_ray.locks import quarter_lock
from ftm_ray.publish import SUMMARY_SOURCE, summary_sources
from ftm_ray.records import run_record
from ftm_ray.reduce import ReduceReport, ThemePublisher
from ftm_ray.runs import RunFiles, is_published, part_name, run_ids
from ftm_ray.schemas import Batch, FirmStatus, SummarySource
from ftm_ray.sources.prefetch import read_manifest
from ftm_ray.stages import FirmReader, PartNamer, PartReader, PartWriter, TopicFinder
from ftm_ray.storage import Lake

#: Reading, naming and writing wait for disks and networks; they need a sliver of a core each, and topic actors must
#: never take the last one, or reads starve and the run hangs.
_IO_CPUS = 0.1
_TOPIC_CPUS = 0.7

#: A topic actor needs 10 to 20 s of a core to start (imports, model, numba), in which it could do this much work: a
#: second one for less than that makes a small run slower.
_SENTENCES_WORTH_AN_ACTOR = 2500

#: Actors that share one GPU: one firm is far too small to fill a card.
_ACTORS_PER_GPU = 4

#: A batch must reach its part file in one piece, so no block may be cut on the way: far above the largest (25 firms
#: with 5,000 sentences each make about 60 MB).
_NEVER_SPLIT_BYTES = 4 << 30

#: Ray Data ends a run that makes no progress for 30 minutes; waiting for Spot capacity can take longer.
_PATIENCE_S = 6 * 3600

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
class _Counted:
    """A stage over batches, for its progress: sentences in all, and the batches that are still to do."""

    name: str
    total: int
    batches: list[Batch]


OnProgress = Callable[[Progress], None]


def run_quarter(
    root: str, quarter: str, config: RunConfig, on_progress: OnProgress, take_lock: bool = False
) -> RunOutcome:
    """Find topics and themes of a prefetched quarter and publish them; `take_lock` takes over a dead run's lock.

    Raises:
        SourceError: The quarter was not prefetched, another run works on it, or ROOT cannot be read or written.
        QualityError: Too many firms failed, or too few topics have an LLM name; nothing was published.
    """
    lake = Lake(root)
    manifest = read_manifest(lake, quarter)
    ids = run_ids(config, manifest)
    if is_published(lake, manifest, ids):
        return RunOutcome(lake.read_json(lake.run_file(quarter, ids.run_id)), already_done=True)
    run = RunFiles(lake, manifest, ids.map_id, ids.run_id)
    with quarter_lock(lake, quarter, ids.run_id, take_lock) as lock:

        def watched(progress: Progress) -> None:
            lock.check()
            on_progress(progress)

        return _run_and_publish(run, config, watched)


def _run_and_publish(run: RunFiles, config: RunConfig, on_progress: OnProgress) -> RunOutcome:
    lake, quarter = run.lake, run.quarter
    seconds: dict[str, float] = {}
    with _ray_session(on_progress, seconds):
        publisher = _start_publisher(config) if _core_to_spare(run, config) else None
        try:
            start = time.perf_counter()
            _map(run, config, on_progress)
            seconds["map"] = round(time.perf_counter() - start, 3)
            check_parts(run, config)
            on_progress(Progress("themes", 0, 1, "clustering the topics of all firms"))
            lake.delete_file(lake.run_file(quarter, run.run_id))  # until the new record is written, nothing is whole
            start = time.perf_counter()
            publisher = publisher or _start_publisher(config)
            report: ReduceReport = ray.get(publisher.publish.remote(run))
            seconds["reduce"] = round(time.perf_counter() - start, 3)
        finally:
            if publisher is not None:
                ray.kill(publisher)
    record = run_record(run, config, report, seconds)
    lake.write_json(lake.run_file(quarter, run.run_id), record)
    on_progress(Progress("themes", 1, 1, f"{record['quality']['n_themes']} themes published"))
    return RunOutcome(record, already_done=False)


# --- map -----------------------------------------------------------------------------------------------------------


def _map(run: RunFiles, config: RunConfig, on_progress: OnProgress) -> None:
    """Make every part file that is missing; then name what an earlier run could not name."""
    folder = run.lake.parts_dir(run.quarter, run.map_id)
    run.lake.delete_leftovers(folder)
    finished = set(run.lake.list_files(folder))
    made = [batch for batch in run.manifest.batches if part_name(batch) in finished]
    whole = {batch.number for batch in made if not _has_failed_firm(run, batch)}
    missing = [batch for batch in run.manifest.batches if batch.number not in whole]
    done = run.manifest.n_sentences - sum(batch.n_sentences for batch in missing)
    on_progress(Progress("firm topics", done, run.manifest.n_sentences, _batches_left(run, missing)))
    if missing:
        _drain(
            _map_dataset(run, config, missing), _Counted("firm topics", run.manifest.n_sentences, missing), on_progress
        )
    unnamed = _unnamed(run, config, [batch for batch in run.manifest.batches if batch not in missing])
    if unnamed:
        stage = _Counted("missing names", sum(b.n_sentences for b in unnamed), unnamed)
        on_progress(Progress(stage.name, 0, stage.total, f"{len(unnamed)} batches"))
        _drain(_naming_dataset(run, config, unnamed), stage, on_progress)


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


def _map_dataset(run: RunFiles, config: RunConfig, batches: list[Batch]) -> ray.data.Dataset:
    """read -> find topics -> name -> write, as one stream."""
    linked_only = run.manifest.linked and not config.keep_unlinked
    # Largest batches first: the last ones to end are then small, and no worker waits long for another.
    items = _items(sorted(batches, key=lambda batch: (-batch.n_sentences, batch.number)))
    data = items.map_batches(FirmReader, fn_constructor_args=(run,), **_io_stage())
    data = data.map_batches(
        TopicFinder,
        fn_constructor_args=(config, linked_only, "cuda" if _has_gpu(config) else "cpu"),
        **_topic_stage(config, batches),
    )
    if config.llm.endpoint != "none":
        data = _named(data, config)
    return data.map_batches(PartWriter, fn_constructor_args=(run,), **_io_stage())


def _naming_dataset(run: RunFiles, config: RunConfig, batches: list[Batch]) -> ray.data.Dataset:
    """read part -> name -> write part again."""
    data = _items(batches).map_batches(PartReader, fn_constructor_args=(run,), **_io_stage())
    return _named(data, config).map_batches(PartWriter, fn_constructor_args=(run,), **_io_stage())


def _items(batches: list[Batch]) -> ray.data.Dataset:
    context = DataContext.get_current()
    context.enable_progress_bars = False  # ours say what is done in sentences, and read well in a job's log
    context.target_max_block_size = _NEVER_SPLIT_BYTES
    context.execution_options.verbose_progress = False
    context.raise_original_map_exception = True  # so that our errors keep their type on the way to the person
    context.execution_no_progress_timeout_s = _PATIENCE_S
    rows = [{"batch": b.number, "chunk": b.chunk, "row_group": b.row_group} for b in batches]
    return ray.data.from_items(rows, override_num_blocks=len(rows))


def _named(data: ray.data.Dataset, config: RunConfig) -> ray.data.Dataset:
    """One actor asks for all names, so that `max_concurrency` holds for the whole run."""
    return data.map_batches(
        PartNamer,
        fn_constructor_args=(config.llm, llm_api_key(config.llm)),
        max_concurrency=8,
        **_io_stage(),
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


def _topic_stage(config: RunConfig, batches: list[Batch]) -> dict[str, Any]:
    """How many topic actors, and what each takes: a share of a GPU where there is one, else a core."""
    resources = ray.cluster_resources()
    if _has_gpu(config):
        able, n_gpus = math.floor(resources["GPU"] * _ACTORS_PER_GPU), 1 / _ACTORS_PER_GPU
    else:  # the reading, naming and writing actors need their slivers, too
        able, n_gpus = math.floor((resources.get("CPU", 1) - 3 * _IO_CPUS) / _TOPIC_CPUS), 0
    size = max(1, min(config.workers or _worth_it(batches), able, len(batches)))
    compute = ActorPoolStrategy(size=size, max_tasks_in_flight_per_actor=2)
    return _io_stage() | {"num_cpus": _TOPIC_CPUS, "num_gpus": n_gpus, "compute": compute}


def _worth_it(batches: list[Batch]) -> int:
    """Topic actors that pay for their start."""
    return math.ceil(sum(batch.n_sentences for batch in batches) / _SENTENCES_WORTH_AN_ACTOR)


def _has_gpu(config: RunConfig) -> bool:
    return ray.cluster_resources().get("GPU", 0) > 0 and config.topics.backend != "cpu"


def _drain(data: ray.data.Dataset, stage: _Counted, on_progress: OnProgress) -> None:
    """Run the stream; each row that comes out is one finished part."""
    done = stage.total - sum(batch.n_sentences for batch in stage.batches)
    left, n_topics, n_failed = len(stage.batches), 0, 0
    for row in data.iter_rows():
        done, left = done + row["n_sentences"], left - 1
        n_topics, n_failed = n_topics + row["n_topics"], n_failed + row["n_failed"]
        detail = f"{n_topics} topics, {left} of {len(stage.batches)} batches left"
        on_progress(
            Progress(stage.name, done, stage.total, detail + (f", {n_failed} firms failed" if n_failed else ""))
        )


def _batches_left(run: RunFiles, missing: list[Batch]) -> str:
    n = len(run.manifest.batches)
    if len(missing) == n:
        return f"{run.manifest.n_firms} firms in {n} batches"
    return f"{n - len(missing)} of {n} batches are done already, {len(missing)} left"


# --- reduce ----------------------------------------------------------------------------------------------


def _core_to_spare(run: RunFiles, config: RunConfig) -> bool:
    """Whether a small map leaves a core idle, on which the final actor can already import and compile."""
    n_workers = config.workers or _worth_it(list(run.manifest.batches))
    return not _has_gpu(config) and n_workers + 1 <= ray.cluster_resources().get("CPU", 1)


def _start_publisher(config: RunConfig) -> Any:
    """Start the final actor. Any: Ray's typing does not know the methods of remote classes."""
    device, n_gpus = ("cuda", 1) if _has_gpu(config) else ("cpu", 0)
    actor: Any = ray.remote(ThemePublisher)
    actor = actor.options(num_cpus=_IO_CPUS, num_gpus=n_gpus, runtime_env=_ACTOR_ENVIRONMENT)
    return actor.remote(config, llm_api_key(config.llm), device)


# --- Ray -----------------------------------------------------------------------------------------------------------


@contextmanager
def _ray_session(on_progress: OnProgress, seconds: dict[str, float]) -> Iterator[None]:
    """Join the cluster at RAY_ADDRESS, or start Ray inside this process and end it afterwards."""
    if ray.is_initialized():  # a notebook or a test brought its own Ray: use it and leave it
        yield
        return
    start = time.perf_counter()
    on_progress(Progress("start", 0, 1, "starting Ray"))
    logging.getLogger("ray.data").setLevel(logging.WARNING)  # our own progress says it in sentences
    address = ray_address()
    where: dict[str, Any] = {"address": address} if address else {"address": "local", "include_dashboard": False}
    try:
        ray.init(logging_level=logging.ERROR, log_to_driver=False, **where)
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise ConfigError(
            f"cannot start or reach Ray at {address or 'this machine'}: {str(error).splitlines()[0]}; "
            "RAY_ADDRESS must be empty, 'auto', or host:6379 of a running head"
        ) from error
    seconds["start"] = round(time.perf_counter() - start, 3)
    try:
        yield
    finally:
        ray.shutdown()
