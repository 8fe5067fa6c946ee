"""How many topic actors a run asks for, and what each takes: from the nodes that may come, before anything starts.

Plain Python, no Ray. Nothing here changes a byte of the result.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ftm_ray.config import NodeType, RunConfig
from ftm_ray.errors import ConfigError
from ftm_ray.schemas.store import Batch
from ftm_ray.serving.engine import ReplicaNeeds, choose_preset, replica_needs

#: Naming and writing wait for disks and networks; they need a sliver of a core each, and topic actors must never take
#: the last one, or they starve and the run hangs. On a head of its own they take none.
IO_CPUS = 0.1
TOPIC_CPUS = 0.7

#: A topic actor needs 10 to 20 s of a core to start (imports, model, numba), in which it could do this much work: a
#: second one for less than that makes a small run slower.
_SENTENCES_WORTH_AN_ACTOR = 2500

#: From so many topics on, fits of themes are tasks: 21 fits of 3,000 topics take nearly a minute of one core.
TOPICS_WORTH_A_TASK = 3000

#: Shares such as 0.1 do not add up exactly.
_ROUNDING = 1e-6


@dataclass(frozen=True, slots=True)
class MapSize:
    """What the map asks Ray for.

    Attributes:
        n_places: Topic actors that all nodes together can hold beside the served model.
        gpus_per_actor: Share of a card; 0 = the map needs none.
        device: Where torch computes.
        cores: Of the largest node.
    """

    n_places: int
    gpus_per_actor: float
    device: str
    cores: float

    @classmethod
    def of(cls, config: RunConfig, nodes: Sequence[NodeType]) -> "MapSize":
        """The size for these nodes.

        Args:
            config: With the LLM that was chosen (`llm.endpoint`), which may have a share of the cards.
            nodes: Those that may come.

        Raises:
            ConfigError: Nothing fits; the message has the numbers.
        """
        needs = _served_beside(config, nodes)
        with_cards = [kind for kind in nodes if kind.gpus] if config.topics.backend != "cpu" else []
        cores = max((kind.cpus for kind in nodes), default=0.0)
        if with_cards:
            share = 1 / config.cluster.actors_per_gpu
            n_places = _places_on_cards(with_cards, config.cluster.actors_per_gpu, needs)
            if n_places < 1:
                raise ConfigError(_no_place_on_cards(with_cards, share, needs))
            device = "cuda" if config.cluster.device == "auto" else "cpu"
            return cls(n_places, share, device, cores)
        n_places = sum(kind.max_nodes * _places_on_cores(kind) for kind in nodes)
        if n_places < 1 and max((kind.cpus for kind in nodes), default=0.0) < 1:
            raise ConfigError(
                f"no node of this cluster has a core for a topic actor ({_in_words(nodes)}): name the nodes that may "
                "come in [[cluster.node_types]], or the cluster file in cluster.file (docs/configuration.md)"
            )
        return cls(max(1, n_places), 0.0, "cpu", cores)

    def n_actors(self, config: RunConfig, batches: Sequence[Batch]) -> int:
        """Topic actors to ask for: as many as pay for their start, but no more than have a place and a batch."""
        return max(1, min(config.workers or _worth_it(batches), self.n_places, len(batches)))

    def has_idle_core(self, config: RunConfig, batches: Sequence[Batch]) -> bool:
        """Whether a small map leaves a core idle, on which the final actor can already import and compile."""
        return not self.gpus_per_actor and (config.workers or _worth_it(batches)) + 1 <= self.cores


def _worth_it(batches: Sequence[Batch]) -> int:
    """Topic actors that pay for their start."""
    return math.ceil(sum(batch.n_sentences for batch in batches) / _SENTENCES_WORTH_AN_ACTOR)


def _places_on_cores(kind: NodeType) -> int:
    """Topic actors on the cores of one node, beside what waits: one a core at most."""
    return max(0, min(math.floor(kind.cpus), math.floor((kind.cpus - 3 * IO_CPUS) / TOPIC_CPUS + _ROUNDING)))


def _served_beside(config: RunConfig, nodes: Sequence[NodeType]) -> ReplicaNeeds | None:
    """What a copy of the model takes of the same cards; None where none is served on them."""
    if config.llm.endpoint != "serve":
        return None
    needs = replica_needs(config.serve, choose_preset(config.serve.preset, nodes))
    return needs if needs.n_cards else None


def _places_on_cards(nodes: Sequence[NodeType], per_card: int, needs: ReplicaNeeds | None) -> int:
    """Topic actors on all cards, less what copies of the model take of nodes: of those where they take the most."""
    n_places = sum(kind.max_nodes * _places(kind.gpus * per_card, kind.cpus) for kind in nodes)
    if needs is None:
        return n_places
    able = [kind for kind in nodes if kind.gpus >= needs.n_cards and kind.cpus >= needs.cpus]
    if not able:
        raise ConfigError(
            f"a copy of the model needs {needs.n_cards} cards of one node and {needs.cpus:g} of its cores "
            f"(serve.tensor_parallel), and no node has them: {_in_words(nodes)}"
        )
    lost = []
    for kind in able:
        on_its_cards = math.floor((1 - needs.share) * per_card + _ROUNDING) * needs.n_cards
        others = (kind.gpus - needs.n_cards) * per_card
        beside = _places(on_its_cards + others, kind.cpus - needs.cpus)
        lost.append(_places(kind.gpus * per_card, kind.cpus) - beside)
    return n_places - needs.n_replicas * max(lost)


def _places(on_cards: int, cpus: float) -> int:
    """Topic actors on one node: each needs a share of a card and most of a core."""
    return max(0, min(on_cards, math.floor(cpus / TOPIC_CPUS + _ROUNDING)))


def _no_place_on_cards(nodes: Sequence[NodeType], share: float, needs: ReplicaNeeds | None) -> str:
    n_cards = sum(kind.gpus * kind.max_nodes for kind in nodes)
    text = f"no topic actor fits on the cards of this cluster ({_in_words(nodes)}): one takes {share:g} of a card "
    text += f"(cluster.actors_per_gpu = {round(1 / share)}) and {TOPIC_CPUS} of a core"
    if needs is not None:
        text += f", and the model {needs.share:g} of {needs.n_cards * needs.n_replicas} of the {n_cards} cards "
        text += f"(serve.gpus_per_replica, serve.max_replicas) and {needs.cpus:g} cores a copy: together "
        text += f"{share + needs.share:g} of a card. Lower one of the shares, allow more nodes, or set "
    else:
        text += ". Give nodes with more cores, or set "
    return text + "topics.backend = 'cpu' to keep the map off the cards"


def _in_words(nodes: Sequence[NodeType]) -> str:
    """Such as "8 x gpu_spot with 4 cores and 1 card"."""
    kinds = [
        f"{kind.max_nodes} x {kind.name} with {kind.cpus:g} cores and {kind.gpus} card{'s' * (kind.gpus != 1)}"
        for kind in nodes
    ]
    return "; ".join(kinds) or "no nodes"
