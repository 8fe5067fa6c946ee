"""Tests of a group of events: is their mean abnormal return zero?

Calls of a quarter fall into three weeks, so that events share days and their abnormal returns are not independent. The
cross-sectional t, Patell and the signs take them as independent and reject too often; Kolari-Pynnonen and errors
clustered by firm and day do not. docs/event-study.md shows by how much.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ftm_ray.events.models import Floats, Integers
from ftm_ray.events.regressions import clustered_fit


@dataclass(frozen=True, slots=True)
class Sample:
    """The used events of a group in one window; all arrays have one row per event.

    Args:
        car, bhar, scar: As in `WindowReturns`.
        n_est: Days of estimation.
        n_coefficients: Of the model, alpha included; 0 for market-adjusted.
        residuals: (n_events, estper), NaN on days without a return.
        abnormal: (n_events, n_days), the abnormal returns of the window.
        stocks: PERMNO of each event.
        day0: Row of each event's day 0 among the trading days.
    """

    car: Floats
    bhar: Floats
    scar: Floats
    n_est: Integers
    n_coefficients: int
    residuals: NDArray[np.float32]
    abnormal: Floats
    stocks: Integers
    day0: Integers


@dataclass(frozen=True, slots=True)
class MeanTests:
    """What a referee expects of a mean CAR. A test that cannot be made (too few events) is None."""

    n_events: int
    n_days: int
    mean_car: float | None
    median_car: float | None
    mean_bhar: float | None
    positive_ratio: float | None
    t_cross_section: float | None
    patell: float | None
    bmp: float | None
    kolari_pynnonen: float | None
    mean_correlation: float | None
    sign: float | None
    generalized_sign: float | None
    rank: float | None
    t_two_way: float | None
    t_bhar: float | None


def mean_tests(sample: Sample) -> MeanTests:
    """All tests of a group of events."""
    n = len(sample.car)
    n_days = len(np.unique(sample.day0))
    if n < 2:
        mean = [_number(values.mean()) if n else None for values in (sample.car, sample.bhar)]
        positive = _number((sample.car > 0).mean()) if n else None
        return MeanTests(n, n_days, mean[0], mean[0], mean[1], positive, *[None] * 10)
    bmp = _t(sample.scar)
    correlation = mean_correlation(sample)
    return MeanTests(
        n_events=n,
        n_days=n_days,
        mean_car=_number(sample.car.mean()),
        median_car=_number(float(np.median(sample.car))),
        mean_bhar=_number(sample.bhar.mean()),
        positive_ratio=_number((sample.car > 0).mean()),
        t_cross_section=_t(sample.car),
        patell=_patell(sample),
        bmp=bmp,
        kolari_pynnonen=_kolari_pynnonen(bmp, correlation, n),
        mean_correlation=_number(correlation),
        sign=_number(((sample.car > 0).sum() - n / 2) / np.sqrt(n / 4)),
        generalized_sign=_generalized_sign(sample),
        rank=_rank(sample),
        t_two_way=_two_way(sample),
        t_bhar=_t(sample.bhar),
    )


def _number(value: float | np.floating) -> float | None:
    return float(value) if np.isfinite(value) else None


def _t(values: Floats) -> float | None:
    """Mean over its standard error, from the spread across events."""
    error = values.std(ddof=1) / np.sqrt(len(values))
    return _number(values.mean() / error) if error > 0 else None


def _patell(sample: Sample) -> float | None:
    """Sum of the standardised CARs over its deviation; each has the variance of a t with its degrees of freedom.

    Source: Patell (1976).
    """
    freedom = sample.n_est - max(sample.n_coefficients, 1)
    if (freedom <= 2).any():
        return None
    return _number(sample.scar.sum() / np.sqrt((freedom / (freedom - 2)).sum()))


def mean_correlation(sample: Sample) -> float:
    """Mean correlation over all pairs of CARs, which is 0 for pairs whose windows share no day.

    Residuals of the estimation periods are laid on the calendar. Two events whose windows share some days count with
    that share, so that partly overlapping windows are not taken as independent. Sums of unit vectors per day 0 give
    all pairs at once: the sum of u_i . u_j over i, j is the square of the sum.
    """
    n = len(sample.car)
    residuals = np.nan_to_num(sample.residuals.astype(np.float64))
    lengths = np.linalg.norm(residuals, axis=1)
    unit = residuals / np.where(lengths > 0, lengths, 1.0)[:, None]
    days, group = np.unique(sample.day0, return_inverse=True)
    sums = np.zeros((len(days), unit.shape[1]))
    np.add.at(sums, group, unit)
    total = float((sums**2).sum() - (unit**2).sum())
    length = sample.abnormal.shape[1]
    for lag in range(1, length):
        later = np.searchsorted(days, days + lag)
        pairs = np.flatnonzero((later < len(days)) & (days[np.minimum(later, len(days) - 1)] == days + lag))
        aligned = (sums[pairs, lag:] * sums[later[pairs], : unit.shape[1] - lag]).sum()
        total += 2 * float(aligned) * (length - lag) / length
    return total / (n * (n - 1))


def _kolari_pynnonen(bmp: float | None, correlation: float, n: int) -> float | None:
    """BMP, corrected for the correlation of events. Source: Kolari and Pynnonen (2010), equation 10."""
    inflation = 1 + (n - 1) * correlation
    if bmp is None or inflation <= 0:
        return None
    return _number(bmp * np.sqrt((1 - correlation) / inflation))


def _generalized_sign(sample: Sample) -> float | None:
    """Share of positive CARs against the share of positive residuals in estimation. Source: Cowan (1992)."""
    known = np.isfinite(sample.residuals)
    expected = ((sample.residuals > 0).sum(axis=1) / known.sum(axis=1)).mean()
    n = len(sample.car)
    return _number(((sample.car > 0).sum() - n * expected) / np.sqrt(n * expected * (1 - expected)))


def _rank(sample: Sample) -> float | None:
    """Ranks of the window's abnormal returns among all of an event's days.

    Source: Corrado (1989), missing days as Corrado and Zivney (1992), windows as Campbell and Wasley (1993).
    """
    values = np.concatenate([sample.residuals, sample.abnormal.astype(np.float32)], axis=1)
    known = np.isfinite(values)
    ranks = np.argsort(np.argsort(values, axis=1), axis=1) + 1  # NaN last
    centred = np.where(known, ranks / (known.sum(axis=1) + 1)[:, None] - 0.5, 0.0)
    n_known = known.sum(axis=0)
    by_day = centred.sum(axis=0) / np.sqrt(np.maximum(n_known, 1))
    deviation = np.sqrt((by_day[n_known > 0] ** 2).mean())
    length = sample.abnormal.shape[1]
    return _number(by_day[-length:].sum() / (np.sqrt(length) * deviation)) if deviation > 0 else None


def _two_way(sample: Sample) -> float | None:
    """t of the mean CAR with errors clustered by firm and by day 0."""
    fit = clustered_fit(sample.car, np.ones((len(sample.car), 1)), (sample.stocks, sample.day0))
    return _number(fit.t[0]) if fit is not None else None
