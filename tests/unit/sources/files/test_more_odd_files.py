"""More inputs of the kinds of `test_odd_files.py`, most of them read wrongly or told unclearly when first tried."""

import gzip
import json

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

LINES = [f'{name},2020-11-20,"{speech(i)}"' for i, name in enumerate(FIRMS)]


# --- CSV


def test_a_quote_that_only_a_later_row_closes_by_luck_is_seen(root, folder):
    swallowed = [LINES[0], f'BBB,2020-11-20,"{speech(1)}', 'CCC,2020-11-20,The pipe has 5"']
    (folder / "calls.csv").write_text(csv_text("ticker,date,text", swallowed))
    refused(prefetched(root, folder), 4, "row 2 (line 3)", "another row begins inside it, in line 4")


def test_line_breaks_and_commas_inside_quotes_are_no_row(root, folder):
    texts = [speech(i).replace(". ", ".\n") + "\nOn Nov 20, 2020, we said so, too." for i in range(3)]
    lines = [f'{name},2020-11-20,"{text}"' for name, text in zip(FIRMS, texts, strict=True)]
    (folder / "calls.csv").write_text(csv_text("ticker,date,text", lines))
    good(prefetched(root, folder))
    assert len(said(stored(root)["BBB"])) == 31


HEADERS = {
    "blank lines above": "\n\nticker,date,text",
    "a line break in a name": 'ticker,"da\nte",text',
    "sep= and blank lines": "sep=,\nticker,date,text",
    "blanks that do not break": '"\u00a0Ticker\u00a0"," Date ","TEXT"',
}


@pytest.mark.parametrize("header", HEADERS.values(), ids=HEADERS)
def test_headers_that_are_read(root, folder, header):
    (folder / "calls.csv").write_text(csv_text(header, LINES))
    good(prefetched(root, folder))
    all_are_whole(root)


NO_HEADERS = {
    "empty": ("", 2, "calls.csv is empty"),
    "a title above": ("Calls of 2020\n" + as_csv(rows()), 2, "does the first line name the columns"),
    "another delimiter": (as_csv(rows(), "^"), 2, "'ticker^date^text' alone"),
    "open quote": ('ticker,"date,text\n' + "\n".join(["AAA"] * 60), 4, "a quote in the header is not closed"),
}


@pytest.mark.parametrize(("text", "code", "words"), NO_HEADERS.values(), ids=NO_HEADERS)
def test_what_is_no_header_is_told(root, folder, text, code, words):
    (folder / "calls.csv").write_text(text)
    refused(prefetched(root, folder), code, "calls.csv", words)


# --- values that are no text

TURNS = [
    {"speaker": "Operator", "title": "Operator", "content": "Welcome to the call of this firm."},
    {"speaker": "Jane Roe", "title": "Chief Executive Officer", "content": speech(0)},
]
COLUMNS = {name: [turn[name] for turn in TURNS] for name in TURNS[0]}
NESTED = {
    "turns as columns": COLUMNS,
    "turns as columns, printed": str(COLUMNS),
    "paragraphs in columns": COLUMNS | {"content": [[TURNS[0]["content"]], sentences(0)]},
    "JSON with line breaks": json.dumps(TURNS, indent=2),
    "printed by numpy": "[" + "\n ".join(map(str, TURNS)) + "]",
    "first and last name": [
        {"speaker": {"firstName": first, "lastName": last, "role": turn["title"]}, "message": turn["content"]}
        for turn, (first, last) in zip(TURNS, (("Operator", ""), ("Jane", "Roe")), strict=True)
    ],
    "person and speech": [
        {"personName": turn["speaker"], "role": turn["title"], "speech": turn["content"]} for turn in TURNS
    ],
}


@pytest.mark.parametrize("nested", NESTED.values(), ids=NESTED)
def test_more_nested_turns_become_turns(root, folder, nested):
    (folder / "calls.jsonl").write_text(as_jsonl([{"symbol": "AAA", "date": "2020-11-20", "transcript": nested}]))
    good(prefetched(root, folder))
    operator, *roe = stored(root)["AAA"]["sentences"]
    assert (operator["speaker_name"], operator["speaker_type"]) == ("Operator", "Operator")
    assert [sentence["raw_text"] for sentence in roe] == sentences(0)
    assert {(sentence["speaker_name"], sentence["speaker_type"]) for sentence in roe} == {("Jane Roe", "CEO")}


def test_a_struct_of_lists_in_parquet_becomes_turns(root, folder):
    pq.write_table(
        pa.Table.from_pylist([{"ticker": "AAA", "date": "2020-11-20", "text": COLUMNS}]), folder / "a.parquet"
    )
    good(prefetched(root, folder))
    assert stored(root)["AAA"]["sentences"][1]["speaker_type"] == "CEO"


def test_question_and_answer_inside_a_section_keep_its_name(root, folder):
    nested = {
        "prepared_remarks": [{"speaker": "Jane Roe", "text": speech(0)}],
        "qa": [{"question": {"speaker": "Tom Loe", "text": "Why is it so?"}, "answer": {"text": "It is."}}],
    }
    (folder / "calls.jsonl").write_text(as_jsonl([{"symbol": "AAA", "date": "2020-11-20", "transcript": nested}]))
    good(prefetched(root, folder))
    assert [s["section"] for s in stored(root)["AAA"]["sentences"]][-3:] == ["prepared_remarks", "qa", "qa"]


def test_paragraphs_as_numpy_prints_them_are_not_glued(root, folder):
    printed = "[" + "\n ".join(f"'{sentence[:-1]}'" for sentence in sentences(0)) + "]"
    (folder / "calls.csv").write_text(as_csv([{"ticker": "AAA", "date": "2020-11-20", "text": printed}]))
    good(prefetched(root, folder))
    assert said(stored(root)["AAA"]) == [sentence[:-1] for sentence in sentences(0)]


PRINTS = {
    "array": "array(['We grew.', 'Margins fell.'], dtype=object)",
    "pairs": str([("Jane Roe", "We grew."), ("John Poe", "Thanks.")]),
    "lists": str([["Jane Roe", "We grew."], ["John Poe", "Thanks."]]),
    "OrderedDict": "[OrderedDict([('speaker', 'Jane Roe'), ('text', 'We grew.')])]",
    "Spark": "[Row(speaker='Jane Roe', text='We grew.')]",
    "one row of Spark": "Row(speaker='Jane Roe', text='We grew.')",
    "JavaScript": "[object Object],[object Object]",
    "an object": "[<app.Turn object at 0x7f00>, <app.Turn object at 0x7f01>]",
}


@pytest.mark.parametrize("printed", PRINTS.values(), ids=PRINTS)
def test_a_print_that_is_no_turns_is_refused(root, folder, printed):
    (folder / "calls.csv").write_text(as_csv(rows(text=printed)))
    refused(prefetched(root, folder), 4, "row 1", "text holds")


@pytest.mark.parametrize("begins", ["[Operator Instructions] ", "(Inaudible) ", '("AAA" or the firm) '])
def test_speech_that_begins_with_a_bracket_is_speech(root, folder, begins):
    (folder / "calls.csv").write_text(as_csv(rows(text=begins + speech(0))[:1]))
    good(prefetched(root, folder))
    assert len(said(stored(root)["AAA"])) >= 30


def test_bytes_that_python_printed_are_read(root, folder):
    some = [{name: str(str(value).encode()) for name, value in row.items()} for row in rows()]
    (folder / "calls.csv").write_text(as_csv(some))
    good(prefetched(root, folder))
    all_are_whole(root)


def test_a_list_of_texts_and_objects_is_refused_in_words(root, folder):
    nested = ["Operator: Welcome.", {"speaker": "Jane Roe", "text": speech(0)}]
    (folder / "calls.jsonl").write_text(as_jsonl(rows(text=nested)))
    refused(prefetched(root, folder), 4, "a list with a text in it")


# --- values that are missing, and characters nobody sees


@pytest.mark.parametrize("nothing", [" nan ", "none", "Nan", "NONE", "n.a.", "--", "#VALUE!", "\ufffd"])
def test_more_words_for_nothing_are_null(root, folder, nothing):
    (folder / "calls.csv").write_text(as_csv(rows(company=nothing, speaker=nothing, role=nothing, section=nothing)))
    good(prefetched(root, folder))
    for row in stored(root).values():
        assert row["firm_name"] is None
        assert {(s["speaker_name"], s["speaker_type"], s["section"]) for s in row["sentences"]} == {(None, None, None)}


def test_infinity_is_no_name(root, folder):
    (folder / "calls.jsonl").write_text(as_jsonl(rows(company=float("inf"))))
    good(prefetched(root, folder))
    assert stored(root)["AAA"]["firm_name"] is None


def test_half_an_emoji_in_a_name_is_gone(root, folder):
    line = '{"ticker": "AAA", "date": "2020-11-20", "company": "Alder \\ud83d", '
    line += '"speaker": "Jane \\udc00 Roe", "text": "%s"}'
    (folder / "calls.jsonl").write_text(line % speech(0))
    good(prefetched(root, folder))
    assert stored(root)["AAA"]["firm_name"] == "Alder"
    assert stored(root)["AAA"]["sentences"][0]["speaker_name"] == "Jane Roe"


@pytest.mark.parametrize("sign", ["\u034f", "\ufe0f", "\U000e0041", "\u3164", "\u061c", "\u115f", "\uffa0", "\u206a"])
def test_more_characters_that_nobody_sees_are_taken_out_of_words(root, folder, sign):
    (folder / "calls.jsonl").write_text(as_jsonl(rows(text=f"{speech(0)} The con{sign}tainer came.")[:1]))
    good(prefetched(root, folder))
    assert said(stored(root)["AAA"])[30] == "The container came."
    assert "invisible: 1" in coverage(root)[0]["notes"]


def test_a_typesetters_hyphen_parts_no_word(root, folder):
    (folder / "calls.jsonl").write_text(as_jsonl(rows(text=f"{speech(0)} Long\u2011term costs fell.")[:1]))
    good(prefetched(root, folder))
    assert said(stored(root)["AAA"])[30] == "Long-term costs fell."
    assert "long-term" in stored(root)["AAA"]["sentences"][30]["cleaned_text"]


# --- columns, ids and links


def test_names_that_pandas_made_of_one_name_and_the_advice(root, folder):
    lines = [line.replace('20,"', '20,,"') for line in LINES]
    (folder / "calls.csv").write_text(csv_text("ticker,date,text,text.1", lines))
    refused(prefetched(root, folder), 2, "text is taken as 'text', and is empty in 3 of 3 rows", "--column text=text.1")
    good(prefetched(root, folder, "--column", "text=text.1"))
    all_are_whole(root)


def test_one_name_in_other_letters_of_which_the_taken_one_is_empty(root, folder):
    columns = [[row[name] for row in rows()] for name in ("ticker", "date", "text")]
    table = pa.Table.from_arrays(
        [*map(pa.array, columns), pa.array([""] * 3)], names=["ticker", "date", "Text", "text"]
    )
    pq.write_table(table, folder / "calls.parquet")
    refused(prefetched(root, folder), 2, "--column text=Text")
    good(prefetched(root, folder, "--column", "text=Text"))
    all_are_whole(root)


def test_a_column_of_words_for_nothing_is_not_offered(root, folder):
    some = [row | {"company_id": key, "gvkey": "nan"} for row, key in zip(rows(), ("1", "", "3"), strict=True)]
    (folder / "calls.csv").write_text(as_csv(some))
    assert "gvkey" not in refused(prefetched(root, folder), 2, "--column firm_id=ticker")


def test_keys_of_json_that_come_late_are_found(root, folder):
    some = [{"ticker": "AAA", "date": "2020-11-20", "text": sentence} for sentence in sentences(0, 150)]
    (folder / "calls.jsonl").write_text(as_jsonl([*some, some[0] | {"speaker": "Jane Roe"}]))
    good(prefetched(root, folder))
    assert {s["speaker_name"] for s in stored(root)["AAA"]["sentences"]} == {None, "Jane Roe"}


def test_an_id_that_a_spreadsheet_shortened_is_refused_and_its_apostrophe_is_none_of_it(root, folder):
    (folder / "calls.csv").write_text(as_csv(rows(ticker="2.4937E+04")[:1]))
    refused(prefetched(root, folder), 4, "ticker is '2.4937E+04'", "write the column as text")
    (folder / "calls.csv").write_text(as_csv([{"gvkey": "'001690", "date": "'2020-11-20", "text": speech(0)}]))
    good(prefetched(root, folder))
    assert list(stored(root)) == ["001690"]


@pytest.mark.parametrize("header", ["ncusip,permno", "permno", "company,permno"])
def test_links_without_a_column_of_firms_say_what_was_looked_for(root, folder, header):
    (folder / "calls.csv").write_text(as_csv(rows()))
    (folder / "links.csv").write_text(csv_text(header, ["1,10" if "," in header else "10"]))
    line = refused(
        prefetched(root, folder, "--links", folder / "links.csv"), 2, "no column that names the firm", "isin"
    )
    assert "Rename the column in the links file" in line
    (folder / "links.csv").write_text(csv_text("ticker,permno", ["AAA,10"]))
    good(prefetched(root, folder, "--links", folder / "links.csv"))


# --- order, dates, speakers


def test_sections_whose_rows_are_mixed_stand_one_after_the_other(root, folder):
    texts = [text for pair in zip(sentences(0, 20), sentences(1, 20), strict=True) for text in pair]
    some = [
        {"ticker": "AAA", "date": "2020-11-20", "position": i // 2, "section": ("prepared", "qa")[i % 2], "text": text}
        for i, text in enumerate(texts)
    ]
    (folder / "calls.csv").write_text(as_csv(some))
    good(prefetched(root, folder))
    assert said(stored(root)["AAA"]) == sentences(0, 20) + sentences(1, 20)
    assert "file_order" in coverage(root)[0]["notes"]


DATES = {
    "20NOV2020": None,
    "20nov2020:16:30:00": "2020-11-20T16:30:00",
    "20201120163000": "2020-11-20T16:30:00",
    "2020-11-20 21:30:00+00": "2020-11-20T21:30:00+00:00",
    "2020-11-20 16:30:00-0500": "2020-11-20T16:30:00-05:00",
    "Fri Nov 20 16:30:00 2020": "2020-11-20T16:30:00",
    "Fri Nov 20 16:30:00 EST 2020": "2020-11-20T16:30:00-05:00",
    "4:30 PM ET, Nov 20, 2020": "2020-11-20T16:30:00-05:00",
    "Nov. 20 2020 | 4:30 pm EST": "2020-11-20T16:30:00-05:00",
    "20 November 2020 16:30 GMT+1": "2020-11-20T16:30:00+01:00",
    "'2020-11-20": None,
}


@pytest.mark.parametrize(("written", "kept"), DATES.items(), ids=DATES)
def test_more_dates_of_one_meaning(root, folder, written, kept):
    (folder / "calls.csv").write_text(as_csv(rows(date=written)))
    good(prefetched(root, folder))
    assert {(str(row["call_date"]), row["call_time"]) for row in coverage(root)} == {("2020-11-20", kept)}


@pytest.mark.parametrize("written", ["2020-11-31", "31NOV2020", "2020-13-01", "20201120250000", "1.605906E+12", "0"])
def test_what_is_no_date_is_refused(root, folder, written):
    (folder / "calls.csv").write_text(as_csv(rows(date=written)))
    refused(prefetched(root, folder), 4, "row 1", f"date is '{written}'")


def test_who_is_called_operator_is_one(root, folder):
    (folder / "calls.csv").write_text(as_csv(rows(speaker="Operator")))
    good(prefetched(root, folder))
    assert {s["speaker_type"] for s in stored(root)["AAA"]["sentences"]} == {"Operator"}


@pytest.mark.parametrize("packed", [True, False])
def test_labels_in_a_row_for_each_line_become_turns(root, folder, packed):
    lines = [
        "Operator: Good day, and welcome.",
        "Ann Moe - CFO: Costs fell.",
        *sentences(0),
        "Operator: Goodbye to all.",
    ]
    text = as_jsonl([{"ticker": "AAA", "date": "2020-11-20", "text": line} for line in lines])
    file = folder / ("calls.jsonl.gz" if packed else "calls.jsonl")
    file.write_bytes(gzip.compress(text.encode()) if packed else text.encode())
    good(prefetched(root, folder))
    found = stored(root)["AAA"]["sentences"]
    assert [s["raw_text"] for s in found] == ["Good day, and welcome.", "Costs fell.", *sentences(0), "Goodbye to all."]
    assert [s["speaker_type"] for s in found] == ["Operator", *["CFO"] * 31, "Operator"]
