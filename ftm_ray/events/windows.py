"""The abnormal returns of a window: summed (CAR), compounded (BHAR), and measured by what the model can predict."""

from dataclasses import dataclass

import numpy as np

from ftm_ray.events.models import Estimates, Floats, Integers


@dataclass(frozen=True, slots=True)
class WindowReturns:
    """One entry per event, all (n_events,); NaN where the window has no usable day.

    Args:
        car: Cumulative abnormal return.
        bhar: Buy-and-hold abnormal return: the stock's compounded return minus the compounded normal return.
        car_se: Standard error of the CAR as a forecast: residual deviation and the uncertainty of the coefficients.
        scar: car / car_se.
        n_days: Days summed.
    """

    car: Floats
    bhar: Floats
    car_se: Floats
    scar: Floats
    n_days: Integers


def window_returns(estimates: Estimates, first: int, last: int) -> WindowReturns:
    """Sum the columns `first` to `last` of the abnormal returns; days without a return do not count.

    The variance is sigma^2 (n_days + s' (X'X)^-1 s), s the sum of the window's regressors: the days of one window
    share the errors of the same coefficients, so that their forecast errors are not independent.
    Source: Campbell, Lo and MacKinlay (1997), equation 4.4.11.
    """
    part = slice(first, last + 1)
    abnormal, raw = estimates.abnormal[:, part], estimates.raw[:, part]
    known = np.isfinite(abnormal)
    n_days = known.sum(axis=1)
    some = n_days > 0
    car = np.where(some, np.where(known, abnormal, 0.0).sum(axis=1), np.nan)
    held = np.where(known, 1.0 + raw, 1.0).prod(axis=1)
    normal = np.where(known, 1.0 + raw - abnormal, 1.0).prod(axis=1)
    summed = (estimates.regressors[:, part] * known[:, :, None]).sum(axis=1)
    uncertain = np.einsum("ek,ekl,el->e", summed, estimates.inverse, summed)
    car_se = np.where(some, estimates.sigma * np.sqrt(n_days + uncertain), np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        scar = car / car_se
    return WindowReturns(car, np.where(some, held - normal, np.nan), car_se, scar, n_days)
