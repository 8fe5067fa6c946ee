"""A bucket as pyarrow's datasets take it: its region, whom it trusts, and its errors. Questions: test_query.py."""

import pytest

from ftm_ray.errors import SourceError
from ftm_ray.lake.s3_datasets import bucket_region
from ftm_ray.lake.storage import Lake


def test_questions_work_where_the_region_cannot_be_looked_up(s3, monkeypatch):
    """In a private network that reaches S3's endpoint of its own region, and no other."""
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    monkeypatch.delenv("AWS_ENDPOINT_URL_S3", raising=False)
    monkeypatch.setenv("AWS_REGION", "eu-central-1")

    def unreachable(bucket):
        raise OSError(f"When resolving region for bucket '{bucket}': curlCode: 28, Timeout was reached")

    monkeypatch.setattr("ftm_ray.lake.s3_datasets.fs.resolve_s3_region", unreachable)
    assert bucket_region("bucket", "eu-central-1") == "eu-central-1"
    assert Lake("s3://bucket/ftm").filesystem().base_fs.region == "eu-central-1"


def test_questions_trust_whom_the_aws_settings_trust(s3, monkeypatch):
    """A store of one's own often has a certificate that only AWS_CA_BUNDLE vouches for."""
    monkeypatch.setenv("AWS_CA_BUNDLE", "/etc/our-authority.pem")
    given = {}

    def client(**settings):
        given.update(settings)
        raise OSError("seen enough")

    monkeypatch.setattr("ftm_ray.lake.s3_datasets.fs.S3FileSystem", client)
    with pytest.raises(SourceError, match="seen enough"):
        Lake("s3://bucket/ftm").filesystem()
    assert given["tls_ca_file_path"] == "/etc/our-authority.pem"


def test_what_pyarrow_cannot_open_is_one_sentence(s3, monkeypatch):
    def broken(*_, **__):
        raise OSError("no such option")

    monkeypatch.setattr("ftm_ray.lake.s3_datasets.fs.S3FileSystem", broken)
    with pytest.raises(SourceError, match="cannot read s3://bucket/ftm: no such option"):
        Lake("s3://bucket/ftm").filesystem()
