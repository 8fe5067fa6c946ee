"""The part of `ftm verify` that looks at what `ftm sentiment` published: files, rows, and sums made again."""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from ftm_ray.errors import SourceError
from ftm_ray.lake.published_files import read_published, read_published_folder
from ftm_ray.lake.runs import SENTIMENT_RECORD, read_record
from ftm_ray.lake.storage import Lake
from ftm_ray.results.published import topic_keys
from ftm_ray.results.verify.check import Check, make_check
from ftm_ray.results.verify.files import check_files, check_record
from ftm_ray.results.verify.tables import Tables
from ftm_ray.schemas.sentiment import SENTENCE_SENTIMENT, SENTIMENT_TABLES, THEME_SENTIMENT
from ftm_ray.sentiment.aggregates import speaker_groups, theme_rows

#: Probabilities are rounded to four digits each.
_ROUNDING = 0.0002


def check_tone(lake: Lake, record: Mapping[str, Any], tables: Tables) -> list[Check]:
    """Checks of the sentiment tables; none where `ftm sentiment` was not run.

    Args:
        lake: Where the quarter is published.
        record: run.json.
        tables: The published tables, for the topics of the themes.
    """
    path = lake.sentiment_record(record["quarter"], record["run_id"])
    there = [
        f"{lake.table_dir(name, record['quarter'])}/{file}"
        for name in SENTIMENT_TABLES
        for file in lake.list_files(lake.table_dir(name, record["quarter"]))
    ]
    if not lake.exists(path):
        again = f"are of other themes or unfinished; `ftm sentiment {record['quarter']}` makes them anew"
        return [make_check("sentiment", "", [f"{len(there)} files of sentiment {again}"])] if there else []
    made = read_record(lake, path, SENTIMENT_RECORD)
    of_record = check_record(made, "sentiment.json")
    if of_record and of_record[0].problems:
        return [make_check("sentiment", "", of_record[0].problems)]
    files = check_files(lake, made, "sentiment.json")
    problems = [
        *files.problems,
        *(f"{file} belongs to no run; delete it" for file in there if file not in made["files"]),
    ]
    if problems:
        return [make_check("sentiment", files.seen, problems)]
    try:
        n_sentences, found = _row_problems(lake, record, made, tables)
    except SourceError as error:
        return [make_check("sentiment", "every column has its type", [*problems, str(error)])]
    seen = f"{n_sentences:,} sentences of themes, each with its probabilities; {files.seen}"
    return [make_check("sentiment", seen, problems + found)]


def _row_problems(
    lake: Lake, record: Mapping[str, Any], made: Mapping[str, Any], tables: Tables
) -> tuple[int, list[str]]:
    """Every sentence of a theme once and no other; themes' rows as their sentences give them."""
    problems, parts, n_sentences = [], [], 0
    members = {(row["firm_id"], row["topic_id"]): row for row in tables.theme_topics.to_pylist()}
    folder, quarter = lake.table_dir("sentences", record["quarter"]), record["quarter"]
    for number, path in enumerate(path for path in record["files"] if path.startswith(f"{folder}/")):
        expected = _theme_sentences(lake, path, members)
        scored_path = f"{lake.table_dir('sentence_sentiment', quarter)}/part-{number:05d}.parquet"
        scored = read_published(lake, scored_path, SENTENCE_SENTIMENT)
        n_sentences += scored.num_rows
        keys = ["sentence_id", "firm_id", "theme_id"]
        if scored.select(keys).to_pydict() != expected.select(keys).to_pydict():
            problems.append(f"{scored_path} does not hold the theme sentences of {path}, each once and in order")
            continue
        problems += _value_problems(scored, scored_path, record, made)
        names = [name for name in scored.column_names if name not in expected.column_names]
        for name in names:
            expected = expected.append_column(name, scored[name])
        parts.append(theme_rows(expected))
    problems += _theme_problems(lake, quarter, parts) if not problems else []
    recorded = made["counts"]["n_sentences"]
    if n_sentences != recorded:
        problems.append(f"sentiment.json says n_sentences {recorded}, its files give {n_sentences}")
    return n_sentences, problems


def _theme_sentences(lake: Lake, path: str, members: Mapping[tuple[str, int], Mapping[str, Any]]) -> pa.Table:
    columns = ["sentence_id", "firm_id", "transcript_id", "call_date", "speaker_type", "topic_id"]
    table = lake.read_table(path, columns)
    found = [members.get(key) for key in topic_keys(table)]
    table = table.filter(pa.array([member is not None for member in found], pa.bool_()))
    of_theme = [member for member in found if member is not None]
    for name, kind in (("theme_id", pa.string()), ("permno", pa.int64())):
        table = table.append_column(name, pa.array([member[name] for member in of_theme], kind))
    return table.append_column("speaker_group", speaker_groups(table["speaker_type"]))


def _value_problems(scored: pa.Table, path: str, record: Mapping[str, Any], made: Mapping[str, Any]) -> list[str]:
    names = ("p_pos", "p_neg", "p_neu")
    values = [pc.fill_null(scored[name], 0.0) for name in names]
    total = pc.add(pc.add(values[0], values[1]), values[2])
    outside = pc.sum(pc.cast(pc.greater(pc.abs(pc.subtract(total, 1.0)), _ROUNDING), pa.int64())).as_py() or 0
    outside += sum(pc.sum(pc.cast(pc.less(column, 0.0), pa.int64())).as_py() or 0 for column in values)
    problems = [f"{path}: {outside} rows whose probabilities are not 0 to 1 and together 1"] if outside else []
    for column, expected in (("run_id", record["run_id"]), ("model_digest", made["model"]["digest"])):
        others = [value for value in scored[column].unique().to_pylist() if value != expected]
        problems += [f"{path} has rows of {column} {value}, expected {expected}" for value in others]
    return problems


def _theme_problems(lake: Lake, quarter: str, parts: list[pa.Table]) -> list[str]:
    """The table of themes against the sums of its sentences."""
    folder = lake.table_dir("theme_sentiment", quarter)
    published = read_published_folder(lake, folder, THEME_SENTIMENT)
    again = pa.concat_tables(parts) if parts else published.slice(0, 0)
    columns = [name for name in THEME_SENTIMENT.names if name in again.column_names]
    rows = {_key(row): row for row in again.select(columns).to_pylist()}
    problems = []
    for row in published.select(columns).to_pylist():
        expected = rows.pop(_key(row), None)
        if expected is None:
            problems.append(f"theme_sentiment: {', '.join(_key(row))} has no sentences, or stands there twice")
        elif wrong := [name for name in columns if not _is_same(row[name], expected[name])]:
            problems.append(f"theme_sentiment: {', '.join(_key(row))}: {', '.join(wrong)} are not its sentences'")
    return problems + [f"theme_sentiment: no row for {', '.join(key)}" for key in rows]


def _key(row: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(str(row[name]) for name in ("theme_id", "firm_id", "transcript_id", "speaker_group"))


def _is_same(value: Any, expected: Any) -> bool:
    if isinstance(value, float) and isinstance(expected, float):
        return abs(value - expected) < 1e-9
    return bool(value == expected)
