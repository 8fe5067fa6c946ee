"""Jaccard indices of themes with their counterparts, and the words for them."""

import numpy as np
import pytest

from ftm_ray.themes.stability import Stability, agreement, best_jaccards, mean_best_jaccards, stability_class


def labels(*values):
    return np.array(values, dtype=np.int64)


def test_the_counterpart_is_the_cluster_that_shares_most():
    ours, others = labels(0, 0, 0, 0, 1, 1, -1), labels(5, 5, 5, 2, 2, 2, 2)
    assert best_jaccards(ours, others).tolist() == [3 / 4, 2 / 4]


def test_a_cluster_that_falls_apart_into_outliers_has_none():
    assert best_jaccards(labels(0, 0, 1, 1), labels(-1, -1, 0, 0)).tolist() == [0, 1]
    assert best_jaccards(labels(0, 0, 1, 1), labels(-1, -1, -1, -1)).tolist() == [0, 0]


def test_a_cluster_is_compared_among_the_topics_that_a_resample_holds():
    ours = labels(0, 0, 0, 1, 1)
    held = np.array([0, 1, 3])
    assert mean_best_jaccards(ours, [(labels(0, 0, 1), held)]) == [1, 1]


def test_a_resample_without_any_of_its_topics_says_nothing_of_a_cluster():
    ours = labels(0, 0, 1, 1)
    first, second = (labels(0, 0), np.array([0, 1])), (labels(0, -1, 1, 1), None)
    assert mean_best_jaccards(ours, [first, second]) == [pytest.approx((1 + 0.5) / 2), 1]
    assert mean_best_jaccards(ours, [first]) == [1, None]
    assert mean_best_jaccards(ours, []) == [None, None]


@pytest.mark.parametrize(
    ("value", "word"),
    [
        (0.59, "unstable"),
        (0.6, "doubtful"),
        (0.74, "doubtful"),
        (0.75, "stable"),
        (0.85, "highly_stable"),
        (1, "highly_stable"),
    ],
)
def test_the_bounds_are_hennigs(value, word):
    assert stability_class(value) == word
    assert Stability(seeds=value).of_class == word


def test_what_was_not_measured_has_no_class():
    assert Stability().of_class is None


def test_agreement_is_the_mean_over_pairs_of_fits():
    same = labels(0, 0, 1, 1)
    assert agreement([same, same, same]) == 1
    assert agreement([same]) is None
    assert agreement([same, labels(0, 1, 0, 1)]) < 0
