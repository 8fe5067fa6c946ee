"""Labels of which no two are alike: a number stands behind one that another has already ("Freight costs (2)")."""

import re
from collections.abc import Collection

_NUMBER = re.compile(r" \(\d+\)$")


def free_label(label: str, taken: Collection[str]) -> str:
    """The label, with the first number behind it that makes it another than those taken (these in lower case)."""
    found, n = label, 1
    while found.casefold() in taken:
        n += 1
        found = f"{label} ({n})"
    return found


def without_number(label: str) -> str:
    """A label without the number that `free_label` puts behind it."""
    return _NUMBER.sub("", label)
