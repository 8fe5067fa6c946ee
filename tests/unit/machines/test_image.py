"""The image: what its build checks, and that the Dockerfile asks for what the project pins."""

import importlib.util
import re
from importlib.metadata import version
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[3]
CONSTRAINTS = (PROJECT / "constraints.txt").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def check_pins():
    spec = importlib.util.spec_from_file_location("check_pins", PROJECT / "cluster" / "check_pins.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_line_of_the_constraints_is_a_pin(check_pins):
    pins = check_pins.read_pins(CONSTRAINTS)
    assert pins["ray"] == "2.60.0"
    lines = [line for line in CONSTRAINTS.splitlines() if line.strip() and not line.startswith("#")]
    assert len(pins) == len(lines)
    assert all(pins.values())


def test_another_version_and_a_missing_package_are_told(check_pins):
    pins = {"torch": "2.13.0", "ray": "2.60.0"}
    good = [(name, pins.get(name, "1")) for name in check_pins.NEEDED]
    assert check_pins.wrong_packages(pins, [*good, ("jupyter", "1")]) == []
    assert check_pins.wrong_packages(pins, [*good[:1], ("torch", "2.13.0+cu130"), *good[2:]]) == []
    wrong = check_pins.wrong_packages(pins, [("Ray", "2.58.0"), *good[1:-1]])
    assert wrong == ["ray is 2.58.0, pinned is 2.60.0", "boto3 is not installed"]


def test_the_base_image_has_the_pinned_ray_on_python_3_12_with_cuda_13():
    text = (PROJECT / "cluster" / "Dockerfile").read_text(encoding="utf-8")
    base = re.search(r"^ARG BASE=rayproject/ray:(\S+)$", text, re.MULTILINE)[1]
    assert base == f"{version('ray')}-py312-cu130"


def test_the_builder_gets_every_file_that_the_dockerfile_copies():
    text = (PROJECT / "cluster" / "Dockerfile").read_text(encoding="utf-8")
    ignored = (PROJECT / ".dockerignore").read_text(encoding="utf-8")
    sources = [word for line in re.findall(r"^COPY (.*)$", text, re.MULTILINE) for word in line.split()[:-1]]
    assert len(sources) >= 8
    for source in sources:
        assert (PROJECT / source).exists(), source
        assert any(f"!{part}\n" in ignored for part in (source, source.split("/")[0])), source
