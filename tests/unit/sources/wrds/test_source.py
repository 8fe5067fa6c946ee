"""The WRDS source: what it hands over of what was fetched, row for row, and what the prefetch store makes of it."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest
from standin import LONG_TEXT, ODD_TEXT, QUARTER

from ftm_ray.errors import SourceError
from ftm_ray.lake.storage import Lake
from ftm_ray.sources import prefetch
from ftm_ray.sources.calls import Call, Turn
from ftm_ray.sources.prefetch import is_prefetched, prefetch_quarter
from ftm_ray.sources.wrds import calls as wrds_calls
from ftm_ray.sources.wrds import fetch as wrds_fetch
from ftm_ray.sources.wrds.calls import SCHEMAS, WrdsSettings
from ftm_ray.sources.wrds.database import connect
from ftm_ray.sources.wrds.fetch import fetch_quarter
from ftm_ray.sources.wrds.source import WrdsSource, _name_and_title, speaker_type

ALL, KEEP = WrdsSettings(), WrdsSettings(keep_unlinked=True)


def fetched(lake, settings=ALL) -> WrdsSource:
    with connect("postgres", SCHEMAS, None) as database:
        database.check_readable()
        fetch_quarter(lake, QUARTER, settings, database, lambda _: None)
    return WrdsSource(lake, settings)


def pat(text: str) -> Turn:
    return Turn(text, "Pat Lee", "Executive", "Presenter Speech")


def call(transcriptid: int, month: int, day: int, *turns: Turn) -> Call:
    return Call(str(transcriptid), date(2023, month, day), turns)


def timeless(calls: tuple[Call, ...]) -> tuple[Call, ...]:
    return tuple(replace(call, call_time=None) for call in calls)


def test_the_time_of_a_call_is_that_of_capital_iq_and_utc(lake, wrds_cases):
    first = next(firm for firm in fetched(lake).firms(QUARTER) if firm.firm_id == "1001")
    assert first.calls[0].call_time == "2023-02-10T14:00:00+00:00"


def test_firms_row_for_row(lake, wrds_cases, monkeypatch):
    monkeypatch.setattr(wrds_calls, "FIRMS_PER_PART", 3)
    firms = list(fetched(lake).firms(QUARTER))
    assert [(f.firm_id, f.firm_name, f.gvkey, f.permno, f.link_date, timeless(f.calls)) for f in firms] == [
        (
            "1001",
            "Three Versions Inc.",
            "001001",
            10001,
            date(2023, 2, 10),
            (call(13, 2, 10, pat("Third version."), pat("It goes on.")),),
        ),
        (
            "1002",
            "Two Calls Corp.",
            "001002",
            10002,
            date(2023, 3, 20),
            (call(21, 1, 20, pat("January.")), call(22, 3, 20, pat("March."))),
        ),
        (
            "1003",
            "Changing Key plc",
            "003002",
            10003,
            date(2023, 3, 15),
            (call(31, 1, 15, pat("Old key.")), call(32, 3, 15, pat("New key."))),
        ),
        ("1005", "Dual Class Inc.", "005005", 10005, date(2023, 2, 10), (call(51, 2, 10, pat("Two classes.")),)),
        ("1006", "Two Links Ltd.", "006002", 10062, date(2023, 2, 10), (call(61, 2, 10, pat("Two links.")),)),
        ("1007", "Late Call Corp.", "001007", 10007, date(2023, 3, 31), (call(71, 3, 31, pat("Just in time.")),)),
        (
            "1008",
            "Speakers Inc.",
            "001008",
            10008,
            date(2023, 2, 10),
            (
                call(
                    81,
                    2,
                    10,
                    Turn("Good day and welcome.", "Operator", "Operator", "Presentation Operator Message"),
                    Turn("Thank you all.", "Jo Chief", "CEO", "Presenter Speech"),
                    Turn("Revenue rose.", "Ann Fin", "CFO", "Presenter Speech"),
                    Turn("We hired.", "Max Other-Name", "Executive", "Presenter Speech"),
                    Turn("Costs fell.", "Flo Tables", "CFO", "Presenter Speech"),
                    Turn("Guidance is next.", "Asa Sistant", "Executive", "Presenter Speech"),
                    Turn("What about margins?", "Al Yst", "Analyst", "Question"),
                    Turn("They rose.", None, None, None),
                    Turn("Next question.", None, "Operator", None),
                ),
            ),
        ),
        (
            "1010",
            'Odd "Text" O\'Neil & Co.',
            "001010",
            10010,
            date(2023, 2, 10),
            (call(101, 2, 10, pat(ODD_TEXT), pat(LONG_TEXT)),),
        ),
        ("1012", "New Stock Corp.", "012012", 10013, date(2023, 3, 10), (call(122, 3, 10, pat("New stock.")),)),
        ("1014", "Silent Inc.", "001014", 10014, date(2023, 2, 10), (call(141, 2, 10),)),
    ]


def test_unlinked_firms_can_be_kept(lake, wrds_cases):
    firms = {firm.firm_id: firm for firm in fetched(lake, KEEP).firms(QUARTER)}
    assert set(firms) >= {"1004", "1011"}
    assert (firms["1004"].permno, firms["1004"].gvkey, firms["1004"].link_date) == (None, None, None)
    assert (firms["1011"].permno, firms["1011"].gvkey) == (None, "011011")
    assert [made.transcript_id for made in firms["1012"].calls] == ["122"]  # still not on the wrong stock


def test_a_past_state(lake, wrds_cases):
    source = fetched(lake, WrdsSettings(as_of=date(2023, 2, 11)))
    first = next(firm for firm in source.firms(QUARTER) if firm.firm_id == "1001")
    assert timeless(first.calls) == (call(11, 2, 10, pat("First version.")),)


def test_every_reading_gives_the_same_and_counts_anew(lake, wrds_cases):
    source = fetched(lake)
    assert list(source.firms(QUARTER)) == list(source.firms(QUARTER))
    counts = {"no_gvkey": 1, "no_permno": 1, "other_permno": 1, "rows of the quarter": 22, "rows with a title": 2}
    assert source.input_counts() == counts
    assert list(source.neighbours(QUARTER, {"1001"})) == []


def test_turns_that_fit_no_call_are_refused(lake, wrds_cases):
    """As two fetches that wrote into one folder would leave it: never firms that are silently empty."""
    source = fetched(lake)
    path = wrds_fetch.part_path(QUARTER, 0)
    turns = lake.read_table(path)
    calls = wrds_fetch.read_calls(lake, QUARTER)
    left_out = next(number for number, listed in enumerate(calls) if listed.left_out is not None)
    for number in (left_out, len(calls)):  # a call in the middle that is not read, and one behind the last
        odd = turns.slice(0, 1).set_column(
            0, turns.schema.field("call"), pa.array([number], turns.schema.field(0).type)
        )
        lake.write_table(path, pa.concat_tables([turns, odd]).sort_by("call"))
        with pytest.raises(SourceError, match=r"do not fit its calls.parquet; delete that folder"):
            list(source.firms(QUARTER))


def test_the_store_accounts_for_every_call_that_wrds_lists(lake, wrds_cases):
    source = fetched(lake)
    assert not is_prefetched(lake, QUARTER, source)
    report = prefetch_quarter(lake, QUARTER, source, lambda *_: None)
    # the invented cases are a sentence long, but for the one with 100 kB
    lines = {line.reason: line.n_calls for line in report.lines if line.kind in ("in", "dropped") and line.n_calls}
    assert lines == {None: 15, "short": 10, "empty": 1, "no_gvkey": 1, "no_permno": 1, "other_permno": 1}
    assert (report.manifest.source, report.manifest.linked, report.manifest.n_firms) == ("wrds", True, 1)
    assert is_prefetched(lake, QUARTER, source)
    coverage = lake.read_table(f"{Lake.prefetch_dir(QUARTER)}/coverage.parquet").to_pylist()
    unread = {row["firm_id"]: row for row in coverage if row["reason"] in ("no_gvkey", "no_permno", "other_permno")}
    assert {firm_id: (row["transcript_id"], row["permno"], row["gvkey"]) for firm_id, row in unread.items()} == {
        "1004": ("41", None, None),
        "1011": ("111", None, "011011"),
        "1012": ("121", 10012, "012012"),
    }
    assert not any(row["kept"] or row["n_sentences_in"] for row in unread.values())


def test_firms_that_nobody_asked_for_are_not_missed_in_the_coverage(lake, wrds_cases):
    source = fetched(lake, WrdsSettings(limit=1))
    assert {call.reason for call in source.unread_calls(QUARTER)} == {"no_gvkey", "no_permno", "other_permno"}


def test_an_unfinished_store_is_made_anew_when_the_calls_are_listed_anew(lake, wrds_cases, monkeypatch):
    """Its chunks are of the earlier state of WRDS; gone on with, it would mix two."""
    with monkeypatch.context() as patch:
        patch.setattr(prefetch, "_publish", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            prefetch_quarter(lake, QUARTER, fetched(lake), lambda *_: None)
    lake.delete_file(f"{Lake.wrds_dir(QUARTER)}/request.json")  # as another request leaves it that is killed at once
    wrds_cases.execute("UPDATE ciq.wrds_transcript_detail SET transcriptid = 12 WHERE transcriptid = 13")
    assert prefetch_quarter(lake, QUARTER, fetched(lake), lambda *_: None).state == "built"
    coverage = lake.read_table(f"{Lake.prefetch_dir(QUARTER)}/coverage.parquet")
    assert "12" in coverage["transcript_id"].to_pylist()


def test_the_request_says_how_the_parts_are_cut(monkeypatch):
    before = ALL.request(QUARTER)
    monkeypatch.setattr(wrds_calls, "FIRMS_PER_PART", 7)
    assert ALL.request(QUARTER) != before


def test_the_store_can_be_made_again_without_wrds(lake, wrds_cases, tmp_path):
    source = fetched(lake)
    first = prefetch_quarter(lake, QUARTER, source, lambda *_: None)
    folder = Path(lake.root) / Lake.prefetch_dir(QUARTER)
    (folder / "manifest.json").unlink()
    wrds_cases.execute("TRUNCATE ciq.ciqtranscriptcomponent")
    again = prefetch_quarter(Lake(lake.root), QUARTER, WrdsSource(lake, ALL), lambda *_: None)
    assert again.manifest == first.manifest


@pytest.mark.parametrize(
    ("person", "expected"),
    [
        ("Timothy Cook", ("Timothy Cook", None)),
        ("Jean-Luc Picard", ("Jean-Luc Picard", None)),
        ("Jane Roe - Chief Financial Officer", ("Jane Roe", "Chief Financial Officer")),
        ("Jane Roe \u2013 President, CEO & Director", ("Jane Roe", "President, CEO & Director")),
        ("Jane Roe, CFO", ("Jane Roe", "CFO")),
        ("Jane Roe (Chief Executive Officer)", ("Jane Roe", "Chief Executive Officer)")),
        ("John Roe, Jr.", ("John Roe, Jr.", None)),
        (None, (None, None)),
    ],
)
def test_a_title_behind_the_name(person, expected):
    assert _name_and_title(person) == expected


@pytest.mark.parametrize(
    ("value", "title", "expected"),
    [
        ("Executives", None, "Executive"),
        ("Executives", "Chief Executive Officer", "CEO"),
        ("Executives", "Executive VP & CFO", "CFO"),
        ("Executives", "Vice President", "Executive"),
        ("Executives", "Founder, Co-CEO & Director", "CEO"),
        ("Executives", "Vice President, Office of the CEO", "Executive"),
        ("Executives", "Assistant to the Chief Financial Officer", "Executive"),
        ("Executives", "Deputy CFO", "Executive"),
        ("Executives", "Former Chief Executive Officer", "Executive"),
        ("Analysts", "CEO", "Analyst"),
        ("Operator", None, "Operator"),
        ("Shareholders", None, "Other"),
        (None, "CEO", None),
    ],
)
def test_speaker_types(value, title, expected):
    assert speaker_type(value, title) == expected
