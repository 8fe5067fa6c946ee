"""Clusters and their numbers: deterministic, and fair at the edges."""

import importlib.util

import numpy as np
import pytest
import torch

from ftm_ray.errors import ConfigError
from ftm_ray.vectors.clustering import ClusterSettings, choose_gpu, cluster, cluster_few, number_by_content

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


# --- cuML or not ---------------------------------------------------------------------------------------------------


@pytest.fixture
def machine(monkeypatch):
    """A machine with or without a card and cuML. Neither is here, so that they are found is made up; what is chosen
    from what is found is not."""

    def is_so(has_card: bool, has_cuml: bool):
        find = importlib.util.find_spec
        monkeypatch.setattr(torch.cuda, "is_available", lambda: has_card)
        monkeypatch.setattr(
            importlib.util, "find_spec", lambda name: ("found" if has_cuml else None) if name == "cuml" else find(name)
        )

    return is_so


@pytest.mark.parametrize(("has_card", "has_cuml"), [(True, True), (True, False), (False, True), (False, False)])
def test_cuml_is_chosen_where_a_card_and_cuml_are(machine, has_card, has_cuml):
    machine(has_card, has_cuml)
    assert choose_gpu("auto") == (has_card and has_cuml)
    assert not choose_gpu("cpu")
    if has_card and has_cuml:
        assert choose_gpu("cuml")
    else:
        with pytest.raises(ConfigError, match="'cuml', but this machine has no CUDA card or no cuML"):
            choose_gpu("cuml")
