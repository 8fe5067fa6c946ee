"""Links: ids in one normal form, which column is the key, days on which a link holds, and advice that works."""

import re

import pytest
from command import one_error_line
from odd_files import as_csv, coverage, csv_text, prefetched, rows, speech, stored


@pytest.fixture
def root(tmp_path):
    return tmp_path / "lake"


@pytest.fixture
def calls(tmp_path):
    path = tmp_path / "calls.csv"
    path.write_text(as_csv(rows()))
    return path


def links_file(tmp_path, header, *lines):
    path = tmp_path / "links.csv"
    path.write_text(csv_text(header, list(lines)))
    return path


def permnos(root):
    return {firm: row["permno"] for firm, row in stored(root).items()}


def ok(result):
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize("key", ["tic", "ticker", "symbol", "Ticker ", "firm_id", "cusip", "isin"])
def test_a_firm_is_found_by_its_column_and_never_by_its_permno(tmp_path, root, calls, key):
    ok(prefetched(root, calls, "--links", links_file(tmp_path, f"PERMNO,{key}", "1,AAA", "2, BBB ", "3.0,CCC")))
    assert permnos(root) == {"AAA": 1, "BBB": 2, "CCC": 3}


@pytest.mark.parametrize(
    ("ids", "in_links"),
    [
        (("24937.0", "24938.0", "24939.0"), ("24937", "24938", "24939")),
        (("24937", "24938", "24939"), ("24937.00", " 24938 ", "024939")),
        (("001690", "001691", "001692"), ("1690", "1691.0", "1692")),
    ],
)
def test_ids_are_compared_in_one_normal_form(tmp_path, root, ids, in_links):
    path = tmp_path / "calls.csv"
    path.write_text(as_csv([row | {"ticker": key} for row, key in zip(rows(), ids, strict=True)]))
    lines = [f"{key},{n}" for n, key in enumerate(in_links, 1)]
    ok(prefetched(root, path, "--links", links_file(tmp_path, "firm_id,permno", *lines)))
    assert sorted(permnos(root).values()) == [1, 2, 3]


def test_gvkeys_as_keys_get_their_zeros(tmp_path, root):
    path = tmp_path / "calls.csv"
    path.write_text(csv_text("gvkey,date,text", [f'{1690 + i}.0,2020-11-20,"{speech(i)}"' for i in range(3)]))
    lines = [f"{1690 + i},{i + 1}" for i in range(3)]
    ok(prefetched(root, path, "--links", links_file(tmp_path, "gvkey,lpermno", *lines)))
    assert permnos(root) == {"001690": 1, "001691": 2, "001692": 3}


def test_the_key_of_the_calls_is_preferred_in_the_links(tmp_path, root, calls):
    ok(
        prefetched(
            root, calls, "--links", links_file(tmp_path, "companyid,ticker,permno", "7,AAA,1", "8,BBB,2", "9,CCC,3")
        )
    )
    assert permnos(root) == {"AAA": 1, "BBB": 2, "CCC": 3}


def test_another_case_needs_a_flag_and_the_error_says_which(tmp_path, root, calls):
    links = links_file(tmp_path, "ticker,permno", "aaa,1", "bbb,2")
    result = prefetched(root, calls, "--links", links)
    assert result.exit_code == 4
    assert "--ignore-case would match 2" in one_error_line(result)
    ok(prefetched(root, calls, "--links", links, "--ignore-case"))
    assert permnos(root) == {"AAA": 1, "BBB": 2, "CCC": None}


def test_links_of_which_no_firm_finds_any_stop_with_keys_of_both_sides_and_an_advice_that_works(tmp_path, root):
    path = tmp_path / "calls.csv"
    path.write_text(as_csv([{"companyid": 2000 + i} | row for i, row in enumerate(rows())]))
    links = links_file(tmp_path, "ticker,permno", "AAA,1", "BBB,2", "CCC,3")
    result = prefetched(root, path, "--links", links)
    assert result.exit_code == 4
    line = one_error_line(result)
    assert "AAA, BBB, CCC" in line and "2000, 2001, 2002" in line
    advice = re.search(r"--column (\S+) would match 3", line)
    ok(prefetched(root, path, "--links", links, "--column", advice[1]))
    assert permnos(root) == {"AAA": 1, "BBB": 2, "CCC": 3}


def test_links_without_a_permno_say_to_change_the_links_file(tmp_path, root, calls):
    result = prefetched(root, calls, "--links", links_file(tmp_path, "ticker,cusip", "AAA,037833100"))
    assert result.exit_code == 2
    assert "Rename the column in the links file" in one_error_line(result)
    ok(prefetched(root, calls, "--links", links_file(tmp_path, "ticker,permno", "AAA,037833100")))


def test_days_of_a_link_are_honoured_call_by_call(tmp_path, root):
    days = ["2020-10-20", "2020-11-20", "2020-12-20"]
    path = tmp_path / "calls.csv"
    path.write_text(as_csv([{"ticker": "AAA", "date": day, "text": speech(i)} for i, day in enumerate(days)]))
    links = links_file(
        tmp_path,
        "tic,lpermno,linkdt,linkenddt",
        "AAA,1,20100101,20201031",
        "AAA,2,2020-12-01,E",
    )
    ok(prefetched(root, path, "--links", links))
    assert permnos(root) == {"AAA": 2}
    reasons = {str(row["call_date"]): (row["kept"], row["reason"]) for row in coverage(root)}
    assert reasons == {
        "2020-10-20": (False, "other_permno"),
        "2020-11-20": (False, "no_permno"),
        "2020-12-20": (True, None),
    }


def test_a_link_that_ended_before_the_call_is_none(tmp_path, root, calls):
    lines = ["AAA,1,2000-01-01,2019-12-31", "BBB,2,2000-01-01,", "CCC,3,,2020-11-20"]
    ok(prefetched(root, calls, "--links", links_file(tmp_path, "ticker,permno,linkdt,linkenddt", *lines)))
    assert permnos(root) == {"AAA": None, "BBB": 2, "CCC": 3}


def test_of_links_on_one_day_the_primary_and_researched_one_counts_as_for_wrds(tmp_path, root, calls):
    lines = ["AAA,1,LU,C,20000101,E", "AAA,2,LC,P,20000101,E", "AAA,3,LD,P,20000101,E", "BBB,4,LU,P,20000101,E"]
    ok(
        prefetched(
            root, calls, "--links", links_file(tmp_path, "tic,lpermno,linktype,linkprim,linkdt,linkenddt", *lines)
        )
    )
    assert permnos(root) == {"AAA": 2, "BBB": 4, "CCC": None}


def test_two_links_that_hold_on_one_day_are_refused(tmp_path, root, calls):
    lines = ["AAA,1,2000-01-01,2020-12-31", "AAA,2,2020-11-01,"]
    result = prefetched(root, calls, "--links", links_file(tmp_path, "ticker,permno,linkdt,linkenddt", *lines))
    assert result.exit_code == 4
    assert "another link for firm AAA than in a row before that holds on the same days" in one_error_line(result)


def test_the_names_file_of_crsp_is_a_links_file(tmp_path, root, calls):
    lines = ["1,2000-01-01,2010-05-05,AAA", "2,2010-05-06,2024-12-31,AAA", "3,2000-01-01,2024-12-31,BBB"]
    ok(prefetched(root, calls, "--links", links_file(tmp_path, "permno,namedt,nameenddt,ticker", *lines)))
    assert permnos(root) == {"AAA": 2, "BBB": 3, "CCC": None}


def test_cusips_with_and_without_their_check_digit_are_one(tmp_path, root):
    path = tmp_path / "calls.csv"
    path.write_text(csv_text("cusip,date,text", [f'03783310{i},2020-11-20,"{speech(i)}"' for i in range(3)]))
    ok(prefetched(root, path, "--links", links_file(tmp_path, "cusip,permno", "03783310,1")))
    assert set(permnos(root).values()) == {1}
