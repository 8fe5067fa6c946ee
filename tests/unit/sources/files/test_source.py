"""The files source: which columns it finds, what it does with dirt, and what it hands over."""

import json
from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import fs

from ftm_ray.errors import ConfigError, SourceError
from ftm_ray.sources.calls import Call, Firm, Turn, normal_speaker_type, quarter_of
from ftm_ray.sources.files.paths import _s3_files
from ftm_ray.sources.files.source import FilesSettings, FilesSource


def write(path: Path, rows: list[dict]) -> Path:
    """Rows as the file that the suffix says."""
    if path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    elif path.suffix == ".csv":
        lines = [",".join(rows[0])] + [",".join(f'"{value}"' for value in row.values()) for row in rows]
        path.write_text("\n".join(lines), encoding="utf-8-sig")
    else:
        path.write_text("\n".join(json.dumps(row) for row in rows) + "\n", encoding="utf-8")
    return path


def firms(path: object, quarter: str = "2023Q1", **settings: object) -> list[Firm]:
    return list(FilesSource(FilesSettings((str(path),), **settings)).firms(quarter))


def row(**values: object) -> dict:
    return {"firm_id": "A", "call_date": "2023-02-28", "transcript_id": "a1", "text": "Good morning."} | values


@pytest.mark.parametrize("suffix", [".parquet", ".csv", ".jsonl", ".ndjson"])
def test_every_format_gives_the_same_firm(tmp_path, suffix):
    rows = [
        row(position=2, speaker_type="Analysts", text="Second, with a comma\nand a line break."),
        row(position=1, speaker_type="Chief Financial Officer", text="First."),
    ]
    (firm,) = firms(write(tmp_path / f"calls{suffix}", rows))
    assert firm.calls == (
        Call(
            "a1",
            date(2023, 2, 28),
            (Turn("First.", None, "CFO", None), Turn("Second, with a comma\nand a line break.", None, "Analyst", None)),
        ),
    )


def test_wrds_names_are_recognised_in_any_case(tmp_path):
    wrds = {
        "CompanyID": 24937.0,  # pandas turns a column with gaps into floats
        "companyname": "Apple Inc.",
        "keydevid": 555,
        "mostImportantDateUTC": datetime(2023, 2, 2, 22, 0, tzinfo=UTC),
        "componentorder": 0,
        "transcriptpersonname": "Tim Cook",
        "speakertypename": "Executives",
        "transcriptcomponenttypename": "Presenter Speech",
        "componenttext": "We had a good quarter.",
        "gvkey": "1690",
        "permno": 14593.0,
    }
    (firm,) = firms(write(tmp_path / "wrds.parquet", [wrds]))
    assert (firm.firm_id, firm.firm_name, firm.permno, firm.gvkey) == ("24937", "Apple Inc.", 14593, "001690")
    assert firm.calls[0].transcript_id == "555"
    assert firm.calls[0].call_date == date(2023, 2, 2)
    assert firm.calls[0].turns == (Turn("We had a good quarter.", "Tim Cook", "Executive", "Presenter Speech"),)


def test_column_can_be_given(tmp_path):
    path = write(tmp_path / "calls.csv", [{"firm_id": "A", "call_date": "2023-02-28", "speech": "Hello."}])
    (firm,) = firms(path, columns={"text": "Speech"})
    assert firm.calls[0].turns[0].text == "Hello."


def test_missing_column_says_what_was_looked_for_and_the_flag(tmp_path):
    path = write(tmp_path / "calls.csv", [{"firm_id": "A", "call_date": "2023-02-28", "speech": "Hello."}])
    with pytest.raises(ConfigError, match=r"'text': looked for text, componenttext.*speech.*--column text=NAME"):
        firms(path)


@pytest.mark.parametrize(("columns", "message"), [({"txt": "speech"}, "no such column"), ({"text": "nope"}, "nope")])
def test_wrong_override_is_refused(tmp_path, columns, message):
    with pytest.raises(ConfigError, match=message):
        firms(write(tmp_path / "calls.csv", [row()]), columns=columns)


def test_tickers_that_look_like_values_stay_tickers(tmp_path):
    path = write(tmp_path / "calls.csv", [row(firm_id=name, transcript_id=name) for name in ("NA", "TRUE", "007")])
    assert [firm.firm_id for firm in firms(path)] == ["007", "NA", "TRUE"]


def test_only_the_quarter_by_call_date(tmp_path):
    days = ["2022-12-31", "2023-01-01", "2023-03-31T23:59:00Z", "2023-04-01"]
    path = write(tmp_path / "calls.csv", [row(call_date=day, transcript_id=day) for day in days])
    (firm,) = firms(path)
    assert [call.transcript_id for call in firm.calls] == days[1:3]


def test_no_call_in_the_quarter_says_what_there_is(tmp_path):
    with pytest.raises(SourceError, match="no call in 2020Q1 in .*calls.csv; they hold calls of 2023Q1 to 2023Q1"):
        firms(write(tmp_path / "calls.csv", [row()]), "2020Q1")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"call_date": "02/03/2023"}, r"calls.csv, row 2: call_date is '02/03/2023'"),
        ({"permno": "n/a"}, r"calls.csv, row 2: permno is 'n/a', expected a whole number"),
        ({"position": "first"}, r"calls.csv, row 2: position"),
    ],
)
def test_unreadable_value_stops_with_file_and_row(tmp_path, values, message):
    complete = row(permno=1, position=1)
    with pytest.raises(SourceError, match=message):
        firms(write(tmp_path / "calls.csv", [complete, complete | values]))


def test_rows_without_firm_or_date_are_counted_and_left_out(tmp_path):
    rows = [row(), row(firm_id=""), row(call_date=""), row(firm_id=" ")]
    source = FilesSource(FilesSettings((str(write(tmp_path / "calls.csv", rows)),)))
    assert len(list(source.firms("2023Q1"))) == 1
    assert source.input_counts() == {"rows of the quarter": 1, "no firm_id": 2, "no call_date": 1}


def test_the_same_row_in_two_files_is_read_once(tmp_path):
    write(tmp_path / "one.csv", [row(position=1)])
    write(tmp_path / "two.csv", [row(position=1), row(position=2)])
    source = FilesSource(FilesSettings((str(tmp_path), str(tmp_path / "*.csv"))))
    (firm,) = source.firms("2023Q1")
    assert len(firm.calls[0].turns) == 2
    assert source.input_counts()["same row again"] == 1


def test_call_without_text_is_handed_over_empty(tmp_path):
    (firm,) = firms(write(tmp_path / "calls.csv", [row(text="")]))
    assert firm.calls[0].turns == ()


def test_transcript_id_is_made_from_firm_and_day(tmp_path):
    (firm,) = firms(write(tmp_path / "calls.csv", [{"ticker": "AAPL", "date": "2023-02-02", "text": "Hello."}]))
    assert (firm.firm_id, firm.calls[0].transcript_id) == ("AAPL", "AAPL-20230202")


@pytest.mark.parametrize("key", [None, "mine"])
def test_ids_choose_calls(tmp_path, key):
    path = write(tmp_path / "calls.csv", [row(), row(transcript_id="a2")])
    ids = tmp_path / "ids.json"
    ids.write_text(json.dumps({"mine": ["a2"], "other": []} if key else ["a2"]))
    (firm,) = firms(path, ids=f"{ids}:{key}" if key else str(ids))
    assert [call.transcript_id for call in firm.calls] == ["a2"]


def test_ids_that_are_not_there_are_counted(tmp_path):
    path, ids = write(tmp_path / "calls.csv", [row(), row(transcript_id="a2")]), tmp_path / "ids.json"
    ids.write_text('["a1", "a7", "a8"]')
    source = FilesSource(FilesSettings((str(path),), ids=str(ids)))
    list(source.firms("2023Q1"))
    assert source.input_counts()["ids without a call in the quarter"] == 2
    assert source.input_counts()["not in the list of ids"] == 1


def test_ids_without_their_key_name_the_keys(tmp_path):
    path, ids = write(tmp_path / "calls.csv", [row()]), tmp_path / "ids.json"
    ids.write_text(json.dumps({"mine": ["a1"]}))
    with pytest.raises(ConfigError, match="holds the lists mine"):
        firms(path, ids=str(ids))


def test_links(tmp_path):
    path = write(tmp_path / "calls.csv", [row(), row(firm_id="B", transcript_id="b1")])
    links = write(tmp_path / "links.csv.csv", [{"firm_id": "A", "permno": 10001, "gvkey": "1690"}])
    source = FilesSource(FilesSettings((str(path),), links=str(links)))
    assert source.linked
    assert [(firm.permno, firm.gvkey) for firm in source.firms("2023Q1")] == [(10001, "001690"), (None, None)]
    assert not FilesSource(FilesSettings((str(path),))).linked


def test_link_file_may_lie_beside_the_calls(tmp_path):
    write(tmp_path / "calls.csv", [row()])
    links = write(tmp_path / "links.csv", [{"firm_id": "A", "permno": 10001}])
    (firm,) = firms(tmp_path, links=str(links))
    assert firm.permno == 10001


def test_two_links_of_one_firm_are_refused(tmp_path):
    path = write(tmp_path / "calls.csv", [row()])
    links = write(tmp_path / "links.parquet", [{"firm_id": "A", "permno": 1}, {"firm_id": "A", "permno": 2}])
    with pytest.raises(SourceError, match="links.parquet, row 2: another link for firm A"):
        firms(path, links=str(links))


def test_nothing_at_path(tmp_path):
    with pytest.raises(SourceError, match="no transcripts at .*nothing"):
        firms(tmp_path / "nothing*.csv")


def test_broken_files_say_which(tmp_path):
    (tmp_path / "bad.jsonl").write_text('{"firm_id": "A", "call_date": "2023-02-28", "text": "x"}\n{"firm_id": \n')
    with pytest.raises(SourceError, match="bad.jsonl, line 2: not valid JSON"):
        firms(tmp_path / "bad.jsonl")
    (tmp_path / "bad.csv").write_bytes("firm_id,call_date,text\nA,2023-02-28,caf\xe9\n".encode("latin-1"))
    with pytest.raises(SourceError, match=r"bad.csv is not UTF-8"):
        firms(tmp_path / "bad.csv")
    (tmp_path / "bad.parquet").write_bytes(b"no parquet at all")
    with pytest.raises(SourceError, match=r"cannot read .*bad.parquet"):
        firms(tmp_path / "bad.parquet")


def test_long_csv_field_is_read(tmp_path):
    (firm,) = firms(write(tmp_path / "calls.csv", [row(text="word " * 60_000)]))
    assert len(firm.calls[0].turns[0].text) > 250_000


def test_neighbours_are_the_quarters_beside(tmp_path):
    days = ["2022-06-30", "2022-12-01", "2023-02-01", "2023-05-01"]
    path = write(tmp_path / "calls.parquet", [row(call_date=day, transcript_id=day) for day in days])
    source = FilesSource(FilesSettings((str(path),)))
    assert [passage.transcript_id for passage in source.neighbours("2023Q1", {"A"})] == ["2022-12-01", "2023-05-01"]
    assert list(source.neighbours("2023Q1", {"B"})) == []


def test_fingerprint_follows_content_not_place(tmp_path):
    def fingerprint(folder: str, text: str, **settings: object) -> str:
        (tmp_path / folder).mkdir(exist_ok=True)
        path = write(tmp_path / folder / "calls.csv", [row(text=text)])
        return FilesSource(FilesSettings((str(path),), **settings)).fingerprint("2023Q1")

    assert fingerprint("here", "one") == fingerprint("there", "one")
    assert fingerprint("here", "one") != fingerprint("here", "two")
    assert fingerprint("here", "one") != fingerprint("here", "one", columns={"text": "text"})


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("Operator", "Operator"),
        ("Chief Executive Officer & Director", "CEO"),
        ("CFO", "CFO"),
        ("Executives", "Executive"),
        ("Vice President, Investor Relations", "Executive"),
        ("Analysts", "Analyst"),
        ("Shareholders", "Other"),
        ("", None),
        (None, None),
    ],
)
def test_speaker_types(value, expected):
    assert normal_speaker_type(value) == expected


@pytest.mark.parametrize(("month", "quarter"), [(1, "2023Q1"), (3, "2023Q1"), (4, "2023Q2"), (12, "2023Q4")])
def test_quarter_of(month, quarter):
    assert quarter_of(date(2023, month, 1)) == quarter


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("bucket/calls/a.csv", ["bucket/calls/a.csv"]),
        ("bucket/calls", ["bucket/calls/a.csv", "bucket/calls/b.parquet"]),
        ("bucket/calls/*.parquet", ["bucket/calls/b.parquet"]),
        ("bucket/ca*/a.*", ["bucket/calls/a.csv"]),
        ("bucket/none", []),
    ],
)
def test_files_of_an_object_store(tmp_path, path, expected):
    (tmp_path / "bucket" / "calls").mkdir(parents=True)
    for name in ("a.csv", "b.parquet"):
        (tmp_path / "bucket" / "calls" / name).touch()
    store = fs.SubTreeFileSystem(str(tmp_path), fs.LocalFileSystem())
    assert sorted(_s3_files(store, path)) == expected


def test_a_first_csv_row_without_its_last_cells_hides_no_column(tmp_path):
    path = tmp_path / "calls.csv"
    path.write_text(
        "firm_id,call_date,text,speaker_name\nA,2023-02-28,Hello.\nA,2023-02-28,Good.,Ann\n", encoding="utf-8"
    )
    (firm,) = firms(path)
    assert [turn.speaker_name for turn in firm.calls[0].turns] == [None, "Ann"]


def test_a_csv_with_only_a_header_is_said_to_hold_no_call_and_not_to_lack_columns(tmp_path):
    path = tmp_path / "calls.csv"
    path.write_text("firm_id,call_date,text\n", encoding="utf-8")
    with pytest.raises(SourceError) as caught:
        firms(path)
    assert "no column" not in str(caught.value)
    assert "2023Q1" in str(caught.value)


LABELLED = "Operator: Good day.\nJohn Poe: Rates fell.\nOperator: A question from Tom Loe.\nTom Loe: Why?"


def test_labels_in_a_call_of_one_row_become_turns_and_are_noted(tmp_path):
    (firm,) = firms(write(tmp_path / "calls.jsonl", [row(text=LABELLED)]))
    (call,) = firm.calls
    assert [turn.speaker_name for turn in call.turns] == ["Operator", "John Poe", "Operator", "Tom Loe"]
    assert call.notes == ("speaker_labels: 4 labels, 0 lines of headings and lists",)


def test_labels_stay_where_the_file_gives_the_speakers(tmp_path):
    """Somebody may read a letter aloud; who spoke is known there."""
    named = [row(text=LABELLED, speaker_name="Ann Moe")]
    parts = [row(text=LABELLED, position=n, section="Question and Answer") for n in (1, 2)]
    for rows in (named, parts):
        (firm,) = firms(write(tmp_path / "calls.jsonl", rows))
        assert all(turn.text == LABELLED for call in firm.calls for turn in call.turns)
        assert firm.calls[0].notes == ()
