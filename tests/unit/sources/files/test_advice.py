"""What an error about your files tells you to do, done: the same command then reads every sentence.

Where an error's advice contains a flag, the test takes the flag from the error. Advice of other errors is run in
`test_odd_files.py` (gaps, folders, dates of two meanings), `test_more_odd_files.py` and `test_links.py`.
"""

import json
import re
import shlex
import sys
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from command import ftm, one_error_line
from odd_files import FIRMS, as_csv, as_jsonl, csv_text, prefetched, rows, said, sentences, speech, stored

TURNS = [[{"speaker": "Jane Roe", "text": sentence} for sentence in sentences(i)] for i in range(3)]


def told(result, code, words):
    assert result.exit_code == code, result.output
    line = one_error_line(result)
    assert words in line
    return line


def all_are_whole(root):
    found = list(stored(root).values())
    assert len(found) == len(FIRMS)
    for number, row in enumerate(found):
        assert said(row) == sentences(number)


def with_texts(texts, key="text"):
    return as_jsonl([row | {"text": "", key: text} for row, text in zip(rows(), texts, strict=True)])


def escaped():
    return csv_text(
        "ticker,date,text", [f'{f},2020-11-20,"He said \\"yes\\". {speech(i)}"' for i, f in enumerate(FIRMS)]
    )


WHOLE = as_csv(rows())
UNQUOTED = csv_text("ticker,date,text", [f"{f},2020-11-20,{speech(i)}" for i, f in enumerate(FIRMS)])
#: What is wrong: the file, the exit code, words of the error, and the file once its advice was followed.
MENDED = {
    "no date": ("a.csv", as_csv(rows(date="in November")), 4, "rewrite it so", WHOLE),
    "a date that is an object": ("a.jsonl", as_jsonl(rows(date={"day": 1})), 4, "such as 2023-02-28", as_jsonl(rows())),
    "an id as a spreadsheet shows it": (
        "a.csv",
        as_csv([row | {"ticker": "2.4937E+04"} for row in rows()]),
        4,
        "write the column as text",
        as_csv([row | {"ticker": 24937 + i} for i, row in enumerate(rows())]),
    ),
    "a position that is none": ("a.csv", as_csv(rows(position="x")), 4, "empty the cell", as_csv(rows(position=""))),
    "a speaker that is a list": (
        "a.jsonl",
        as_jsonl(rows(speaker=["Jane", "Roe"])),
        4,
        "write the column as text",
        as_jsonl(rows(speaker="Jane Roe")),
    ),
    "printed bytes": ("a.csv", as_csv(rows(speaker="b'\\xff'")), 4, "write the column as text", WHOLE),
    "bytes in another code": ("a.csv", as_csv(rows(speaker=r"b'\xe9'")), 4, "write the column as text", WHOLE),
    "a print cut off": (
        "a.jsonl",
        with_texts([str(turns)[:-40] for turns in TURNS]),
        4,
        "write the column as text, or as JSON",
        with_texts([json.dumps(turns) for turns in TURNS]),
    ),
    "pairs": (
        "a.jsonl",
        with_texts([[["Jane Roe", text] for text in sentences(i)] for i in range(3)]),
        4,
        "expected texts or turns",
        with_texts(TURNS),
    ),
    "an unknown field": (
        "a.jsonl",
        with_texts([[{"who": "Jane", "what": turn["text"]} for turn in turns] for turns in TURNS]),
        4,
        "rename the field",
        with_texts([[{"who": "Jane", "text": turn["text"]} for turn in turns] for turns in TURNS]),
    ),
    "an unknown field, as rows": (
        "a.jsonl",
        with_texts([[{"who": "Jane", "what": turn["text"]} for turn in turns] for turns in TURNS]),
        4,
        "write one row per turn",
        as_jsonl([row | {"text": text} for i, row in enumerate(rows()) for text in sentences(i)]),
    ),
    "text not quoted": ("a.csv", UNQUOTED, 4, "stands between double quotes", WHOLE),
    "a quote too many": ("a.csv", WHOLE.replace('"CCC"', '"CCC'), 4, "Repair the row", WHOLE),
    "a quote in the header": ("a.csv", '"' + WHOLE, 4, "the first line must name the columns", WHOLE),
    "a line above the header": ("a.csv", "Our calls\n" + WHOLE, 2, "does the first line name the columns", WHOLE),
    "a name twice": ("a.csv", WHOLE.replace("ticker,", "text,ticker,"), 2, "rename one of them", WHOLE),
    "a key twice": (
        "a.jsonl",
        as_jsonl(rows()).replace('"date"', '"text": "", "date"'),
        4,
        "rename one of them",
        as_jsonl(rows()).replace('"date"', '"other": "", "date"'),
    ),
    "broken JSON": ("a.jsonl", as_jsonl(rows())[:-3], 4, "one object a line", as_jsonl(rows())),
    "no rows in JSON": ("a.json", "{}", 4, "expected an array of calls", json.dumps(rows())),
    "no object in JSON": ("a.json", '"calls"', 4, "expected a JSON object", json.dumps(rows())),
    "an empty file": ("a.csv", "", 2, "write it again", WHOLE),
}


@pytest.mark.parametrize(("name", "broken", "code", "words", "mended"), MENDED.values(), ids=MENDED)
def test_a_file_mended_as_told_is_read(root, folder, name, broken, code, words, mended):
    (folder / name).write_text(broken)
    told(prefetched(root, folder), code, words)
    (folder / name).write_text(mended)
    result = prefetched(root, folder)
    assert result.exit_code == 0, result.output
    all_are_whole(root)


def test_quotes_written_again_with_pandas(root, folder):
    (folder / "a.csv").write_text(escaped())
    told(prefetched(root, folder), 4, "such as with pandas' to_csv as it comes")
    pd.read_csv(folder / "a.csv", escapechar="\\", dtype=str).to_csv(folder / "a.csv", index=False)
    assert prefetched(root, folder).exit_code == 0
    assert said(stored(root)["AAA"]) == ['He said "yes".', *sentences(0)]


def test_a_file_saved_as_utf_8(root, folder):
    text = as_csv(rows(company="Café"))
    (folder / "a.csv").write_text(text, encoding="latin-1")
    told(prefetched(root, folder), 4, "save it as UTF-8")
    (folder / "a.csv").write_text(text, encoding="utf-8")
    assert prefetched(root, folder).exit_code == 0
    assert stored(root)["AAA"]["firm_name"] == "Café"


def test_bytes_of_another_code_written_as_text(root, folder):
    table = pa.Table.from_pylist(rows(company="Café".encode("latin-1")))
    pq.write_table(table, folder / "a.parquet")
    told(prefetched(root, folder), 4, "write the column as text")
    pq.write_table(pa.Table.from_pylist(rows(company="Café")), folder / "a.parquet")
    assert prefetched(root, folder).exit_code == 0
    assert stored(root)["AAA"]["firm_name"] == "Café"


@pytest.mark.parametrize(("name", "content"), [("b.csv", ""), ("b.jsonl", ""), ("b.jsonl", "\n \n"), ("b.json", "")])
def test_an_empty_file_removed(root, folder, name, content):
    (folder / "a.csv").write_text(WHOLE)
    (folder / name).write_text(content)
    told(prefetched(root, folder), 2, f"{name} is empty; remove it")
    (folder / name).unlink()
    assert prefetched(root, folder).exit_code == 0
    all_are_whole(root)


def test_a_workbook_without_the_extra_saved_as_csv(root, folder, monkeypatch):
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    book.active.append(["ticker", "date", "text"])
    book.save(folder / "a.xlsx")
    monkeypatch.setitem(sys.modules, "openpyxl", None)  # as where it was never installed
    line = told(prefetched(root, folder), 2, "or save the sheet as CSV (UTF-8)")
    extra = re.search(r"'\.\[(\w+)\]'", line)[1]
    assert f"\n{extra} = [" in Path(__file__).parents[4].joinpath("pyproject.toml").read_text(encoding="utf-8")
    (folder / "a.xlsx").rename(folder.parent / "a.xlsx")
    (folder / "a.csv").write_text(WHOLE, encoding="utf-8")
    assert prefetched(root, folder).exit_code == 0
    all_are_whole(root)


@pytest.mark.parametrize(
    ("name", "text", "options"),
    [("a.csv", WHOLE.replace("text", "speech", 1), []), ("b.csv", WHOLE, ["--column", "speech=text"])],
)
def test_a_column_named_with_the_flag(root, folder, name, text, options):
    (folder / name).write_text(text)
    line = told(prefetched(root, folder, *options), 2, "column")
    assert "--column text=NAME" in line or "choose from" in line
    theirs = text.partition("\n")[0].split(",")[2]
    assert prefetched(root, folder, "--column", f"text={theirs}").exit_code == 0
    all_are_whole(root)


def test_a_list_of_ids_chosen_by_its_name(root, folder):
    (folder / "a.csv").write_text(as_csv([row | {"call_id": i} for i, row in enumerate(rows())]))
    ids = folder.parent / "ids.json"
    ids.write_text(json.dumps({"mine": [0, 1, 2], "yours": [0]}))
    line = told(prefetched(root, folder, "--ids", ids), 2, "choose one with --ids")
    assert prefetched(root, folder, "--ids", re.search(r"--ids (\S+):NAME", line)[1] + ":mine").exit_code == 0
    all_are_whole(root)
    ids.write_text('"0"')
    told(prefetched(root, folder, "--ids", ids), 2, "must be a list of transcript ids")
    ids.write_text("[0, 1, 2]")
    assert prefetched(root, folder, "--ids", ids).exit_code == 0


def test_a_quarter_that_the_files_hold(root, folder):
    (folder / "a.csv").write_text(as_csv(rows(date="2020-02-20")))
    line = told(prefetched(root, folder), 4, "they hold calls of 2020Q1")
    quarter = re.search(r"they hold calls of (\d{4}Q\d)", line)[1]
    assert ftm("prefetch", quarter, "--path", folder, "--root", root).exit_code == 0


def test_a_store_that_is_not_there_is_made_with_the_command_that_is_told(root, folder):
    (folder / "a.csv").write_text(WHOLE)
    line = told(
        ftm("run", "2020Q4", "--root", root, "--llm", "none", columns=2000), 4, "run `ftm prefetch 2020Q4` first"
    )
    command = shlex.split(re.search(r"`ftm ([^`]+)`", line)[1])
    assert ftm(*command, "--path", folder, "--root", root).exit_code == 0
    all_are_whole(root)


def links(folder, text, *options):
    (folder.parent / "links.csv").write_text(text)
    return ["--links", folder.parent / "links.csv", *options]


def test_links_of_other_names_left_away_or_repaired(root, folder):
    (folder / "a.csv").write_text(WHOLE)
    told(
        prefetched(root, folder, *links(folder, "ticker,permno\nX,1\n")),
        4,
        "repair one of the files, or leave --links away",
    )
    assert prefetched(root, folder, *links(folder, "ticker,permno\nAAA,1\n")).exit_code == 0
    assert prefetched(root, folder).exit_code == 0
    all_are_whole(root)


def test_the_links_column_that_would_match_renamed(root, folder):
    (folder / "a.csv").write_text(WHOLE)
    text = "companyid,ticker,permno\nAAA,7,1\nBBB,8,2\n"
    line = told(prefetched(root, folder, *links(folder, text)), 4, "the links' companyid would match 2")
    renamed = text.replace(re.search(r"rename (\w+) in the links file", line)[1], "number")
    assert prefetched(root, folder, *links(folder, renamed)).exit_code == 0
    assert [row["permno"] for row in stored(root).values()] == [1, 2, None]


def test_letters_that_differ_are_matched_with_the_flag(root, folder):
    (folder / "a.csv").write_text(WHOLE)
    line = told(
        prefetched(root, folder, *links(folder, "ticker,permno\naaa,1\nbbb,2\n")), 4, "--ignore-case would match 2"
    )
    flag = re.search(r"(--ignore-case)", line)[1]
    assert prefetched(root, folder, *links(folder, "ticker,permno\naaa,1\nbbb,2\n", flag)).exit_code == 0
    assert [row["permno"] for row in stored(root).values()] == [1, 2, None]


@pytest.mark.parametrize(
    "mended", ["ticker,permno\nAAA,1\n", "ticker,permno,linkdt,linkenddt\nAAA,1,,2020-11-01\nAAA,2,2020-11-02,\n"]
)
def test_two_links_of_a_firm_become_one_or_get_their_days(root, folder, mended):
    (folder / "a.csv").write_text(WHOLE)
    told(
        prefetched(root, folder, *links(folder, "ticker,permno\nAAA,1\nAAA,2\n")),
        4,
        "keep one row per firm, or give each link",
    )
    assert prefetched(root, folder, *links(folder, mended)).exit_code == 0
    assert stored(root)["AAA"]["permno"] == (2 if "linkdt" in mended else 1)
