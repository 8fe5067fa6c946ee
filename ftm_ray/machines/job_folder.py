"""What travels with a job: this machine's code and the settings of the run, in a folder that Ray sends to all nodes.

Only `ftm_ray/` and `jobs/` are taken, so that no output, environment or history beside them can ever be sent.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from ftm_ray.errors import ConfigError

_PACKAGE = Path(__file__).parents[1]
_JOBS = _PACKAGE.parent / "jobs"

#: Names of the settings and of the prices inside the folder, where the job's driver starts.
SETTINGS = "run.toml"
PRICES = "prices.toml"

#: Ray (2.60) refuses 512 MiB, and whatever is sent passes through the head's memory; our code takes 2 MB.
_MOST_BYTES = 100 << 20


@contextmanager
def job_folder(settings: Path | None, prices: Path | None = None) -> Iterator[Path]:
    """A folder with the code, the job files and, where given, the settings; it is gone afterwards.

    Args:
        settings: File of `--config`; None = the job takes none.
        prices: File of `--prices`, or that the settings name; None = none.

    Raises:
        ConfigError: `jobs/` is not beside the package, or the folder is too large to be sent.
    """
    if not _JOBS.is_dir():
        raise ConfigError(
            f"{_JOBS} is not there: jobs are sent from a checkout of the project (pip install -e), not from an "
            "installed package"
        )
    with TemporaryDirectory(prefix="ftm-job-") as made:
        folder = Path(made)
        for source in (_PACKAGE, _JOBS):
            shutil.copytree(source, folder / source.name, ignore=shutil.ignore_patterns("__pycache__"))
        for given, name in ((settings, SETTINGS), (prices, PRICES)):
            if given is not None:
                shutil.copyfile(given, folder / name)
        _check_size(folder)
        yield folder


def _check_size(folder: Path) -> None:
    sizes = {path: path.stat().st_size for path in folder.rglob("*") if path.is_file()}
    if sum(sizes.values()) > _MOST_BYTES:
        largest = max(sizes, key=lambda path: sizes[path])
        raise ConfigError(
            f"the code has {sum(sizes.values()) >> 20} MiB, and at most {_MOST_BYTES >> 20} are sent with a job; the "
            f"largest file is {largest.relative_to(folder)} with {sizes[largest] >> 20} MiB: move it away"
        )
