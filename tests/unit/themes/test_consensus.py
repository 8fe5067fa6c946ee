"""Consensus of several clusterings: against dense average linkage, in any order, and what becomes an outlier."""

import numpy as np
import pytest
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform
from sklearn.metrics import adjusted_rand_score

from ftm_ray.themes.consensus import MIN_CO_ASSOCIATION, consensus


def everyone(n):
    """The neighbour graph in which all are neighbours of all."""
    return np.tile(np.arange(n, dtype=np.int32), (n, 1))


def labels(*values):
    return np.array(values, dtype=np.int64)


def noisy_fits(n=300, n_groups=15, n_fits=7, seed=1):
    """Fits that agree on most topics; an odd number, so that hardly any mean lies exactly at one half."""
    random = np.random.default_rng(seed)
    true = random.integers(0, n_groups, n)
    fits = []
    for _ in range(n_fits):
        found = np.where(random.random(n) < 0.15, random.integers(0, n_groups, n), true)
        fits.append(np.where(random.random(n) < 0.1, -1, found))
    return fits


def co_association(fits):
    places = np.stack(fits, axis=1)
    together = (places[:, None] == places[None]) & (places[:, None] >= 0)
    return together.mean(axis=2)


def test_it_is_average_linkage_of_the_co_association_matrix():
    """But for pairs that are equally near: co-associations are sevenths, the first of equals is open."""
    fits = noisy_fits()
    distances = 1 - co_association(fits)
    np.fill_diagonal(distances, 0)
    dense = fcluster(linkage(squareform(distances), "average"), 1 - MIN_CO_ASSOCIATION, "distance")
    found = consensus(fits, everyone(len(dense)), 1)
    settled = found >= 0
    assert settled.mean() > 0.9
    assert adjusted_rand_score(found[settled], dense[settled]) > 0.95


def test_no_two_clusters_are_left_that_half_of_the_fits_join():
    fits = noisy_fits()
    found, together = consensus(fits, everyone(300), 1), co_association(fits)
    rows = [np.flatnonzero(found == label) for label in range(int(found.max()) + 1)]
    for number, ours in enumerate(rows):
        assert all(together[np.ix_(ours, theirs)].mean() < MIN_CO_ASSOCIATION for theirs in rows[:number])


def test_the_order_of_the_fits_does_not_matter():
    fits = noisy_fits(n_fits=8)
    first = consensus(fits, everyone(300), 5)
    for seed in range(5):
        order = np.random.default_rng(seed).permutation(8)
        assert consensus([fits[number] for number in order], everyone(300), 5).tolist() == first.tolist()


def test_how_a_fit_numbers_its_clusters_does_not_matter():
    fits = noisy_fits(n_fits=4)
    renumbered = [np.where(fit >= 0, 14 - fit, -1) for fit in fits]
    assert consensus(fits, everyone(300), 5).tolist() == consensus(renumbered, everyone(300), 5).tolist()


def test_equal_fits_give_that_fit():
    fit = labels(0, 0, 0, 1, 1, 1, -1)
    assert consensus([fit] * 8, everyone(7), 3).tolist() == [0, 0, 0, 1, 1, 1, -1]


def test_what_half_of_the_fits_join_is_joined_and_what_fewer_join_is_not():
    apart, joined = labels(0, 0, 1, 1), labels(0, 0, 0, 0)
    assert consensus([apart, joined], everyone(4), 2).tolist() == [0, 0, 0, 0]
    assert consensus([apart, apart, joined], everyone(4), 2).tolist() == [0, 0, 1, 1]


def test_clusters_that_are_no_neighbours_are_never_compared():
    neighbors = np.array([[0, 1], [1, 0], [2, 3], [3, 2]], dtype=np.int32)
    assert consensus([labels(0, 0, 0, 0)] * 3, neighbors, 2).tolist() == [0, 0, 0, 0]  # all alike: one from the start
    odd = [labels(0, 0, 0, 0), labels(0, 0, 0, 0), labels(0, 0, 1, 1)]
    assert consensus(odd, neighbors, 2).tolist() == [0, 0, 1, 1]
    assert consensus(odd, everyone(4), 2).tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize("fit", [labels(-1, -1, -1), labels(0, 0, -1)])
def test_small_clusters_and_topics_in_none_are_outliers(fit):
    assert consensus([fit] * 3, everyone(3), 3).tolist() == [-1, -1, -1]
