"""Which column of a file holds what: recognised by its name, or named by the user."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from ftm_ray.errors import ConfigError
from ftm_ray.sources.files.names import COLUMN_NAMES, NECESSARY_COLUMNS, name_before_pandas, normal_name

#: Where --column helps; the columns of a links file are named in the file.
_SAY_WHICH = "Say which one it is with --column {ours}=NAME"


@dataclass(frozen=True, slots=True)
class Columns:
    """Which columns of a file are read.

    Attributes:
        by_ours: Our name to the file's name.
        others: Of the necessary columns that were recognised and not named by the user: what else would do.
    """

    by_ours: Mapping[str, str]
    others: Mapping[str, tuple[str, ...]]


def match_columns(
    where: str,
    found: Sequence[str],
    overrides: Mapping[str, str],
    necessary: Collection[str] = NECESSARY_COLUMNS,
    advice: str = _SAY_WHICH,
) -> Columns:
    """Find which column of a file holds what.

    Args:
        where: The file, for messages.
        found: Its columns, in order; a name may stand there twice.
        overrides: Our name to the file's name, as given by the user.
        necessary: Columns that must be there.
        advice: What to do where one is missing.

    Raises:
        ConfigError: An override names a column that is not ours or not in the file; a necessary one is missing; or a
            name that is used stands twice.
    """
    unknown = sorted(set(overrides) - set(COLUMN_NAMES))
    if unknown:
        raise ConfigError(f"--column {unknown[0]}=...: no such column; choose from {', '.join(COLUMN_NAMES)}")
    by_ours: dict[str, str] = {}
    others: dict[str, tuple[str, ...]] = {}
    several: dict[str, list[int]] = {}
    for ours, names in COLUMN_NAMES.items():
        wanted = (overrides[ours],) if ours in overrides else names
        there = {numbers[0]: numbers for name in wanted if (numbers := _find(found, name))}
        if there:
            first, *more = there
            by_ours[ours] = found[first - 1]
            several |= {ours: there[first]} if len(there[first]) > 1 else {}
            more = [] if ours in overrides else [*more, *_twins(found, first, more)]
            if ours in NECESSARY_COLUMNS and more:
                others[ours] = tuple(found[number - 1] for number in more)
        elif ours in overrides or ours in necessary:
            if not any(found):
                raise ConfigError(f"{where} is empty; remove it, or write it again")
            raise ConfigError(
                f"{where} has no column for '{ours}': looked for {', '.join(wanted)}; {_told(found)} "
                + advice.format(ours=ours)
            )
    if several:
        raise _twice(where, found, several)
    return Columns(by_ours, others)


def _told(found: Sequence[str]) -> str:
    """What a file has, and what may be wrong where that is one column."""
    if len(found) == 1:
        return f"it has {found[0]!r} alone: does the first line name the columns, with , ; tab or | between them?"
    return f"it has {', '.join(found)}."


def _twins(found: Sequence[str], first: int, more: Sequence[int]) -> list[int]:
    """Numbers of other columns of the same name: in other letters, or as pandas counts them ("text.1")."""
    wanted = normal_name(found[first - 1])
    return [
        number
        for number, name in enumerate(found, 1)
        if number != first and number not in more and normal_name(name_before_pandas(name)) == wanted
    ]


def _find(found: Sequence[str], wanted: str) -> list[int]:
    """Numbers of the columns of a name, from 1; a name to the letter before one that differs in case or blanks."""
    numbers = [number for number, name in enumerate(found, 1) if name == wanted]
    return numbers or [number for number, name in enumerate(found, 1) if normal_name(name) == normal_name(wanted)]


def _twice(where: str, found: Sequence[str], several: Mapping[str, Sequence[int]]) -> ConfigError:
    """What to say of names that stand in a header more than once; by our name, the numbers of the columns."""
    told, can_say = [], []
    for ours, numbers in several.items():
        names = list(dict.fromkeys(found[number - 1] for number in numbers))
        told.append(f"{' and '.join(names)} stands twice in the header (columns {' and '.join(map(str, numbers))})")
        can_say += [f"--column {ours}={names[0]}"] if len(names) > 1 else []
    advice = (
        f"say which one with {' '.join(can_say)}" if len(can_say) == len(told) else f"rename one of them in {where}"
    )
    return ConfigError(f"{where}: {', '.join(told)}; {advice}")
