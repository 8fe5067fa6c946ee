"""Where a bucket lies: data that crosses regions costs money by the gigabyte, and a second for every question."""

import boto3
from botocore.exceptions import ClientError

from ftm_ray.errors import ConfigError


def check_bucket_region(bucket: str | None, region: str) -> None:
    """Stop if the bucket is not where the cluster would start.

    Args:
        bucket: Its name; None = the file names none, and nothing is checked.
        region: The cluster's.

    Raises:
        ConfigError: The bucket lies elsewhere, is not there, or may not be seen.
    """
    if bucket is None:
        return
    try:
        reply = boto3.client("s3", region_name=region).head_bucket(Bucket=bucket)
        place = reply["ResponseMetadata"]["HTTPHeaders"].get("x-amz-bucket-region", region)
    except ClientError as error:
        headers = error.response["ResponseMetadata"]["HTTPHeaders"]
        code = error.response["ResponseMetadata"]["HTTPStatusCode"]
        place = headers.get("x-amz-bucket-region", region)
        if code == 404:
            raise ConfigError(
                f"bucket {bucket} is not there; make it in {region}, or correct provider.bucket"
            ) from error
        if code == 403 and place == region:
            raise ConfigError(
                f"bucket {bucket} may not be seen (403); is it yours, and do you have s3:ListBucket?"
            ) from error
    if place != region:
        raise ConfigError(
            f"bucket {bucket} lies in {place} and the cluster would start in {region}, which costs for every gigabyte; "
            f"render the file with --region {place}"
        )
