"""`ftm doctor --cluster`: what is wrong with an account is told in one sentence, and nothing is bought."""

import copy
import json
import os
import subprocess
import sys

import boto3
import pytest
import yaml
from botocore.exceptions import ClientError
from ec2 import BUCKET, REGION, account
from moto.core.exceptions import JsonRESTError
from moto.servicequotas.models import ServiceQuotasBackend

from ftm_ray.machines import account_probe
from ftm_ray.machines.account_probe import examine_account
from ftm_ray.machines.cluster_file import ClusterWish, render_cluster

TRUST = (
    '{"Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}]}'
)
IMAGE = "123456789012.dkr.ecr.us-east-2.amazonaws.com/ftm-ray:0.1.0-g1a2b3c4"
CONFIG = yaml.safe_load(render_cluster(ClusterWish(bucket=BUCKET, image=IMAGE, ami="ami-0ce21b0ce8e0f5a37")))
ROLE = "ftm-ray"


@pytest.fixture(scope="module")
def cloud():
    """An account in which everything is as it should be but the image, which is never pushed."""
    with account():
        iam = boto3.client("iam")
        iam.create_role(RoleName=ROLE, AssumeRolePolicyDocument=TRUST)
        for name in ("ftm-ray-head", "ftm-ray-worker"):
            iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=ROLE)
        s3 = boto3.client("s3", region_name=REGION)
        s3.put_object(Bucket=BUCKET, Key="models/q/config.json", Body=b"{}")
        s3.put_object(Bucket=BUCKET, Key="models/q/model.safetensors", Body=b"0" * 1000)
        yield


@pytest.fixture(autouse=True)
def quotas(monkeypatch):
    """Spot quotas in vCPUs; moto knows those of VPC alone."""
    allowed = {"L-3819A6DF": 64.0, "L-34B43A08": 64.0}

    def get_service_quota(_, service_code, quota_code):
        assert service_code == "ec2"
        return {"Value": allowed[quota_code]}

    monkeypatch.setattr(ServiceQuotasBackend, "get_service_quota", get_service_quota)
    return allowed


def found(config=CONFIG, weights=None):
    return {finding.name: finding for finding in examine_account(config, weights)}


def changed(**provider):
    config = copy.deepcopy(CONFIG)
    config["provider"] |= provider
    return config


def test_an_account_in_order(cloud):
    findings = found(weights=f"s3://{BUCKET}/models/q")
    wrong = {name: finding for name, finding in findings.items() if finding.status != "ok"}
    assert list(wrong) == ["image"]  # ECR's part of moto has no image in it
    assert "is not in the registry" in wrong["image"].seen
    assert "gpu: 64 vCPUs on Spot allowed, 32 for 8 nodes" in findings["Spot quota"].seen
    assert boto3.client("ec2").describe_instances()["Reservations"] == []


def test_a_new_account_has_no_quota(cloud, quotas):
    quotas["L-3819A6DF"] = 0.0
    finding = found()["Spot quota"]
    assert finding.status == "fail"
    assert "0 vCPUs on Spot allowed" in finding.seen
    assert "--quota-code L-3819A6DF --desired-value 32" in finding.advice
    quotas["L-3819A6DF"] = 16.0  # enough for four of the eight nodes: it works, slower
    assert found()["Spot quota"].status == "warn"


def test_a_profile_that_is_not_there_or_has_no_role(cloud):
    iam = boto3.client("iam")
    iam.remove_role_from_instance_profile(InstanceProfileName="ftm-ray-head", RoleName=ROLE)
    assert "has no role" in found()["profile ftm-ray-head"].seen
    iam.delete_instance_profile(InstanceProfileName="ftm-ray-head")
    assert "is not there" in found()["profile ftm-ray-head"].seen
    iam.create_instance_profile(InstanceProfileName="ftm-ray-head")
    iam.add_role_to_instance_profile(InstanceProfileName="ftm-ray-head", RoleName=ROLE)


def test_a_bucket_in_another_region(cloud):
    place = {"LocationConstraint": "eu-west-1"}
    boto3.client("s3", region_name="eu-west-1").create_bucket(Bucket="far", CreateBucketConfiguration=place)
    finding = found(changed(bucket="far"))["bucket"]
    assert finding.status == "fail"
    assert "render the file with --region eu-west-1" in finding.seen


def test_weights_that_are_not_there(cloud):
    assert found(weights=f"s3://{BUCKET}/models/other")["weights"].status == "fail"
    assert "0.0 GB of weights" in found(weights=f"s3://{BUCKET}/models/q/")["weights"].seen


@pytest.mark.parametrize(
    ("code", "status", "words"),
    [("UnauthorizedOperation", "fail", "may not start the head"), ("InvalidAMIID.NotFound", "fail", "InvalidAMIID")],
)
def test_ec2_says_what_it_would_refuse(cloud, monkeypatch, code, status, words):
    real = boto3.client

    def client(service, **options):
        made = real(service, **options)
        if service == "ec2":
            made.meta.events.register("before-call.ec2.RunInstances", refuse)
        return made

    def refuse(**_):
        raise ClientError({"Error": {"Code": code, "Message": "no"}}, "RunInstances")

    monkeypatch.setattr(account_probe.boto3, "client", client)
    finding = found()["EC2 rights"]
    assert finding.status == status
    assert words in finding.seen


def test_what_this_login_may_not_ask_is_no_fault_of_the_account(cloud, monkeypatch):
    def refused(*_, **__):
        raise JsonRESTError("AccessDeniedException", "no")

    monkeypatch.setattr(ServiceQuotasBackend, "get_service_quota", refused)
    finding = found()["Spot quota"]
    assert finding.status == "warn"
    assert "may not ask GetServiceQuota" in finding.seen


def test_without_credentials_one_finding_says_so(tmp_path):
    """In a process of its own: boto3 keeps what it found once."""
    mine = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
    mine |= {"AWS_EC2_METADATA_DISABLED": "true", "HOME": str(tmp_path)}
    (tmp_path / "config.json").write_text(json.dumps(CONFIG))
    code = (
        "import json, sys; from ftm_ray.machines.account_probe import examine_account; "
        "print([(f.name, f.status, f.advice) for f in examine_account(json.load(open(sys.argv[1])))])"
    )
    command = [sys.executable, "-c", code, tmp_path / "config.json"]
    printed = subprocess.run(command, capture_output=True, text=True, env=mine, check=True).stdout
    assert printed.startswith("[('AWS account', 'fail'")
    assert printed.count("'fail'") == 1
    assert "aws sso login" in printed
