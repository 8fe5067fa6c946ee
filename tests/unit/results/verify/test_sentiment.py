"""The sentiment-ready table as an event study uses it: stock, event date, covered call; each damage is named."""

from datetime import date

import pyarrow as pa
import pytest
from invented import QUARTER
from published import publish

from ftm_ray.lake.storage import Lake
from ftm_ray.results.verify.sentiment import event_problems, quarter_of
from ftm_ray.schemas.sentiment import SENTIMENT_READY

COVERAGE_FILE = f"{Lake.prefetch_dir(QUARTER)}/coverage.parquet"


@pytest.fixture
def lake(six_firms_run, config):
    return publish(six_firms_run, config).lake


def rows(lake):
    return lake.read_table(Lake.sentiment_file(QUARTER)).to_pylist()


def problems(lake, changed):
    return event_problems(lake, QUARTER, pa.Table.from_pylist(changed, schema=SENTIMENT_READY))


def test_a_published_table_has_no_problem(lake):
    assert len(rows(lake)) > 4
    assert problems(lake, rows(lake)) == []


def test_a_row_without_stock_is_found(lake):
    changed = rows(lake)
    changed[0]["permno"] = None
    assert f"firm {changed[0]['firm_id']}, call {changed[0]['transcript_id']}: no PERMNO" in problems(lake, changed)


def test_a_call_with_two_event_dates_is_found(lake):
    changed = rows(lake)
    changed[0]["earnings_call_date"] = date(2024, 3, 31)
    assert any("2 event dates (2024-02-01, 2024-03-31)" in problem for problem in problems(lake, changed))


def test_a_date_outside_the_quarter_is_found(lake):
    changed = rows(lake)
    changed[0]["earnings_call_date"] = date(2024, 4, 1)
    assert any("2024-04-01 is not in 2024Q1" in problem for problem in problems(lake, changed))


def test_a_firm_outside_the_coverage_report_is_found_once(lake):
    changed = rows(lake)
    for row in changed[:2]:
        row["firm_id"], row["transcript_id"] = "GHOST", "T1"
    assert sum("GHOST" in problem and "not kept" in problem for problem in problems(lake, changed)) == 1


def test_another_stock_than_the_coverage_report_has_is_found(lake):
    changed = rows(lake)
    changed[0]["permno"] = 99999
    assert any("PERMNO 99999; coverage has 2024-02-01 and PERMNO 10001" in p for p in problems(lake, changed))


def test_a_call_that_was_dropped_does_not_count(lake):
    coverage = lake.read_table(COVERAGE_FILE)
    at = coverage.schema.get_field_index("kept")
    lake.write_table(COVERAGE_FILE, coverage.set_column(at, coverage.schema.field(at), [[False] * coverage.num_rows]))
    assert any("not kept" in problem for problem in problems(lake, rows(lake)))


def test_a_missing_coverage_report_is_a_problem(lake):
    lake.delete_file(COVERAGE_FILE)
    assert problems(lake, rows(lake)) == [f"the coverage report {COVERAGE_FILE} is not there to compare with"]


@pytest.mark.parametrize(("day", "quarter"), [(date(2024, 1, 1), "2024Q1"), (date(2023, 12, 31), "2023Q4")])
def test_quarters_are_those_of_the_calendar(day, quarter):
    assert quarter_of(day) == quarter
