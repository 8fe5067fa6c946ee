"""Fetching into the lake: what stands there, and that nothing is fetched twice. The database is a real PostgreSQL."""

from dataclasses import replace
from pathlib import Path

import pytest
from standin import QUARTER

from ftm_ray.errors import SourceError
from ftm_ray.lake.storage import Lake
from ftm_ray.schemas.columns import check_table
from ftm_ray.schemas.wrds import WRDS_TURNS
from ftm_ray.sources.wrds import calls as wrds_calls
from ftm_ray.sources.wrds import database as wrds_database
from ftm_ray.sources.wrds import fetch as wrds_fetch
from ftm_ray.sources.wrds.calls import SCHEMAS, FirmList, WrdsSettings, calls_table
from ftm_ray.sources.wrds.database import connect
from ftm_ray.sources.wrds.fetch import fetch_quarter, is_fetched, read_calls, read_turns

SETTINGS = WrdsSettings()
FOLDER = Lake.wrds_dir(QUARTER)


@pytest.fixture(autouse=True)
def small_parts(monkeypatch):
    """Two firms a part and three rows a batch, so that nine firms give several."""
    monkeypatch.setattr(wrds_calls, "FIRMS_PER_PART", 2)
    monkeypatch.setattr(wrds_database, "ROWS_PER_BATCH", 3)


@pytest.fixture
def database(wrds_cases):
    with connect("postgres", SCHEMAS, None) as database:
        yield database


def fetch(lake, database, settings=SETTINGS, on_step=lambda _: None):
    fetch_quarter(lake, QUARTER, settings, database, on_step)


def files(lake) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (Path(lake.root) / FOLDER).iterdir()}


def test_what_was_fetched_is_what_the_database_holds(lake, database):
    fetch(lake, database)
    calls = read_calls(lake, QUARTER)
    read = [(number, call.transcriptid) for number, call in enumerate(calls) if call.left_out is None]
    expected = [
        (number, *row[1:]) for number, transcriptid in read for batch in database.turns([transcriptid]) for row in batch
    ]
    tables = list(read_turns(lake, QUARTER, calls))
    for table in tables:
        check_table(table, WRDS_TURNS, "turns")
        assert table.num_rows <= 3
    assert [tuple(row.values()) for table in tables for row in table.to_pylist()] == expected
    # ten firms are read: of thirteen, two have no link and one only spoke at a conference
    assert sorted(files(lake)) == ["calls.parquet", "request.json", *(f"turns_{i:04d}.parquet" for i in range(5))]
    assert is_fetched(lake, QUARTER, SETTINGS)


class Interrupted(Exception):
    pass


def test_an_interrupted_fetch_loses_one_part_and_fetches_nothing_twice(lake, database, tmp_path, wrds_cases):
    whole = Lake(str(tmp_path / "whole"))
    fetch(whole, database)
    asked = []
    turns = database.turns

    def turns_until_the_third_part(transcriptids):
        asked.append(tuple(transcriptids))
        for batch in turns(transcriptids):
            yield batch
            if len(asked) == 3:
                raise Interrupted

    database.turns = turns_until_the_third_part
    with pytest.raises(Interrupted):
        fetch(lake, database)
    assert sorted(files(lake)) == ["calls.parquet", "request.json", "turns_0000.parquet", "turns_0001.parquet"]
    assert not is_fetched(lake, QUARTER, SETTINGS)
    fetch(lake, database)
    assert files(lake) == files(whole)
    assert len(asked) == 6  # five parts, of which the third twice
    assert asked[2] == asked[3]
    fetch(lake, database)
    assert len(asked) == 6


def test_a_fetch_goes_on_with_the_versions_it_began_with(lake, database, wrds_cases):
    fetch(lake, database)
    before = files(lake)
    lake.delete_file(wrds_fetch.part_path(QUARTER, 0))  # the part with the three versions
    wrds_cases.execute(
        "UPDATE ciq.wrds_transcript_detail SET transcriptcreationdate_utc = '2023-03-30' WHERE transcriptid = 12"
    )
    fetch(lake, database)
    assert files(lake) == before


def test_another_request_fetches_anew(lake, database):
    fetch(lake, database)
    few = WrdsSettings(firms=FirmList("companyid", frozenset({"1001", "1008"})))
    assert not is_fetched(lake, QUARTER, few)
    fetch(lake, database, few)
    assert sorted(files(lake)) == ["calls.parquet", "request.json", "turns_0000.parquet"]
    assert [call.firm_id for call in read_calls(lake, QUARTER) if call.left_out is None] == ["1001", "1008"]
    assert not is_fetched(lake, QUARTER, SETTINGS)


def test_progress_counts_firms_and_rows_to_the_end(lake, database):
    steps = []
    fetch(lake, database, on_step=steps.append)
    assert [step.n_firms for step in steps] == sorted(step.n_firms for step in steps)
    assert (steps[-1].n_firms, steps[-1].n_firms_total) == (10, 10)
    assert steps[-1].n_rows == sum(table.num_rows for table in read_turns(lake, QUARTER, read_calls(lake, QUARTER)))
    again = []
    fetch(lake, database, on_step=again.append)
    assert [(step.n_firms, step.n_rows) for step in again] == [(2, 0), (4, 0), (6, 0), (8, 0), (10, 0)]


def test_a_quarter_without_calls(lake, database):
    with pytest.raises(SourceError, match="no earnings call in 1999Q4"):
        fetch_quarter(lake, "1999Q4", SETTINGS, database, lambda _: None)


def test_a_quarter_without_linked_calls_says_how_to_read_them(lake, database):
    nobody = WrdsSettings(firms=FirmList("companyid", frozenset({"1004"})))
    with pytest.raises(SourceError, match="none of the 15 calls .*--keep-unlinked"):
        fetch(lake, database, nobody)


def test_a_request_that_reads_nothing_leaves_what_was_fetched(lake, database):
    fetch(lake, database)
    before = files(lake)
    wrong_id = WrdsSettings(firms=FirmList("companyid", frozenset({"999999"})))
    for _ in range(2):  # the second time, too: nothing of the wrong request was written down
        with pytest.raises(SourceError, match="none of the 15 calls "):
            fetch(lake, database, wrong_id)
    assert not is_fetched(lake, QUARTER, wrong_id)
    assert is_fetched(lake, QUARTER, SETTINGS)
    assert files(lake) == before


def test_a_list_without_a_call_to_read_is_not_fetched(lake, database):
    fetch(lake, database)
    nothing = [replace(call, left_out="not_asked") for call in read_calls(lake, QUARTER)]
    lake.write_table(f"{FOLDER}/calls.parquet", calls_table(nothing))
    assert not is_fetched(lake, QUARTER, SETTINGS)


def test_the_quarter_ends_where_the_next_begins():
    from datetime import date

    assert wrds_fetch._days("2023Q1") == (date(2023, 1, 1), date(2023, 4, 1))
    assert wrds_fetch._days("2023Q4") == (date(2023, 10, 1), date(2024, 1, 1))
