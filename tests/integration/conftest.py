"""Whole runs on real Ray over the project's own sample calls (invented, shipped with the package)."""

import os

# Before anything imports numpy, torch or ray: the same settings that the pipeline gives its actors.
os.environ.setdefault("NUMBA_THREADING_LAYER", "workqueue")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

from pathlib import Path

import pytest

import ftm_ray
from ftm_ray.sources.files import FilesSettings, FilesSource
from ftm_ray.sources.prefetch import prefetch_quarter
from ftm_ray.storage import Lake

SAMPLE = Path(ftm_ray.__file__).parent / "sample_calls"
QUARTER = "2024Q1"


def prefetch_sample(root: Path, links: bool = True) -> Lake:
    """Bring the sample calls of one quarter into a lake of its own."""
    lake = Lake(str(root))
    settings = FilesSettings((str(SAMPLE / "*.jsonl"),), links=str(SAMPLE / "links.csv") if links else None)
    prefetch_quarter(lake, QUARTER, FilesSource(settings), lambda *_: None)
    return lake


@pytest.fixture(scope="session")
def ray_cluster():
    """One local Ray for all tests that run in this process, with room for two topic actors on any machine."""
    import ray

    ray.init(address="local", num_cpus=4, include_dashboard=False, log_to_driver=False)
    yield
    ray.shutdown()
