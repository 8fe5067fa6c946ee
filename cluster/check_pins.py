"""Stops the image's build where an installed package is not the one that constraints.txt pins.

    python cluster/check_pins.py constraints.txt

Ray's base image brings packages of its own, and pip leaves one alone that is new enough for everybody: then a test here
and a run there would use two versions. What constraints.txt does not name comes with the base image and is let be.
"""

import re
import sys
from collections.abc import Iterable
from importlib.metadata import distributions
from pathlib import Path

#: What must be there at all; the rest only must not be another version.
NEEDED = ("ray", "torch", "vllm", "bertopic", "sentence-transformers", "boto3")


def normal(name: str) -> str:
    """A package's name as pip compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def read_pins(text: str) -> dict[str, str]:
    """Name and version of every line `name==version`; markers after a semicolon are left out."""
    lines = (line.split("#")[0].split(";")[0].strip() for line in text.splitlines())
    return {normal(name): version for line in lines if line for name, _, version in [line.partition("==")]}


def wrong_packages(pins: dict[str, str], installed: Iterable[tuple[str, str]]) -> list[str]:
    """One sentence for each package that is another version, or that is needed and missing."""
    # "2.13.0+cu130" is torch 2.13.0 built for CUDA 13: the same source.
    there = {normal(name): version.partition("+")[0] for name, version in installed}
    other = [
        f"{name} is {there[name]}, pinned is {pin}"
        for name, pin in sorted(pins.items())
        if name in there and there[name] != pin.partition("+")[0]
    ]
    return other + [f"{name} is not installed" for name in NEEDED if name not in there]


def main() -> int:
    """0 where all is as pinned, else 1 and what is not."""
    pins = read_pins(Path(sys.argv[1]).read_text(encoding="utf-8"))
    found = [(one.metadata["Name"], one.version) for one in distributions()]
    wrong = wrong_packages(pins, found)
    for sentence in wrong:
        sys.stderr.write(f"{sentence}\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
