"""All quarters of every table open as one table in what researchers have: pandas, pyarrow, polars, DuckDB.

Spark and Athena take the quarter from the folder's name, and a table must not hold it a second time; that is checked
on the files.
"""

from pathlib import Path

import duckdb
import pandas as pd
import polars
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from invented import QUARTER
from published import NEXT, copy_run, publish

import ftm_ray
from ftm_ray.lake.published_files import read_published
from ftm_ray.lake.storage import Lake
from ftm_ray.schemas.published import PUBLISHED, THEMES
from ftm_ray.schemas.sentiment import SENTIMENT_READY

TABLES = {**PUBLISHED, "sentiment_ready": SENTIMENT_READY}
FOLDERS = {name: "sentiment-ready" if name == "sentiment_ready" else f"processed/{name}" for name in TABLES}


def with_pandas(path, options):
    return pa.Table.from_pandas(pd.read_parquet(path, **options), preserve_index=False)


def with_pyarrow(path, _):
    return pq.read_table(path)


def with_dataset(path, _):
    return ds.dataset(path, partitioning="hive").to_table()


def with_polars(path, options):
    return polars.read_parquet(f"{path}/**/*.parquet", hive_partitioning=True, **options).to_arrow()


def with_polars_folder(path, options):
    return polars.read_parquet(f"{path}/", **options).to_arrow()


def with_polars_lazily(path, options):
    return polars.scan_parquet(f"{path}/", hive_partitioning=True, **options).collect().to_arrow()


def with_duckdb(path, _):
    """Over pyarrow on S3: DuckDB's own way there is an extension to download."""
    if "://" in path:
        return duckdb.from_arrow(ds.dataset(path, partitioning="hive")).to_arrow_table()
    return duckdb.sql(f"SELECT * FROM '{path}/*/*.parquet'").to_arrow_table()


def with_duckdb_as_told(path, options):
    if "://" in path:
        return with_duckdb(path, options)
    return duckdb.sql(f"FROM read_parquet('{path}/**/*.parquet', hive_partitioning = true)").to_arrow_table()


READERS = [with_pandas, with_pyarrow, with_dataset, with_polars, with_polars_folder, with_polars_lazily]
READERS += [with_duckdb, with_duckdb_as_told]


WITH_OPTIONS = (with_polars, with_polars_folder, with_polars_lazily)


@pytest.fixture
def lake(six_firms_run, config):
    run = publish(six_firms_run, config)
    copy_run(run.lake, run.lake, run.run_id, NEXT)
    return run.lake


@pytest.fixture
def remote(lake, s3):
    """The same two quarters in a bucket."""
    s3_lake = Lake(s3.root("open-everywhere"))
    for path in FOLDERS.values():
        for folder in lake.list_folders(path):
            for name in lake.list_files(f"{path}/{folder}"):
                s3_lake.write_table(f"{path}/{folder}/{name}", lake.read_table(f"{path}/{folder}/{name}"))
    return s3_lake


def assert_same(table, lake, name):
    """Every row of both quarters and every documented column."""
    expected = getattr(ftm_ray.open_results(lake.root), name).to_arrow_table()
    assert set(table.column_names) == set(TABLES[name].names)
    assert table.num_rows == expected.num_rows > 0
    assert sorted(map(str, table["quarter"].to_pylist())) == sorted(expected["quarter"].to_pylist())
    key = "theme_id" if "theme_id" in expected.column_names else "firm_id"
    found = zip(map(str, table["quarter"].to_pylist()), table[key].to_pylist(), strict=True)
    assert sorted(found) == sorted(zip(expected["quarter"].to_pylist(), expected[key].to_pylist(), strict=True))


@pytest.mark.parametrize("reader", READERS)
def test_on_a_disk(lake, reader):
    for name, folder in FOLDERS.items():
        assert_same(reader(f"{lake.root}/{folder}", {}), lake, name)


@pytest.mark.parametrize("reader", READERS)
def test_in_a_bucket(lake, remote, s3, reader):
    options = {"storage_options": s3_options(s3)} if reader in WITH_OPTIONS else {}
    for name, folder in FOLDERS.items():
        assert_same(reader(f"{remote.root}/{folder}", options), lake, name)


def s3_options(s3):
    """Where polars finds the bucket; pyarrow reads the usual variables of the environment."""
    return {
        "aws_endpoint_url": s3.url,
        "aws_access_key_id": "tester",
        "aws_secret_access_key": "secret",
        "aws_region": "eu-west-1",
        "aws_allow_http": "true",
    }


def test_no_file_holds_the_column_of_its_folder_and_all_files_of_a_table_have_one_schema(lake):
    for name, folder in FOLDERS.items():
        files = sorted(Path(lake.root, folder).glob("*/*.parquet"))
        assert {path.parent.name for path in files} == {f"quarter={QUARTER}", f"quarter={NEXT}"}
        stored = pa.schema([field for field in TABLES[name] if field.name != "quarter"])
        assert all(pq.read_schema(path) == stored for path in files)


def test_a_file_of_an_earlier_version_is_read_as_the_others(tmp_path):
    """It holds the column itself, at its place."""
    lake = Lake(str(tmp_path))
    row = {field.name: "x" if pa.types.is_string(field.type) else 1 for field in THEMES}
    row |= {field.name: [] for field in THEMES if pa.types.is_list(field.type)} | {"names_firm": None}
    table = pa.Table.from_pylist([row | {"quarter": QUARTER}], schema=THEMES)
    path = f"{lake.table_dir('themes', QUARTER)}/part-00000.parquet"
    lake.write_table(path, table)
    assert read_published(lake, path, THEMES).equals(table)
    lake.write_table(path, table.drop(["quarter"]))
    assert read_published(lake, path, THEMES).equals(table)
