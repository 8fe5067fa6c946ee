"""What people really have: forms that are read, and defects that are named with their exit code, through the command.

Each case is a kind, not a file: what is checked is what lies in the store, or what a person reads.
"""

import gzip
import json
import re
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from odd_files import (
    FIRMS,
    all_are_whole,
    as_csv,
    as_jsonl,
    coverage,
    csv_text,
    good,
    prefetched,
    refused,
    rows,
    said,
    sentences,
    speech,
    stored,
)

# --- CSV whose rows do not fit


FITTING = [f'{name},2020-11-20,"{speech(i)}"' for i, name in enumerate(FIRMS)]
UNFIT = {
    "comma in text": (["AAA,2020-11-20,We grew, and margins fell."], "row 1", "4 cells, the header has 3"),
    "comma in a later row": ([FITTING[0], "BBB,2020-11-20,One, two, three."], "row 2", "5 cells, the header has 3"),
    "line break in text": (["AAA,2020-11-20,We grew.", "And margins fell."], "row 2", "1 cells, the header has 3"),
    "row torn off": ([FITTING[0], "BBB,2020-11-20"], "row 2", "2 cells, the header has 3"),
    "quote open to the end": ([FITTING[0], 'BBB,2020-11-20,"We grew.'], "row 2", "the quote is not closed"),
    "quote open to the next": (['AAA,2020-11-20,"We grew.', FITTING[1]], "row 1", "the quote is not closed"),
    "quote open to a bare row": (
        ['AAA,2020-11-20,"We grew.', "BBB,2020-11-20,Short.", FITTING[2]],
        "row 1",
        "the quote is not closed",
    ),
    "quote inside not doubled": (['AAA,2020-11-20,"the "new" plant"'], "row 1", "is not doubled"),
    "backslash": (['AAA,2020-11-20,"he said \\"yes\\" twice"'], "row 1", 'written \\"'),
    "backslash and comma": (['AAA,2020-11-20,"he said \\", and left"'], "row 1", 'written \\"'),
}


@pytest.mark.parametrize(("lines", "row", "words"), UNFIT.values(), ids=UNFIT)
def test_a_csv_row_that_does_not_fit_stops_with_file_and_row(root, folder, lines, row, words):
    (folder / "calls.csv").write_text(csv_text("ticker,date,text", lines))
    refused(prefetched(root, folder), 4, "calls.csv", row, words)
    assert not stored(root)


def test_a_backslash_that_makes_the_cells_fit_by_luck_is_seen(root, folder):
    lines = ['AAA,2020-11-20,"he said \\",Ann"']
    (folder / "calls.csv").write_text(csv_text("ticker,date,text,speaker", lines))
    refused(prefetched(root, folder), 4, "row 1", 'written \\"')


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_other_delimiters_are_seen_and_said(root, folder, delimiter):
    (folder / "calls.csv").write_text("\ufeff" + as_csv(rows(), delimiter), encoding="utf-8")
    result = good(prefetched(root, folder))
    assert "calls.csv: cells are separated by" in result.output
    all_are_whole(root)


def test_excels_line_that_names_the_delimiter(root, folder):
    (folder / "calls.csv").write_text("sep=;\n" + as_csv(rows(), ";"))
    good(prefetched(root, folder))
    all_are_whole(root)


def test_tsv_and_a_delimiter_at_the_end_of_each_row(root, folder):
    (folder / "calls.tsv").write_text(as_csv(rows(), "\t"))
    good(prefetched(root, folder))
    all_are_whole(root)
    (folder / "calls.tsv").unlink()
    (folder / "calls.csv").write_text(csv_text("ticker,date,text", [line + "," for line in FITTING]))
    good(prefetched(root, folder))
    all_are_whole(root)


def test_names_of_a_header_are_compared_without_blanks_and_case(root, folder):
    lines = [f'{name}, Firm {name}, 2020-11-20, Jane Roe, CEO, "{speech(i)}"' for i, name in enumerate(FIRMS)]
    header = "Ticker, Company Name, Event Day, Speaker Name, Speaker-Type, Text"
    (folder / "calls.csv").write_text(csv_text(header, lines))
    good(prefetched(root, folder, "--column", "call_date= event day "))
    all_are_whole(root)
    assert stored(root)["AAA"]["firm_name"] == "Firm AAA"
    assert stored(root)["AAA"]["sentences"][0]["speaker_type"] == "CEO"


# --- values that are no text

TURNS = [
    {"speaker": "Operator", "title": "Operator", "content": "Welcome to the call of this firm."},
    {"speaker": "Jane Roe", "title": "Chief Executive Officer", "content": speech(0)},
]
NESTED = {
    "API": TURNS,
    "speaker and text": [
        {"speaker": turn["speaker"], "role": turn["title"], "text": turn["content"]} for turn in TURNS
    ],
    "name and speech": [{"name": turn["speaker"], "type": turn["title"], "speech": turn["content"]} for turn in TURNS],
    "speech in paragraphs": [TURNS[0], {"name": "Jane Roe", "title": "CEO", "speech": sentences(0)}],
    "speaker is an object": [
        {"speaker": {"name": turn["speaker"], "role": turn["title"]}, "text": turn["content"]} for turn in TURNS
    ],
    "in an object": {"participants": [{"name": "Jane Roe"}], "turns": TURNS},
    "in sections": {"prepared_remarks": TURNS, "questions_and_answers": []},
    "printed as JSON": json.dumps(TURNS),
    "printed by Python": str(TURNS),
}


@pytest.mark.parametrize("nested", NESTED.values(), ids=NESTED)
def test_nested_turns_become_turns(root, folder, nested):
    (folder / "calls.jsonl").write_text(as_jsonl([{"symbol": "AAA", "date": "2020-11-20", "transcript": nested}]))
    good(prefetched(root, folder))
    operator, *roe = stored(root)["AAA"]["sentences"]
    assert (operator["speaker_name"], operator["speaker_type"]) == ("Operator", "Operator")
    assert [sentence["raw_text"] for sentence in roe] == sentences(0)
    assert {(sentence["speaker_name"], sentence["speaker_type"]) for sentence in roe} == {("Jane Roe", "CEO")}


def test_a_list_of_structs_in_parquet_becomes_turns_in_order(root, folder):
    nested = [{"speaker": f"Speaker {i % 3}", "text": sentence} for i, sentence in enumerate(sentences(0))]
    pq.write_table(
        pa.Table.from_pylist([{"ticker": "AAA", "date": "2020-11-20", "text": nested}]), folder / "a.parquet"
    )
    good(prefetched(root, folder))
    assert said(stored(root)["AAA"]) == sentences(0)
    assert stored(root)["AAA"]["sentences"][4]["speaker_name"] == "Speaker 1"


@pytest.mark.parametrize("write", ["jsonl", "parquet", "printed"])
def test_paragraphs_are_read_one_after_the_other(root, folder, write):
    table = [row | {"text": sentences(i)} for i, row in enumerate(rows())]
    if write == "parquet":
        pq.write_table(pa.Table.from_pylist(table), folder / "calls.parquet")
    else:
        some = table if write == "jsonl" else [row | {"text": str(row["text"])} for row in table]
        (folder / "calls.jsonl").write_text(as_jsonl(some))
    good(prefetched(root, folder))
    all_are_whole(root)


def test_bytes_are_read_as_utf_8(root, folder):
    table = pa.table({name: [row[name].encode() for row in rows()] for name in ("ticker", "date", "text")})
    pq.write_table(table, folder / "calls.parquet")
    good(prefetched(root, folder))
    all_are_whole(root)


NO_TEXT = {
    "bytes of another code": (b"caf\xe9", "bytes that are not UTF-8"),
    "numbers": (12, "a number"),
    "decimals": (Decimal("1.50"), "a number"),
    "truth values": (True, "a truth value"),
    "objects without text": ({"a": 1}, "objects of a"),
    "lists of numbers": ([1, 2], "a list with a number in it"),
    "lists of unknown objects": ([{"who": "Jane", "what": "x"}], "objects of who, what"),
}


@pytest.mark.parametrize(("value", "words"), NO_TEXT.values(), ids=NO_TEXT)
def test_what_is_no_text_is_refused_by_column_and_kind(root, folder, value, words):
    pq.write_table(pa.Table.from_pylist([row | {"text": value} for row in rows()]), folder / "calls.parquet")
    refused(prefetched(root, folder), 4, "calls.parquet, row 1", "text", words)


def test_the_print_of_an_object_that_cannot_be_read_back_is_refused(root, folder):
    printed = "[{'speaker': 'Jane', 'text': 'x'}, {'speaker': 'John', 'te"
    (folder / "calls.jsonl").write_text(as_jsonl(rows(text=printed)))
    refused(prefetched(root, folder), 4, "row 1", "the print of a list or object")


# --- kinds of files


def write_kinds(folder):
    table = rows()
    (folder / "a.json").write_text(json.dumps([table[0]]))
    with gzip.open(folder / "b.jsonl.gz", "wt") as stream:
        stream.write(as_jsonl([table[1]]))
    with gzip.open(folder / "c.csv.gz", "wt") as stream:
        stream.write(as_csv([table[2]]))


def test_json_arrays_and_packed_files_are_read(root, folder):
    write_kinds(folder)
    good(prefetched(root, folder))
    all_are_whole(root)


JSON_FILES = {
    "pretty array": lambda table: json.dumps(table, indent=1),
    "wrapped": lambda table: json.dumps({"n": 3, "data": table}),
    "columns of pandas": lambda table: json.dumps({k: {str(i): r[k] for i, r in enumerate(table)} for k in table[0]}),
    "columns as lists": lambda table: json.dumps({k: [r[k] for r in table] for k in table[0]}),
    "by id": lambda table: json.dumps({r["ticker"]: r for r in table}),
    "lines": as_jsonl,
}


@pytest.mark.parametrize("write", JSON_FILES.values(), ids=JSON_FILES)
def test_forms_of_json(root, folder, write):
    (folder / "calls.json").write_text(write(rows()))
    good(prefetched(root, folder))
    all_are_whole(root)


def test_a_key_that_stands_twice_in_an_object_is_refused(root, folder):
    (folder / "calls.jsonl").write_text('{"ticker": "AAA", "date": "2020-11-20", "text": "Hello.", "text": ""}\n')
    refused(prefetched(root, folder), 4, "calls.jsonl, line 1", "'text' stands twice")


def test_a_workbook_is_read_and_its_other_sheets_are_named(root, folder):
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(["Ticker", "Date", "Text"])
    for row in rows():
        sheet.append(list(row.values()))
    book.create_sheet("Notes")
    book.save(folder / "calls.xlsx")
    result = good(prefetched(root, folder))
    assert "only its first sheet is read, not Notes" in result.output
    all_are_whole(root)


def test_files_passed_by_are_named_in_report_and_manifest_with_the_reason(root, folder):
    (folder / "a.csv").write_text(as_csv(rows()))
    for name in ("old.xls", "calls.zip", "readme.txt", "_b.csv", ".DS_Store"):
        (folder / name).write_text("x")
    (folder / "2020").mkdir()
    result = good(prefetched(root, folder))
    manifest = json.loads((root / "prefetch/transcripts/quarter=2020Q4/manifest.json").read_text())
    for text in (result.output, "\n".join(manifest["input_notes"])):
        for words in (
            "2020/ (folder",
            "old.xls (an old",
            "calls.zip (an archive",
            "readme.txt (unknown",
            "_b.csv (hidden",
        ):
            assert words in text
        assert "DS_Store" not in text


def test_the_advice_for_a_subfolder_reads_it(root, folder):
    (folder / "a.csv").write_text(as_csv(rows()[:1]))
    (folder / "2020").mkdir()
    (folder / "2020" / "b.csv").write_text(as_csv(rows()[1:]))
    advice = re.search(r"--path '([^']+)'", good(prefetched(root, folder)).output)
    assert list(stored(root)) == ["AAA"]
    good(prefetched(root, advice[1]))
    all_are_whole(root)


@pytest.mark.parametrize(
    ("name", "words"),
    [("nothing.csv", "there is nothing of that name"), ("calls.zip", "calls.zip (an archive: unpack it)")],
)
def test_a_path_that_leads_to_nothing_says_why(root, folder, name, words):
    (folder / "calls.zip").write_text("x")
    refused(prefetched(root, folder / name), 4, words)


def test_a_broken_gz_is_named(root, folder):
    (folder / "calls.csv.gz").write_bytes(gzip.compress(as_csv(rows()).encode())[:-200])
    refused(prefetched(root, folder), 4, "calls.csv.gz")


# --- values that are missing, and characters nobody sees


@pytest.mark.parametrize("nothing", ["nan", "NaN", "None", "<NA>", "NULL", "NA", ""])
def test_words_for_nothing_are_null(root, folder, nothing):
    some = rows(company=nothing, speaker=nothing, role=nothing, section=nothing)
    (folder / "calls.csv").write_text(as_csv([*some, some[0] | {"text": nothing}]))
    good(prefetched(root, folder))
    all_are_whole(root)
    for row in stored(root).values():
        assert row["firm_name"] is None
        assert {(s["speaker_name"], s["speaker_type"], s["section"]) for s in row["sentences"]} == {(None, None, None)}


def test_nan_in_json_and_float_columns_of_nan_are_null(root, folder):
    (folder / "a.jsonl").write_text(
        as_jsonl([row | {"company": float("nan"), "speaker": float("nan")} for row in rows()])
    )
    table = pa.Table.from_pylist([row | {"role": float("nan")} for row in rows(date=20201120.0)])
    pq.write_table(table, folder / "b.parquet")
    good(prefetched(root, folder))
    for row in stored(root).values():
        assert row["firm_name"] is None
        assert {(s["speaker_name"], s["speaker_type"]) for s in row["sentences"]} == {(None, None)}


def test_tickers_that_look_like_nothing_stay_tickers(root, folder):
    some = [row | {"ticker": name} for row, name in zip(rows(), ("NA", "NAN", "TRUE"), strict=True)]
    (folder / "calls.csv").write_text(as_csv(some))
    good(prefetched(root, folder))
    assert sorted(stored(root)) == ["NA", "NAN", "TRUE"]


BROKEN = {
    "half an emoji": ('{"ticker": "AAA", "date": "2020-11-20", "text": "%s \\ud83d"}', "mojibake"),
    "half an emoji before a word": ('{"ticker": "AAA", "date": "2020-11-20", "text": "\\ude00 %s"}', "mojibake"),
    "soft hyphen": ('{"ticker": "AAA", "date": "2020-11-20", "text": "%s The con\\u00adtainer came."}', "invisible"),
    "zero width": ('{"ticker": "AAA", "date": "2020-11-20", "text": "%s The con\\u200btainer came."}', "invisible"),
    "joiner": ('{"ticker": "AAA", "date": "2020-11-20", "text": "%s The con\\u2060tainer came."}', "invisible"),
    "NUL": ('{"ticker": "AAA", "date": "2020-11-20", "text": "%s The con\\u0000tainer came."}', "invisible"),
    "byte order mark": (
        '{"ticker": "AAA", "date": "2020-11-20", "text": "%s The con\\ufefftainer came."}',
        "invisible",
    ),
}


@pytest.mark.parametrize(("line", "note"), BROKEN.values(), ids=BROKEN)
def test_broken_and_invisible_characters_are_repaired_and_counted(root, folder, line, note):
    (folder / "calls.jsonl").write_text(line % speech(0) + "\n")
    good(prefetched(root, folder))
    found = stored(root)["AAA"]
    assert said(found)[:30] == sentences(0)
    if note == "invisible":
        assert said(found)[30] == "The container came."
        assert "container" in found["sentences"][30]["cleaned_text"]
    assert f"{note}: 1" in coverage(root)[0]["notes"]


@pytest.mark.parametrize(
    ("spoken", "kept"),
    [
        ("EPS <Q2 levels and volumes >Q1 by 2 percent.", "EPS <Q2 levels and volumes >Q1 by 2 percent."),
        ("Margins <a third and costs >b of plan.", "Margins <a third and costs >b of plan."),
        ("It was <b>good</b> <br/> news.", "It was good news."),
        ('It was <span class="x">good</span><!-- cut --> news.', "It was good news."),
        ("Thanks <UNK> for that.", "Thanks <UNK> for that."),
    ],
)
def test_less_than_is_no_tag(root, folder, spoken, kept):
    (folder / "calls.jsonl").write_text(
        as_jsonl([{"ticker": "AAA", "date": "2020-11-20", "text": f"{speech(0)} {spoken}"}])
    )
    good(prefetched(root, folder))
    assert said(stored(root)["AAA"])[30:] == [kept]


# --- columns


def test_a_key_with_gaps_stops_and_its_advice_works(root, folder):
    some = [row | {"company_id": key} for row, key in zip(rows(), (1.0, None, 3.0), strict=True)]
    pq.write_table(pa.Table.from_pylist(some), folder / "calls.parquet")
    line = refused(prefetched(root, folder), 2, "company_id", "empty in 1 of 3 rows", "ticker has no gap")
    for advice in re.findall(r"--column (\S+?)(?:,| |$)", line):
        good(prefetched(root, folder, "--column", advice))
        assert len(stored(root)) == (3 if advice.endswith("ticker") else 2)


def test_a_date_with_gaps_stops_and_a_column_of_no_text_at_all_too(root, folder):
    some = [row | {"event_date": row["date"]} for row in rows()]
    some[1]["date"] = None
    (folder / "calls.jsonl").write_text(as_jsonl(some))
    refused(prefetched(root, folder), 2, "--column call_date=event_date")
    (folder / "calls.jsonl").write_text(as_jsonl([row | {"content": row["text"], "text": None} for row in rows()]))
    refused(prefetched(root, folder), 2, "--column text=content")
    good(prefetched(root, folder, "--column", "text=content"))
    all_are_whole(root)


def test_the_report_says_which_column_is_the_key_and_what_else_would_do(root, folder):
    (folder / "calls.csv").write_text(as_csv([row | {"companyid": i} for i, row in enumerate(rows(), 1)]))
    result = good(prefetched(root, folder))
    assert "firms are named by the column companyid; also there: ticker (--column firm_id=ticker)" in result.output


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_name_that_stands_twice_is_named_with_its_columns(root, folder, kind):
    if kind == "csv":
        (folder / "calls.csv").write_text(csv_text("ticker,date,text,text", [line + "," for line in FITTING]))
    else:
        columns = [[row[name] for row in rows()] for name in ("ticker", "date", "text")]
        table = pa.Table.from_arrays(
            [*map(pa.array, columns), pa.array([""] * 3)], names=["ticker", "date", "text", "text"]
        )
        pq.write_table(table, folder / "calls.parquet")
    refused(prefetched(root, folder), 2, "text stands twice in the header (columns 3 and 4)", "rename one of them")


def test_of_names_that_differ_in_case_one_can_be_chosen(root, folder):
    (folder / "calls.csv").write_text(csv_text("ticker,date,TEXT,Text", [line + "," for line in FITTING]))
    line = refused(prefetched(root, folder), 2, "TEXT and Text stands twice")
    good(prefetched(root, folder, "--column", re.search(r"--column (\S+)", line)[1]))
    all_are_whole(root)


def test_a_column_that_is_not_used_may_stand_twice(root, folder):
    lines = [line.replace(",2020", ",1,2,2020", 1) for line in FITTING]
    (folder / "calls.csv").write_text(csv_text("ticker,x,x,date,text", lines))
    good(prefetched(root, folder))
    all_are_whole(root)


# --- order


@pytest.mark.parametrize("section", [True, False])
def test_positions_that_restart_keep_the_order_of_the_file_and_are_noted(root, folder, section):
    parts = [("prepared", s) for s in sentences(0, 20)] + [("qa", s) for s in sentences(1, 20)]
    some = [
        {"ticker": "AAA", "date": "2020-11-20", "position": i % 20 + 1, "text": text}
        | ({"section": part} if section else {})
        for i, (part, text) in enumerate(parts)
    ]
    (folder / "calls.csv").write_text(as_csv(some))
    result = good(prefetched(root, folder))
    assert said(stored(root)["AAA"]) == [text for _, text in parts]
    assert "file_order" in coverage(root)[0]["notes"]
    assert "turns stand as in the file" in result.output


def test_the_same_words_at_the_same_position_of_two_sections_are_both_kept(root, folder):
    some = [
        {"ticker": "AAA", "date": "2020-11-20", "position": 1, "section": part, "text": f"Thank you all. {speech(n)}"}
        for n, part in enumerate(("prepared", "qa"))
    ]
    some += [some[1] | {"position": 2, "text": "Thank you."}, some[0] | {"position": 2, "text": "Thank you."}]
    (folder / "calls.csv").write_text(as_csv(some))
    good(prefetched(root, folder))
    assert said(stored(root)["AAA"]).count("Thank you.") == 2


def test_positions_that_order_all_turns_are_used_and_nothing_is_noted(root, folder):
    some = [{"ticker": "AAA", "date": "2020-11-20", "position": i, "text": s} for i, s in enumerate(sentences(0))]
    (folder / "calls.csv").write_text(as_csv(some[::-1]))
    good(prefetched(root, folder))
    assert said(stored(root)["AAA"]) == sentences(0)
    assert "file_order" not in coverage(root)[0]["notes"]


# --- dates and times


TIMES = {
    "Aug 27": ("Nov 20, 2020, 9:00 p.m. ET", "2020-11-20T21:00:00-05:00"),
    "milliseconds": (1605906000000, "2020-11-20T21:00:00+00:00"),
    "seconds as text": ("1605906000", "2020-11-20T21:00:00+00:00"),
    "serial": (44155.6875, "2020-11-20T16:30:00"),
    "serial of a day": ("44155", None),
    "US order": ("11/20/2020 4:30 PM", "2020-11-20T16:30:00"),
    "long": ("Friday, November 20, 2020", None),
    "zone": ("2020-11-20T16:30:00-05:00", "2020-11-20T16:30:00-05:00"),
    "midnight": ("2020-11-20 00:00:00", None),
}


@pytest.mark.parametrize(("written", "kept"), TIMES.values(), ids=TIMES)
def test_dates_of_one_meaning_are_read_and_the_time_is_kept(root, folder, written, kept):
    (folder / "calls.jsonl").write_text(as_jsonl(rows(date=written)))
    good(prefetched(root, folder))
    all_are_whole(root)
    assert {(str(row["call_date"]), row["call_time"]) for row in coverage(root)} == {("2020-11-20", kept)}


@pytest.mark.parametrize(
    ("column", "value", "kept"),
    [
        ("call_time", "16:30", "2020-11-20T16:30:00"),
        ("time", "4:30 p.m. ET", "2020-11-20T16:30:00-05:00"),
        ("mostimportanttimeutc", "21:30:00", "2020-11-20T21:30:00+00:00"),
        ("time", "after the close", None),
    ],
)
def test_a_time_in_a_column_of_its_own(root, folder, column, value, kept):
    (folder / "calls.csv").write_text(as_csv([row | {column: value} for row in rows()]))
    good(prefetched(root, folder))
    assert {row["call_time"] for row in coverage(root)} == {kept}


def test_times_of_turns_are_no_time_of_the_call(root, folder):
    some = [
        {"ticker": "AAA", "date": "2020-11-20", "time": f"00:{i:02d}:00", "text": s}
        for i, s in enumerate(sentences(0), 1)
    ]
    (folder / "calls.csv").write_text(as_csv(some))
    good(prefetched(root, folder))
    assert coverage(root)[0]["call_time"] is None


@pytest.mark.parametrize(
    ("written", "readings"),
    [
        ("10/11/2020", ("10 November 2020", "11 October 2020")),
        ("10.11.20", ("10 November 2020", "11 October 2020")),
        ("20-11-21", ("21 November 2020", "20 November 2021")),
    ],
)
def test_a_date_of_two_meanings_is_refused_with_both_and_each_works(root, folder, written, readings):
    (folder / "calls.csv").write_text(as_csv(rows(date=written)))
    line = refused(prefetched(root, folder), 4, "calls.csv, row 1", *readings)
    for day in re.findall(r"\d{4}-\d\d-\d\d", line):
        (folder / "calls.csv").write_text(as_csv(rows(date=day)))
        result = prefetched(root, folder)
        assert result.exit_code == 0 or "no call in 2020Q4" in result.output


# --- dry run


def test_a_dry_run_shows_columns_turns_and_coverage_and_writes_nothing(root, folder):
    (folder / "calls.jsonl").write_text(
        as_jsonl([{"symbol": "AAA", "date": "Nov 20, 2020 5 PM ET", "transcript": TURNS}])
    )
    result = good(prefetched(root, folder, "--dry-run"))
    for words in (
        "2020Q4 would hold 1 firm, 1 call, 31 sentences",
        "text = transcript",
        "turn 1",
        "Welcome to the call",
    ):
        assert words in result.output
    assert "AAA, call AAA-20201120, 2020-11-20T17:00:00-05:00: Jane Roe, CEO" in result.output
    assert not root.exists()


def test_a_dry_run_for_a_script(root, folder):
    (folder / "calls.csv").write_text(as_csv(rows()))
    shown = json.loads(good(prefetched(root, folder, "--dry-run", "--json")).stdout)
    assert shown["columns"][f"{folder}/calls.csv"] == {
        "firm_id": "ticker",
        "ticker": "ticker",
        "call_date": "date",
        "text": "text",
    }
    assert shown["turns"][0]["sentences"] == sentences(0)
    assert not root.exists()


# --- found while trying more of the same kinds


def test_a_list_of_pairs_is_refused_since_names_would_become_speech(root, folder):
    (folder / "calls.jsonl").write_text(as_jsonl(rows(text=[["Jane Roe", "We grew."], ["John Poe", "Thanks."]])))
    refused(prefetched(root, folder), 4, "row 1", "a list with a list in it")


def test_turns_by_their_numbers_in_an_object(root, folder):
    nested = {str(number): turn for number, turn in enumerate(TURNS)}
    (folder / "calls.jsonl").write_text(as_jsonl([{"symbol": "AAA", "date": "2020-11-20", "transcript": nested}]))
    good(prefetched(root, folder))
    assert said(stored(root)["AAA"]) == ["Welcome to the call of this firm.", *sentences(0)]


def test_invisible_characters_in_ids_names_and_headers_are_gone(root, folder):
    some = [row | {"ticker": f"{row['ticker']}\u200b", "Company": "Alder\u00ad Freight\ufeff"} for row in rows()]
    (folder / "calls.csv").write_text("\u200b" + as_csv(some))
    good(prefetched(root, folder))
    all_are_whole(root)
    assert stored(root)["AAA"]["firm_name"] == "Alder Freight"


def test_a_folder_of_folders_names_them_and_the_glob(root, folder):
    (folder / "2020").mkdir()
    (folder / "2020" / "a.csv").write_text(as_csv(rows()))
    line = refused(prefetched(root, folder), 4, "2020 (folder")
    good(prefetched(root, re.search(r"--path '([^']+)'", line)[1]))
    all_are_whole(root)


def test_decimals_and_numbers_as_ids(root, folder):
    some = [row | {"ticker": Decimal(24937 + i), "transcriptid": 900.0 + i} for i, row in enumerate(rows())]
    pq.write_table(pa.Table.from_pylist(some), folder / "calls.parquet")
    good(prefetched(root, folder))
    assert list(stored(root)) == ["24937", "24938", "24939"]
    assert [row["transcript_id"] for row in coverage(root)] == ["900", "901", "902"]


def test_a_header_in_the_middle_of_joined_files_stops(root, folder):
    (folder / "calls.csv").write_text(as_csv(rows()) + "ticker,date,text\n")
    refused(prefetched(root, folder), 4, "row 4", "date is 'date'")


def test_a_text_as_long_as_a_spreadsheets_cell_is_noted(root, folder):
    full = (speech(0) + " ") * 40
    (folder / "calls.csv").write_text(as_csv(rows(text=full[:32_767])[:1]))
    assert "as many as a spreadsheet's cell holds: 1; cut?" in good(prefetched(root, folder)).output


def test_a_date_that_is_an_object_is_refused(root, folder):
    (folder / "calls.jsonl").write_text(as_jsonl(rows(date={"$date": "2020-11-20"})))
    refused(prefetched(root, folder), 4, "row 1", "date holds an object")


@pytest.mark.parametrize("column", ["date", "text"])
def test_a_day_that_no_calendar_has_is_refused(root, folder, column):
    columns = {"ticker": list(FIRMS), "date": ["2020-11-20"] * 3, "text": [speech(i) for i in range(3)]}
    pq.write_table(pa.table(columns | {column: pa.array([2**62] * 3, pa.timestamp("us"))}), folder / "calls.parquet")
    refused(prefetched(root, folder), 4, "calls.parquet", "no calendar has")


def test_time_stamps_with_a_zone_in_parquet(root, folder):
    zone = pa.timestamp("us", tz="America/New_York")
    day = pa.array([1605907800000000] * 3, pa.timestamp("us", tz="UTC")).cast(zone)
    table = pa.table({"ticker": list(FIRMS), "date": day, "text": [speech(i) for i in range(3)]})
    pq.write_table(table, folder / "calls.parquet")
    good(prefetched(root, folder))
    assert {row["call_time"] for row in coverage(root)} == {"2020-11-20T16:30:00-05:00"}
