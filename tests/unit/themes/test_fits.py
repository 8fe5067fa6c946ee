"""Which fits are made, and that each is the same wherever and whenever it is made."""

import numpy as np

from ftm_ray.config import ThemeSettings
from ftm_ray.themes.fits import (
    Fit,
    fit_data,
    fit_labels,
    fits_here,
    neighbors_among,
    resample_fits,
    seed_fits,
)
from ftm_ray.vectors.neighbors import nearest_neighbors


def firms(n, n_firms):
    return [f"F{number % n_firms}" for number in range(n)]


def test_seeds_follow_the_first_and_differ():
    assert [fit.seed for fit in seed_fits(ThemeSettings(random_state=7, n_fits=3), 100)] == [7, 8, 9]


def test_very_many_topics_are_fitted_less_often():
    sizes = (50, 20_000, 75_000)
    assert [len(seed_fits(ThemeSettings(), n_topics)) for n_topics in sizes] == [16, 16, 8]
    assert [len(resample_fits(firms(n_topics, 10), ThemeSettings())) for n_topics in sizes] == [5, 5, 4]


def test_a_resample_holds_all_topics_of_four_firms_in_five():
    who = firms(100, 10)
    fits = resample_fits(who, ThemeSettings())
    assert len(fits) == 5
    for fit in fits:
        kept = {who[row] for row in fit.rows}
        assert len(kept) == 8
        assert fit.rows.tolist() == [row for row, firm in enumerate(who) if firm in kept]
    assert len({tuple(fit.rows) for fit in fits}) > 1


def test_resamples_depend_on_the_firms_and_not_on_their_order():
    who = firms(100, 10)
    first, second = resample_fits(who, ThemeSettings()), resample_fits(who[::-1], ThemeSettings())
    for one, other in zip(first, second, strict=True):
        assert {who[row] for row in one.rows} == {who[::-1][row] for row in other.rows}


def test_there_is_no_resample_of_too_few_topics_or_where_stability_is_off():
    assert resample_fits(firms(12, 10), ThemeSettings()) == []
    assert resample_fits(firms(100, 10), ThemeSettings(stability="off")) == []


def test_a_fit_is_the_same_alone_and_among_others(blobs):
    vectors = blobs([30, 30, 30], spread=0.2)
    data = fit_data(vectors, ThemeSettings(), use_gpu=False)
    plan = [*seed_fits(ThemeSettings(n_fits=2), 90), *resample_fits(firms(90, 10), ThemeSettings())[:1]]
    told: list[tuple[int, int]] = []
    together = fits_here(data, plan, lambda *counts: told.append(counts))
    assert [len(labels) for labels in together] == [90, 90, len(plan[2].rows)]
    assert told == [(1, 3), (2, 3), (3, 3)]
    for fit, labels in reversed(list(zip(plan, together, strict=True))):
        assert np.array_equal(fit_labels(data, fit), labels)


def test_neighbours_without_some_firms_are_those_that_a_new_search_finds(blobs):
    vectors = blobs([100, 100, 100], spread=0.2)
    (fit, *_) = resample_fits(firms(300, 30), ThemeSettings())
    data = fit_data(vectors, ThemeSettings(), use_gpu=False)
    indices, distances = neighbors_among(data.neighbors, fit.rows, 8)
    expected_indices, expected_distances = nearest_neighbors(vectors[fit.rows], 8)
    assert np.array_equal(indices, expected_indices)
    assert np.allclose(distances, expected_distances, atol=1e-6)


def test_where_too_few_neighbours_are_left_a_fit_looks_for_new_ones(blobs):
    vectors = blobs([30, 30, 30], spread=0.2)
    data = fit_data(vectors, ThemeSettings(n_neighbors=5), use_gpu=False)
    rows = np.arange(10, 40)  # the third blob is gone, and nearly all of the first: 5 of 30 of the known are there
    rows = np.concatenate([[0, 1, 2], rows[20:]])
    assert neighbors_among(data.neighbors, rows, 5) is None
    assert len(fit_labels(data, Fit(0, rows))) == len(rows)
