"""The published tables as `ftm verify` reads them, and whether their rows are those of the run."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from ftm_ray.lake.storage import Lake
from ftm_ray.results.verify.check import Check, make_check
from ftm_ray.results.verify.sentences import SentenceTally
from ftm_ray.schemas.columns import check_table
from ftm_ray.schemas.published import PUBLISHED
from ftm_ray.schemas.sentiment import SENTIMENT_READY


@dataclass(frozen=True, slots=True)
class Tables:
    """The published tables but sentences, without vectors; `sentiment` without texts, None where none is published."""

    firms: pa.Table
    topics: pa.Table
    themes: pa.Table
    theme_topics: pa.Table
    sentiment: pa.Table | None


def read_tables(lake: Lake, quarter: str) -> Tables:
    """Read the tables of a quarter.

    Raises:
        SourceError: A file cannot be read or has another schema.
    """
    read: dict[str, pa.Table] = {}
    for name in ("firms", "topics", "themes", "theme_topics"):
        folder = lake.table_dir(name, quarter)
        table = check_table(_with_later_columns(lake.read_folder(folder), PUBLISHED[name]), PUBLISHED[name], folder)
        read[name] = table.drop([column for column in ("embedding",) if column in table.column_names])
    path = lake.sentiment_file(quarter)
    if not lake.exists(path):
        return Tables(**read, sentiment=None)
    columns = [name for name in SENTIMENT_READY.names if name != "sentences"]
    schema = pa.schema([SENTIMENT_READY.field(name) for name in columns])
    sentiment = check_table(lake.read_table(path, columns), schema, path)
    ids = lake.read_table(path, ["sentences.list.element.sentence_id"])["sentences"]
    return Tables(**read, sentiment=sentiment.append_column("sentences", ids))


def _with_later_columns(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """What an earlier version published, with nulls in the columns that only later ones fill."""
    missing = [field for field in schema if field.nullable and field.name not in table.column_names]
    for field in missing:
        table = table.append_column(field, pa.nulls(table.num_rows, field.type))
    return table.select(schema.names) if missing and set(schema.names) == set(table.column_names) else table


def row_problems(lake: Lake, record: Mapping[str, Any], tables: Tables, tally: SentenceTally) -> list[str]:
    """Rows of each file against run.json."""
    named = {"firms": tables.firms, "topics": tables.topics, "themes": tables.themes}
    rows = {name: table.num_rows for name, table in (named | {"theme_topics": tables.theme_topics}).items()}
    found = {f"{lake.table_dir(name, record['quarter'])}/part-00000.parquet": n for name, n in rows.items()}
    found |= tally.rows
    if tables.sentiment is not None:
        found[lake.sentiment_file(record["quarter"])] = tables.sentiment.num_rows
    recorded = {path: file["rows"] for path, file in record["files"].items()}
    return [
        f"{path} has {found.get(path)} rows, run.json says {n}" for path, n in recorded.items() if found.get(path) != n
    ]


def check_run_id(record: Mapping[str, Any], tables: Tables, tally: SentenceTally) -> Check:
    """One run, one quarter, in every row of every table."""
    problems = []
    named = {"firms": tables.firms, "topics": tables.topics, "themes": tables.themes}
    for name, table in (named | {"theme_topics": tables.theme_topics}).items():
        for column in ("run_id", "quarter"):
            others = [value for value in table[column].unique().to_pylist() if value != record[column]]
            problems += [f"{name} has rows of {column} {value}, run.json says {record[column]}" for value in others]
    problems += [f"sentences have rows of run {value}" for value in sorted(tally.run_ids - {record["run_id"]})]
    return make_check("run id", f"{record['run_id']} in every row", problems)
