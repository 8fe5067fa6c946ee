"""Consensus of several clusterings: against dense average linkage, in any order, and what becomes an outlier."""

import numpy as np
import pytest
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


def joined_and_seen(fits):
    """Of each pair of topics: how many fits put them together, and how many put both anywhere."""
    places = np.stack(fits, axis=1)
    seen = (places[:, None] >= 0) & (places[None] >= 0)
    return ((places[:, None] == places[None]) & seen).sum(axis=2), seen.sum(axis=2)


def dense_linkage(fits):
    """Average linkage over the whole matrix, the plain way: join the nearest two, add their rows, begin again."""
    joined, seen = (counts.astype(float) for counts in joined_and_seen(fits))
    labels = np.arange(len(joined))
    while True:
        ratio = np.where(seen > 0, joined / np.maximum(seen, 1), 0.0)
        np.fill_diagonal(ratio, 0.0)
        a, b = np.unravel_index(np.argmax(ratio), ratio.shape)
        if ratio[a, b] < MIN_CO_ASSOCIATION:
            return labels
        labels[labels == b] = a
        for counts in (joined, seen):
            counts[a] += counts[b]
            counts[:, a] += counts[:, b]
            counts[b] = counts[:, b] = 0.0


def test_it_is_average_linkage_of_the_co_association_matrix():
    """But for pairs that are equally near, of which the first is open."""
    fits = noisy_fits()
    dense, found = dense_linkage(fits), consensus(fits, everyone(300), 1)
    settled = found >= 0
    assert settled.mean() > 0.9
    assert adjusted_rand_score(found[settled], dense[settled]) > 0.95


def test_no_two_clusters_are_left_that_most_fits_join():
    fits = noisy_fits()
    found, (joined, seen) = consensus(fits, everyone(300), 1), joined_and_seen(fits)
    rows = [np.flatnonzero(found == label) for label in range(int(found.max()) + 1)]
    for number, ours in enumerate(rows):
        for theirs in rows[:number]:
            pairs = np.ix_(ours, theirs)
            assert joined[pairs].sum() < MIN_CO_ASSOCIATION * seen[pairs].sum()


def test_a_fit_that_leaves_a_topic_out_does_not_part_it_from_the_others():
    together, left_out = labels(0, 0, 0, 1, 1, 1), labels(0, 0, -1, 1, 1, 1)
    assert consensus([together, together, left_out, left_out], everyone(6), 1).tolist() == [0, 0, 0, 1, 1, 1]


def test_topics_that_hardly_any_fit_saw_together_stay_apart():
    first, second = labels(0, 0, -1, -1), labels(-1, -1, 0, 0)
    both = labels(0, 0, 0, 0)
    fits = [first] * 4 + [second] * 4 + [both]  # seen together once in nine, and joined then
    assert consensus(fits, everyone(4), 1).tolist() == [0, 0, 1, 1]


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


def test_what_six_of_ten_fits_join_is_joined_and_what_half_of_them_join_is_not():
    apart, joined = labels(0, 0, 1, 1), labels(0, 0, 0, 0)
    assert consensus([apart, apart, joined, joined, joined], everyone(4), 2).tolist() == [0, 0, 0, 0]
    assert consensus([apart, joined], everyone(4), 2).tolist() == [0, 0, 1, 1]
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
