"""Means of unit vectors, and choices that are relevant and varied."""

import numpy as np
import pytest

from ftm_ray.vectors.unit_vectors import mean_vector, pick_varied


def test_a_mean_points_between_and_has_length_one():
    assert mean_vector(np.eye(2, dtype=np.float32)) == pytest.approx([0.5**0.5] * 2)
    assert mean_vector(np.eye(2, dtype=np.float32)).dtype == np.float32


def test_opposite_vectors_have_a_mean_without_nan():
    assert np.isfinite(mean_vector(np.array([[1.0, 0.0], [-1.0, 0.0]], np.float32))).all()


def test_without_diversity_the_most_relevant_are_chosen_in_order():
    vectors = np.tile(np.array([[1.0, 0.0]], np.float32), (3, 1))
    assert pick_varied(vectors, np.array([0.1, 0.9, 0.5]), 3, diversity=0.0) == [1, 2, 0]


def test_a_near_copy_waits_behind_something_else():
    vectors = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]], np.float32)
    relevance = np.array([0.9, 0.89, 0.6])
    assert pick_varied(vectors, relevance, 2, diversity=0.5) == [0, 2]
    assert pick_varied(vectors, relevance, 2, diversity=0.1) == [0, 1]


def test_everything_is_chosen_once_when_more_is_asked_for(blobs):
    vectors = blobs([4])
    assert sorted(pick_varied(vectors, np.ones(4), 10, diversity=1.0)) == [0, 1, 2, 3]
    assert pick_varied(vectors[:0], np.ones(0), 3, diversity=0.5) == []
    assert pick_varied(vectors, np.ones(4), 0, diversity=0.5) == []


def test_items_of_equal_worth_are_taken_in_order():
    vectors = np.tile(np.array([[1.0, 0.0]], np.float32), (4, 1))
    assert pick_varied(vectors, np.ones(4), 4, diversity=0.2) == [0, 1, 2, 3]


def test_negative_relevance_can_still_be_chosen():
    assert pick_varied(np.eye(2, dtype=np.float32), np.array([-0.9, -0.5]), 2, diversity=0.2) == [1, 0]
