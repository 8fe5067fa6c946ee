"""Which column of a file holds what: recognised by its name, or named by the user."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from ftm_ray.errors import ConfigError
from ftm_ray.sources.files.names import COLUMN_NAMES, NECESSARY_COLUMNS, normal_name

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
    by_ours, others = {}, {}
    for ours, names in COLUMN_NAMES.items():
        wanted = (overrides[ours],) if ours in overrides else names
        there = list(
            dict.fromkeys(theirs for name in wanted if (theirs := _find(where, found, name, ours)) is not None)
        )
        if there:
            by_ours[ours] = there[0]
            if ours in NECESSARY_COLUMNS and len(there) > 1:
                others[ours] = tuple(there[1:])
        elif ours in overrides or ours in necessary:
            raise ConfigError(
                f"{where} has no column for '{ours}': looked for {', '.join(wanted)}; it has {', '.join(found)}. "
                + advice.format(ours=ours)
            )
    return Columns(by_ours, others)


def _find(where: str, found: Sequence[str], wanted: str, ours: str) -> str | None:
    """The file's name for a column; a name to the letter comes before one that differs in case or blanks."""
    numbers = [number for number, name in enumerate(found, 1) if name == wanted]
    numbers = numbers or [number for number, name in enumerate(found, 1) if normal_name(name) == normal_name(wanted)]
    if len(numbers) > 1:
        names = sorted({found[number - 1] for number in numbers})
        places = " and ".join(map(str, numbers))
        advice = (
            f"rename one of them in {where}" if len(names) == 1 else f"say which one with --column {ours}={names[0]}"
        )
        raise ConfigError(f"{where}: {' and '.join(names)} stands twice in the header (columns {places}); {advice}")
    return found[numbers[0] - 1] if numbers else None
