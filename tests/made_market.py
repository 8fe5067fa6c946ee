"""A made market for tests of studies: trading days, stocks, and calls of which a test says what happens."""

from datetime import UTC, date, datetime

import numpy as np

from ftm_ray.events.calls import Call, Mention
from ftm_ray.events.returns import Panel

#: Weekdays from 2023-06-01 on, but for Christmas and New Year's Day.
ALL_DAYS = np.arange("2023-06-01", "2024-07-01", dtype="datetime64[D]")
HOLIDAYS = np.array(["2023-12-25", "2024-01-01"], dtype="datetime64[D]")
DAYS = ALL_DAYS[np.is_busday(ALL_DAYS, holidays=HOLIDAYS)]
QUARTER = "2024Q1"
KNOWN = datetime(2024, 4, 1, tzinfo=UTC)


def row_of(day):
    return int(np.searchsorted(DAYS, np.datetime64(day, "D")))


def made_panel(n_stocks, seed=1, effect=0.0, days=()):
    """Stocks 1, 2, ... with a beta of 1, and an effect on some (day, stock number)."""
    rng = np.random.default_rng(seed)
    market = rng.normal(0, 0.01, len(DAYS))
    returns = market[:, None] + rng.normal(0, 0.01, (len(DAYS), n_stocks))
    for day, stock in days:
        returns[row_of(day), stock - 1] += effect
    caps = np.cumprod(1 + returns, axis=0) * np.arange(1, n_stocks + 1)
    return Panel(DAYS, np.arange(1, n_stocks + 1), returns, caps, np.full(n_stocks, -1), market)


def call(permno, day, **values):
    """A call of the firm of a stock; its transcript is named by its day."""
    day = date.fromisoformat(day)
    firm_id = f"F{permno}"
    fixed = {"quarter": QUARTER, "firm_id": firm_id, "firm_name": None, "permno": permno, "gvkey": None}
    fixed |= {"transcript_id": str(day), "call_date": day, "call_time_utc": None} | values
    return Call(f"{fixed['firm_id']}_{fixed['transcript_id']}", **fixed)


def mention(of, theme_uid="T1", exposure=0.1, sentiment=None, known=KNOWN):
    return Mention(of.event_id, theme_uid, f"theme {theme_uid}", 5, exposure, sentiment, known)
