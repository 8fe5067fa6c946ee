"""The calm run that all cases are held against, a head of Ray, the LLM that counts; and a row of each case."""

import json
import os
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from command import start_ftm
from head import ray_environment, started_head
from sample import QUARTER, prefetch_sample
from scene import Case, CountingLlm, Row, copy_state

#: Where rows of cases go, for page.py; `make chaos` says it.
ROWS = os.environ.get("FTM_CHAOS_ROWS")
#: A folder that keeps the calm runs for the next call of pytest, where one file at a time is run; else a fresh one.
KEPT = os.environ.get("FTM_CHAOS_CALM")


@pytest.fixture(scope="session")
def llm():
    with CountingLlm() as server:
        yield server


@pytest.fixture(scope="session")
def head():
    with started_head(with_dashboard=False) as head:
        yield head


@pytest.fixture(scope="session")
def cluster(head):
    """The environment of a command that works on the head."""
    return ray_environment() | {"RAY_ADDRESS": head.address}


@pytest.fixture(scope="session")
def settings(tmp_path_factory, llm):
    """The configuration of all runs: one topic actor, and four questions at once, so that naming takes seconds."""
    return write_settings(tmp_path_factory.mktemp("settings"), llm.url, patience_s=300)


def write_settings(folder: Path, url: str, patience_s: int) -> Path:
    path = folder / "run.toml"
    limits = f"max_concurrency = 4\ntimeout_s = 30\npatience_s = {patience_s}\n"
    path.write_text(f'workers = 1\n[llm]\nendpoint = "{url}"\nmodel = "tiny"\n{limits}')
    return path


@pytest.fixture(scope="session")
def calm_roots(tmp_path_factory, llm, settings, request):
    """(published, unnamed): a run that nothing disturbed, and its state before the first name.

    The LLM is away at first, so that the map ends without a name; then the same command names and publishes.
    """
    folder = Path(KEPT) if KEPT else tmp_path_factory.mktemp("calm")
    calm, unnamed = folder / "calm", folder / "unnamed"
    if not unnamed.exists():  # a call that was stopped in between is gone on from, as any run
        prefetch_sample(calm)
        cluster = request.getfixturevalue("cluster")
        impatient = write_settings(tmp_path_factory.mktemp("impatient"), llm.url, patience_s=0)
        llm.is_away = True
        said = run_to_end(calm, impatient, cluster, 3)
        assert "named 0 of" in said, said
        llm.is_away = False
        shutil.copytree(calm, unnamed, ignore=shutil.ignore_patterns("locks"))
    if not list(calm.glob("runs/*/*/run.json")):
        run_to_end(calm, settings, request.getfixturevalue("cluster"), 0)
    return calm, unnamed


def run_to_end(root: Path, settings: Path, environment: dict[str, str], exit_code: int) -> str:
    process = start_ftm(*run_arguments(root, settings), environment=environment)
    output, _ = process.communicate(timeout=900)
    assert process.returncode == exit_code, output
    return output


def run_arguments(root: Path, settings: Path) -> tuple[str, ...]:
    return ("run", QUARTER, "--root", str(root), "--config", str(settings))


@pytest.fixture
def calm(calm_roots):
    return calm_roots[0]


@pytest.fixture
def row(request):
    """What the case tells of itself; written down at its end, also where it failed."""
    row = Row(kind="", harm="")
    yield row
    if ROWS and row.kind:
        commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True).stdout.strip()
        is_good = request.node.stash.get(PASSED, False)
        about = {"passed": is_good, "date": datetime.now(UTC).date().isoformat(), "commit": commit}
        with Path(ROWS).open("a", encoding="utf-8") as file:
            file.write(json.dumps(json.loads(row.as_json()) | about) + "\n")


PASSED = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if report.when == "call":
        item.stash[PASSED] = report.passed
    return report


@pytest.fixture
def case_of(tmp_path, calm_roots, llm, cluster, settings, row):
    """Make a case of a run: `case_of("named", kind, harm)`."""

    def make(state: str, kind: str, harm: str, root: Path = tmp_path / "root") -> Case:
        calm, unnamed = calm_roots
        if state == "unnamed":
            copy_state(unnamed, root, "named")
        else:
            copy_state(calm, root, state)
        row.kind, row.harm = kind, harm
        return Case(root, run_arguments(root, settings), cluster, llm, row)

    return make
