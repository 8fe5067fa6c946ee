"""The file for `ray up`, and the `[cluster]` part of a run's configuration that says the same to the map.

The text comes from two templates beside this file, in which every number stands with its reason; here only what
depends on the wish is worked out. The same wish gives the same bytes.
"""

import json
import re
from dataclasses import dataclass
from importlib.resources import files
from string import Template

from ftm_ray.errors import ConfigError
from ftm_ray.machines.instance_types import InstanceType, look_up

#: Ray's share of a machine's memory; the rest is for objects (30 % of what is there), the system and the container.
_RAY_MEMORY_RATIO = 0.6
#: AWS keeps the identifier of its newest image for GPU machines (driver, Docker, Ubuntu 22.04) under this name.
NEWEST_AMI = "resolve:ssm:/aws/service/deeplearning/ami/x86_64/base-oss-nvidia-driver-gpu-ubuntu-22.04/latest/ami-id"
#: Image 12 GB, unpacked 25, weights 16, spilled objects. A cold node waits for the disk: slower costs minutes.
_GPU_DISK = {
    "disk_gb": 200,
    "iops": 6000,
    "throughput": 500,
    "disk_reason": "200 GB: image 37 with unpacking, weights 16, objects. 500 MB/s: a cold node waits for unpacking.",
}
_CPU_DISK = {
    "disk_gb": 100,
    "iops": 3000,
    "throughput": 250,
    "disk_reason": "100 GB: image 37 with unpacking, objects. 250 MB/s: a cold node waits for unpacking.",
}


@dataclass(frozen=True, slots=True)
class ClusterWish:
    """What a person wants of a cluster.

    Attributes:
        bucket: Where ROOT lies.
        image: Docker image with a tag of its own, never `latest`.
        region: The bucket's region.
        gpu_types: Spot choices with cards, the dearest wish first; empty = no GPU nodes.
        cpu_types: Spot choices without cards; empty = no such nodes.
        max_nodes: Most nodes of each kind.
        zones: Letters of the availability zones.
        on_demand_last: Take the first type at the full price when all Spot choices are dry.
        ami: Machine image, `ami-...` or a `resolve:ssm:` name.
    """

    bucket: str
    image: str
    region: str = "us-east-2"
    gpu_types: tuple[str, ...] = ("g6.xlarge", "g5.xlarge")
    cpu_types: tuple[str, ...] = ()
    max_nodes: int = 8
    zones: str = "abc"
    on_demand_last: bool = False
    ami: str = NEWEST_AMI


@dataclass(frozen=True, slots=True)
class NodeGroup:
    """One node type of the cluster: choices that promise Ray the same.

    Attributes:
        name: Of the node type.
        gpus: Cards of a node.
        cpus: Cores of the smallest choice.
        memory_bytes: Ray's share of the smallest choice.
        card: The smallest card among the choices, by which settings of the model are chosen; None without cards.
        choices: EC2 types in the order they are asked for.
    """

    name: str
    gpus: int
    cpus: int
    memory_bytes: int
    card: str | None
    choices: tuple[str, ...]


def render_cluster(wish: ClusterWish) -> str:
    """The text of cluster.yaml.

    Raises:
        ConfigError: A name is malformed, or the choices of one kind differ in their cards.
    """
    _check_names(wish)
    groups = node_groups(wish)
    workers = "\n".join(_render_group(group, wish) for group in groups)
    return Template(_template("cluster_template.yaml")).substitute(
        max_workers=wish.max_nodes * len(groups),
        region=wish.region,
        bucket=wish.bucket,
        zones=",".join(wish.region + letter for letter in wish.zones),
        image=wish.image,
        registry=wish.image.split("/")[0],
        ami=wish.ami,
        workers=workers.rstrip(),
    )


def render_settings(wish: ClusterWish) -> str:
    """The same nodes for `ftm run --config`: TOML with the table `cluster`, from which the map takes its sizes."""
    rows = (
        f'  {{name = "{group.name}", gpus = {group.gpus}, cpus = {group.cpus}, '
        + (f'accelerator = "{group.card}", ' if group.card else "")
        + f"max_nodes = {wish.max_nodes}}},"
        for group in node_groups(wish)
    )
    lines = ["# Made by `ftm cluster render` with cluster.yaml: what that cluster can grow to.", "[cluster]"]
    return "\n".join([*lines, "node_types = [", *rows, "]", ""])


def node_groups(wish: ClusterWish) -> list[NodeGroup]:
    """The node types that a wish comes to.

    Raises:
        ConfigError: No type was asked for, one is unknown, or the choices of one kind differ in their cards.
    """
    wanted = (("gpu_spot", wish.gpu_types), ("cpu_spot", wish.cpu_types))
    groups = [_group(name, [look_up(kind) for kind in kinds]) for name, kinds in wanted if kinds]
    if not groups:
        raise ConfigError("a cluster without workers does no work; give --gpu or --cpu-nodes")
    return groups


def _group(name: str, kinds: list[InstanceType]) -> NodeGroup:
    wrong = [kind.name for kind in kinds if (kind.gpus == 0) is (name == "gpu_spot")]
    if wrong:
        other = ("without a card: give it to --cpu-nodes", "with cards: give it to --gpu")[name == "cpu_spot"]
        raise ConfigError(f"{wrong[0]} is a type {other}")
    odd = next((kind for kind in kinds if kind.gpus != kinds[0].gpus), None)
    if odd:
        first = kinds[0]
        raise ConfigError(
            f"{first.name} has {first.gpus} card(s) and {odd.name} has {odd.gpus}: Ray is promised one number for all "
            "choices; ask for types with as many cards"
        )
    memory = int(min(kind.memory_gib for kind in kinds) * _RAY_MEMORY_RATIO * (1 << 30))
    card = min(kinds, key=lambda kind: kind.card_gib).card
    return NodeGroup(name, kinds[0].gpus, min(kind.cpus for kind in kinds), memory, card, tuple(k.name for k in kinds))


def _render_group(group: NodeGroup, wish: ClusterWish) -> str:
    resources = {"CPU": group.cpus, "memory": group.memory_bytes}
    if group.gpus:
        resources["GPU"] = group.gpus
    return Template(_template("worker_template.yaml")).substitute(
        _GPU_DISK if group.gpus else _CPU_DISK,
        name=group.name,
        max_nodes=wish.max_nodes,
        resources=json.dumps(resources).strip("{}"),
        run_options='"--gpus all"' if group.gpus else "",  # where there is no card, Docker would refuse to start
        role="gpu" if group.gpus else "cpu",
        choices=", ".join(group.choices),
        on_demand_last=str(wish.on_demand_last).lower(),
        ami=wish.ami,
    )


def _check_names(wish: ClusterWish) -> None:
    """Names go into a YAML file and into shell commands, so they hold nothing but what AWS allows in them."""
    rules = (
        ("--bucket", wish.bucket, r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", "the name alone, such as my-bucket"),
        ("--region", wish.region, r"[a-z]{2}(-[a-z]+)+-\d", "a name such as us-east-2"),
        ("--zones", wish.zones, r"[a-z]{1,6}", "letters such as abc"),
        ("--ami", wish.ami, r"ami-[0-9a-f]{8,17}|resolve:ssm:[\w/.-]+", "ami-... or resolve:ssm:..."),
        ("--image", wish.image, r"[\w.-]+(:\d+)?(/[\w.-]+)+(:[\w.-]+|@sha256:[0-9a-f]{64})", "REGISTRY/NAME:TAG"),
    )
    for option, value, pattern, expected in rules:
        if not re.fullmatch(pattern, value):
            raise ConfigError(f"{option} '{value}' is not as AWS has it; give {expected}")
    if wish.image.endswith(":latest"):
        raise ConfigError("--image ends in :latest, so nobody could say which code ran; give a tag of its own")


def _template(name: str) -> str:
    return files("ftm_ray.machines").joinpath(name).read_text(encoding="utf-8")
