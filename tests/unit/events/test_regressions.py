"""Clustered errors where clusters are few: no t out of nothing. Reference figures: test_references.py."""

import numpy as np

from ftm_ray.events.regressions import clustered_fit


def test_few_clusters_give_no_error_near_nothing():
    """Where the two-way variance is none, the larger one-way error is taken; 0 for its negative eigenvalues, as the
    authors propose, gave |t| up to 1,666 on samples like these."""
    rng = np.random.default_rng(5)
    largest = 0.0
    for _ in range(500):
        firms, days = rng.integers(0, 15, 30), rng.integers(0, 12, 30)
        x = np.column_stack([np.ones(30), rng.uniform(0.05, 0.4, 30)])
        fit = clustered_fit(rng.normal(0, 0.04, 30), x, [firms, days])
        assert fit is not None
        assert (fit.errors > 0).all()
        largest = max(largest, float(np.abs(fit.t).max()))
    assert largest < 10
