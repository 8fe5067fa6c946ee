"""Whole runs on real Ray over the project's own sample calls (invented, shipped with the package)."""

import pytest
from s3_server import credentials
from sample import NO_LLM, QUARTER, prefetch_sample

from ftm_ray.config import RunConfig
from ftm_ray.run.pipeline import run_quarter


@pytest.fixture(scope="session")
def ray_cluster(s3_process):
    """One local Ray for all tests that run in this process, with room for two topic actors on any machine.

    Its workers have AWS settings of their own, as the machines of a cluster do."""
    import ray

    with pytest.MonkeyPatch.context() as patch:
        for name, value in credentials(s3_process, "workers").items():
            patch.setenv(name, value)
        ray.init(address="local", num_cpus=4, include_dashboard=False, log_to_driver=False)
    yield
    ray.shutdown()


@pytest.fixture(scope="session")
def lake(tmp_path_factory, ray_cluster):
    """The sample quarter, run with two workers. Tests that change it put it back."""
    lake = prefetch_sample(tmp_path_factory.mktemp("two-workers"))
    outcome = run_quarter(lake.root, QUARTER, RunConfig(workers=2, llm=NO_LLM), lambda _: None)
    assert not outcome.already_done
    return lake
