"""Re-checks what is published: every file, every count, and the chain from theme to sentence.

Nothing that the run said of itself is believed: files are hashed again, and all numbers are counted again from the
tables. Sentences, the only large table, are read file by file (`verify_sentences.py`), so that memory does not grow
with the quarter; topics of 5,000 firms without their vectors are about 150 MB.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from ftm_ray.errors import SourceError
from ftm_ray.lake.runs import files_beside
from ftm_ray.lake.storage import Lake
from ftm_ray.results.published import published_record
from ftm_ray.results.verify_sentences import SentenceTally, check_sentences
from ftm_ray.results.verify_sentiment import event_problems
from ftm_ray.schemas.columns import check_table
from ftm_ray.schemas.parts import FirmStatus
from ftm_ray.schemas.published import PUBLISHED
from ftm_ray.schemas.sentiment import SENTIMENT_READY

#: More problems of one kind are counted, not listed.
_LISTED = 5


@dataclass(frozen=True, slots=True)
class Check:
    """One check: what was looked at, and what is wrong with it; no problem = ok."""

    name: str
    seen: str
    problems: tuple[str, ...] = ()
    files_missing: bool = False


@dataclass(frozen=True, slots=True)
class Tables:
    """The published tables but sentences, without vectors; `sentiment` without texts, None where none is published."""

    firms: pa.Table
    topics: pa.Table
    themes: pa.Table
    theme_topics: pa.Table
    sentiment: pa.Table | None


def verify_quarter(lake: Lake, quarter: str) -> list[Check]:
    """Check everything that is published of a quarter.

    Returns:
        All checks that could be made: where files are missing or cannot be read, only those up to there.

    Raises:
        SourceError: Nothing is published, or its publication was not finished.
    """
    record = published_record(lake, quarter)
    checks = [_check_files(lake, record), _check_leftovers(lake, record)]
    if checks[0].files_missing:
        return checks
    try:
        tables = _read_tables(lake, quarter)
        tally = check_sentences(lake, record, tables.topics, tables.theme_topics, tables.sentiment)
    except SourceError as error:
        return [*checks, Check("schemas", "every column has its type", (str(error),))]
    return [
        *checks,
        Check("schemas", "every column has its type and no null where none is allowed"),
        _check(
            "rows",
            f"{sum(file['rows'] for file in record['files'].values()):,}",
            _row_problems(lake, record, tables, tally),
        ),
        _check_run_id(record, tables, tally),
        _check("chain", _chain_words(tables, tally), tally.chain_problems),
        _check("theme topics", f"{tables.theme_topics.num_rows:,} topics in themes", _theme_topic_problems(tables)),
        _check("themes", f"{tables.themes.num_rows:,} themes are cross-firm", _theme_problems(record, tables)),
        _check("sentence counts", _sentence_words(tally), _sentence_count_problems(record, tables, tally)),
        _check("firm counts", f"{tables.firms.num_rows:,} firms", _firm_count_problems(record, tables)),
        _check("topic counts", f"{tables.topics.num_rows:,} topics", _topic_count_problems(record, tables)),
        _check_sentiment(lake, record, tables, tally),
    ]


# --- files ---------------------------------------------------------------------------------------------------------


def _check_files(lake: Lake, record: Mapping[str, Any]) -> Check:
    """Sizes and hashes against run.json."""
    problems, n_missing, n_bytes = [], 0, 0
    there = files_beside(lake, record["files"])
    for path, expected in record["files"].items():
        if path not in there:
            n_missing += 1
            problems.append(f"{path} is missing")
            continue
        found = lake.fingerprint(path)
        n_bytes += found["bytes"]
        if found["sha256"] != expected["sha256"]:
            problems.append(f"{path} was changed: {found['bytes']:,} bytes with another hash than in run.json")
    seen = f"{len(record['files'])} files, {n_bytes / 1e6:,.1f} MB, have the hashes of run.json"
    return Check("files", seen, tuple(problems), files_missing=n_missing > 0)


def _check_leftovers(lake: Lake, record: Mapping[str, Any]) -> Check:
    """No file of another run beside the published ones."""
    quarter = record["quarter"]
    folders = [*(lake.table_dir(name, quarter) for name in PUBLISHED), lake.sentiment_file(quarter).rpartition("/")[0]]
    there = [f"{folder}/{name}" for folder in folders for name in lake.list_files(folder)]
    problems = [f"{path} belongs to no run; delete it" for path in there if path not in record["files"]]
    return _check("leftovers", "no file of another run", problems)


def _read_tables(lake: Lake, quarter: str) -> Tables:
    read: dict[str, pa.Table] = {}
    for name in ("firms", "topics", "themes", "theme_topics"):
        folder = lake.table_dir(name, quarter)
        table = check_table(lake.read_folder(folder), PUBLISHED[name], folder)
        read[name] = table.drop([column for column in ("embedding",) if column in table.column_names])
    path = lake.sentiment_file(quarter)
    if not lake.exists(path):
        return Tables(**read, sentiment=None)
    columns = [name for name in SENTIMENT_READY.names if name != "sentences"]
    schema = pa.schema([SENTIMENT_READY.field(name) for name in columns])
    sentiment = check_table(lake.read_table(path, columns), schema, path)
    ids = lake.read_table(path, ["sentences.list.element.sentence_id"])["sentences"]
    return Tables(**read, sentiment=sentiment.append_column("sentences", ids))


def _row_problems(lake: Lake, record: Mapping[str, Any], tables: Tables, tally: SentenceTally) -> list[str]:
    """Rows of each file against run.json."""
    named = {"firms": tables.firms, "topics": tables.topics, "themes": tables.themes}
    rows = {name: table.num_rows for name, table in (named | {"theme_topics": tables.theme_topics}).items()}
    found = {f"{lake.table_dir(name, record['quarter'])}/part-00000.parquet": n for name, n in rows.items()}
    found |= tally.rows
    if tables.sentiment is not None:
        found[lake.sentiment_file(record["quarter"])] = tables.sentiment.num_rows
    said = {path: file["rows"] for path, file in record["files"].items()}
    return [f"{path} has {found.get(path)} rows, run.json says {n}" for path, n in said.items() if found.get(path) != n]


def _check_run_id(record: Mapping[str, Any], tables: Tables, tally: SentenceTally) -> Check:
    """One run, one quarter, in every row of every table."""
    problems = []
    named = {"firms": tables.firms, "topics": tables.topics, "themes": tables.themes}
    for name, table in (named | {"theme_topics": tables.theme_topics}).items():
        for column in ("run_id", "quarter"):
            others = [value for value in table[column].unique().to_pylist() if value != record[column]]
            problems += [f"{name} has rows of {column} {value}, run.json says {record[column]}" for value in others]
    problems += [f"sentences have rows of run {value}" for value in sorted(tally.run_ids - {record["run_id"]})]
    return _check("run id", f"{record['run_id']} in every row", problems)


# --- themes --------------------------------------------------------------------------------------------------------


def _theme_topic_problems(tables: Tables) -> list[str]:
    """Every topic of a theme exists with its count, and is in one theme only."""
    n_sentences = {
        (row["firm_id"], row["topic_id"]): row["n_sentences"]
        for row in tables.topics.select(["firm_id", "topic_id", "n_sentences"]).to_pylist()
    }
    theme_ids = set(tables.themes["theme_id"].to_pylist())
    problems, seen = [], set()
    for row in tables.theme_topics.to_pylist():
        key = (row["firm_id"], row["topic_id"])
        name = f"{row['theme_id']}, topic {row['topic_id']} of firm {row['firm_id']}"
        if row["theme_id"] not in theme_ids:
            problems.append(f"{name}: there is no such theme")
        if key not in n_sentences:
            problems.append(f"{name}: there is no such topic")
        elif n_sentences[key] != row["n_sentences"]:
            problems.append(f"{name}: {row['n_sentences']} sentences, table topics says {n_sentences[key]}")
        if key in seen:
            problems.append(f"{name}: the topic is in a theme already")
        if not -1.001 <= row["similarity"] <= 1.001:
            problems.append(f"{name}: similarity {row['similarity']} is not between -1 and 1")
        seen.add(key)
    return problems


def _theme_problems(record: Mapping[str, Any], tables: Tables) -> list[str]:
    """Themes have enough firms, none that dominates, and the numbers that their topics give."""
    settings = record["config"]["themes"]
    members: dict[str, list[dict[str, Any]]] = {}
    for row in tables.theme_topics.select(["theme_id", "firm_id", "topic_id", "n_sentences"]).to_pylist():
        members.setdefault(row["theme_id"], []).append(row)
    problems = []
    for theme in tables.themes.to_pylist():
        rows = members.get(theme["theme_id"], [])
        firms = Counter(row["firm_id"] for row in rows)
        largest = max(firms.values(), default=0) / max(1, len(rows))
        counted = {
            "n_firms": len(firms),
            "n_topics": len(rows),
            "n_sentences": sum(row["n_sentences"] for row in rows),
            "max_firm_ratio": largest,
        }
        wrong = [name for name, value in counted.items() if not math.isclose(theme[name], value, abs_tol=1e-9)]
        problems += [f"{theme['theme_id']}: {name} is {theme[name]}, its topics give {counted[name]}" for name in wrong]
        if len(firms) < settings["min_firms"]:
            problems.append(f"{theme['theme_id']} has {len(firms)} firms, fewer than {settings['min_firms']}")
        if largest > settings["max_firm_ratio"]:
            problems.append(f"{theme['theme_id']}: one firm has {largest:.0%} of its topics")
        inside = {f"{row['firm_id']}/{row['topic_id']}" for row in rows}
        if not set(theme["exemplar_topic_ids"]) <= inside or not set(theme["top_firms"]) <= set(firms):
            problems.append(f"{theme['theme_id']}: an exemplar topic or top firm is not in the theme")
    return problems


# --- counts --------------------------------------------------------------------------------------------------------


def _chain_words(tables: Tables, tally: SentenceTally) -> str:
    return f"{tally.n_in_topics:,} sentences belong to the {tables.topics.num_rows:,} topics that list them"


def _sentence_words(tally: SentenceTally) -> str:
    left_out = sum(tally.dropped.values())
    reasons = ", ".join(f"{reason} {n:,}" for reason, n in sorted(tally.dropped.items()))
    return f"{tally.n_in_topics:,} in topics + {tally.n_outliers:,} outliers + {left_out:,} left out ({reasons})"


def _sentence_count_problems(record: Mapping[str, Any], tables: Tables, tally: SentenceTally) -> list[str]:
    """Sentences = in topics + outliers + dropped with a reason, for each firm and in all."""
    problems = list(tally.count_problems)
    names = ("n_sentences", "n_in_topics", "n_outliers", "n_dropped")
    for firm in tables.firms.to_pylist():
        counted = tally.firms.get(firm["firm_id"], (0, 0, 0))
        if counted != tuple(firm[name] for name in names[1:]) or sum(counted) != firm["n_sentences"]:
            problems.append(f"firm {firm['firm_id']}: table firms and its sentences disagree")
    problems += [f"firm {firm_id} has sentences, but no row in table firms" for firm_id in sorted(
        set(tally.firms) - set(tables.firms["firm_id"].to_pylist())
    )]  # fmt: skip
    totals = {name: int(pc.sum(tables.firms[name]).as_py() or 0) for name in names}
    problems += _unequal(totals, record["counts"], "table firms")
    problems += _unequal({"n_sentences": totals["n_sentences"]}, record["prefetch"], "table firms")
    return problems


def _firm_count_problems(record: Mapping[str, Any], tables: Tables) -> list[str]:
    """Firms = done + failed + skipped = firms of the prefetch store; failed and skipped ones say why."""
    statuses = Counter(tables.firms["status"].to_pylist())
    counted = {"n_firms": tables.firms.num_rows} | {f"n_{name}": statuses[name] for name in FirmStatus}
    problems = _unequal(counted, record["counts"], "table firms")
    problems += _unequal({"n_firms": tables.firms.num_rows}, record["prefetch"], "table firms")
    problems += [
        f"{n} firms have the unknown status '{name}'" for name, n in statuses.items() if name not in set(FirmStatus)
    ]
    if len(set(tables.firms["firm_id"].to_pylist())) != tables.firms.num_rows:
        problems.append("a firm stands twice in table firms")
    silent = tables.firms.filter(
        pc.and_(pc.not_equal(tables.firms["status"], "done"), pc.is_null(tables.firms["reason"]))
    )
    problems += [f"firm {firm_id} was not done and no reason is given" for firm_id in silent["firm_id"].to_pylist()]
    return problems


def _topic_count_problems(record: Mapping[str, Any], tables: Tables) -> list[str]:
    """Topics = in themes + like no others + in groups that are no theme; topics per firm as table firms says."""
    counts = record["counts"]
    counted = {"n_topics": tables.topics.num_rows, "n_topics_in_themes": tables.theme_topics.num_rows}
    problems = _unequal(counted, counts, "the tables")
    parts = counts["n_topics_in_themes"] + counts["n_topics_outliers"] + sum(counts["n_topics_in_invalid"].values())
    if parts != counts["n_topics"]:
        problems.append(f"run.json: the parts of n_topics add up to {parts:,}, not {counts['n_topics']:,}")
    per_firm = Counter(tables.topics["firm_id"].to_pylist())
    for firm in tables.firms.select(["firm_id", "n_topics"]).to_pylist():
        if per_firm[firm["firm_id"]] != firm["n_topics"]:
            problems.append(
                f"firm {firm['firm_id']}: {per_firm[firm['firm_id']]} topics, table firms says {firm['n_topics']}"
            )
    return problems


def _check_sentiment(lake: Lake, record: Mapping[str, Any], tables: Tables, tally: SentenceTally) -> Check:
    """The table per stock is there if and only if the source links firms; docs/sentiment-ready.md has its criteria."""
    if not record["prefetch"]["linked"]:
        problems = ["it is there, though the source links no firms"] if tables.sentiment is not None else []
        return _check("sentiment-ready", "none, as the source links no firms to PERMNO", problems)
    if tables.sentiment is None:
        return _check("sentiment-ready", "", ["it is not there"])
    problems = tally.sentiment_problems + event_problems(lake, record["quarter"], tables.sentiment)
    seen = f"{tables.sentiment.num_rows:,} rows, each with PERMNO and one event date of a covered call"
    return _check("sentiment-ready", f"{seen}; {tally.n_sentiment:,} sentences", problems)


def _unequal(counted: Mapping[str, int], said: Mapping[str, Any], where: str) -> list[str]:
    return [
        f"run.json says {name} {said.get(name)}, {where} gives {value}"
        for name, value in counted.items()
        if said.get(name) != value
    ]


def _check(name: str, seen: str, problems: Iterable[str]) -> Check:
    every = list(problems)
    more = [f"and {len(every) - _LISTED} more like these"] if len(every) > _LISTED else []
    return Check(name, seen, tuple(every[:_LISTED] + more))
