"""Invented calls for tests of what people really have, written in many forms, and what a prefetch makes of them."""

import json
from pathlib import Path

import pyarrow.parquet as pq
from command import ftm, one_error_line

QUARTER = "2020Q4"
FIRMS = ("AAA", "BBB", "CCC")
_OPENINGS = ("In the quarter", "Across regions", "As we said", "For the segment", "On the whole")
_THINGS = ("container costs", "ocean freight rates", "store wages", "list prices", "software renewals", "hourly pay")
_ENDINGS = ("while demand remained soft", "because customers ordered earlier", "since suppliers passed on their costs")


def sentences(firm: int, n: int = 30) -> list[str]:
    """Sentences of one call, each firm's unlike the others', long enough to be kept."""
    return [
        f"{_OPENINGS[(i + firm) % 5]}, {_THINGS[(i * 7 + firm) % 6]} moved by {10 * firm + i} points {_ENDINGS[i % 3]}."
        for i in range(n)
    ]


def speech(firm: int, n: int = 30) -> str:
    return " ".join(sentences(firm, n))


def rows(**values) -> list[dict]:
    """One row per firm."""
    return [{"ticker": name, "date": "2020-11-20", "text": speech(i)} | values for i, name in enumerate(FIRMS)]


def csv_text(header: str, lines: list[str]) -> str:
    return "\n".join([header, *lines]) + "\n"


def as_csv(some: list[dict], delimiter: str = ",") -> str:
    quoted = [delimiter.join('"' + str(value).replace('"', '""') + '"' for value in row.values()) for row in some]
    return csv_text(delimiter.join(some[0]), quoted)


def as_jsonl(some: list[dict]) -> str:
    return "\n".join(json.dumps(row) for row in some) + "\n"


def prefetched(root: Path, path: object, *options: object):
    """What `ftm prefetch` says, in a wide window."""
    return ftm("prefetch", QUARTER, "--path", path, "--root", root, *options, columns=2000)


def stored(root: Path) -> dict[str, dict]:
    """The rows of the store, by firm."""
    folder = root / "prefetch" / "transcripts" / f"quarter={QUARTER}"
    return {
        row["firm_id"]: row
        for file in sorted(folder.glob("chunk_*.parquet"))
        for row in pq.read_table(file).to_pylist()
    }


def coverage(root: Path) -> list[dict]:
    return pq.read_table(root / "prefetch" / "transcripts" / f"quarter={QUARTER}" / "coverage.parquet").to_pylist()


def said(row: dict) -> list[str]:
    return [sentence["raw_text"] for sentence in row["sentences"]]


def good(result):
    assert result.exit_code == 0, result.output
    return result


def refused(result, code, *words):
    assert result.exit_code == code, result.output
    line = one_error_line(result)
    for word in words:
        assert word in line
    return line


def all_are_whole(root):
    """Every firm with every sentence as it was said."""
    found = stored(root)
    assert list(found) == list(FIRMS)
    for number, firm in enumerate(FIRMS):
        assert said(found[firm]) == sentences(number)
