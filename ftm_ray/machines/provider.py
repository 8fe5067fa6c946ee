"""Ray's AWS provider, made to go on to the next Spot choice, and to open no port.

Seen with Ray 2.60: where EC2 has no g6.xlarge, Ray's own provider asks for it every few seconds and for nothing else,
for ever; and whatever `provider.security_group` says, it opens port 22 to the whole internet. Both are mended here, by
overriding as little as can be: everything else is Ray's. See docs/adr/0015; delete this file when Ray does both.

`ray up` loads this class on the machine where it is typed, and Ray's autoscaler on the head, so both need ftm-ray.
"""

import copy
import logging
from typing import Any

import boto3
from ray.autoscaler._private.aws.node_provider import AWSNodeProvider
from ray.autoscaler.node_launch_exception import NodeLaunchException

from ftm_ray.errors import ConfigError
from ftm_ray.machines.bucket_region import check_bucket_region

logger = logging.getLogger(__name__)

#: EC2 says with these that it cannot give this type now, and may give another: a dry pool, or a quota that is used up.
#: Anything else (a missing right, a wrong parameter) would fail with the next choice, too, and is raised at once.
CAPACITY_ERRORS = frozenset(
    {
        "InsufficientInstanceCapacity",
        "InsufficientHostCapacity",
        "InsufficientCapacityOnHost",
        "SpotMaxPriceTooLow",
        "MaxSpotInstanceCountExceeded",
        "VcpuLimitExceeded",
        "InstanceLimitExceeded",
        "Unsupported",
    }
)


class SpotChoiceProvider(AWSNodeProvider):
    """AWS nodes from ordered choices: `SpotChoices` and `OnDemandLast` in a node type's node_config."""

    def _create_node(self, node_config: dict[str, Any], tags: dict[str, str], count: int) -> dict[str, Any]:
        """Start nodes of the first choice that EC2 can give, in any zone; the rest of the number from the next ones.

        Raises:
            NodeLaunchException: No choice gave a node. Ray's status shows EC2's reason, and Ray asks again.
        """
        made: dict[str, Any] = {}
        refused = None
        for one in launch_choices(node_config):
            try:
                made |= super()._create_node(one, dict(tags), count - len(made))
            except NodeLaunchException as error:
                if error.category not in CAPACITY_ERRORS:
                    raise
                logger.warning("EC2 has no %s now: %s", one["InstanceType"], error.category)
                refused = error
            if len(made) >= count:
                return made
        if not made and refused is not None:
            raise refused
        return made  # fewer than asked: Ray asks for the rest after REQUEST_STATUS_TIMEOUT_S (cluster_template.yaml)

    @staticmethod
    def bootstrap_config(cluster_config: dict[str, Any]) -> dict[str, Any]:
        """Give every node the closed security group, then do what Ray does.

        Raises:
            ConfigError: The bucket lies in another region, or there is no network to start nodes in.
        """
        config = copy.deepcopy(cluster_config)
        if not is_up(config):  # `ray down` comes here, too, and must never be stopped
            check_bucket_region(config["provider"].get("bucket"), config["provider"]["region"])
        node_configs = [kind["node_config"] for kind in config["available_node_types"].values()]
        if not all("SecurityGroupIds" in node_config for node_config in node_configs):
            group = closed_security_group(config)
            for node_config in node_configs:
                node_config.setdefault("SecurityGroupIds", [group])
        return AWSNodeProvider.bootstrap_config(config)

    @staticmethod
    def fillout_available_node_types_resources(cluster_config: dict[str, Any]) -> dict[str, Any]:
        """Leave resources as the file has them: Ray would add the card of one choice, which the others lack."""
        return cluster_config


def launch_choices(node_config: dict[str, Any]) -> list[dict[str, Any]]:
    """What RunInstances is asked for, in order; a node_config without `SpotChoices` is its own only choice."""
    plain = {key: value for key, value in node_config.items() if key not in ("SpotChoices", "OnDemandLast")}
    kinds = node_config.get("SpotChoices")
    if not kinds:
        return [plain]
    choices = [plain | {"InstanceType": kind} for kind in kinds]
    if node_config.get("OnDemandLast"):
        full_price = {key: value for key, value in choices[0].items() if key != "InstanceMarketOptions"}
        choices.append(full_price)
    return choices


def closed_security_group(config: dict[str, Any]) -> str:
    """The identifier of the cluster's security group, made if need be: its nodes reach one another, nobody else them.

    Raises:
        ConfigError: The region has no default network, and the file names no subnets.
    """
    ec2 = boto3.client("ec2", region_name=config["provider"]["region"])
    vpc = _network(ec2, config)
    name = f"{config['cluster_name']}-closed"
    filters = [{"Name": "vpc-id", "Values": [vpc]}, {"Name": "group-name", "Values": [name]}]
    found = ec2.describe_security_groups(Filters=filters)["SecurityGroups"]
    if found:
        return found[0]["GroupId"]
    group = ec2.create_security_group(
        GroupName=name, Description="Nodes of ftm-ray reach one another; nothing else is open", VpcId=vpc
    )["GroupId"]
    rule = {"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": group}]}
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[rule])
    return group


def is_up(config: dict[str, Any]) -> bool:
    """Whether instances of this cluster run."""
    filters = [
        {"Name": "tag:ray-cluster-name", "Values": [config["cluster_name"]]},
        {"Name": "instance-state-name", "Values": ["pending", "running"]},
    ]
    ec2 = boto3.client("ec2", region_name=config["provider"]["region"])
    return bool(ec2.describe_instances(Filters=filters)["Reservations"])


def _network(ec2: Any, config: dict[str, Any]) -> str:
    """The network of the subnets that the file names, else the account's default one in that region."""
    head = config["available_node_types"][config["head_node_type"]]["node_config"]
    if subnets := head.get("SubnetIds"):
        return ec2.describe_subnets(SubnetIds=subnets[:1])["Subnets"][0]["VpcId"]
    vpcs = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"]
    if not vpcs:
        raise ConfigError(
            f"region {config['provider']['region']} has no default network (VPC); make one with "
            "`aws ec2 create-default-vpc`, or give SubnetIds in every node_config"
        )
    return vpcs[0]["VpcId"]
