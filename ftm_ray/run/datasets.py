"""The streams of a run as Ray Data sees them, and what their actors take: how many, how large, on what.

In the map one block is one batch of firms, from its row group of the prefetch store to its part file.
"""

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa
import ray
from pydantic import SecretStr
from ray.data import ActorPoolStrategy, DataContext
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from ftm_ray.config import RunConfig, llm_api_key
from ftm_ray.lake.runs import RunFiles
from ftm_ray.run.actors import PartNamer, PartReader, PartWriter, TopicFinder
from ftm_ray.run.attempts import Attempts, FirmAttempts
from ftm_ray.run.map_size import IO_CPUS, TOPIC_CPUS, MapSize
from ftm_ray.run.model_support import ClaimJudge
from ftm_ray.run.nodes import HEAD_LABEL
from ftm_ray.run.text_scores import TextScorer
from ftm_ray.run.text_vectors import TextEmbedder, as_tables, in_order
from ftm_ray.schemas.store import Batch
from ftm_ray.sentiment.classifier import SentimentModel
from ftm_ray.vectors.unit_vectors import Vectors

#: Batches that the naming actor asks about at once: while the last answers of one come, others keep the endpoint busy.
_BATCHES_AT_ONCE = 8

#: A batch must reach its part file in one piece, so no block may be cut on the way: far above the largest (25 firms
#: with 5,000 sentences each make about 60 MB).
_NEVER_SPLIT_BYTES = 4 << 30

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
class MapStages:
    """What the stages of a run's streams are given of the cluster.

    Attributes:
        size: How many topic actors there may be, and what each takes.
        on_head: Whether a node labelled as head takes all that needs no card, so that nothing small keeps a Spot node.
        is_cluster: Whether nodes may come and go; else all that will ever be there is there.
    """

    size: MapSize
    on_head: bool
    is_cluster: bool

    def io_options(self) -> dict[str, Any]:
        """Where stages go that wait for disks and networks: one actor each."""
        return {"num_cpus": 0, "label_selector": HEAD_LABEL} if self.on_head else {"num_cpus": IO_CPUS}

    def final_actor_options(self, config: RunConfig) -> dict[str, Any]:
        """What the actor of the last step takes.

        On a cluster it needs a card only for cuML; else it works on the head, and no GPU node stays for it.
        """
        where = self.io_options()
        if self.size.gpus_per_actor and not (self.on_head and config.topics.backend != "cuml"):
            where = {"num_cpus": IO_CPUS, "num_gpus": self.size.gpus_per_actor}
        return where | {"runtime_env": _ACTOR_ENVIRONMENT}

    def final_device(self, config: RunConfig) -> str:
        """Where the last step embeds."""
        return self.size.device if self.final_actor_options(config).get("num_gpus") else "cpu"

    def size_beside_final(self, config: RunConfig) -> MapSize:
        """What is left beside the actor of the last step: where that has the only share of a card, cores."""
        if self.final_actor_options(config).get("num_gpus") and self.size.n_places < 2:
            return replace(self.size, gpus_per_actor=0.0, device="cpu")
        return self.size

    def topic_pool(self, config: RunConfig, batches: list[Batch]) -> ActorPoolStrategy:
        """All actors are asked for at once, and work begins on the first that is there.

        Pending actors are what makes an autoscaler start nodes, so it starts all in one go, and again whenever Spot
        took some. On one machine none can be missing.
        """
        n = self.size.n_actors(config, batches)
        sizes = {"min_size": 1, "max_size": n, "initial_size": n} if self.is_cluster else {"size": n}
        return ActorPoolStrategy(
            **sizes,
            max_tasks_in_flight_per_actor=2,
            max_concurrent_calls_per_actor=2,  # one is worked on, one is read
            enable_true_multi_threading=True,
        )


def actor_options() -> dict[str, Any]:
    """What a process takes that computes on one core, and its environment: bytes depend on the latter."""
    return {"num_cpus": TOPIC_CPUS, "runtime_env": _ACTOR_ENVIRONMENT}


class AttemptsOnRay:
    """`FirmAttempts` in a process of its own on the driver's node, for all topic actors of a map."""

    def __init__(self) -> None:
        actor: Any = ray.remote(FirmAttempts)  # Ray's typing does not know the methods of remote classes
        here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=True)
        # It takes no core: two calls a firm. Started again, it knows nothing, and that does no harm.
        options = {"num_cpus": 0, "max_restarts": -1, "max_task_retries": -1, "scheduling_strategy": here}
        self._actor = actor.options(**options).remote()

    def begin(self, firm_id: str) -> bool:
        """As `Attempts` has it."""
        return bool(ray.get(self._actor.begin.remote(firm_id)))

    def end(self, firm_id: str) -> None:
        """As `Attempts` has it."""
        ray.get(self._actor.end.remote(firm_id))

    def close(self) -> None:
        """End the process. Ray would keep it to the driver's end, as it cannot see that no stream holds it any more."""
        ray.kill(self._actor)


def map_dataset(
    run: RunFiles, config: RunConfig, stages: MapStages, batches: list[Batch], attempts: Attempts | None
) -> ray.data.Dataset:
    """find topics -> name -> write, as one stream; `attempts` as TopicFinder has them."""
    linked_only = run.manifest.linked and not config.keep_unlinked
    # Largest batches first: the last ones to end are then small, and no worker waits long for another.
    items = _items(sorted(batches, key=lambda batch: (-batch.n_sentences, batch.number)), config)
    data = items.map_batches(
        TopicFinder,
        fn_constructor_args=(run, config, linked_only, stages.size.device, attempts),
        batch_size=1,  # rows are references, so that Ray Data wants no number of sentences for a card
        batch_format="pyarrow",
        num_cpus=TOPIC_CPUS,
        num_gpus=stages.size.gpus_per_actor,
        compute=stages.topic_pool(config, batches),
        runtime_env=_ACTOR_ENVIRONMENT,
    )
    if config.llm.endpoint != "none":
        data = _named(data, run, config, stages)
    return data.map_batches(PartWriter, fn_constructor_args=(run,), **_io_stage(stages))


def naming_dataset(run: RunFiles, config: RunConfig, stages: MapStages, batches: list[Batch]) -> ray.data.Dataset:
    """read part -> name -> write part again."""
    data = _items(batches, config).map_batches(PartReader, fn_constructor_args=(run,), **_io_stage(stages))
    return _named(data, run, config, stages).map_batches(PartWriter, fn_constructor_args=(run,), **_io_stage(stages))


def judged_on_ray(config: RunConfig, size: MapSize, claims: Iterable[pa.Table]) -> dict[int, float]:
    """Ask the support model, which takes the place of topic actors: their work is done by now.

    Args:
        config: Names the model.
        size: What a topic actor takes, and how many have a place.
        claims: Tables of `model_support.CLAIMS`; each is put into Ray's store before the next one is read.

    Returns:
        The probability of each claim, by its row.
    """
    judged = _in_topic_actors_places(config, size, claims, ClaimJudge, config.llm.support_model)
    if judged is None:
        return {}
    return {row["row"]: row["p"] for row in judged.iter_rows()}


def embedded_on_ray(config: RunConfig, size: MapSize, texts: Sequence[str]) -> Vectors:
    """Encode the LLM's texts in the places of topic actors, whose work is done by now.

    Args:
        config: How many workers, and the encoder.
        size: What an actor takes, and how many have a place.
        texts: Not empty.

    Returns:
        (n_texts, dim) float32, unit L2 norm, in the order given.
    """
    blocks = _in_topic_actors_places(config, size, as_tables(texts), TextEmbedder, config.embed)
    assert blocks is not None  # there are texts
    return in_order(list(blocks.iter_batches(batch_size=None, batch_format="pyarrow")))


def scored_on_ray(
    config: RunConfig, size: MapSize, model: SentimentModel, blocks: Iterable[pa.Table]
) -> Iterator[pa.Table]:
    """Ask a sentiment model, in actors of a topic actor's size.

    Args:
        config: How many workers, and how long they are waited for.
        size: What an actor takes, and how many have a place.
        model: Which one.
        blocks: Tables of `text_scores.QUESTIONS`.

    Yields:
        A table of `SCORED_TEXTS` for each, as they are done.
    """
    scored = _in_topic_actors_places(config, size, blocks, TextScorer, model)
    if scored is not None:
        yield from scored.iter_batches(batch_size=None, batch_format="pyarrow")


def _in_topic_actors_places(
    config: RunConfig, size: MapSize, tables: Iterable[pa.Table], actor: type, model: object
) -> ray.data.Dataset | None:
    """Tables through actors that hold a model of transformers; each is one call. None where there is no row."""
    _set_context(config)
    blocks: list[Any] = []
    most_rows = 0
    for table in tables:  # one after another, so that never all are in this process
        if table.num_rows:
            blocks.append(ray.put(table))
            most_rows = max(most_rows, table.num_rows)
    if not blocks:
        return None
    n_actors = min(config.workers or size.n_places, size.n_places, len(blocks))
    return ray.data.from_arrow_refs(blocks).map_batches(
        actor,
        fn_constructor_args=(model, size.device),
        batch_size=most_rows,  # Ray Data refuses a stage with cards that says none
        batch_format="pyarrow",
        num_cpus=TOPIC_CPUS,
        num_gpus=size.gpus_per_actor,
        compute=ActorPoolStrategy(min_size=1, max_size=n_actors),
        runtime_env=_ACTOR_ENVIRONMENT,
    )


def _items(batches: list[Batch], config: RunConfig) -> ray.data.Dataset:
    _set_context(config)
    rows = [{"batch": b.number, "chunk": b.chunk, "row_group": b.row_group} for b in batches]
    return ray.data.from_items(rows, override_num_blocks=len(rows))


def _set_context(config: RunConfig) -> None:
    context = DataContext.get_current()
    # Ours say what is done in sentences, and read well in a job's log. Importing ray.data sets its level anew.
    logging.getLogger("ray.data").setLevel(logging.WARNING)
    context.enable_progress_bars = False
    context.target_max_block_size = _NEVER_SPLIT_BYTES
    context.execution_options.verbose_progress = False
    context.raise_original_map_exception = True  # so that our errors keep their type on the way to the person
    # Ray Data ends a run that makes no progress for 30 minutes; waiting for Spot capacity can take longer.
    context.execution_no_progress_timeout_s = config.cluster.patience_s


def _named(data: ray.data.Dataset, run: RunFiles, config: RunConfig, stages: MapStages) -> ray.data.Dataset:
    """One actor asks for all names, so that `max_concurrency` holds for the whole run."""
    return data.map_batches(
        PartNamer,
        fn_constructor_args=(run, config, SecretStr(llm_api_key(config.llm))),  # Ray Data logs a stage's arguments
        **_io_stage(stages) | {"compute": ActorPoolStrategy(size=1, max_concurrent_calls_per_actor=_BATCHES_AT_ONCE)},
    )


def _io_stage(stages: MapStages) -> dict[str, Any]:
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
        "compute": ActorPoolStrategy(size=1),
        "runtime_env": _ACTOR_ENVIRONMENT,
        **stages.io_options(),
    }
