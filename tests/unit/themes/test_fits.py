"""Which fits are made, and that each is the same wherever and whenever it is made."""

import numpy as np

from ftm_ray.config import ThemeSettings
from ftm_ray.themes.fits import N_RESAMPLES, fit_data, fit_labels, fits_here, resample_fits, seed_fits


def firms(n, n_firms):
    return [f"F{number % n_firms}" for number in range(n)]


def test_seeds_follow_the_first_and_differ():
    assert [fit.seed for fit in seed_fits(ThemeSettings(random_state=7, n_fits=3), 100)] == [7, 8, 9]


def test_very_many_topics_are_fitted_less_often():
    assert [len(seed_fits(ThemeSettings(), n_topics)) for n_topics in (50, 20_000, 75_000)] == [16, 16, 8]


def test_a_resample_holds_all_topics_of_four_firms_in_five():
    who = firms(100, 10)
    fits = resample_fits(who, ThemeSettings())
    assert len(fits) == N_RESAMPLES
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


def test_there_is_no_resample_of_too_few_topics():
    assert resample_fits(firms(12, 10), ThemeSettings()) == []


def test_a_fit_is_the_same_alone_and_among_others(blobs):
    vectors = blobs([30, 30, 30], spread=0.2)
    data = fit_data(vectors, ThemeSettings(), use_gpu=False)
    plan = [*seed_fits(ThemeSettings(n_fits=2), 90), *resample_fits(firms(90, 10), ThemeSettings())[:1]]
    together = fits_here(data, plan)
    assert [len(labels) for labels in together] == [90, 90, len(plan[2].rows)]
    for fit, labels in reversed(list(zip(plan, together, strict=True))):
        assert np.array_equal(fit_labels(data, fit), labels)
