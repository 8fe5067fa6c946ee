"""Which events are used, and why the others are not. Every event has a reason or is used: counts add up."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ftm_ray.events.calls import Call
from ftm_ray.events.day_zero import day_zero
from ftm_ray.events.models import Explained, Integers, Timing
from ftm_ray.events.returns import Panel

NO_PERMNO = "no PERMNO"
NO_RETURNS = "no returns of this PERMNO"
OUTSIDE = "returns file does not reach over the window"
NO_TRADING = "no trading on day 0"
NO_FACTOR = "no factor on a day of the window"
ENDS = "returns end inside the window, and no delisting return is known"
HALTED = "no return on a day of the window"
TOO_FEW = "too few estimation days"
NO_SPREAD = "returns do not move in the estimation period"
SAME_DAY = "another call of the firm has the same day 0"
SHARE_CLASS = "another share class of the firm has the same day 0"
OVERLAP = "window overlaps another event of the firm"


@dataclass(frozen=True, slots=True)
class Placed:
    """Where events lie in the panel; one entry per call, -1 where it has no place.

    Args:
        stocks: Column of the stock.
        day0: Row of day 0.
        rules: How day 0 was found; None for calls without a stock.
        reasons: Why a call is not used; None so far for those that may be.
    """

    stocks: Integers
    day0: Integers
    rules: list[str | None]
    reasons: list[str | None]


def place(calls: Sequence[Call], panel: Panel, data: Explained, timing: Timing) -> Placed:
    """Find stock, day 0 and window of every call.

    Args:
        calls: The calls.
        panel: Returns.
        data: What the model explains, on the panel's days.
        timing: The window, which must be whole.
    """
    placed = Placed(np.full(len(calls), -1), np.full(len(calls), -1), [None] * len(calls), [None] * len(calls))
    has_factors = np.asarray(np.isfinite(np.column_stack([data.normal, data.regressors])).all(axis=1))
    has_returns = np.asarray(np.isfinite(panel.returns).any(axis=0))
    columns = {int(permno): column for column, permno in enumerate(panel.permnos)}
    for at, call in enumerate(calls):
        row, rule = day_zero(panel.days, call.call_date, call.call_time_utc)
        placed.rules[at] = rule
        placed.day0[at] = -1 if row is None else row
        column = -1 if call.permno is None else columns.get(call.permno, -1)
        if call.permno is None:
            placed.reasons[at] = NO_PERMNO
        elif column < 0 or not has_returns[column]:
            placed.reasons[at] = NO_RETURNS
        elif row is None or row + timing.start < 0 or row + timing.end >= len(panel.days):
            placed.reasons[at] = OUTSIDE
        else:
            placed.stocks[at] = column
            window = slice(row + timing.start, row + timing.end + 1)
            placed.reasons[at] = _broken_window(panel, column, row, window, has_factors)
    return placed


def _broken_window(panel: Panel, column: int, day0: int, window: slice, has_factors: np.ndarray) -> str | None:
    """What is wrong with a window. After a known delisting return no more days are asked for."""
    returns = panel.returns[:, column]
    if not np.isfinite(returns[day0]):
        return NO_TRADING
    gone = int(panel.delisted[column])
    last = gone + 1 if window.start <= gone < window.stop else window.stop
    needed = slice(window.start, last)
    if not has_factors[needed].all():
        return NO_FACTOR
    if np.isfinite(returns[needed]).all():
        return None
    first_missing = needed.start + int(np.argmin(np.isfinite(returns[needed])))
    return HALTED if np.isfinite(returns[first_missing:]).any() else ENDS


def leave_out_weak_estimates(placed: Placed, used: Integers, n_est: Integers, sigma: np.ndarray, min_est: int) -> None:
    """Give the events among `used` a reason whose estimation rests on too few days, or on none that moved."""
    for at, days, deviation in zip(used.tolist(), n_est.tolist(), sigma.tolist(), strict=True):
        if days < min_est:
            placed.reasons[at] = TOO_FEW
        elif not deviation > 0:
            placed.reasons[at] = NO_SPREAD


def leave_out_doubles(calls: Sequence[Call], placed: Placed, length: int) -> None:
    """Of events of one firm that share days, the earliest stays; on one day, the earlier call and the lower PERMNO.

    Args:
        calls: The calls.
        placed: Their places; reasons are filled in.
        length: Days of the window.
    """

    def moment(at: int) -> tuple[int, str, int, str]:
        call = calls[at]
        return int(placed.day0[at]), str(call.call_time_utc or call.call_date), call.permno or 0, call.event_id

    kept_stock: dict[int, int] = {}
    kept_firm: dict[str, int] = {}
    for at in sorted((at for at, reason in enumerate(placed.reasons) if reason is None), key=moment):
        call, day0 = calls[at], int(placed.day0[at])
        before = kept_stock.get(call.permno or 0)
        firm_before = kept_firm.get(call.gvkey) if call.gvkey else None
        if before is not None and day0 - before < length:
            placed.reasons[at] = SAME_DAY if day0 == before else OVERLAP
        elif firm_before is not None and day0 - firm_before < length:
            placed.reasons[at] = SHARE_CLASS if day0 == firm_before else OVERLAP
        else:
            kept_stock[call.permno or 0] = day0
            if call.gvkey:
                kept_firm[call.gvkey] = day0
