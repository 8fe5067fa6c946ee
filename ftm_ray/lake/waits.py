"""What the run of a quarter waits for, beside its lock: written by the run, read by `ftm status`."""

from dataclasses import asdict, dataclass

from ftm_ray.errors import DamagedError
from ftm_ray.lake.storage import Lake


@dataclass(frozen=True, slots=True)
class RunWait:
    """What is waited for, in words that follow "waiting", and since when."""

    what: str
    since: str


def note_wait(lake: Lake, quarter: str, wait: RunWait) -> None:
    """Write what is waited for."""
    lake.write_json(_path(lake, quarter), asdict(wait))


def forget_wait(lake: Lake, quarter: str) -> None:
    """It is there now."""
    lake.delete_file(_path(lake, quarter))


def noted_wait(lake: Lake, quarter: str) -> RunWait | None:
    """What the run waits for; None if it waits for nothing. Only of use while a run holds the lock."""
    path = _path(lake, quarter)
    if not lake.exists(path):
        return None
    try:
        value = lake.read_json(path)
        return RunWait(str(value["what"]), str(value["since"]))
    except (DamagedError, KeyError):  # it is only words for a person, and the run writes them again
        return None


def _path(lake: Lake, quarter: str) -> str:
    return lake.lock_file(quarter).removesuffix(".json") + ".waits.json"
