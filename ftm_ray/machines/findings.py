"""What a look at the cluster or the account found: the same shape that `ftm doctor` shows."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found; `status` is ok, warn, fail, or skip where it was not looked at."""

    name: str
    status: str
    seen: str
    advice: str = ""
