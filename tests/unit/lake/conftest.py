"""A bucket's folder for each test of files on S3."""

import pytest

from ftm_ray.lake import s3_retry
from ftm_ray.lake.storage import Lake


@pytest.fixture
def s3_root(s3, tmp_path, monkeypatch):
    """A ROOT of its own; pauses between tries are short."""
    monkeypatch.setattr("botocore.retries.standard.ExponentialBackoff.delay_amount", lambda *_: 0.01)
    monkeypatch.setattr(s3_retry, "_pause", lambda _: None)
    return s3.root(f"s3/{tmp_path.name}")


@pytest.fixture
def s3_lake(s3_root):
    return Lake(s3_root)
