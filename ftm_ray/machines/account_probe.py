"""Whether an AWS account can carry the cluster of a file: quota, roles, bucket, image, weights, rights. Buys nothing.

Every finding is one question to AWS. Where this machine may not ask, the finding says so and the rest goes on: the
person who runs `ftm doctor` often has fewer rights than the head.
"""

from collections.abc import Callable
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from ftm_ray.errors import ConfigError
from ftm_ray.machines.bucket_region import check_bucket_region
from ftm_ray.machines.findings import Finding
from ftm_ray.machines.instance_types import KNOWN_TYPES

#: "All G and VT Spot Instance Requests" and "All Standard Spot Instance Requests": vCPUs, 0 in a new account.
_SPOT_QUOTAS = {"gpu": "L-3819A6DF", "cpu": "L-34B43A08"}
_DENIED = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "403"})


def examine_account(config: dict[str, Any], weights: str | None = None) -> list[Finding]:
    """Ask AWS about everything that the file needs.

    Args:
        config: A cluster file that its own checks have passed.
        weights: `s3://bucket/prefix` of the model's weights; None = not looked for.
    """
    looks: list[tuple[str, Callable[[], Finding]]] = [
        ("AWS account", lambda: _account(config)),
        ("bucket", lambda: _bucket(config)),
        *((f"profile {name}", lambda name=name: _profile(name)) for name in _profiles(config)),
        ("Spot quota", lambda: _quota(config)),
        ("EC2 rights", lambda: _ec2_rights(config)),
        ("image", lambda: _image(config)),
        ("weights", lambda: _weights(weights, _region(config))),
    ]
    findings = []
    for name, look in looks:
        findings.append(_tried(name, look))
        if name == "AWS account" and findings[-1].status == "fail":
            break  # without credentials every other answer would be the same
    return findings


def _tried(name: str, look: Callable[[], Finding]) -> Finding:
    """The finding; what AWS refuses to tell is a finding, too."""
    try:
        return look()
    except ConfigError as error:
        return Finding(name, "fail", str(error))
    except ClientError as error:
        code, operation = error.response["Error"]["Code"], error.operation_name
        if code in _DENIED:
            return Finding(name, "warn", f"not seen: this login may not ask {operation}", "ask who runs the account")
        return Finding(name, "fail", f"{operation}: {code}: {error.response['Error'].get('Message', '')[:150]}")
    except BotoCoreError as error:
        return Finding(name, "fail", f"AWS cannot be asked: {error}", "log in, for instance with `aws sso login`")


def _account(config: dict[str, Any]) -> Finding:
    who = boto3.client("sts", region_name=_region(config)).get_caller_identity()
    name = who["Arn"].rpartition(":")[2]
    return Finding("AWS account", "ok", f"{who['Account']} as {name}, region {_region(config)}")


def _bucket(config: dict[str, Any]) -> Finding:
    bucket = config["provider"].get("bucket")
    if bucket is None:
        return Finding("bucket", "skip", "the file names none", "render it with --bucket")
    check_bucket_region(bucket, _region(config))
    return Finding("bucket", "ok", f"{bucket} lies in {_region(config)}, as the cluster will")


def _profiles(config: dict[str, Any]) -> list[str]:
    profiles = [kind["node_config"].get("IamInstanceProfile", {}) for kind in config["available_node_types"].values()]
    names = [one.get("Name") or one.get("Arn", "").rpartition("/")[2] for one in profiles]
    return sorted({name for name in names if name})


def _profile(name: str) -> Finding:
    try:
        found = boto3.client("iam").get_instance_profile(InstanceProfileName=name)["InstanceProfile"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchEntity":
            raise
        return Finding(f"profile {name}", "fail", "is not there, so EC2 would refuse every node", "see cluster/iam/")
    if not found["Roles"]:
        return Finding(f"profile {name}", "fail", "has no role, so its nodes may do nothing", "see cluster/iam/")
    return Finding(f"profile {name}", "ok", f"has the role {found['Roles'][0]['RoleName']}")


def _quota(config: dict[str, Any]) -> Finding:
    client = boto3.client("service-quotas", region_name=_region(config))
    seen = []
    for kind in config["available_node_types"].values():
        choices = kind["node_config"].get("SpotChoices")
        if not choices:
            continue
        sort = "gpu" if kind["resources"].get("GPU") else "cpu"
        cpus = [KNOWN_TYPES[name].cpus for name in choices if name in KNOWN_TYPES]
        if not cpus:
            return Finding("Spot quota", "skip", f"the vCPUs of {', '.join(choices)} are not known to ftm-ray")
        needed = kind["max_workers"] * max(cpus)
        quota = client.get_service_quota(ServiceCode="ec2", QuotaCode=_SPOT_QUOTAS[sort])["Quota"]["Value"]
        words = f"{sort}: {quota:g} vCPUs on Spot allowed, {needed} for {kind['max_workers']} nodes"
        advice = f"ask for more: aws service-quotas request-service-quota-increase --service-code ec2 --quota-code \
{_SPOT_QUOTAS[sort]} --desired-value {needed} (takes a day)"
        if quota < needed:
            return Finding("Spot quota", "fail" if quota == 0 else "warn", words, advice)
        seen.append(words)
    return Finding("Spot quota", "ok", "; ".join(seen))


def _ec2_rights(config: dict[str, Any]) -> Finding:
    """EC2 says what it would do (DryRun) and does nothing."""
    client = boto3.client("ec2", region_name=_region(config))
    head = config["available_node_types"][config["head_node_type"]]["node_config"]
    asked = {key: head[key] for key in ("ImageId", "InstanceType", "IamInstanceProfile") if key in head}
    try:
        client.run_instances(DryRun=True, MinCount=1, MaxCount=1, **asked)
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code == "UnauthorizedOperation":
            return Finding("EC2 rights", "fail", "this login may not start the head (RunInstances)", "cluster/iam/")
        if code != "DryRunOperation":
            raise
    return Finding("EC2 rights", "ok", "this login may start the head (a dry run; nothing was bought)")


def _image(config: dict[str, Any]) -> Finding:
    image = config["docker"]["image"]
    registry, _, rest = image.partition("/")
    if ".dkr.ecr." not in registry:
        return Finding("image", "skip", f"{image} is not in ECR")
    name, _, tag = rest.partition("@" if "@" in rest else ":")
    wanted = {"imageDigest" if "@" in rest else "imageTag": tag}
    account, region = registry.split(".")[0], registry.split(".")[3]
    client = boto3.client("ecr", region_name=region)
    try:
        client.describe_images(registryId=account, repositoryName=name, imageIds=[wanted])
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("ImageNotFoundException", "RepositoryNotFoundException"):
            raise
        return Finding("image", "fail", f"{image} is not in the registry: no node would come up", "build and push it")
    return Finding("image", "ok", f"{image} is in the registry")


def _weights(weights: str | None, region: str) -> Finding:
    if weights is None:
        return Finding("weights", "skip", "not looked for", "--weights s3://bucket/prefix looks for them")
    bucket, _, prefix = weights.removeprefix("s3://").partition("/")
    client = boto3.client("s3", region_name=region)
    found = client.list_objects_v2(Bucket=bucket, Prefix=f"{prefix.rstrip('/')}/").get("Contents", [])
    names = {item["Key"].rpartition("/")[2] for item in found}
    n_bytes = sum(item["Size"] for item in found if item["Key"].endswith(".safetensors"))
    if "config.json" not in names or not n_bytes:
        return Finding("weights", "fail", f"{weights} has no config.json with .safetensors", "copy the model there")
    return Finding("weights", "ok", f"{weights}: {n_bytes / 1e9:.1f} GB of weights")


def _region(config: dict[str, Any]) -> str:
    return str(config["provider"]["region"])
