"""The published tables as `ftm verify` reads them, and whether their rows are those of the run."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from ftm_ray.errors import SourceError
from ftm_ray.lake.published_files import read_published_columns, read_published_folder
from ftm_ray.lake.published_rows import column_fault
from ftm_ray.lake.storage import Lake
from ftm_ray.results.published import vector_files
from ftm_ray.results.verify.check import Check, make_check
from ftm_ray.results.verify.sentences import SentenceTally
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
        table = read_published_folder(lake, folder, PUBLISHED[name])
        faults = ((field.name, column_fault(table[field.name], field)) for field in PUBLISHED[name])
        for column, fault in faults:
            if fault:
                raise SourceError(f"{folder}: column '{column}' {fault}")
        read[name] = table.drop([column for column in ("embedding",) if column in table.column_names])
    path = lake.sentiment_file(quarter)
    if not lake.exists(path):
        return Tables(**read, sentiment=None)
    schema = pa.schema([field for field in SENTIMENT_READY if field.name != "sentences"])
    sentiment = read_published_columns(lake, path, schema)
    ids = lake.read_table(path, ["sentences.list.element.sentence_id"])["sentences"]
    return Tables(**read, sentiment=sentiment.append_column("sentences", ids))


def row_problems(lake: Lake, record: Mapping[str, Any], tables: Tables, tally: SentenceTally) -> list[str]:
    """Rows of each file against run.json."""
    named = {"firms": tables.firms, "topics": tables.topics, "themes": tables.themes}
    rows = {name: table.num_rows for name, table in (named | {"theme_topics": tables.theme_topics}).items()}
    found = {f"{lake.table_dir(name, record['quarter'])}/part-00000.parquet": n for name, n in rows.items()}
    found |= tally.rows
    if tables.sentiment is not None:
        found[lake.sentiment_file(record["quarter"])] = tables.sentiment.num_rows
    vectors = set(vector_files(lake, record))  # `vectors.py` counts those
    recorded = {path: file["rows"] for path, file in record["files"].items() if path not in vectors}
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
