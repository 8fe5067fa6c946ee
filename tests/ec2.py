"""EC2 as moto plays it, in this process: an account with two profiles and a bucket."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import boto3
from moto import mock_aws

REGION = "us-east-2"
BUCKET = "my-bucket"


@contextmanager
def account(profiles: tuple[str, ...] = ("ftm-ray-head", "ftm-ray-worker")) -> Iterator[None]:
    """An empty account in REGION with these instance profiles and BUCKET; ends with the block."""
    kept = dict(os.environ)
    os.environ.update(AWS_ACCESS_KEY_ID="x", AWS_SECRET_ACCESS_KEY="x", AWS_DEFAULT_REGION=REGION)
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL", "AWS_REGION"):
        os.environ.pop(name, None)
    try:
        with mock_aws():
            iam = boto3.client("iam")
            for name in profiles:
                iam.create_instance_profile(InstanceProfileName=name)
            place = {"LocationConstraint": REGION}
            boto3.client("s3", region_name=REGION).create_bucket(Bucket=BUCKET, CreateBucketConfiguration=place)
            yield
    finally:
        os.environ.clear()
        os.environ.update(kept)
