"""Which calls are read and which are left out, and why."""

from dataclasses import replace
from datetime import date

import pytest

from ftm_ray.errors import ConfigError
from ftm_ray.schemas.columns import check_table
from ftm_ray.schemas.wrds import WRDS_CALLS
from ftm_ray.sources.wrds.calls import (
    FirmList,
    ListedCall,
    WrdsSettings,
    calls_table,
    decide_calls,
    listed_calls,
    read_firm_list,
    summarise_calls,
)

ALL = WrdsSettings()


def call(companyid, day, permno, gvkey="001690", **values) -> ListedCall:
    made = ListedCall(
        companyid=companyid,
        companyname=f"Firm {companyid}",
        keydevid=companyid * 10 + day,
        transcriptid=companyid * 100 + day,
        headline=None,
        call_date=date(2023, 2, day),
        call_time_utc="14:00:00",
        collection_type="Audited Copy",
        presentation_type="Final",
        version_date=date(2023, 2, day),
        gvkey=gvkey,
        permno=permno,
        linktype="LC",
        linkprim="P",
        n_link=0 if gvkey is None else 1,
    )
    return replace(made, **values)


def decided(calls, settings=ALL):
    return [(made.firm_id, made.call_date.day, made.left_out) for made in decide_calls(calls, settings)]


def test_calls_are_read_in_the_order_of_firm_ids_as_text_then_by_day():
    calls = [call(9, 1, 109), call(10, 2, 110), call(10, 1, 110)]
    assert decided(calls) == [("10", 1, None), ("10", 2, None), ("9", 1, None)]


def test_firms_without_permno_are_left_out_with_the_reason():
    calls = [call(1, 1, None, gvkey=None), call(2, 1, None), call(3, 1, 103)]
    assert decided(calls) == [("1", 1, "no_gvkey"), ("2", 1, "no_permno"), ("3", 1, None)]


def test_firms_without_permno_can_be_kept():
    calls = [call(1, 1, None, gvkey=None), call(2, 1, None)]
    assert decided(calls, WrdsSettings(keep_unlinked=True)) == [("1", 1, None), ("2", 1, None)]


@pytest.mark.parametrize("keep_unlinked", [False, True])
def test_no_call_goes_to_a_stock_that_was_not_its_own(keep_unlinked):
    calls = [call(1, 1, 100), call(1, 2, 101), call(1, 3, None), call(1, 4, 101)]
    expected = [("1", 1, "other_permno"), ("1", 2, None), ("1", 3, "no_permno"), ("1", 4, None)]
    assert decided(calls, WrdsSettings(keep_unlinked=keep_unlinked)) == expected


@pytest.mark.parametrize(("key", "value"), [("companyid", "2"), ("gvkey", "000002"), ("permno", "102")])
def test_only_the_firms_on_a_list(key, value):
    calls = [call(1, 1, 101, gvkey="000001"), call(2, 1, 102, gvkey="000002"), call(2, 2, 102, gvkey="000002")]
    settings = WrdsSettings(firms=FirmList(key, frozenset({value})))
    assert decided(calls, settings) == [("1", 1, "not_asked"), ("2", 1, None), ("2", 2, None)]


def test_the_limit_counts_firms_that_are_read():
    calls = [call(1, 1, None), call(2, 1, 102), call(2, 2, 102), call(3, 1, 103), call(4, 1, None)]
    expected = ["no_permno", None, None, "over_limit", "no_permno"]
    assert [left_out for _, _, left_out in decided(calls, WrdsSettings(limit=1))] == expected


def test_list_of_firms(tmp_path):
    path = tmp_path / "firms.csv"
    path.write_text("\ufeffGVKEY\n1690\n\n006066\n", encoding="utf-8")
    assert read_firm_list(str(path)) == FirmList("gvkey", frozenset({"001690", "006066"}))


@pytest.mark.parametrize("text", ["", "1690\n6066\n", "ticker\nAAPL\n", "permno\n"])
def test_a_list_without_its_key_is_refused(tmp_path, text):
    path = tmp_path / "firms.csv"
    path.write_text(text)
    with pytest.raises(ConfigError, match=r"firms.csv: expected a first line companyid, gvkey or permno"):
        read_firm_list(str(path))


def test_a_list_that_is_not_there(tmp_path):
    with pytest.raises(ConfigError, match="cannot read the list of firms"):
        read_firm_list(str(tmp_path / "nothing"))


def test_the_table_holds_everything():
    calls = decide_calls([call(1, 1, 101), call(2, 1, None, gvkey=None, headline=None)], ALL)
    table = check_table(calls_table(calls), WRDS_CALLS, "calls")
    assert listed_calls(table) == calls


def test_summary_adds_up():
    calls = [
        call(1, 1, 101, n_link=2),
        call(1, 2, 101, presentation_type="Preliminary"),
        call(2, 1, None),
        call(3, 1, None, gvkey=None, companyname=None),
        call(4, 1, 104, n_link=3),
        call(4, 2, 105),
    ]
    summary = summarise_calls(decide_calls(calls, ALL))
    assert (summary.n_firms, summary.n_calls, summary.n_firms_read, summary.n_calls_read) == (4, 6, 2, 3)
    assert summary.left_out == {"no_gvkey": 1, "no_permno": 1, "other_permno": 1}
    assert summary.n_calls == summary.n_calls_read + sum(summary.left_out.values())
    assert (summary.n_several_links, summary.n_not_final) == (1, 1)
    assert summary.unlinked_firms == {"2": "Firm 2", "3": None}


def test_everything_that_decides_the_rows_is_in_the_fingerprint():
    different = [
        ALL,
        WrdsSettings(as_of=date(2023, 2, 1)),
        WrdsSettings(keep_unlinked=True),
        WrdsSettings(limit=1),
        WrdsSettings(firms=FirmList("permno", frozenset({"1"}))),
        WrdsSettings(schemas={**ALL.schemas, "links": "other"}),
    ]
    assert len({settings.fingerprint("2023Q1") for settings in different}) == len(different)
    assert ALL.fingerprint("2023Q1") != ALL.fingerprint("2023Q2")
    assert ALL.fingerprint("2023Q1") == WrdsSettings().fingerprint("2023Q1")
