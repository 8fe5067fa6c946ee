"""The fits of themes as Ray tasks give what they give in one process."""

import numpy as np

from ftm_ray.config import ThemeSettings
from ftm_ray.run import theme_fits
from ftm_ray.themes.fits import fit_data, fits_here, resample_fits, seed_fits


def test_tasks_give_the_labels_of_one_process_in_the_order_that_was_asked(ray_cluster, blobs, monkeypatch):
    monkeypatch.setattr(theme_fits, "TOPICS_WORTH_A_TASK", 1)
    vectors = blobs([30, 30, 30], spread=0.2)
    settings = ThemeSettings(n_fits=3)
    data = fit_data(vectors, settings, use_gpu=False)
    plan = [*seed_fits(settings, 90), *resample_fits([f"F{n % 10}" for n in range(90)], settings)[:2]]
    told: list[tuple[int, int]] = []
    here, there = fits_here(data, plan), theme_fits.fits_on_ray(data, plan, lambda *counts: told.append(counts))
    assert told == [(1, 5), (2, 5), (3, 5), (4, 5), (5, 5)]
    assert len(here) == len(there) == 5
    assert all(np.array_equal(ours, theirs) for ours, theirs in zip(here, there, strict=True))
