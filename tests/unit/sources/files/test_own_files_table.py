"""docs/own-files.md begins with a table of files and commands: each command is run on such a file."""

import gzip
import json
import re
import shlex
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from command import ftm
from odd_files import FIRMS, as_csv, as_jsonl, csv_text, rows, said, sentences, speech, stored

DOCS = Path(__file__).parents[4] / "docs" / "own-files.md"
COMMANDS = re.findall(r"^\| `([^`]+)`.*\| `(ftm prefetch [^`]+)` \|$", DOCS.read_text(encoding="utf-8"), re.MULTILINE)
TURNS = [
    [{"speaker": "Operator", "title": "Operator", "content": "Welcome."}]
    + [{"speaker": "Jane Roe", "title": "CEO", "content": sentence} for sentence in sentences(i)]
    for i in range(3)
]


def parquet(name, some):
    pq.write_table(pa.Table.from_pylist(some), name)


def turns():
    return [
        {"firm_id": firm, "call_date": date(2020, 11, 20), "position": n, "speaker_name": "Jane Roe", "text": sentence}
        | {"speaker_type": "Executive"}
        for i, firm in enumerate(FIRMS)
        for n, sentence in enumerate(sentences(i))
    ]


def wrds():
    return [
        {
            "companyid": f"{100 + i}.0",
            "companyname": f"Firm {i}",
            "keydevid": 9 + i,
            "mostimportantdateutc": "2020-11-20",
        }
        | {"mostimportanttimeutc": "21:00:00", "componentorder": n, "transcriptpersonname": "Jane Roe"}
        | {"speakertypename": "Executives", "componenttext": sentence}
        for i in range(3)
        for n, sentence in enumerate(sentences(i))
    ]


def workbook(name):
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    book.active.append(list(rows()[0]))
    for row in rows():
        book.active.append(list(row.values()))
    book.save(name)


def spreadsheet_export():
    days = ("20.11.2020", "44155", "20.11.2020")
    return as_csv(
        [{"Ticker": row["ticker"], "Date": day, "Text": row["text"]} for row, day in zip(rows(), days, strict=True)],
        ";",
    )


def keyed_by_gvkey():
    return csv_text("gvkey,date,text", [f'{1690 + i},2020-11-20,"{speech(i)}"' for i in range(3)])


def ccm():
    lines = [f"{1690 + i:06d},{10 + i},LC,P,19800101,E" for i in range(3)]
    return csv_text("gvkey,lpermno,linktype,linkprim,linkdt,linkenddt", lines)


def stocknames():
    return csv_text(
        "permno,namedt,nameenddt,ticker", [f"{10 + i},1990-01-01,2024-12-31,{f}" for i, f in enumerate(FIRMS)]
    )


def hugging_face():
    return [
        {"symbol": firm, "date": "2020-11-20 15:00:00", "content": f"Operator: Welcome.\nJane Roe: {speech(i)}"}
        | {"structured_content": [{"speaker": t["speaker"], "text": t["content"]} for t in TURNS[i]]}
        | {"company_id": None if i else 1.0}
        for i, firm in enumerate(FIRMS)
    ]


def write(name, text):
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Path(name).write_text(text)


MAKE = {
    "calls.csv": lambda: write("calls.csv", as_csv(rows())),
    "turns.parquet": lambda: parquet("turns.parquet", turns()),
    "wrds.csv": lambda: write("wrds.csv", as_csv(wrds())),
    "api.json": lambda: write(
        "api.json",
        json.dumps([{"symbol": f, "date": "2020-11-20", "transcript": TURNS[i]} for i, f in enumerate(FIRMS)]),
    ),
    "content.jsonl": lambda: write(
        "content.jsonl",
        as_jsonl(
            [
                {"symbol": f, "year": 2020, "quarter": 4, "date": "2020-11-20 17:00:00", "content": speech(i)}
                for i, f in enumerate(FIRMS)
            ]
        ),
    ),
    "sp500.parquet": lambda: parquet("sp500.parquet", hugging_face()),
    "scraped.csv": lambda: write(
        "scraped.csv",
        as_csv(
            [
                {"date": "Nov 20, 2020, 9:00 p.m. ET", "q": "2020-Q4", "ticker": f, "transcript": speech(i)}
                for i, f in enumerate(FIRMS)
            ]
        ),
    ),
    "export.csv": lambda: write("export.csv", spreadsheet_export()),
    "calls.xlsx": lambda: workbook("calls.xlsx"),
    "dump.jsonl.gz": lambda: Path("dump.jsonl.gz").write_bytes(
        gzip.compress(as_jsonl(rows(date=1605906000000)).encode())
    ),
    "years/2020/calls.csv": lambda: write("years/2020/calls.csv", as_csv(rows())),
    "paragraphs.parquet": lambda: parquet(
        "paragraphs.parquet", [row | {"text": sentences(i)} for i, row in enumerate(rows())]
    ),
    "speeches.csv": lambda: write(
        "speeches.csv", as_csv([{"ticker": r["ticker"], "day": r["date"], "speech": r["text"]} for r in rows()])
    ),
    "gvkeys.csv": lambda: (write("gvkeys.csv", keyed_by_gvkey()), write("ccm.csv", ccm())),
    "tickers.csv": lambda: (write("tickers.csv", as_csv(rows())), write("stocknames.csv", stocknames())),
}


def test_the_table_has_what_people_have():
    assert len(COMMANDS) >= 10
    assert {name for name, _ in COMMANDS} <= set(MAKE) or "label" in DOCS.read_text(encoding="utf-8")


@pytest.mark.parametrize(("name", "command"), [pair for pair in COMMANDS if pair[0] in MAKE])
def test_each_line_of_the_table_reads_every_sentence(name, command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    MAKE[name]()
    result = ftm(*shlex.split(command)[1:], columns=2000)
    assert result.exit_code == 0, result.output
    found = list(stored(tmp_path / "lake").values())
    assert len(found) == 3
    for number, row in enumerate(found):
        assert [text for text in said(row) if text != "Welcome."] == sentences(number)
        assert (row["permno"] is not None) == ("--links" in command)
