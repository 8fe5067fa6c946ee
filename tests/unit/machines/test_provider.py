"""Our provider over Ray's, against moto's EC2: dry Spot types, the full price only where allowed, no open port."""

import copy
import json
import os
from pathlib import Path

import boto3
import pytest
import yaml
from botocore.exceptions import ClientError
from ec2 import BUCKET, account
from ray.autoscaler._private.aws import config as aws_config
from ray.autoscaler._private.providers import _get_node_provider_cls
from ray.autoscaler._private.util import prepare_config, validate_config
from ray.autoscaler.node_launch_exception import NodeLaunchException
from ray.autoscaler.tags import (
    NODE_KIND_WORKER,
    STATUS_UNINITIALIZED,
    TAG_RAY_LAUNCH_CONFIG,
    TAG_RAY_NODE_KIND,
    TAG_RAY_NODE_NAME,
    TAG_RAY_NODE_STATUS,
    TAG_RAY_USER_NODE_TYPE,
)

from ftm_ray.errors import ConfigError
from ftm_ray.machines import provider as provider_module
from ftm_ray.machines.cluster_file import ClusterWish, render_cluster

IAM = Path(__file__).parents[3] / "cluster" / "iam"
WISH = ClusterWish(bucket=BUCKET, image="111122223333.dkr.ecr.us-east-2.amazonaws.com/ftm-ray:0.1.0-g1a2b3c4")
TAGS = {
    TAG_RAY_NODE_KIND: NODE_KIND_WORKER,
    TAG_RAY_USER_NODE_TYPE: "gpu_spot",
    TAG_RAY_NODE_NAME: "ray-worker",
    TAG_RAY_NODE_STATUS: STATUS_UNINITIALIZED,
    TAG_RAY_LAUNCH_CONFIG: "hash",
}


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    """A new account, and a home folder of its own: Ray writes an SSH key there."""
    with account() as made:
        os.environ["HOME"] = str(tmp_path_factory.mktemp("home"))
        aws_config._get_subnets_or_die.cache_clear()
        yield made


@pytest.fixture
def cluster(cloud):
    """What `ray up` makes of the rendered file, and the provider; no instance is left afterwards."""
    config, provider = started()
    yield config, provider
    if left := provider.non_terminated_nodes({}):
        provider.terminate_nodes(left)


def started(**wish):
    """The rendered file as `ray up` has it after its own preparation, and the provider that Ray loads for it."""
    config = prepare_config(yaml.safe_load(render_cluster(ClusterWish(**{**vars_of(WISH), **wish}))))
    validate_config(config)
    kind = _get_node_provider_cls(config["provider"])
    config = kind.bootstrap_config(kind.fillout_available_node_types_resources(config))
    return config, kind(config["provider"], config["cluster_name"])


def vars_of(wish):
    return {name: getattr(wish, name) for name in wish.__dataclass_fields__}


def refuse(monkeypatch, provider, kinds, code="InsufficientInstanceCapacity"):
    """EC2 has none of these Spot types now; returns the requests in their order."""
    real, asked = provider.ec2_fail_fast.create_instances, []

    def create_instances(**request):
        market = request.get("InstanceMarketOptions", {}).get("MarketType", "on-demand")
        asked.append((request["InstanceType"], market, request["SubnetId"], request["MaxCount"]))
        if request["InstanceType"] in kinds and market == "spot":
            raise ClientError({"Error": {"Code": code, "Message": "none left"}}, "RunInstances")
        return real(**request)

    monkeypatch.setattr(provider.ec2_fail_fast, "create_instances", create_instances)  # Ray shares it in a process
    return asked


def ask(config, provider, count=1):
    """One round of the autoscaler for `count` nodes."""
    kind = config["available_node_types"]["gpu_spot"]
    provider.create_node_with_resources_and_labels(
        copy.deepcopy(kind["node_config"]), dict(TAGS), count, kind["resources"], kind["labels"]
    )
    provider.non_terminated_nodes({})
    return sorted((node.instance_type, node.instance_lifecycle) for node in provider.cached_nodes.values())


def allow_full_price(config):
    config["available_node_types"]["gpu_spot"]["node_config"]["OnDemandLast"] = True


def test_where_the_first_type_is_dry_the_second_comes_up_in_the_same_round(cluster, monkeypatch):
    config, provider = cluster
    asked = refuse(monkeypatch, provider, {"g6.xlarge"})
    assert ask(config, provider, 3)[0] == ("g5.xlarge", "spot")  # moto gives MinCount, which is 1; EC2 up to MaxCount
    assert len({subnet for kind, _, subnet, _ in asked if kind == "g6.xlarge"}) == 3  # in every zone before going on
    assert [(kind, count) for kind, _, _, count in asked][-1] == ("g5.xlarge", 3)
    instance = next(iter(provider.cached_nodes.values()))
    assert instance.iam_instance_profile["Arn"].endswith("/ftm-ray-worker")
    assert instance.metadata_options["HttpTokens"] == "required"


def test_the_first_type_is_taken_where_there_is_one(cluster):
    config, provider = cluster
    assert ask(config, provider) == [("g6.xlarge", "spot")]


def test_all_dry_is_told_with_ec2s_reason_and_nothing_is_bought_at_the_full_price(cluster, monkeypatch):
    config, provider = cluster
    asked = refuse(monkeypatch, provider, {"g6.xlarge", "g5.xlarge"})
    with pytest.raises(NodeLaunchException) as error:
        ask(config, provider)
    assert error.value.category == "InsufficientInstanceCapacity"
    assert {market for _, market, *_ in asked} == {"spot"}
    assert provider.non_terminated_nodes({}) == []


def test_the_full_price_is_the_last_choice_where_it_is_allowed(cluster, monkeypatch):
    config, provider = cluster
    allow_full_price(config)
    asked = refuse(monkeypatch, provider, {"g6.xlarge", "g5.xlarge"})
    assert ask(config, provider) == [("g6.xlarge", None)]
    kinds = list(dict.fromkeys((kind, market) for kind, market, *_ in asked))
    assert kinds == [("g6.xlarge", "spot"), ("g5.xlarge", "spot"), ("g6.xlarge", "on-demand")]


def test_a_missing_right_is_no_dry_pool(cluster, monkeypatch):
    config, provider = cluster
    allow_full_price(config)
    asked = refuse(monkeypatch, provider, {"g6.xlarge"}, code="UnauthorizedOperation")
    with pytest.raises(NodeLaunchException):
        ask(config, provider)
    assert {kind for kind, *_ in asked} == {"g6.xlarge"}  # never on to the next, never to the full price


def test_nodes_reach_one_another_and_nobody_else_reaches_them(cluster):
    config, _ = cluster
    groups = {
        group for kind in config["available_node_types"].values() for group in kind["node_config"]["SecurityGroupIds"]
    }
    found = boto3.client("ec2").describe_security_groups(GroupIds=list(groups))["SecurityGroups"]
    assert len(found) == 1
    rules = found[0]["IpPermissions"]
    assert [rule["IpRanges"] for rule in rules] == [[]]
    assert [pair["GroupId"] for pair in rules[0]["UserIdGroupPairs"]] == [found[0]["GroupId"]]
    again, _ = started()  # `ray up` a second time
    assert again["available_node_types"]["head"]["node_config"]["SecurityGroupIds"] == list(groups)


def test_resources_stay_as_the_file_has_them(cluster):
    config, _ = cluster
    assert "accelerator_type:L4" not in config["available_node_types"]["gpu_spot"]["resources"]  # a g5 has none


def test_a_bucket_elsewhere_stops_before_anything_is_made(cloud, monkeypatch):
    place = {"LocationConstraint": "eu-west-1"}
    boto3.client("s3", region_name="eu-west-1").create_bucket(Bucket="far", CreateBucketConfiguration=place)
    monkeypatch.setattr(provider_module, "closed_security_group", None)  # would fail if it were come to
    with pytest.raises(ConfigError, match="lies in eu-west-1 and the cluster would start in us-east-2"):
        started(bucket="far")
    with pytest.raises(ConfigError, match="is not there"):
        started(bucket="nobodys-bucket")


def test_the_rights_of_the_head_are_what_its_autoscaler_asks_and_no_more(cluster):
    """What runs on the head: start, look, tag, end. `ray up` itself is another person's right."""
    config, provider = cluster
    asked = set()

    def note(event_name, **_):
        _, service, operation = event_name.split(".")
        asked.add(f"{service}:{operation}")

    events = [provider.ec2.meta.client.meta.events, provider.ec2_fail_fast.meta.client.meta.events]
    for one in events:
        one.register("before-parameter-build.ec2.*", note)
    ask(config, provider)
    nodes = provider.non_terminated_nodes({})
    provider.set_node_tags(nodes[0], {TAG_RAY_NODE_STATUS: "up-to-date"})
    provider.internal_ip(nodes[0])
    provider.terminate_nodes(nodes)
    for one in events:
        one.unregister("before-parameter-build.ec2.*", note)
    policy = json.loads((IAM / "head-cluster.json").read_text(encoding="utf-8"))
    granted = {action for statement in policy["Statement"] for action in statement["Action"] if action[:4] == "ec2:"}
    assert asked == granted


def test_a_region_without_network_is_told(cluster):
    ec2 = boto3.client("ec2")
    vpc = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"][0]["VpcId"]
    for subnet in ec2.describe_subnets()["Subnets"]:
        ec2.delete_subnet(SubnetId=subnet["SubnetId"])
    for group in ec2.describe_security_groups()["SecurityGroups"]:
        if group["GroupName"] != "default":
            ec2.delete_security_group(GroupId=group["GroupId"])
    ec2.delete_vpc(VpcId=vpc)
    with pytest.raises(ConfigError, match="create-default-vpc"):
        started()


def test_a_worker_may_start_nothing_and_the_head_gives_away_the_workers_role_alone():
    def statements(name):
        return json.loads((IAM / f"{name}.json").read_text(encoding="utf-8"))["Statement"]

    workers = {action.split(":")[0] for one in statements("workers-cluster") for action in one["Action"]}
    assert workers == {"ecr", "s3", "ssm", "ssmmessages"}
    passed = [one["Resource"] for one in statements("head-cluster") if "iam:PassRole" in one["Action"]]
    assert passed == [["arn:aws:iam::ACCOUNT:role/ftm-ray-worker"]]
    changing = ("ec2:RunInstances", "ec2:TerminateInstances", "ec2:CreateTags")
    assert all("*" not in one["Resource"] for one in statements("head-cluster") if set(changing) & set(one["Action"]))
