"""One check of `ftm verify`: what was looked at, and what is wrong with it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

#: More problems of one kind are counted, not listed.
_LISTED = 5


@dataclass(frozen=True, slots=True)
class Check:
    """One check: what was looked at, and what is wrong with it; no problem = ok."""

    name: str
    seen: str
    problems: tuple[str, ...] = ()
    files_missing: bool = False


def make_check(name: str, seen: str, problems: Iterable[str]) -> Check:
    """A check with its first problems listed and the others counted."""
    every = list(problems)
    more = [f"and {len(every) - _LISTED} more like these"] if len(every) > _LISTED else []
    return Check(name, seen, tuple(every[:_LISTED] + more))


def count_differences(counted: Mapping[str, int], recorded: Mapping[str, Any], where: str) -> list[str]:
    """Numbers that were counted again and are not those of run.json."""
    return [
        f"run.json says {name} {recorded.get(name)}, {where} gives {value}"
        for name, value in counted.items()
        if recorded.get(name) != value
    ]
