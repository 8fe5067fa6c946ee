"""Least squares with standard errors that events and days deserve: clustered by two things, or Newey-West."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ftm_ray.events.models import Floats


@dataclass(frozen=True, slots=True)
class Fit:
    """Coefficients with standard errors and t, all (n_columns,)."""

    coefficients: Floats
    errors: Floats
    n: int

    @property
    def t(self) -> Floats:
        """Coefficient over standard error; NaN where the error is 0."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(self.errors > 0, self.coefficients / self.errors, np.nan)


def clustered_fit(y: Floats, x: Floats, clusters: Sequence[NDArray[np.int64]]) -> Fit | None:
    """Least squares with errors clustered one way, or two ways as Cameron, Gelbach and Miller (2011).

    V = V(first) + V(second) - V(both), times one correction min(G)/(min(G)-1) (n-1)/(n-k), as `ivreg2, small` does.
    statsmodels and linearmodels correct each term by its own G, and so differ in the third digit.
    Where V is no variance (a negative eigenvalue, seen with few clusters), the larger of the two one-way errors is
    taken: eigenvalues set to 0, as the authors propose, gave errors near 0 and a t of a thousand out of nothing.

    Args:
        y: (n,).
        x: (n, n_columns), with the constant.
        clusters: One or two arrays (n,) of cluster numbers.

    Returns:
        None where fewer than two clusters, no more rows than columns, or collinear columns leave nothing to say.
    """
    n, k = x.shape
    n_clusters = min(len(np.unique(cluster)) for cluster in clusters)
    if n_clusters < 2 or n <= k or np.linalg.matrix_rank(x) < k:
        return None
    bread = np.linalg.inv(x.T @ x)
    coefficients = bread @ x.T @ y
    scores = x * (y - x @ coefficients)[:, None]
    correction = n_clusters / (n_clusters - 1) * (n - 1) / (n - k)
    one_way = [correction * bread @ _meat(scores, cluster) @ bread for cluster in clusters]
    variance = one_way[0]
    if len(clusters) == 2:
        variance = sum(one_way) - correction * bread @ _meat(scores, _both(*clusters)) @ bread
    largest = np.max([np.diag(one) for one in one_way], axis=0)
    is_variance = np.linalg.eigvalsh(variance).min() > 0
    return Fit(coefficients, np.sqrt(np.diag(variance) if is_variance else largest), n)


def newey_west_fit(y: Floats, x: Floats, lags: int) -> Fit | None:
    """Least squares with errors robust to heteroskedasticity and autocorrelation up to `lags` days.

    Bartlett weights, small-sample correction n/(n-k), as Stata's `newey`. Source: Newey and West (1987).
    """
    n, k = x.shape
    if n <= k + lags or np.linalg.matrix_rank(x) < k:
        return None
    bread = np.linalg.inv(x.T @ x)
    coefficients = bread @ x.T @ y
    scores = x * (y - x @ coefficients)[:, None]
    meat = scores.T @ scores
    for lag in range(1, lags + 1):
        cross = scores[lag:].T @ scores[:-lag]
        meat = meat + (1 - lag / (lags + 1)) * (cross + cross.T)
    return Fit(coefficients, _errors(n / (n - k) * bread @ meat @ bread), n)


def _meat(scores: Floats, cluster: NDArray[np.int64]) -> Floats:
    names, group = np.unique(cluster, return_inverse=True)
    sums = np.zeros((len(names), scores.shape[1]))
    np.add.at(sums, group, scores)
    return sums.T @ sums


def _both(first: NDArray[np.int64], second: NDArray[np.int64]) -> NDArray[np.int64]:
    """The intersection of two clusterings, numbered."""
    group = np.unique(first, return_inverse=True)[1].astype(np.int64)
    other = np.unique(second, return_inverse=True)[1].astype(np.int64)
    numbered: NDArray[np.int64] = group * (int(other.max()) + 1) + other
    return numbered


def _errors(variance: Floats) -> Floats:
    """Square roots of the diagonal, after negative eigenvalues were set to 0."""
    if (np.diag(variance) >= 0).all() and np.linalg.eigvalsh(variance).min() >= 0:
        return np.sqrt(np.diag(variance))
    values, vectors = np.linalg.eigh(variance)
    return np.sqrt(np.diag((vectors * np.maximum(values, 0)) @ vectors.T))
