"""What is wrong with a cluster file, said before it costs money. Reads the file alone: no account, no network.

Ray checks a file's outline and leaves every `node_config` to EC2, which takes it without a word where a misspelt
`InstanceMarketOptions` means the full price. So each node_config is held against EC2's own description of RunInstances,
which boto3 carries, and then against what a cluster of ours must have.
"""

import copy
import ipaddress
import logging
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from botocore import session
from botocore.validate import ParamValidator

from ftm_ray.errors import ConfigError
from ftm_ray.machines.instance_types import KNOWN_TYPES
from ftm_ray.machines.start_checks import start_problems

#: Keys of a node_config that our provider or Ray's takes out before EC2 is asked.
_NOT_FOR_EC2 = frozenset({"SpotChoices", "OnDemandLast", "SubnetIds"})
_PROVIDER = "ftm_ray.machines.provider.SpotChoiceProvider"
#: The head is the one machine that costs all day; above this it would not be small.
_LARGEST_HEAD_CPUS = 8
#: gp3: 3,000 to 16,000 IOPS, at most 500 per GB; 125 to 1,000 MB/s, at most a quarter of the IOPS (EC2's guide).
_IOPS = (3000, 16000)
_THROUGHPUT_MB_S = (125, 1000)
#: Image 12 GB and 25 unpacked, the system 15, and room for objects that Ray spills.
_SMALLEST_DISK_GB = 100


def read_cluster_file(path: Path) -> dict[str, Any]:
    """The file as YAML says it.

    Raises:
        ConfigError: It is not there, is no YAML, or is no cluster file.
    """
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read the cluster file {path}: {error}") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"{path} is no YAML: {' '.join(str(error).split())}") from error
    if not isinstance(found, dict) or not {"provider", "available_node_types", "head_node_type"} <= found.keys():
        raise ConfigError(f"{path} is no file for `ray up`; `ftm cluster render` makes one")
    return found


def find_problems(config: dict[str, Any]) -> list[str]:
    """Every fault of a cluster file, one sentence each; empty = none found.

    Args:
        config: What `read_cluster_file` gave.
    """
    outline = _outline_problem(config)
    if outline:
        return [outline]  # the checks below trust the outline
    if shapes := _wrong_shapes(config):
        return shapes
    return [
        *_provider_problems(config),
        *_head_problems(config),
        *(
            f"{name}: {problem}"
            for name, kind in config["available_node_types"].items()
            for problem in _node_problems(kind["node_config"])
        ),
        *(
            f"{name}: {problem}"
            for name, kind in config["available_node_types"].items()
            if name != config["head_node_type"]
            for problem in _worker_problems(kind)
        ),
        *start_problems(config),
    ]


def _outline_problem(config: dict[str, Any]) -> str | None:
    """Ray's own opinion, which is all that `ray up` would ask."""
    from jsonschema import ValidationError
    from ray.autoscaler._private.util import prepare_config, validate_config

    logging.getLogger("ray.autoscaler").setLevel(logging.ERROR)  # it warns of keys that it has put in itself
    try:
        validate_config(prepare_config(copy.deepcopy(config)))
    except ValidationError as error:
        return f"{'.'.join(map(str, error.path)) or 'file'}: {error.message[:200]} (Ray's own check)"
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        return f"Ray refuses the file: {error}"
    if not all(isinstance(kind.get("node_config"), dict) for kind in config["available_node_types"].values()):
        return "available_node_types: every one needs a node_config"
    return None


def _wrong_shapes(config: dict[str, Any]) -> list[str]:
    """Values that are of another kind than EC2 takes, such as a text for a number: nothing below could read them."""
    found = []
    for name, kind in config["available_node_types"].items():
        node_config = kind["node_config"]
        found += [f"{name}: {line}" for line in _not_for_run_instances(node_config) if line.startswith("Invalid type")]
        if not isinstance(node_config.get("SpotChoices", []), list):
            found.append(f"{name}: SpotChoices must be a list, such as [g6.xlarge, g5.xlarge]")
    return found


def _not_for_run_instances(node_config: dict[str, Any]) -> list[str]:
    """What EC2's own description of RunInstances says against a node_config."""
    asked = {key: value for key, value in node_config.items() if key not in _NOT_FOR_EC2}
    report = ParamValidator().validate(asked | {"MinCount": 1, "MaxCount": 1}, _run_instances())
    lines = report.generate_report().splitlines()
    return [line.partition(", must be one of")[0] for line in lines]  # EC2's whole list of names follows there


def _provider_problems(config: dict[str, Any]) -> Iterator[str]:
    provider = config["provider"]
    if provider["type"] != "external" or provider.get("module") != _PROVIDER:
        yield (
            "provider: Ray's own AWS provider never goes on to the next Spot type and opens port 22 to everybody; "
            f"set type: external and module: {_PROVIDER}"
        )
    region = str(provider.get("region"))
    wrong = [zone for zone in str(provider.get("availability_zone", "")).split(",") if not zone.startswith(region)]
    if wrong:
        yield f"provider: zone {wrong[0]} is not in region {region}"
    for rule in provider.get("security_group", {}).get("IpPermissions", []):
        port = rule.get("FromPort", "every")
        for place in _open_to_many(rule):
            yield f"provider: port {port} is open to {place}; leave security_group out, nodes are reached by SSM"
    if provider.get("cache_stopped_nodes", True):
        yield "provider: cache_stopped_nodes must be false, or `ray down` leaves a stopped head whose disk costs on"
    image = str(config.get("docker", {}).get("image", ""))
    if not image or image.endswith(":latest") or ":" not in image.rpartition("/")[2]:
        yield f"docker: image '{image}' has no tag of its own, so nodes may run different code; name one build"


def _open_to_many(rule: dict[str, Any]) -> Iterator[str]:
    """Ranges of a rule that hold more addresses than an office has, or that are none."""
    for one in [*rule.get("IpRanges", []), *rule.get("Ipv6Ranges", [])]:
        place = str(one.get("CidrIp", one.get("CidrIpv6")))
        try:
            if ipaddress.ip_network(place, strict=False).num_addresses <= 256:
                continue
        except ValueError:
            place = f"'{place}', which is no range of addresses"
        yield place


def _head_problems(config: dict[str, Any]) -> Iterator[str]:
    head = config["available_node_types"][config["head_node_type"]]
    resources = head.get("resources", {})
    if resources.get("CPU") != 0 or resources.get("GPU", 0) != 0:
        yield "head: resources must be CPU 0 and GPU 0, or work lands on the one node that must not fall over"
    node_config = head["node_config"]
    if "InstanceMarketOptions" in node_config or "SpotChoices" in node_config:
        yield "head: it is asked for as Spot, and the run is gone when it is; leave InstanceMarketOptions out"
    kind = KNOWN_TYPES.get(node_config.get("InstanceType"))
    if kind and (kind.cpus > _LARGEST_HEAD_CPUS or kind.gpus):
        yield f"head: {kind.name} is large for a node that runs no work and costs all day; m6i.xlarge is enough"


def _node_problems(node_config: dict[str, Any]) -> Iterator[str]:
    """What holds for every node."""
    for told in _not_for_run_instances(node_config):
        yield f"EC2's RunInstances does not know this, so it would not be done: {told}"
    if "IamInstanceProfile" not in node_config:
        yield "no IamInstanceProfile, so the node has no right to read ROOT; set {Name: ...} (cluster/iam/)"
    if node_config.get("MetadataOptions", {}).get("HttpTokens") != "required":
        yield "MetadataOptions.HttpTokens must be required (IMDSv2), or any page fetched here can read the node's keys"
    for device in node_config.get("BlockDeviceMappings", [{}]):
        yield from _disk_problems(device.get("Ebs", {}))


def _disk_problems(disk: dict[str, Any]) -> Iterator[str]:
    size, iops, throughput = disk.get("VolumeSize", 0), disk.get("Iops", 3000), disk.get("Throughput", 125)
    if disk.get("VolumeType") != "gp3":
        yield f"disk: VolumeType is {disk.get('VolumeType')}; gp3 is cheaper than gp2 and as fast as is asked"
        return
    if size < _SMALLEST_DISK_GB:
        yield f"disk: {size} GB; the image alone takes 37 while it is unpacked: give at least {_SMALLEST_DISK_GB}"
    if not _IOPS[0] <= iops <= min(_IOPS[1], 500 * max(size, 1)):
        yield f"disk: {iops} IOPS; gp3 has {_IOPS[0]:,} to {_IOPS[1]:,}, at most 500 per GB"
    if not _THROUGHPUT_MB_S[0] <= throughput <= min(_THROUGHPUT_MB_S[1], iops / 4):
        yield f"disk: {throughput} MB/s; gp3 has 125 to 1,000, at most a quarter of its {iops} IOPS"
    if disk.get("DeleteOnTermination") is not True:
        yield "disk: DeleteOnTermination must be true, or every Spot node leaves a disk that costs on"


def _worker_problems(kind: dict[str, Any]) -> Iterator[str]:
    node_config, resources = kind["node_config"], kind.get("resources", {})
    if node_config.get("InstanceMarketOptions", {}).get("MarketType") != "spot":
        yield "not asked for as Spot, so EC2 would bill the full price; set InstanceMarketOptions.MarketType: spot"
    spot = node_config.get("InstanceMarketOptions", {}).get("SpotOptions", {})
    if spot.get("SpotInstanceType", "one-time") != "one-time":
        yield "SpotInstanceType is persistent: EC2 buys the node again after `ray down` has ended it; set one-time"
    if kind.get("min_workers", 0) > 0:
        yield f"min_workers is {kind['min_workers']}: these nodes cost money with nothing to do; set 0"
    names = node_config.get("SpotChoices") or [node_config.get("InstanceType")]
    if len(names) < 2:
        yield "one Spot choice only: when EC2 has none of it, a run waits for hours; give SpotChoices two or more"
    for choice in [KNOWN_TYPES[name] for name in names if name in KNOWN_TYPES]:
        if choice.gpus != resources.get("GPU", 0):
            yield f"promises Ray {resources.get('GPU', 0)} card(s), but {choice.name} has {choice.gpus}"
        if choice.cpus < resources.get("CPU", 0):
            yield f"promises Ray {resources['CPU']} cores, but {choice.name} has {choice.cpus}"
        if choice.memory_gib << 30 < resources.get("memory", 0):
            yield f"promises Ray more memory than the {choice.memory_gib} GiB that {choice.name} has"


@cache
def _run_instances() -> Any:
    """What EC2 says that RunInstances takes, from the description that boto3 carries."""
    return session.get_session().get_service_model("ec2").operation_model("RunInstances").input_shape
