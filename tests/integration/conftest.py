"""Whole runs on real Ray over the project's own sample calls (invented, shipped with the package)."""

from pathlib import Path

import pytest
from s3_server import credentials
from sample import NO_LLM, QUARTER, prefetch_sample
from xdist.scheduler import LoadFileScheduling

from ftm_ray.config import RunConfig
from ftm_ray.run.pipeline import run_quarter

#: Two vLLMs at once on two cores take three times as long to start as one after the other, and the longest comes first.
_SERVE_A_MODEL = {"test_llm_run", "test_serving", "test_stopped_jobs"}


class FilesByModel(LoadFileScheduling):
    """Gives a file to one process, and all files that serve a model to the same one."""

    def _split_scope(self, nodeid):
        file = super()._split_scope(nodeid)
        return "those that serve a model" if Path(file).stem in _SERVE_A_MODEL else file


@pytest.hookimpl(optionalhook=True)  # where xdist is switched off
def pytest_xdist_make_scheduler(config, log):
    return FilesByModel(config, log)  # `--dist loadgroup` groups nothing under pytest 9.2 (xdist 3.8)


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: item.path.stem not in _SERVE_A_MODEL)


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
