"""Whole runs on real Ray over the project's own sample calls (invented, shipped with the package)."""

from pathlib import Path

import pytest
from s3_server import credentials
from sample import NO_LLM, QUARTER, prefetch_sample
from xdist.scheduler import LoadFileScheduling

from ftm_ray.config import RunConfig
from ftm_ray.run.pipeline import run_quarter

#: Files that go to one process each: two vLLMs at once on two cores take three times as long to start as one after the
#: other, and the run that the fixture `lake` holds takes a minute and a half. The longest come first.
_TOGETHER = (
    ("test_llm_run", "test_serving", "test_stopped_jobs"),
    ("test_run", "test_from_zero", "test_run_quarters", "test_interrupt", "test_search", "test_s3_run"),
)
_GROUP_OF = {file: number for number, files in enumerate(_TOGETHER) for file in files}


class FilesByGroup(LoadFileScheduling):
    """Gives a file to one process, and all files of a group to the same one."""

    def _split_scope(self, nodeid):
        file = super()._split_scope(nodeid)
        number = _GROUP_OF.get(Path(file).stem)
        return file if number is None else f"group {number}"


@pytest.hookimpl(optionalhook=True)  # where xdist is switched off
def pytest_xdist_make_scheduler(config, log):
    return FilesByGroup(config, log)  # `--dist loadgroup` groups nothing under pytest 9.2 (xdist 3.8)


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: _GROUP_OF.get(item.path.stem, len(_TOGETHER)))


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
