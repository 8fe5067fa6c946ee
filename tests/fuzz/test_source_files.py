"""Broken files of calls, links and lists of ids: a clear error, or rows that are counted, never anything else."""

import json
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from damages import BYTES, JSON, TABLES, attempt, bytes_damaged, damages, dumped, json_damaged, table_damaged
from hypothesis import given
from odd_files import FIRMS, QUARTER, as_csv, as_jsonl, rows, speech

from ftm_ray.lake.storage import Lake
from ftm_ray.results.verify.store import check_store
from ftm_ray.sources.files.source import FilesSettings, FilesSource
from ftm_ray.sources.prefetch import prefetch_quarter

CALLS = [row | {"transcript_id": f"T{number}", "company": f"{row['ticker']} Inc"} for number, row in enumerate(rows())]
TURNS = [
    {
        "ticker": firm,
        "date": "2020-11-20",
        "transcript_id": f"T{n}",
        "speaker": "Ann",
        "speaker_type": "Executives",
        "text": text,
    }
    for n, firm in enumerate(FIRMS)
    for text in (speech(n, 12), speech(n + 5, 12))
]
LINKS = "ticker,permno,gvkey,linkdt,linkenddt\n" + "".join(
    f"{firm},{10001 + n},00{n}001,2010-01-01,2029-12-31\n" for n, firm in enumerate(FIRMS)
)
TXT = (
    "Operator: Good day.\n\nAnn Example - Chief Executive Officer: " + speech(1) + "\n\nBob Sample - Analyst: Thanks.\n"
)


def prefetched(folder: Path, name: str, content: bytes, links: bytes | None = None, ids: bytes | None = None) -> None:
    """Prefetch one broken file, and look at what was made of it."""
    (folder / name).write_bytes(content)
    lake = Lake(str(folder / "root"))
    settings = {"paths": (str(folder / name),)}
    for option, value, file in (("links", links, "links.csv"), ("ids", ids, "ids.json")):
        if value is not None:
            (folder / file).write_bytes(value)
            settings[option] = str(folder / file)
    report = attempt(lambda: prefetch_quarter(lake, QUARTER, FilesSource(FilesSettings(**settings)), lambda *_: None))
    if report is not None:
        nothing_is_lost(lake, report)


def nothing_is_lost(lake: Lake, report) -> None:
    """What the report counts is what the store holds, and every text in it is text."""
    assert all(not check.problems for check in check_store(lake, QUARTER))
    n_sentences, firms = 0, set()
    folder = Lake.prefetch_dir(QUARTER)
    for name in lake.list_files(folder):
        if name.startswith("chunk_"):
            for firm in lake.read_table(f"{folder}/{name}").to_pylist():
                assert firm["firm_id"].strip() and firm["firm_id"] not in firms
                firms.add(firm["firm_id"])
                n_sentences += len(firm["sentences"])
                for sentence in firm["sentences"]:
                    assert sentence["raw_text"].strip() and "\x00" not in sentence["raw_text"]
                    assert sentence["call_date"].year == 2020 and sentence["call_date"].month >= 10
    assert (n_sentences, len(firms)) == (report.manifest.n_sentences, report.manifest.n_firms)
    coverage = lake.read_sealed(f"{folder}/coverage.parquet").to_pylist()
    assert all(row["reason"] for row in coverage if not row["kept"])


@pytest.fixture
def folder(tmp_path_factory):
    """A folder for each input: `tmp_path` would be one for all inputs of a test."""
    return lambda: tmp_path_factory.mktemp("fuzz", numbered=True)


@pytest.mark.parametrize("some", [CALLS, TURNS], ids=["calls", "turns"])
@given(damages=damages(BYTES))
def test_csv(folder, some, damages):
    prefetched(folder(), "calls.csv", bytes_damaged(as_csv(some).encode(), damages))


@given(damages=damages(BYTES))
def test_jsonl_bytes(folder, damages):
    prefetched(folder(), "calls.jsonl", bytes_damaged(as_jsonl(TURNS).encode(), damages))


@given(damages=damages(JSON))
def test_jsonl_values(folder, damages):
    lines = json_damaged(CALLS, damages)
    lines = lines if isinstance(lines, list) else [lines]
    prefetched(folder(), "calls.jsonl", b"\n".join(dumped(line) for line in lines))


@given(damages=damages(JSON))
def test_json_values(folder, damages):
    prefetched(folder(), "calls.json", dumped(json_damaged(CALLS, damages)))


@given(damages=damages(TABLES))
def test_parquet_values(folder, damages):
    sink = pa.BufferOutputStream()
    pq.write_table(table_damaged(pa.Table.from_pylist(CALLS), damages), sink)
    prefetched(folder(), "calls.parquet", sink.getvalue().to_pybytes())


@given(damages=damages(BYTES))
def test_parquet_bytes(folder, damages):
    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist(CALLS), sink)
    prefetched(folder(), "calls.parquet", bytes_damaged(sink.getvalue().to_pybytes(), damages))


@given(damages=damages(BYTES))
def test_text(folder, damages):
    prefetched(folder(), "AAA_2020-11-20.txt", bytes_damaged(TXT.encode(), damages))


@given(damages=damages(BYTES))
def test_zip(folder, damages):
    path = folder()
    with zipfile.ZipFile(path / "whole.zip", "w") as file:
        file.writestr("calls.csv", as_csv(CALLS))
    prefetched(path, "calls.zip", bytes_damaged((path / "whole.zip").read_bytes(), damages))


@given(damages=damages(BYTES))
def test_sheet(folder, damages):
    path = folder()
    prefetched(path, "calls.xlsx", bytes_damaged(_sheet(path), damages))


def _sheet(path: Path) -> bytes:
    import openpyxl

    book = openpyxl.Workbook()
    book.active.append(list(CALLS[0]))
    for row in CALLS:
        book.active.append(list(row.values()))
    book.save(path / "whole.xlsx")
    return (path / "whole.xlsx").read_bytes()


@given(damages=damages(BYTES))
def test_links(folder, damages):
    prefetched(folder(), "calls.csv", as_csv(CALLS).encode(), links=bytes_damaged(LINKS.encode(), damages))


@given(damages=damages(JSON))
def test_ids(folder, damages):
    ids = dumped(json_damaged(["T0", "T1", "T2"], damages))
    prefetched(folder(), "calls.csv", as_csv(CALLS).encode(), ids=ids)


def test_the_whole_files_are_read(folder):
    """Else all that is tested here would be refusals."""
    for name, content in (
        ("calls.csv", as_csv(CALLS)),
        ("calls.jsonl", as_jsonl(TURNS)),
        ("calls.json", json.dumps(CALLS)),
    ):
        path = folder()
        prefetched(path, name, content.encode(), links=LINKS.encode(), ids=b'["T0", "T1", "T2"]')
        assert Lake(str(path / "root")).exists(f"{Lake.prefetch_dir(QUARTER)}/manifest.json")
