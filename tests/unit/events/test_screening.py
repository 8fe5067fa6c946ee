"""Every event is used or has its reason, and counts add up."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
from made_market import DAYS, call, made_panel, mention, row_of

from ftm_ray.events import screening
from ftm_ray.events.study import StudySettings, study_events


def reasons_of(calls, panel, settings=None):
    study = study_events(calls, [mention(each) for each in calls], (panel, None), settings or StudySettings())
    events = study.tables["events"].to_pylist()
    assert len(events) == len({each.event_id for each in calls})
    used = {row["event_id"] for row in events if row["reason"] is None}
    assert used == set(study.tables["event_windows"]["event_id"].to_pylist())
    whole = next(row for row in study.tables["event_means"].to_pylist() if row["event_group"] == "all")
    assert whole["n_events"] == len(used)
    return {row["event_id"]: row["reason"] for row in events}


def reason(panel, of, *others, settings=None):
    return reasons_of([of, *others], panel, settings)[of.event_id]


def without(panel, stock, *days, after=None):
    """The panel with some returns missing: of some days, or of all after a day."""
    returns = panel.returns.copy()
    for day in days:
        returns[row_of(day), stock - 1] = np.nan
    if after is not None:
        returns[row_of(after) + 1 :, stock - 1] = np.nan
    return replace(panel, returns=returns)


def test_an_ordinary_event_is_used():
    assert reason(made_panel(2), call(1, "2024-02-15")) is None


def test_no_permno_and_no_returns():
    panel = made_panel(2)
    assert reason(panel, call(None, "2024-02-15")) == screening.NO_PERMNO
    assert reason(panel, call(77, "2024-02-15")) == screening.NO_RETURNS
    assert reason(replace(panel, returns=panel.returns * [1, np.nan]), call(2, "2024-02-15")) == screening.NO_RETURNS


def test_weekends_and_holidays_move_to_the_next_trading_day_and_are_used():
    study = study_events([call(1, "2024-01-01"), call(2, "2024-02-17")], [], (made_panel(2), None), StudySettings())
    rows = study.tables["events"].to_pylist()
    assert [(str(row["day0"]), row["reason"]) for row in rows] == [("2024-01-02", None), ("2024-02-19", None)]


def test_halted_stock():
    panel = made_panel(2)
    assert reason(without(panel, 1, "2024-02-15"), call(1, "2024-02-15")) == screening.NO_TRADING
    assert reason(without(panel, 1, "2024-02-16"), call(1, "2024-02-15")) == screening.HALTED
    assert reason(without(panel, 1, "2024-02-14"), call(1, "2024-02-15")) == screening.HALTED


def test_delisting_inside_the_window():
    gone = without(made_panel(2), 1, after="2024-02-15")
    assert reason(gone, call(1, "2024-02-15")) == screening.ENDS
    known = replace(gone, delisted=np.array([row_of("2024-02-15"), -1]))
    study = study_events([call(1, "2024-02-15")], [], (known, None), StudySettings())
    assert [row["n_days"] for row in study.tables["event_windows"].to_pylist()] == [2]  # -1 and 0; then it is gone


def test_a_missing_factor_day():
    panel = made_panel(2)
    market = panel.market.copy()
    market[row_of("2024-02-16")] = np.nan
    assert reason(replace(panel, market=market), call(1, "2024-02-15")) == screening.NO_FACTOR
    market = panel.market.copy()
    market[row_of("2024-01-10")] = np.nan  # in the estimation period: one day less
    study = study_events([call(1, "2024-02-15")], [], (replace(panel, market=market), None), StudySettings())
    assert study.tables["events"]["n_est"].to_pylist() == [109]


def test_short_estimation():
    panel = made_panel(2)
    assert reason(panel, call(1, str(DAYS[60]))) == screening.TOO_FEW
    assert reason(panel, call(1, str(DAYS[60])), settings=StudySettings(estper=40, min_est=30)) is None
    flat = panel.returns.copy()
    flat[: row_of("2024-02-10"), 0] = 0.0
    assert reason(replace(panel, returns=flat), call(1, "2024-02-15")) == screening.NO_SPREAD


@pytest.mark.parametrize("day", ["2024-06-28", "2024-07-03", "2023-06-01"])
def test_the_file_ends_or_begins_in_the_window(day):
    assert reason(made_panel(2), call(1, day)) == screening.OUTSIDE


def test_same_firm_twice():
    panel, first = made_panel(2), call(1, "2024-02-15")
    near, far = call(1, "2024-02-19"), call(1, "2024-02-20")
    assert reasons_of([near, first], panel) == {first.event_id: None, near.event_id: screening.OVERLAP}
    assert reasons_of([far, first], panel) == {first.event_id: None, far.event_id: None}


def test_two_calls_a_day_keep_the_earlier():
    late = call(1, "2024-02-15", transcript_id="a", call_time_utc=datetime(2024, 2, 15, 18, tzinfo=UTC))
    early = call(1, "2024-02-15", transcript_id="b", call_time_utc=datetime(2024, 2, 15, 13, tzinfo=UTC))
    assert reasons_of([late, early], made_panel(1)) == {early.event_id: None, late.event_id: screening.SAME_DAY}


def test_dual_share_classes_are_one_event():
    a, b = (call(permno, "2024-02-15", gvkey="001") for permno in (1, 2))
    assert reasons_of([b, a], made_panel(2)) == {a.event_id: None, b.event_id: screening.SHARE_CLASS}


def test_an_event_that_is_not_used_blocks_no_other():
    panel = without(made_panel(1), 1, "2024-02-14")
    bad, good = call(1, "2024-02-14"), call(1, "2024-02-16")
    assert reasons_of([bad, good], panel) == {bad.event_id: screening.NO_TRADING, good.event_id: None}
