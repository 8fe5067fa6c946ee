"""What is to be planned: so much work on such nodes. Sizes of the map are those that a run would ask Ray for."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from ftm_ray.config import ClusterSettings, LlmSettings, NodeType, RunConfig
from ftm_ray.environment import usable_cores
from ftm_ray.errors import ConfigError
from ftm_ray.machines.cost import THIS_MACHINE
from ftm_ray.machines.instance_types import look_up
from ftm_ray.run.map_size import TOPIC_CPUS, MapSize
from ftm_ray.schemas.store import Batch
from ftm_ray.serving.engine import REQUESTS_PER_REPLICA, choose_preset, replica_needs
from ftm_ray.sources.plan import MAX_FIRMS_PER_ROW_GROUP, MIN_ROW_GROUPS
from ftm_ray.themes.scaling import number_of_fits, number_of_resamples

#: The head that `ftm cluster render` makes: it runs the driver and what waits, and takes part in no work.
HEAD_TYPE = "m6i.xlarge"

_CORES = re.compile(r"(\d+)cores")


@dataclass(frozen=True, slots=True)
class Work:
    """How much there is to do.

    Attributes:
        n_firms: In the quarter.
        n_sentences: In its prefetch store.
        n_topics: That will be found.
    """

    n_firms: int
    n_sentences: int
    n_topics: int

    def batches(self) -> list[Batch]:
        """The batches that a prefetch would make of it, all of one size."""
        per_batch = min(MAX_FIRMS_PER_ROW_GROUP, max(1, self.n_firms // MIN_ROW_GROUPS))
        n = math.ceil(self.n_firms / per_batch)
        return [Batch(number, "", number, (), round(self.n_sentences / n)) for number in range(n)]


@dataclass(frozen=True, slots=True)
class Fleet:
    """The nodes of a plan, and what a run makes of them.

    Attributes:
        nodes: Each kind with how many of it, without the head.
        is_cluster: Nodes are started for the run and go afterwards; else it is this machine.
        n_actors: Topic actors at work at once.
        on_cards: They encode on cards.
        actors_per_card: So many share one.
        n_fit_lanes: Fits of themes at work at once.
        n_fits: Fits of themes, resamples included.
        n_copies: Copies of the model that are served; 0 = none is.
        cards: Kinds of cards that may hold a copy.
        starts_final_early: A core is idle while the map works, on which the last step already starts.
    """

    nodes: tuple[NodeType, ...]
    is_cluster: bool
    n_actors: int
    on_cards: bool
    actors_per_card: int
    n_fit_lanes: int
    n_fits: int
    n_copies: int
    cards: tuple[str, ...]
    starts_final_early: bool


def parse_nodes(words: Sequence[str]) -> tuple[NodeType, ...]:
    """Nodes as `--nodes` takes them: `g6.xlarge=4`, `16cores=2`; none = this machine.

    Raises:
        ConfigError: A word is wrong, or the type is not known.
    """
    if not words:
        return (NodeType(name=THIS_MACHINE, cpus=float(usable_cores())),)
    return tuple(_node_type(word) for word in words)


def _node_type(word: str) -> NodeType:
    name, _, number = word.partition("=")
    if not number.isdecimal() or int(number) < 1:
        raise ConfigError(f"--nodes {word}: expected TYPE=NUMBER, such as g6.xlarge=4 or 16cores=2")
    if cores := _CORES.fullmatch(name):
        return NodeType(name=name, cpus=float(cores[1]), max_nodes=int(number))
    kind = look_up(name)
    return NodeType(name=name, cpus=kind.cpus, gpus=kind.gpus, accelerator=kind.card, max_nodes=int(number))


def fleet_of(work: Work, nodes: tuple[NodeType, ...], config: RunConfig) -> Fleet:
    """What a run of this work would ask these nodes for.

    Args:
        work: How much there is to do.
        nodes: Each kind with how many of it.
        config: Its `llm.endpoint` is decided: serve, none, or a URL.

    Raises:
        ConfigError: It does not fit.
    """
    size = MapSize.of(config, nodes)
    batches = work.batches()
    cards = [kind for kind in nodes if kind.gpus]
    served = config.llm.endpoint == "serve"
    lanes = sum(kind.max_nodes * min(math.floor(kind.cpus), math.floor(kind.cpus / TOPIC_CPUS)) for kind in nodes)
    copies = 0
    if served:
        copies = copies_of(
            config, nodes, replica_needs(config.serve, choose_preset(config.serve.preset, nodes)).n_cards
        )
    return Fleet(
        nodes=nodes,
        is_cluster=nodes[0].name != THIS_MACHINE,
        n_actors=size.n_actors(config, batches),
        on_cards=size.gpus_per_actor > 0,
        actors_per_card=config.cluster.actors_per_gpu,
        n_fit_lanes=max(1, lanes),
        n_fits=number_of_fits(config.themes, work.n_topics) + number_of_resamples(config.themes, work.n_topics),
        n_copies=copies,
        cards=tuple(sorted({kind.accelerator or "a card without a name" for kind in cards})) if served else (),
        starts_final_early=size.has_idle_core(config, batches),
    )


def copies_of(config: RunConfig, nodes: tuple[NodeType, ...], cards_each: int) -> int:
    """Copies of the model that are served: no more than asked for, than are asked at once, and than have a place.

    Args:
        config: Says how many may be, and how many questions are under way.
        nodes: Each kind with how many of it.
        cards_each: Cards that a copy takes; 0 = it runs on the processor.
    """
    asked = math.ceil(config.llm.max_concurrency / REQUESTS_PER_REPLICA)  # more copies start for more questions
    places = sum(kind.gpus * kind.max_nodes for kind in nodes) // cards_each if cards_each else 1
    return max(1, min(config.serve.max_replicas, asked, places))


def config_of(base: RunConfig, endpoint: str, nodes: tuple[NodeType, ...]) -> RunConfig:
    """The configuration of the planned run: who names, on which nodes."""
    llm: LlmSettings = base.llm.model_copy(update={"endpoint": endpoint})
    cluster: ClusterSettings = base.cluster.model_copy(update={"node_types": nodes})
    return base.model_copy(update={"llm": llm, "cluster": cluster})
