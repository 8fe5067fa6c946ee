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
    for version in (code_version.code_version, code_version.map_code_version):
        version.cache_clear()
    yield
    for version in (code_version.code_version, code_version.map_code_version):
        version.cache_clear()


def imports_of(module):
    """The modules of the package that a module imports, also inside its functions."""
    nodes = ast.walk(ast.parse((PACKAGE / f"{module.replace('.', '/')}.py").read_text(encoding="utf-8")))
    names = (node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module)
    return {name.removeprefix("ftm_ray.") for name in names if name.startswith("ftm_ray.")}


#: Carry only settings, paths, errors, and words of messages.
CARRIERS = {
    *("config", "environment", "errors", "naming.answer_words", "version"),
    *("run.actors", "run.counts", "run.gates", "run.loading", "run.progress", "run.reduce_report"),
    *("lake.code_version", "lake.local_files", "lake.runs", "lake.s3_datasets", "lake.s3_errors", "lake.s3_files"),
    *("lake.s3_retry", "lake.s3_root", "lake.s3_traffic"),
}


def needed_by(*modules):
    needed, open_modules = set(), set(modules)
    while open_modules:
        module = open_modules.pop()
        needed.add(module)
        open_modules |= imports_of(module) - needed
    return needed - CARRIERS


def modules_of(files):
    return {name.removesuffix(".py").replace("/", ".") for name in files}


def test_every_module_that_decides_a_part_counts_in_the_version_of_the_map():
    assert needed_by("run.actors") <= modules_of(code_version.MAP_FILES)


def test_every_module_that_decides_the_result_counts_in_the_code_version():
    both = code_version.MAP_FILES + code_version.REDUCE_FILES
    assert needed_by("run.actors", "run.reduce") <= modules_of(both)
    assert len(set(both)) == len(both)


def test_the_code_version_names_package_version_and_digest():
    version, digest = code_version.code_version().split("+")
    assert version == ftm_ray.__version__
    assert len(digest) == 8


@pytest.mark.parametrize(
    ("changed", "map_is_another"),
    [
        *((f"naming/{guard}.py", True) for guard in ("guards", "content_guards", "word_support")),
        ("text/boilerplate_minilm.json", True),
        ("naming/support.py", False),
        ("themes/consensus.py", False),
    ],
)
def test_a_changed_step_is_another_run_and_only_where_it_makes_parts_another_map(
    changed, map_is_another, tmp_path, monkeypatch
):
    """Newer guards judge every kept answer anew; a newer clustering of themes finds the parts of the map."""
    package = tmp_path / "ftm_ray"
    shutil.copytree(PACKAGE, package, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(code_version, "__file__", str(package / "lake" / "code_version.py"))
    before = versions()
    with (package / changed).open("a", encoding="utf-8") as file:
        file.write("\n")
    assert [now != then for now, then in zip(versions(), before, strict=True)] == [True, map_is_another]


def versions():
    names = (code_version.MAP_FILES + code_version.REDUCE_FILES, code_version.MAP_FILES)
    return [code_version.files_digest(files) for files in names]


def test_code_with_the_results_of_an_earlier_version_has_its_name(monkeypatch):
    of_run, of_map = versions()
    monkeypatch.setattr(code_version, "_SAME_RESULTS_AS", {of_run: "0.0.9+12345678", of_map: "0.0.9+87654321"})
    assert code_version.code_version() == "0.0.9+12345678"
    assert code_version.map_code_version() == "0.0.9+87654321"


def test_an_entry_for_other_files_changes_nothing(monkeypatch):
    monkeypatch.setattr(code_version, "_SAME_RESULTS_AS", {"00000000": "0.0.9+12345678"})
    assert [code_version.code_version()[-8:], code_version.map_code_version()[-8:]] == versions()


def test_no_entry_is_left_of_files_that_changed_since():
    assert set(code_version._SAME_RESULTS_AS) <= set(versions())
