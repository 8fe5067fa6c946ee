"""Topics of no cluster that are as near to one as its own join it; all others stay out."""

import numpy as np
import pytest

from ftm_ray.themes.near_topics import joined_by_near_topics

#: Angles from the axis of a group, in radians: of a tight group, and of a loose one.
TIGHT, LOOSE = np.linspace(0.1, 0.2, 10), np.linspace(0.4, 0.8, 10)


def around(axis: int, angles, dim: int = 40) -> np.ndarray:
    """Unit vectors at these angles from an axis, evenly on all sides, so that the axis is their centre."""
    vectors = np.zeros((2 * len(angles), dim), dtype=np.float32)
    for number, angle in enumerate(angles):
        for side in (0, 1):
            row = vectors[2 * number + side]
            row[axis] = np.cos(angle)
            row[2 + number] = np.sin(angle) * (1 if side else -1)
    return vectors


def at(axis: int, angle: float) -> np.ndarray:
    """One unit vector at this angle, on a side where no other is."""
    vector = np.zeros((1, 40), dtype=np.float32)
    vector[0, axis], vector[0, 39] = np.cos(angle), np.sin(angle)
    return vector


def label_of(*others: np.ndarray) -> list[int]:
    """What becomes of these topics beside a tight group, 0, and a loose one, 1."""
    groups = [around(0, TIGHT), around(1, LOOSE)]
    labels = np.repeat([0, 1, -1], [len(groups[0]), len(groups[1]), len(others)])
    joined = joined_by_near_topics(labels, np.concatenate([*groups, *others]))
    assert joined[labels >= 0].tolist() == labels[labels >= 0].tolist()
    return joined[labels < 0].tolist()


def test_one_as_near_as_its_own_joins_and_one_further_off_does_not():
    assert label_of(at(0, 0.12), at(0, 0.3), at(0, 1.2)) == [0, -1, -1]


def test_what_is_near_for_others_is_far_in_a_tight_group():
    """Nearer than two in five of all, the farthest of whom are in the loose group, but not than a third of its own."""
    assert label_of(at(0, 0.195)) == [-1]


def test_as_near_as_many_of_a_loose_group_is_not_near():
    """Nearer to the loose centre than half of its own, but not than two in five of all."""
    assert label_of(at(1, 0.62)) == [-1]


def test_the_nearest_centre_counts():
    assert label_of(at(0, 0.1), at(1, 0.1)) == [0, 1]


@pytest.mark.parametrize("label", [0, -1])
def test_where_all_or_none_have_a_cluster_nothing_changes(label):
    labels = np.full(20, label)
    assert joined_by_near_topics(labels, around(0, TIGHT)).tolist() == labels.tolist()
