"""Which nodes a run may count on, and afterwards, which were there and how long.

What may come is told by the configuration or the cluster file, not by what happens to be there.

A cluster begins with no worker at all, so what Ray sees at the start says nothing about what will come. Ray embedded in
this process is the exception, and a cluster that nobody scales: there the nodes that are there are all there will be.
"""

import logging
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import ray
import yaml
from ray._raylet import GcsClient  # type: ignore[attr-defined]
from ray.exceptions import RayError

from ftm_ray.config import ClusterSettings, NodeType
from ftm_ray.environment import ray_address
from ftm_ray.errors import ConfigError
from ftm_ray.machines.cost import THIS_MACHINE, NodeTime
from ftm_ray.machines.instance_types import KNOWN_TYPES
from ftm_ray.machines.node_labels import TYPE_LABEL, market_of

logger = logging.getLogger(__name__)

#: Where `ray up` leaves the cluster file on the head (Ray 2.60), on which a job's driver runs.
_LEFT_BY_RAY_UP = Path("~/ray_bootstrap_config.yaml")

#: What waits rather than works (naming, writing, publishing) runs on the node with this label, where there is one.
HEAD_LABEL = {"ftm-role": "head"}

#: Where Ray puts the node type of the cluster file.
_GROUP_LABEL = "ray.io/node-group"


def known_nodes(cluster: ClusterSettings) -> tuple[NodeType, ...]:
    """The kinds of nodes that may come. Ray must be started or joined.

    Raises:
        ConfigError: The cluster file cannot be read.
    """
    if ray_address() is None:
        return _nodes_there()
    if cluster.node_types:
        return cluster.node_types
    file = Path(cluster.file or _LEFT_BY_RAY_UP).expanduser()
    if cluster.file or file.is_file():
        return nodes_in_file(file)
    logger.warning(
        "neither [cluster] node_types nor a cluster file says which nodes may come: this run counts on the nodes that "
        "are there now and on no others (docs/operations.md)"
    )
    return _nodes_there()


def nodes_in_file(path: Path) -> tuple[NodeType, ...]:
    """Node types of a cluster file as `ray up` takes it. A head that runs no work (CPU: 0) is none.

    Raises:
        ConfigError: It cannot be read, or holds no node types with their resources.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        kinds, head = content["available_node_types"], content.get("head_node_type")
        # Ray fills resources in from the cloud's type of machine, so the file on the head has them where ours has not.
        found = [_node_type(name, kind, name == head) for name, kind in kinds.items()]
    except (OSError, UnicodeDecodeError, yaml.YAMLError, KeyError, TypeError, AttributeError, ValueError) as error:
        reason = " ".join(str(error).split())[:150]
        raise ConfigError(
            f"cannot read node types from the cluster file {path} ({error.__class__.__name__}: {reason}); "
            "expected available_node_types with resources and max_workers, as `ray up` takes them; or give "
            "[[cluster.node_types]] (docs/configuration.md)"
        ) from error
    return tuple(kind for kind in found if kind is not None)


def _node_type(name: str, kind: dict[str, Any], is_head: bool) -> NodeType | None:
    resources = kind.get("resources") or {}
    n_nodes = 1 if is_head else int(kind.get("max_workers", 0))
    if not n_nodes or not (resources.get("CPU") or resources.get("GPU")):
        return None
    made = _with_resources(name, resources, n_nodes)
    choices = (kind.get("node_config") or {}).get("SpotChoices") or []  # our provider's: their cards may differ
    cards = [KNOWN_TYPES[choice] for choice in choices if choice in KNOWN_TYPES]
    if made.accelerator or not cards:
        return made
    return made.model_copy(update={"accelerator": min(cards, key=lambda one: one.card_gib).card})


def _with_resources(name: str, resources: dict[str, Any], n_nodes: int) -> NodeType:
    cards = sorted(key.partition(":")[2] for key in resources if key.startswith("accelerator_type:"))
    return NodeType(
        name=name,
        cpus=float(resources.get("CPU", 0)),
        gpus=int(resources.get("GPU", 0)),
        accelerator=cards[0] if cards else None,
        max_nodes=n_nodes,
    )


def _nodes_there() -> tuple[NodeType, ...]:
    """The nodes that Ray has now; each is a kind of its own."""
    alive = [node for node in ray.nodes() if node["Alive"]]
    return tuple(_with_resources(node["NodeManagerAddress"], node["Resources"], 1) for node in alive)


def has_head_by_label() -> bool:
    """Whether a head node is labelled as the one that takes what needs no card; the driver's own node never goes."""
    return any(node["Alive"] and HEAD_LABEL.items() <= node.get("Labels", {}).items() for node in ray.nodes())


def node_times(since: float, starting_s: Mapping[str, float]) -> list[NodeTime] | None:
    """How long each node was there, from Ray's own table of nodes; None where Ray does not answer.

    The table has nodes that have gone, too (the last 1,000 of Ray 2.60). Embedded Ray is this machine.

    Args:
        since: When the run began, in seconds since 1970; what was before is not its cost.
        starting_s: By node type of the cluster file: seconds in which the cloud had a machine, and Ray not yet.
    """
    now = time.time()
    if ray_address() is None:
        return [NodeTime(THIS_MACHINE, None, now - since)]
    try:
        table = GcsClient(address=ray.get_runtime_context().gcs_address).get_all_node_info().values()
    except (RayError, RuntimeError, OSError) as error:  # what a run has cost must never end it
        logger.warning("Ray does not tell which nodes were there, so what the run has cost is not known: %s", error)
        return None
    return times_of_nodes(table, since, now, starting_s)


def times_of_nodes(table: Iterable[Any], since: float, now: float, starting_s: Mapping[str, float]) -> list[NodeTime]:
    """The nodes of Ray's table (GcsNodeInfo) that were there between two moments, in seconds since 1970.

    A machine whose Ray never came stands in no table: it counts as bought like the other nodes of its node type, if
    these, also those that were gone before, were all bought alike.
    """
    times, left, markets = [], dict(starting_s), dict[str, set[str | None]]()
    for node in sorted(table, key=lambda node: (node.start_time_ms, node.node_id)):
        begin, end = max(since, node.start_time_ms / 1000), (node.end_time_ms / 1000 or now)
        labels = dict(node.labels)
        group = node.node_type_name or labels.get(_GROUP_LABEL) or None
        market = market_of(labels)
        if group:
            markets.setdefault(group, set()).add(market)
        if end <= begin:
            continue
        times.append(
            NodeTime(
                kind=labels.get(TYPE_LABEL) or node.instance_type_name or group or node.node_manager_address,
                market=market,
                seconds=min(end, now) - begin,
                starting_s=left.pop(group, 0.0) if group else 0.0,  # all of a type's at its first node
                group=group,
            )
        )
    for group, seconds in sorted(left.items()):
        bought = markets.get(group, set())
        times.append(NodeTime(group, next(iter(bought)) if len(bought) == 1 else None, 0.0, seconds, group))
    return times
