"""On which trading day a call counts."""

from datetime import date, timedelta

import numpy as np
import pytest

from ftm_ray.errors import SourceError
from ftm_ray.events.day_zero import AFTER_CLOSE, BEFORE_CLOSE, CLOSED, NO_TIME, call_moment, day_zero

#: A week with a holiday: Monday 2024-02-19 is Presidents' Day.
DAYS = np.array(["2024-02-15", "2024-02-16", "2024-02-20", "2024-02-21"], dtype="datetime64[D]")


@pytest.mark.parametrize(
    ("call_date", "hour", "day", "rule"),
    [
        (date(2024, 2, 15), "14:30:00", "2024-02-15", BEFORE_CLOSE),
        (date(2024, 2, 15), "20:59:59", "2024-02-15", BEFORE_CLOSE),  # 15:59 in New York
        (date(2024, 2, 15), "21:00:00", "2024-02-16", AFTER_CLOSE),  # 16:00
        (date(2024, 2, 16), "22:00:00", "2024-02-20", AFTER_CLOSE),  # Friday evening, then a long weekend
        (date(2024, 2, 16), "01:30:00", "2024-02-16", AFTER_CLOSE),  # still Thursday evening in New York
        (date(2024, 2, 17), None, "2024-02-20", CLOSED),  # Saturday
        (date(2024, 2, 19), "15:00:00", "2024-02-20", CLOSED),  # the holiday
        (date(2024, 2, 20), None, "2024-02-20", NO_TIME),
    ],
)
def test_rules(call_date, hour, day, rule):
    row, found = day_zero(DAYS, call_date, call_moment(hour, call_date))
    assert (str(DAYS[row]), found) == (day, rule)


def test_summer_and_winter_have_another_distance_to_utc():
    for call_date, utc in ((date(2024, 7, 10), "20:00"), (date(2024, 12, 10), "21:00")):  # both are 16:00 in New York
        days = np.array([call_date, call_date + timedelta(1)], dtype="datetime64[D]")
        assert day_zero(days, call_date, call_moment(utc, call_date)) == (1, AFTER_CLOSE)


def test_a_call_after_the_last_day_has_no_day_0():
    assert day_zero(DAYS, date(2024, 2, 22), None) == (None, CLOSED)
    assert day_zero(DAYS, date(2024, 2, 21), call_moment("22:00", date(2024, 2, 21))) == (None, AFTER_CLOSE)
    assert day_zero(DAYS, date(2023, 11, 1), None) == (None, CLOSED)  # months before the first


def test_times_as_sources_write_them():
    day = date(2024, 2, 15)
    assert call_moment("2024-02-15T16:30:00-05:00", day) == call_moment("21:30:00", day)
    assert call_moment("2024-02-15T16:30:00", day) is None  # nobody says where it is half past four
    with pytest.raises(SourceError, match="'half past four' of a call on 2024-02-15 is no time"):
        call_moment("half past four", day)
