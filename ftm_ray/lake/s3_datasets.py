"""A bucket as pyarrow's datasets take it: pyarrow's own S3 client, with the credentials that boto3 found.

Only the questions of `ftm sql` and notebooks go this way, because reads that call back into Python from DuckDB's and
pyarrow's threads wait for Python's lock (about a tenth of the questions in the same time). Credentials that expire are
good for as long as they last.
"""

import logging
from typing import Any

import boto3
import botocore.session
from botocore.exceptions import NoCredentialsError
from pyarrow import fs

from ftm_ray.environment import aws_region
from ftm_ray.lake.s3_retry import CONNECT_TIMEOUT_S, READ_TIMEOUT_S, TRIES

logger = logging.getLogger(__name__)


def dataset_files(bucket: str, prefix: str, client: Any) -> fs.FileSystem:
    """Files below one prefix of a bucket, for pyarrow's datasets.

    Args:
        bucket: Its name.
        prefix: As in S3Files.
        client: boto3's, which knows region and endpoint.

    Raises:
        BotoCoreError: There are no credentials, or the AWS settings are wrong.
        OSError: pyarrow cannot make its client.
    """
    found = boto3.session.Session(region_name=aws_region()).get_credentials()
    if found is None:
        raise NoCredentialsError
    keys, endpoint = found.get_frozen_credentials(), client.meta.endpoint_url
    settings: dict[str, Any] = {"region": client.meta.region_name}
    if ".amazonaws." in endpoint:
        settings["region"] = bucket_region(bucket, client.meta.region_name)
    else:
        scheme, _, host = endpoint.partition("://")
        settings |= {"scheme": scheme, "endpoint_override": host}
    authorities = botocore.session.get_session().get_config_variable("ca_bundle")  # AWS_CA_BUNDLE, or the profile's
    if authorities:
        settings["tls_ca_file_path"] = authorities
    s3 = fs.S3FileSystem(
        access_key=keys.access_key,
        secret_key=keys.secret_key,
        session_token=keys.token,
        connect_timeout=CONNECT_TIMEOUT_S,
        request_timeout=READ_TIMEOUT_S,
        retry_strategy=fs.AwsStandardS3RetryStrategy(max_attempts=TRIES),
        **settings,
    )
    return fs.SubTreeFileSystem("/".join(part for part in (bucket, prefix) if part), s3)


def bucket_region(bucket: str, own_region: str) -> str:
    """Where a bucket is: unlike boto3, pyarrow does not follow it there. Our own region where that is not known."""
    try:
        return str(fs.resolve_s3_region(bucket))
    except OSError as error:  # it asks the global endpoint; some private networks reach only that of their region
        logger.debug("the region of %s could not be looked up, so it is taken to be %s: %s", bucket, own_region, error)
        return own_region
