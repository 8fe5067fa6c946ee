"""The part of `ftm verify` that looks at the sentiment-ready table as an event study will use it.

Each row must be a stock, one event date, and a call that came in: what joins returns to it looks at nothing else. That
its sentences are the published ones is compared in `sentences.py`, file by file.
"""

from collections import defaultdict
from collections.abc import Mapping
from datetime import date
from typing import Any

import pyarrow as pa

from ftm_ray.errors import SourceError
from ftm_ray.lake.storage import Lake
from ftm_ray.results.verify.check import Check, make_check
from ftm_ray.results.verify.sentences import SentenceTally
from ftm_ray.schemas.columns import check_table, with_later_columns
from ftm_ray.schemas.store import COVERAGE

Call = tuple[str, str]  # firm_id, transcript_id


def check_sentiment(lake: Lake, record: Mapping[str, Any], sentiment: pa.Table | None, tally: SentenceTally) -> Check:
    """The table per stock is there if and only if the source links firms; docs/sentiment-ready.md has its criteria."""
    if not record["prefetch"]["linked"]:
        problems = ["it is there, though the source links no firms"] if sentiment is not None else []
        return make_check("sentiment-ready", "none, as the source links no firms to PERMNO", problems)
    if sentiment is None:
        return make_check("sentiment-ready", "", ["it is not there"])
    problems = tally.sentiment_problems + event_problems(lake, record["quarter"], sentiment)
    seen = f"{sentiment.num_rows:,} rows, each with PERMNO and one event date of a covered call"
    return make_check("sentiment-ready", f"{seen}; {tally.n_sentiment:,} sentences", problems)


def event_problems(lake: Lake, quarter: str, sentiment: pa.Table) -> list[str]:
    """What is wrong with the stocks, dates and calls of the sentiment-ready table."""
    rows = sentiment.select(["firm_id", "transcript_id", "earnings_call_date", "permno", "quarter"]).to_pylist()
    problems = [f"firm {row['firm_id']}, call {row['transcript_id']}: no PERMNO" for row in rows if not row["permno"]]
    dates: defaultdict[Call, set[date]] = defaultdict(set)
    for row in rows:
        dates[row["firm_id"], row["transcript_id"]].add(row["earnings_call_date"])
    for (firm_id, transcript_id), found in sorted(dates.items()):
        name = f"firm {firm_id}, call {transcript_id}"
        if len(found) > 1:
            problems.append(f"{name}: {len(found)} event dates ({', '.join(map(str, sorted(found)))})")
        problems += [f"{name}: {day} is not in {quarter}" for day in sorted(found) if quarter_of(day) != quarter]
    return problems + _coverage_problems(lake, quarter, rows)


def quarter_of(day: date) -> str:
    """The calendar quarter of a day, such as 2023Q1."""
    return f"{day.year}Q{(day.month + 2) // 3}"


def _coverage_problems(lake: Lake, quarter: str, rows: list[dict[str, object]]) -> list[str]:
    """Every row's call is in the coverage report, was kept, and has this date and PERMNO there."""
    path = f"{lake.prefetch_dir(quarter)}/coverage.parquet"
    if not lake.exists(path):
        return [f"the coverage report {path} is not there to compare with"]
    try:
        coverage = check_table(with_later_columns(lake.read_table(path), COVERAGE), COVERAGE, path)
    except SourceError as error:
        return [str(error)]
    kept = {(row["firm_id"], row["transcript_id"]): row for row in coverage.to_pylist() if row["kept"]}
    problems = {}
    for row in rows:
        call = kept.get((row["firm_id"], row["transcript_id"]))
        name = f"firm {row['firm_id']}, call {row['transcript_id']}"
        if call is None:
            problems[name] = (
                f"{name}: not kept by the coverage report (were transcripts brought in anew since the run?)"
            )
        elif (call["call_date"], call["permno"]) != (row["earnings_call_date"], row["permno"]):
            there = f"{call['call_date']} and PERMNO {call['permno']}"
            problems[name] = f"{name}: {row['earnings_call_date']}, PERMNO {row['permno']}; coverage has {there}"
    return list(problems.values())
