"""Portfolios by what firms said: terciles of exposure or sentiment, held in calendar time, with their alphas.

A portfolio is formed on the first trading day after the signals of a quarter were known, and held until the next
quarter's are, or for `hold` days. Themes are found when their quarter is over, so that no signal is traded before that:
a signal that is known later than its portfolio is formed is refused.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from ftm_ray.events.models import Explained, Floats
from ftm_ray.events.regressions import newey_west_fit
from ftm_ray.events.returns import Panel

#: Two stocks in each tercile; fewer are no portfolio.
_FEWEST_STOCKS = 6
_TERCILES = 3

#: No exchange is closed for longer.
_LONGEST_PAUSE = np.timedelta64(7, "D")


@dataclass(frozen=True, slots=True)
class Signal:
    """What one stock said on a theme in one quarter."""

    quarter: str
    permno: int
    value: float
    knowledge_time: datetime


@dataclass(frozen=True, slots=True)
class Holding:
    """Stocks (columns of the panel) of each tercile, held over its rows `first` to `last`, last excluded."""

    first: int
    last: int
    terciles: tuple[np.ndarray, ...]


@dataclass(frozen=True, slots=True)
class Alpha:
    """One portfolio's mean return and alpha a day, the latter with Newey-West errors."""

    tercile: str
    weights: str
    n_days: int
    mean_n_stocks: float
    mean_return: float
    alpha: float
    std_error: float
    t: float | None


def known_signals(signals: Sequence[Signal], formed: np.datetime64) -> list[Signal]:
    """The signals that were known before the day on which a portfolio is formed; the others are refused."""
    midnight = datetime.combine(formed.astype("datetime64[D]").item(), datetime.min.time(), UTC)
    return [signal for signal in signals if signal.knowledge_time <= midnight]


def hold_terciles(
    signals: Sequence[Signal], quarter_ends: dict[str, datetime], panel: Panel, hold: int
) -> tuple[list[Holding], int]:
    """The portfolios of all quarters, and how many signals were refused for being known too late.

    Args:
        signals: At most one per quarter and stock.
        quarter_ends: From when on a quarter's themes are known, by quarter; the day after forms its portfolio.
        panel: Returns.
        hold: Longest time that a portfolio is held, in trading days.
    """
    starts = {quarter: _first_day_after(panel.days, end) for quarter, end in sorted(quarter_ends.items())}
    holdings, n_refused = [], 0
    for quarter, first in starts.items():
        of_quarter = [signal for signal in signals if signal.quarter == quarter]
        later = [start for start in starts.values() if start > first]
        last = min([first + hold, len(panel.days), *later])
        if first >= last or panel.days[first] - np.datetime64(quarter_ends[quarter].date(), "D") > _LONGEST_PAUSE:
            continue  # the returns end before, or begin long after
        known = known_signals(of_quarter, panel.days[first])
        n_refused += len(of_quarter) - len(known)
        terciles = _terciles(known, panel)
        if terciles:
            holdings.append(Holding(first, last, terciles))
    return holdings, n_refused


def _first_day_after(days: np.ndarray, moment: datetime) -> int:
    """Row of the first trading day that begins at or after a moment."""
    day = np.datetime64(moment.astimezone(UTC).replace(tzinfo=None), "us")
    return int(np.searchsorted(days.astype("datetime64[us]"), day))


def _terciles(signals: Sequence[Signal], panel: Panel) -> tuple[np.ndarray, ...]:
    """Columns of the lowest, middle and highest third; ties in the order of PERMNO. Empty where stocks are too few."""
    columns = {int(permno): column for column, permno in enumerate(panel.permnos)}
    ordered = sorted((signal.value, signal.permno) for signal in signals if signal.permno in columns)
    if len(ordered) < _FEWEST_STOCKS or ordered[0][0] == ordered[-1][0]:
        return ()
    stocks = np.array([columns[permno] for _, permno in ordered])
    return tuple(np.array_split(stocks, _TERCILES))


def alphas(holdings: Sequence[Holding], panel: Panel, data: Explained) -> list[Alpha]:
    """Mean return and alpha of each tercile and of highest minus lowest, weighted equally and by value where known."""
    found = []
    for weights in ("equal", "value") if panel.caps is not None else ("equal",):
        series = [_daily_returns(holdings, panel, tercile, weights) for tercile in range(_TERCILES)]
        for name, (returns, n_stocks) in zip("123", series, strict=True):
            found.append(_alpha((name, weights), returns, n_stocks, data, is_difference=False))
        (low, n_low), (high, n_high) = series[0], series[-1]
        found.append(_alpha(("3-1", weights), high - low, n_low + n_high, data, is_difference=True))
    return [alpha for alpha in found if alpha is not None]


def _daily_returns(holdings: Sequence[Holding], panel: Panel, tercile: int, weights: str) -> tuple[Floats, Floats]:
    """Return and number of stocks of one tercile on every day of the panel; NaN where nothing is held.

    Weights by value are those of the evening before.
    """
    returns, n_stocks = np.full(len(panel.days), np.nan), np.full(len(panel.days), np.nan)
    for holding in holdings:
        days, stocks = slice(holding.first, holding.last), holding.terciles[tercile]
        values = panel.returns[days][:, stocks]
        share = np.ones_like(values)
        if weights == "value" and panel.caps is not None:
            share = np.nan_to_num(panel.caps[np.arange(holding.first, holding.last) - 1][:, stocks])
            if not holding.first:
                share[0] = 0.0  # no evening before the first day
        share = np.where(np.isfinite(values), share, 0.0)
        total = share.sum(axis=1)
        summed = (share * np.nan_to_num(values)).sum(axis=1)
        returns[days] = np.where(total > 0, summed / np.where(total > 0, total, 1.0), np.nan)
        n_stocks[days] = (share > 0).sum(axis=1)
    return returns, n_stocks


def _alpha(
    names: tuple[str, str], returns: Floats, n_stocks: Floats, data: Explained, *, is_difference: bool
) -> Alpha | None:
    """Alpha of a series of daily returns; a difference of two portfolios costs no risk-free rate and no market."""
    y = returns if is_difference else returns - data.normal
    known = np.isfinite(y) & np.isfinite(data.regressors).all(axis=1)
    x = np.column_stack([np.ones(len(y)), data.regressors])[known]
    n_days = int(known.sum())
    if not n_days:
        return None
    lags = int(4 * (n_days / 100) ** (2 / 9))  # Newey and West (1994), the usual rule
    fit = newey_west_fit(y[known], x, lags)
    if fit is None:
        return None
    t = float(fit.t[0])
    return Alpha(
        names[0],
        names[1],
        n_days,
        float(n_stocks[known].mean()),
        float(returns[known].mean()),
        float(fit.coefficients[0]),
        float(fit.errors[0]),
        t if np.isfinite(t) else None,
    )
