"""The DDL for Athena and Glue has every column that is published, with its type, and projects the quarters."""

import re
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from ftm_ray.history.registry import Entry, current_entries
from ftm_ray.lake.storage import Lake, check_quarter
from ftm_ray.results.query import TABLES as OF_A_RUN
from ftm_ray.schemas.history import HISTORY

TEXT = (Path(__file__).parents[3] / "cluster" / "athena.sql").read_text(encoding="utf-8")
TABLES = OF_A_RUN | HISTORY
TYPES = {
    pa.string(): "string",
    pa.int32(): "int",
    pa.int64(): "bigint",
    pa.float32(): "float",
    pa.float64(): "double",
    pa.bool_(): "boolean",
    pa.date32(): "date",
    pa.timestamp("us", tz="UTC"): "timestamp",
}


def hive_type(kind):
    """The type as Hive writes it."""
    if pa.types.is_list(kind):
        return f"array<{hive_type(kind.value_type)}>"
    if pa.types.is_struct(kind):
        return f"struct<{','.join(f'{field.name}:{hive_type(field.type)}' for field in kind)}>"
    return TYPES[kind]


def statement(name):
    [found] = re.findall(rf"CREATE EXTERNAL TABLE ftm\.{name} \((.*?)\n\)\n(.*?);", TEXT, re.DOTALL)
    return found


@pytest.mark.parametrize("name", TABLES)
def test_every_column_stands_there_with_its_type(name):
    columns, rest = statement(name)
    written = [line.strip().rstrip(",") for line in columns.strip().splitlines()]
    assert written == [f"{field.name} {hive_type(field.type)}" for field in TABLES[name] if field.name != "quarter"]
    assert "PARTITIONED BY (quarter string)" in rest  # the folder's name; a column of the same name is not allowed


@pytest.mark.parametrize("name", TABLES)
def test_quarters_are_projected_to_the_folders_that_are_written(name):
    _, rest = statement(name)
    file = Lake.sentiment_file("2023Q1") if name == "sentiment_ready" else f"{Lake.table_dir(name, '2023Q1')}/x"
    template = re.search(r"'storage.location.template' = '(.*?)'", rest)[1]
    assert template.replace("${quarter}", "2023Q1") == f"s3://BUCKET/PREFIX/{file.rpartition('/')[0]}/"
    assert template.startswith(re.search(r"LOCATION '(.*?)'", rest)[1])
    quarters = re.search(r"'projection.quarter.values' = '(.*?)'", rest)[1].split(",")
    assert [check_quarter(quarter) for quarter in quarters] == sorted(set(quarters))
    assert (quarters[0], len(quarters)) == ("2000Q1", 160)


def test_no_other_table_is_made():
    assert re.findall(r"CREATE EXTERNAL TABLE ftm\.(\w+)", TEXT) == list(TABLES)


@pytest.mark.parametrize("name", HISTORY)
def test_of_a_quarter_that_was_linked_again_the_view_shows_the_version_that_counts(name):
    """What Athena would answer: its SQL here is DuckDB's, too. Version 2 begins with the second of four quarters."""
    views = re.findall(r"CREATE OR REPLACE VIEW ftm\.\w+_now AS\n.*?;", TEXT, re.DOTALL)
    entries = [Entry(quarter, 1) for quarter in ("2023Q1", "2023Q2", "2023Q3", "2023Q4")]
    entries += [Entry("2023Q2", 2), Entry("2023Q3", 2), Entry("2023Q3", 3)]
    rows = ", ".join(f"('{entry.quarter}', {entry.version})" for entry in entries)
    with duckdb.connect() as database:
        database.execute("CREATE SCHEMA ftm")
        for table in HISTORY:
            database.execute(f"CREATE TABLE ftm.{table} AS FROM (VALUES {rows}) v(quarter, registry_version)")
        for view in views:
            database.execute(view)
        shown = database.execute(f"SELECT quarter, registry_version FROM ftm.{name}_now ORDER BY ALL").fetchall()
    assert [Entry(*row) for row in shown] == current_entries(entries)
