"""Neighbours, clusters, numbers and choices: exact, deterministic, and fair at the edges."""

import numpy as np
import pytest

from ftm_ray.vectors.clustering import ClusterSettings, cluster, cluster_few, number_by_content
from ftm_ray.vectors.neighbors import nearest_neighbors
from ftm_ray.vectors.unit_vectors import mean_vector, pick_varied

SETTINGS = ClusterSettings(
    n_neighbors=8,
    n_components=5,
    min_dist=0.01,
    n_epochs=100,
    min_cluster_size=6,
    min_samples=2,
    cluster_selection_method="eom",
    random_state=42,
)


def partition(labels):
    return {frozenset(np.flatnonzero(labels == label).tolist()) for label in set(labels.tolist()) - {-1}}


# --- means and neighbours ------------------------------------------------------------------------------------------


def test_a_mean_points_between_and_has_length_one():
    assert mean_vector(np.eye(2, dtype=np.float32)) == pytest.approx([0.5**0.5] * 2)
    assert mean_vector(np.eye(2, dtype=np.float32)).dtype == np.float32


def test_opposite_vectors_have_a_mean_without_nan():
    assert np.isfinite(mean_vector(np.array([[1.0, 0.0], [-1.0, 0.0]], np.float32))).all()


def test_neighbours_are_those_of_a_full_sort(blobs):
    vectors = blobs([30, 30], spread=0.3)
    indices, distances = nearest_neighbors(vectors, 7)
    exact = 1.0 - vectors.astype(np.float64) @ vectors.T.astype(np.float64)
    np.fill_diagonal(exact, -1.0)
    assert np.array_equal(indices, np.argsort(exact, axis=1)[:, :7])
    np.fill_diagonal(exact, 0.0)
    assert distances == pytest.approx(np.take_along_axis(exact, indices, axis=1), abs=1e-6)


def test_neighbours_do_not_depend_on_the_size_of_the_blocks(blobs, monkeypatch):
    vectors = blobs([30, 30], spread=0.3)
    whole = nearest_neighbors(vectors, 5)
    monkeypatch.setattr("ftm_ray.vectors.neighbors._BLOCK_ROWS", 7)  # 60 is no multiple of 7
    assert np.array_equal(nearest_neighbors(vectors, 5)[0], whole[0])


def test_among_exact_copies_each_point_is_its_own_first_neighbour():
    vectors = np.tile(np.array([[0.6, 0.8]], np.float32), (20, 1))
    indices, distances = nearest_neighbors(vectors, 6)
    assert indices[:, 0].tolist() == list(range(20))
    assert all(len(set(row)) == 6 for row in indices.tolist())
    assert distances.min() >= 0.0
    assert distances == pytest.approx(0.0, abs=1e-6)


def test_equal_distances_are_ordered_by_position():
    vectors = np.eye(300, dtype=np.float32)  # all others are equally far, and the partition shuffles them
    indices, _ = nearest_neighbors(vectors, 100)
    for row, (first, *others) in enumerate(indices.tolist()):
        assert first == row
        assert others == sorted(others)


# --- clusters ------------------------------------------------------------------------------------------------------


def test_tight_groups_are_found_whole(blobs):
    found = cluster(blobs([20, 30, 25]), SETTINGS)
    expected = [range(20), range(20, 50), range(50, 75)]
    assert partition(found) == {frozenset(rows) for rows in expected}


def test_clustering_twice_gives_the_same(blobs):
    vectors = blobs([20, 30, 25], spread=0.25)
    assert np.array_equal(cluster(vectors, SETTINGS), cluster(vectors, SETTINGS))


def test_clustering_leaves_its_input_alone(blobs):
    vectors = blobs([20, 30])
    before = vectors.copy()
    cluster(vectors, SETTINGS)
    assert np.array_equal(vectors, before)


def test_the_seed_of_other_code_changes_nothing(blobs):
    vectors = blobs([20, 30, 25], spread=0.25)
    found = cluster(vectors, SETTINGS)
    np.random.seed(1)
    np.random.rand(100)
    assert np.array_equal(cluster(vectors, SETTINGS), found)


def test_a_handful_is_joined_by_likeness_and_strays_stay_out(blobs):
    vectors = blobs([5, 4, 1, 1])
    labels = cluster_few(vectors, 0.5, 3)
    assert partition(labels) == {frozenset(range(5)), frozenset(range(5, 9))}
    assert labels[9:].tolist() == [-1, -1]


def test_groups_of_a_handful_may_be_just_large_enough(blobs):
    vectors = blobs([3, 2])
    assert partition(cluster_few(vectors, 0.5, 3)) == {frozenset(range(3))}
    assert len(partition(cluster_few(vectors, 0.5, 2))) == 2


# --- numbers -------------------------------------------------------------------------------------------------------


def test_the_largest_cluster_is_number_zero():
    assert number_by_content(np.array([7, 3, 3, -1, 3, 7])).tolist() == [1, 0, 0, -1, 0, 1]


def test_of_equally_large_clusters_the_one_that_starts_first_comes_first():
    assert number_by_content(np.array([5, 2, 5, 2, 9, 9])).tolist() == [0, 1, 0, 1, 2, 2]


def test_numbers_depend_on_the_grouping_alone():
    labels = np.array([0, 1, 1, 2, -1, 2, 2, 0])
    renamed = np.array([{0: 2, 1: 0, 2: 1, -1: -1}[label] for label in labels.tolist()])
    assert np.array_equal(number_by_content(labels), number_by_content(renamed))


def test_outliers_alone_stay_outliers():
    assert number_by_content(np.array([-1, -1])).tolist() == [-1, -1]
    assert number_by_content(np.array([], dtype=np.int64)).tolist() == []


# --- choices -------------------------------------------------------------------------------------------------------


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
