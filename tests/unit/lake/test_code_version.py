"""Other code is another version, unless its results are known to be the same."""

import ast
import shutil
from pathlib import Path

import pytest

import ftm_ray
from ftm_ray.lake import code_version

PACKAGE = Path(ftm_ray.__file__).parent


@pytest.fixture(autouse=True)
def asked_anew():
    """The version is worked out once a process; each test asks anew."""
    code_version.code_version.cache_clear()
    yield
    code_version.code_version.cache_clear()


def imports_of(module):
    """The modules of the package that a module imports, also inside its functions."""
    nodes = ast.walk(ast.parse((PACKAGE / f"{module.replace('.', '/')}.py").read_text(encoding="utf-8")))
    names = (node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module)
    return {name.removeprefix("ftm_ray.") for name in names if name.startswith("ftm_ray.")}


def test_every_module_that_decides_the_result_counts_in_the_code_version():
    """What the two workers need, except what only carries settings, paths and errors."""
    needed, open_modules = set(), {"topics.finder", "run.reduce"}
    while open_modules:
        module = open_modules.pop()
        needed.add(module)
        open_modules |= imports_of(module) - needed
    carriers = {
        "config",
        "environment",
        "errors",
        "run.counts",
        "run.gates",
        "run.progress",
        "run.reduce_report",
        "version",
    }
    carriers |= {"naming.answer_words"}  # words of messages
    carriers |= {f"lake.{name}" for name in ("code_version", "local_files", "runs")}
    carriers |= {f"lake.s3_{name}" for name in ("datasets", "errors", "files", "retry", "root")}
    assert needed - carriers <= {name.removesuffix(".py").replace("/", ".") for name in code_version.STEP_FILES}


def test_the_code_version_names_package_version_and_digest():
    version, digest = code_version.code_version().split("+")
    assert version == ftm_ray.__version__
    assert len(digest) == 8


@pytest.mark.parametrize("guard", ["guards", "content_guards", "word_support", "support"])
def test_newer_guards_are_another_version(guard, tmp_path, monkeypatch):
    """So they make a map and a run of their own, which judge every kept answer anew."""
    package = tmp_path / "ftm_ray"
    shutil.copytree(PACKAGE, package, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(code_version, "__file__", str(package / "lake" / "code_version.py"))
    before = code_version.step_files_digest()
    with (package / "naming" / f"{guard}.py").open("a", encoding="utf-8") as file:
        file.write("# stricter\n")
    assert code_version.step_files_digest() != before


def test_code_with_the_results_of_an_earlier_version_has_its_name(monkeypatch):
    digest = code_version.step_files_digest()
    monkeypatch.setattr(code_version, "_SAME_RESULTS_AS", {digest: "0.0.9+12345678"})
    assert code_version.code_version() == "0.0.9+12345678"


def test_an_entry_for_other_files_changes_nothing(monkeypatch):
    monkeypatch.setattr(code_version, "_SAME_RESULTS_AS", {"00000000": "0.0.9+12345678"})
    assert code_version.code_version().endswith(code_version.step_files_digest())


def test_no_entry_is_left_of_files_that_changed_since():
    assert set(code_version._SAME_RESULTS_AS) <= {code_version.step_files_digest()}
