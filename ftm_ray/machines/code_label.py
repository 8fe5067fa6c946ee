"""Which code, Ray and Python this is: a stale image must be told before a job costs hours, and both sides be named.

The label names a build (version and git commit); the digest decides, as it changes with any byte of the package. Ray
and Python count too: Ray refuses nodes with others, but only after they were paid for.
`python -m ftm_ray.machines.code_label` prints what a machine has, and `ftm doctor --cluster` runs that on the head.
"""

import hashlib
import json
import platform
import subprocess
import sys
from dataclasses import asdict, dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path

from ftm_ray.errors import ConfigError
from ftm_ray.version import __version__

_PACKAGE = Path(__file__).parents[1]
#: Written into the image by cluster/Dockerfile, where there is no git.
_COMMIT_FILE = _PACKAGE / "commit.txt"


@dataclass(frozen=True, slots=True)
class Versions:
    """What one machine runs.

    Attributes:
        code: Version of the package and git commit, such as 0.1.0-g1a2b3c4; for people.
        digest: Of all Python and data files of the package; eight hexadecimal digits.
        ray: Ray's version.
        python: Python's, such as 3.12.3.
    """

    code: str
    digest: str
    ray: str
    python: str

    def __str__(self) -> str:
        """All four in one line."""
        return f"code {self.code} ({self.digest}), Ray {self.ray}, Python {self.python}"


def versions_here() -> Versions:
    """What this process runs."""
    return Versions(code_label(), package_digest(), version("ray"), platform.python_version())


def versions_from(text: str) -> Versions:
    """What `as_text` wrote on another machine.

    Raises:
        ConfigError: It is something else: that machine has a version without this record.
    """
    try:
        return Versions(**json.loads(text))
    except (TypeError, ValueError) as error:
        raise ConfigError(f"the cluster says '{text[:100]}' instead of its versions; build its image anew") from error


def as_text(versions: Versions) -> str:
    """One line that `versions_from` reads."""
    return json.dumps(asdict(versions))


def check_same(cluster: Versions, submitter: Versions) -> None:
    """Stop if two machines run different code.

    Raises:
        ConfigError: Code, Ray or Python (its minor version) differs; both are named.
    """
    differs = []
    if cluster.digest != submitter.digest:
        differs.append("code")
    if cluster.ray != submitter.ray:
        differs.append("Ray")
    if _minor(cluster.python) != _minor(submitter.python):
        differs.append("Python")
    if differs:
        raise ConfigError(
            f"{' and '.join(differs)} of the cluster and of this machine differ: the cluster has {cluster}; "
            f"this machine has {submitter}; build the image from this code, or check out the cluster's commit"
        )


@cache
def code_label() -> str:
    """Version and commit; `-dirty` where files were changed since, `-unknown` where there is neither git nor build."""
    if _COMMIT_FILE.is_file():
        return f"{__version__}-g{_COMMIT_FILE.read_text(encoding='utf-8').strip()}"
    commit = _git("rev-parse", "--short=7", "HEAD")
    if commit is None:
        return f"{__version__}-unknown"
    return f"{__version__}-g{commit}{'-dirty' if _git('status', '--porcelain', '--', '.') else ''}"


@cache
def package_digest() -> str:
    """Eight hexadecimal digits that change with any byte of the package's code and data."""
    digest = hashlib.sha256()
    for path in sorted(_PACKAGE.rglob("*")):
        if path.is_file() and path.suffix != ".pyc" and path != _COMMIT_FILE:
            digest.update(str(path.relative_to(_PACKAGE)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:8]


def _git(*words: str) -> str | None:
    """What git says of the package's folder; None where it says nothing or is not there."""
    try:
        done = subprocess.run(["git", *words], cwd=_PACKAGE, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip() or None


def _minor(python: str) -> str:
    return ".".join(python.split(".")[:2])


if __name__ == "__main__":
    sys.stdout.write(as_text(versions_here()) + "\n")
