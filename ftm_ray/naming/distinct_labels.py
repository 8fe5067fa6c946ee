"""No two themes share a label: which have one that a larger theme has, and the number that tells them apart."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ftm_ray.text.keyword_names import Name
from ftm_ray.text.numbered_labels import free_label
from ftm_ray.vectors.unit_vectors import Vectors

#: Cosine from which two labels are taken to say the same: a judgement, not measured on judged pairs of labels.
SAME_MEANING = 0.85


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


def nearest_of_same_meaning(labels: Sequence[str], vectors: Vectors) -> dict[int, int]:
    """Themes whose label means what that of a larger theme means, and the nearest such theme.

    Args:
        labels: Largest theme first; "" where a theme has no label yet.
        vectors: (n, dim) unit vectors of the labels.
    """
    twins = {}
    for row in range(1, len(labels)):
        larger = [near for near in range(row) if labels[near]]
        if labels[row] and larger:
            cosines = vectors[larger] @ vectors[row]
            if cosines.max() >= SAME_MEANING:
                twins[row] = larger[int(np.argmax(cosines))]
    return twins


def numbered(names: Sequence[Name]) -> tuple[list[Name], int]:
    """Names with a number behind each label that a larger theme has, and how many got one."""
    taken: set[str] = set()
    distinct = []
    for name in names:
        label = free_label(name.label, taken)
        taken.add(label.casefold())
        distinct.append(replace(name, label=label))
    n_numbered = sum(one.label != other.label for one, other in zip(distinct, names, strict=True))
    return distinct, n_numbered
