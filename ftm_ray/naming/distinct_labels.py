"""No two themes share a label: which have one that a larger theme has, and the number that tells them apart."""

from collections.abc import Sequence
from dataclasses import replace

from ftm_ray.text.keyword_names import Name


def with_taken_label(names: Sequence[Name | None]) -> list[int]:
    """Themes whose label a larger theme already has."""
    taken: set[str] = set()
    again = []
    for row, name in enumerate(names):
        key = name.label.casefold() if name else None
        if key in taken:
            again.append(row)
        elif key is not None:
            taken.add(key)
    return again


def numbered(names: Sequence[Name]) -> tuple[list[Name], int]:
    """Names with a number behind each label that a larger theme has, and how many got one."""
    taken: set[str] = set()
    distinct = []
    for name in names:
        label, n = name.label, 1
        while label.casefold() in taken:
            n += 1
            label = f"{name.label} ({n})"
        taken.add(label.casefold())
        distinct.append(replace(name, label=label))
    n_numbered = sum(one.label != other.label for one, other in zip(distinct, names, strict=True))
    return distinct, n_numbered
