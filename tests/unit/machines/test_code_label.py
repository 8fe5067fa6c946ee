"""Which code a machine runs: an old image is refused with both sides named."""

import re
import subprocess
import sys
from dataclasses import replace

import pytest

from ftm_ray.errors import ConfigError
from ftm_ray.machines import code_label
from ftm_ray.machines.code_label import as_text, check_same, package_digest, versions_from, versions_here


def test_here_is_named_by_version_and_commit():
    here = versions_here()
    assert re.fullmatch(r"\d+\.\d+\.\d+-(g[0-9a-f]{7,}(-dirty)?|unknown)", here.code)
    assert re.fullmatch(r"[0-9a-f]{8}", here.digest)
    assert here.ray == "2.60.0"


def test_what_another_process_prints_is_read_back():
    command = [sys.executable, "-m", "ftm_ray.machines.code_label"]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert versions_from(printed) == versions_here()
    check_same(versions_from(printed), versions_here())


@pytest.mark.parametrize(
    ("change", "words"),
    [({"digest": "00000000"}, "code of"), ({"ray": "2.58.0"}, "Ray of"), ({"python": "3.9.1"}, "Python of")],
)
def test_a_difference_is_refused_and_both_are_named(change, words):
    here = versions_here()
    there = replace(here, **change)
    with pytest.raises(ConfigError) as error:
        check_same(there, here)
    assert str(error.value).startswith(words)
    assert str(there) in str(error.value)
    assert str(here) in str(error.value)


def test_python_may_differ_in_its_last_number():
    here = versions_here()
    major_minor = ".".join(here.python.split(".")[:2])
    check_same(replace(here, python=f"{major_minor}.99"), here)


def test_the_digest_knows_data_files_but_not_what_python_leaves(tmp_path, monkeypatch):
    (tmp_path / "a.py").write_text("1")
    (tmp_path / "b.yaml").write_text("1")
    monkeypatch.setattr(code_label, "_PACKAGE", tmp_path)
    digests = []
    for name, text in (("a.py", "1"), ("c.pyc", "x"), ("b.yaml", "2")):
        (tmp_path / name).write_text(text)
        package_digest.cache_clear()
        digests.append(package_digest())
    package_digest.cache_clear()
    assert digests[0] == digests[1] != digests[2]


def test_an_image_without_this_record_is_told():
    with pytest.raises(ConfigError, match="build its image anew"):
        versions_from("ModuleNotFoundError")
    assert versions_from(as_text(versions_here())) == versions_here()
