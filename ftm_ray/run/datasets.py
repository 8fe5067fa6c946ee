"""The two streams of a run's map as Ray Data sees them, and what their actors take: how many, how large, on what.

One block is one batch of firms, from its row group of the prefetch store to its part file.
"""

import math
from dataclasses import dataclass
from typing import Any

import ray
from pydantic import SecretStr
from ray.data import ActorPoolStrategy, DataContext

from ftm_ray.config import RunConfig, llm_api_key
from ftm_ray.lake.runs import RunFiles
from ftm_ray.run.actors import FirmReader, PartNamer, PartReader, PartWriter, TopicFinder
from ftm_ray.schemas.store import Batch

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
class MapResources:
    """What the map may take: the cluster's cores, and the GPUs that the served model leaves."""

    cpus: float
    gpus: float

    @classmethod
    def for_config(cls, config: RunConfig) -> "MapResources":
        """What the cluster has now, without GPUs where they are not wanted or too little is left of them."""
        gpus = ray.available_resources().get("GPU", 0.0)
        use_gpu = config.topics.backend != "cpu" and gpus >= 1 / _ACTORS_PER_GPU
        return cls(ray.cluster_resources().get("CPU", 1.0), gpus if use_gpu else 0.0)

    @property
    def device(self) -> str:
        """Where torch computes."""
        return "cuda" if self.gpus else "cpu"

    def has_idle_core(self, config: RunConfig, batches: tuple[Batch, ...]) -> bool:
        """Whether a small map leaves a core idle, on which the final actor can already import and compile."""
        return not self.gpus and (config.workers or _worth_it(batches)) + 1 <= self.cpus

    def final_actor_options(self) -> dict[str, Any]:
        """What the actor of the last step takes; the served model may still have the rest of the card."""
        n_gpus = 1 / _ACTORS_PER_GPU if self.gpus else 0
        return {"num_cpus": _IO_CPUS, "num_gpus": n_gpus, "runtime_env": _ACTOR_ENVIRONMENT}


def map_dataset(run: RunFiles, config: RunConfig, resources: MapResources, batches: list[Batch]) -> ray.data.Dataset:
    """read -> find topics -> name -> write, as one stream."""
    linked_only = run.manifest.linked and not config.keep_unlinked
    # Largest batches first: the last ones to end are then small, and no worker waits long for another.
    items = _items(sorted(batches, key=lambda batch: (-batch.n_sentences, batch.number)))
    data = items.map_batches(FirmReader, fn_constructor_args=(run,), **_io_stage())
    data = data.map_batches(
        TopicFinder,
        fn_constructor_args=(config, linked_only, resources.device),
        **_topic_stage(config, resources, tuple(batches)),
    )
    if config.llm.endpoint != "none":
        data = _named(data, run, config)
    return data.map_batches(PartWriter, fn_constructor_args=(run,), **_io_stage())


def naming_dataset(run: RunFiles, config: RunConfig, batches: list[Batch]) -> ray.data.Dataset:
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
    """A stage that waits for disks and networks: one actor, whole batches.

    Ray prints one error line a run, "... has constructor arguments in the object store and max_restarts > 0", with a
    link to ray issue 53727. It is not about our arguments: Ray Data (2.60) puts its own context and the stage into the
    object store, however small they are, and lets actors restart without end. Both lie where the driver runs, and
    it keeps them as long as the stream lives, so a restart finds them. `max_restarts=0` would silence the line, and a
    lost Spot node would end the run.
    """
    return {
        "batch_size": None,
        "batch_format": "pyarrow",
        "num_cpus": _IO_CPUS,
        "compute": ActorPoolStrategy(size=1),
        "runtime_env": _ACTOR_ENVIRONMENT,
    }


def _topic_stage(config: RunConfig, resources: MapResources, batches: tuple[Batch, ...]) -> dict[str, Any]:
    """How many topic actors, and what each takes: a share of a GPU where there is one, else a core."""
    if resources.gpus:
        able, n_gpus = math.floor(resources.gpus * _ACTORS_PER_GPU), 1 / _ACTORS_PER_GPU
    else:  # the reading, naming and writing actors need their slivers, too
        able, n_gpus = math.floor((resources.cpus - 3 * _IO_CPUS) / _TOPIC_CPUS), 0
    size = max(1, min(config.workers or _worth_it(batches), able, len(batches)))
    compute = ActorPoolStrategy(size=size, max_tasks_in_flight_per_actor=2)
    return _io_stage() | {"num_cpus": _TOPIC_CPUS, "num_gpus": n_gpus, "compute": compute}


def _worth_it(batches: tuple[Batch, ...]) -> int:
    """Topic actors that pay for their start."""
    return math.ceil(sum(batch.n_sentences for batch in batches) / _SENTENCES_WORTH_AN_ACTOR)
