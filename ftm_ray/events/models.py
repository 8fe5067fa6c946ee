"""Normal returns: a model is estimated for every event at once, and the days of its window are compared with it.

Batched normal equations in blocks of events: no loop over events, and never more than a block in memory. Words and
meaning are those of the WRDS macro EVTSTUDY: ESTPER days of estimation, then GAP days, then the window; the gap ends
where the *window* starts, not at day 0.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ftm_ray.errors import ConfigError

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

#: Which columns of the factors a model takes. All but the first two explain returns over the risk-free rate.
MODELS: dict[str, tuple[str, ...]] = {
    "market-adjusted": (),
    "market": ("mkt",),
    "ff3": ("mktrf", "smb", "hml"),
    "carhart": ("mktrf", "smb", "hml", "umd"),
    "ff5": ("mktrf", "smb", "hml", "rmw", "cma"),
}
#: Models of raw returns; the others are of returns over the risk-free rate.
RAW_MODELS = ("market-adjusted", "market")

#: Events estimated together: 2,000 x 250 days x 6 columns are 24 MB.
_BLOCK = 2_000


@dataclass(frozen=True, slots=True)
class Timing:
    """Days counted in trading days from day 0.

    Args:
        start: First day of the window, such as -1.
        end: Last day of the window.
        estper: Days of the estimation period.
        gap: Days between the end of the estimation period and the start of the window.
        min_est: Fewest days with a return that an estimation may rest on.
    """

    start: int
    end: int
    estper: int = 110
    gap: int = 5
    min_est: int = 70

    def __post_init__(self) -> None:
        if self.start > self.end:
            raise ConfigError(f"the window {self.start},{self.end} ends before it starts")
        if self.estper < self.min_est or self.gap < 0:
            raise ConfigError(
                f"estimation needs estper >= min_est and gap >= 0, got estper {self.estper}, "
                f"min_est {self.min_est}, gap {self.gap}"
            )

    @property
    def first_est(self) -> int:
        """First day of the estimation period, from day 0."""
        return self.start - self.gap - self.estper


@dataclass(frozen=True, slots=True)
class Explained:
    """What is explained, and by what, on every trading day.

    Args:
        returns: (n_days, n_stocks), NaN where a stock has none.
        normal: (n_days,), taken off every return before estimation: the market (market-adjusted), the risk-free
            rate, or zeros.
        regressors: (n_days, n_factors); empty for market-adjusted.
    """

    returns: Floats
    normal: Floats
    regressors: Floats


@dataclass(frozen=True, slots=True)
class Estimates:
    """One row per event; `n_coefficients` is 0 for market-adjusted, else 1 + factors (the first is alpha).

    Args:
        coefficients: (n_events, n_coefficients).
        inverse: (n_events, n_coefficients, n_coefficients), the inverse of X'X.
        sigma: (n_events,), standard deviation of the residuals, degrees of freedom corrected.
        n_est: (n_events,), days with a return and all factors.
        residuals: (n_events, estper) float32, NaN on the other days.
        abnormal: (n_events, end - start + 1), return minus normal return; NaN where there is no return.
        raw: (n_events, end - start + 1), the returns themselves.
        regressors: (n_events, end - start + 1, n_coefficients), with the constant.
    """

    coefficients: Floats
    inverse: Floats
    sigma: Floats
    n_est: Integers
    residuals: NDArray[np.float32]
    abnormal: Floats
    raw: Floats
    regressors: Floats


def estimate(data: Explained, stocks: Integers, day0: Integers, timing: Timing) -> Estimates:
    """Estimate every event's model and its abnormal returns.

    Args:
        data: Returns and factors.
        stocks: (n_events,), column of each event's stock.
        day0: (n_events,), row of each event's day 0; estimation period and window must lie inside the rows.
        timing: Estimation period and window.
    """
    blocks = [
        _estimate_block(data, stocks[at : at + _BLOCK], day0[at : at + _BLOCK], timing)
        for at in range(0, max(len(stocks), 1), _BLOCK)
    ]
    names = Estimates.__dataclass_fields__
    return Estimates(**{name: np.concatenate([getattr(block, name) for block in blocks]) for name in names})


def _estimate_block(data: Explained, stocks: Integers, day0: Integers, timing: Timing) -> Estimates:
    days = day0[:, None] + np.arange(timing.first_est, timing.first_est + timing.estper)
    design = _with_constant(data.regressors)
    x = design[days]
    y = data.returns[days, stocks[:, None]] - data.normal[days]
    known = np.isfinite(y) & np.isfinite(x).all(axis=2)
    x[~known], y[~known] = 0.0, 0.0
    n_est = known.sum(axis=1)
    n_coefficients = design.shape[1]
    enough = n_est > max(n_coefficients, 1)
    gram = np.matmul(x.transpose(0, 2, 1), x)
    gram[~enough] = np.eye(n_coefficients)
    inverse = np.linalg.pinv(gram, hermitian=True)  # pinv: a factor that never moved must not stop all the others
    coefficients = np.matmul(inverse, np.matmul(x.transpose(0, 2, 1), y[:, :, None]))[:, :, 0]
    residuals = y - np.matmul(x, coefficients[:, :, None])[:, :, 0]
    residuals[~known] = np.nan
    sigma = _residual_deviation(residuals, n_est, n_coefficients, enough)
    window = day0[:, None] + np.arange(timing.start, timing.end + 1)
    raw, seen = data.returns[window, stocks[:, None]], design[window]
    abnormal = raw - data.normal[window] - np.matmul(seen, coefficients[:, :, None])[:, :, 0]
    return Estimates(
        coefficients, inverse, sigma, n_est, residuals.astype(np.float32), abnormal, raw, np.nan_to_num(seen)
    )


def _with_constant(regressors: Floats) -> Floats:
    """(n_days, 1 + n_factors); without factors there is nothing to estimate, not even a constant."""
    if not regressors.shape[1]:
        return regressors
    return np.column_stack([np.ones(len(regressors)), regressors])


def _residual_deviation(residuals: Floats, n_est: Integers, n_coefficients: int, enough: NDArray[np.bool_]) -> Floats:
    """Standard deviation of the residuals; about their own mean where no constant was estimated."""
    mean = 0.0 if n_coefficients else (np.nansum(residuals, axis=1) / np.maximum(n_est, 1))[:, None]
    squares = np.nansum((residuals - mean) ** 2, axis=1)
    freedom = np.where(enough, n_est - max(n_coefficients, 1), 1)
    return np.where(enough, np.sqrt(squares / freedom), np.nan)
