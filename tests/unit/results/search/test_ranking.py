"""Two orders become one."""

import numpy as np

from ftm_ray.results.search.ranking import fused, ranks_of


def test_places_are_by_score_and_equal_ones_as_they_come():
    assert ranks_of(np.array([0.2, 0.9, 0.2, -np.inf, 0.5])).tolist() == [3, 1, 4, 0, 2]


def test_an_order_goes_no_deeper_than_asked_and_cuts_equal_ones_as_they_come():
    scores = np.array([1.0, 3.0, 1.0, 1.0, 2.0])
    assert ranks_of(scores, depth=3).tolist() == [3, 1, 0, 0, 2]
    assert ranks_of(scores, depth=99).tolist() == ranks_of(scores).tolist()


def test_nothing_has_no_place():
    assert ranks_of(np.zeros(0)).tolist() == []
    assert ranks_of(np.full(3, -np.inf)).tolist() == [0, 0, 0]
    assert fused(np.zeros(3, dtype=np.int64), np.zeros(3, dtype=np.int64), 10) == []


def test_what_stands_high_in_both_orders_is_first_and_meaning_counts_more():
    """By hand: row 2 has 1.5/22 + 1/22, row 0 has 1.5/21, row 3 has 1.5/23, row 1 has 1/21."""
    meaning, words = np.array([1, 0, 2, 3]), np.array([0, 1, 2, 0])
    assert fused(meaning, words, 10) == [2, 0, 3, 1]
    assert fused(meaning, words, 2) == [2, 0]
