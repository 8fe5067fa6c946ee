"""The files of published tables as DuckDB and pyarrow read them: those that a record lists, none that lies beside."""

from collections.abc import Iterable
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds

from ftm_ray.lake.runs import SENTIMENT_RECORD, read_record
from ftm_ray.lake.storage import Lake


def with_sentiment(lake: Lake, record: dict[str, Any]) -> dict[str, Any]:
    """run.json with the files of the sentiment of these very themes, where that was made."""
    path = lake.sentiment_record(record["quarter"], record["run_id"])
    if not lake.exists(path):
        return record
    return record | {"files": record["files"] | read_record(lake, path, SENTIMENT_RECORD)["files"]}


def dataset(lake: Lake, records: Iterable[dict[str, Any]], name: str, schema: pa.Schema) -> ds.FileSystemDataset:
    """One table over all quarters; each folder says its quarter, which becomes a column, and others are not opened."""
    found: list[tuple[str, str]] = []
    for record in records:
        quarter = record["quarter"]
        folder = lake.sentiment_file(quarter) if name == "sentiment_ready" else f"{lake.table_dir(name, quarter)}/"
        found += [(quarter, path) for path in record["files"] if path.startswith(folder)]
    return files_dataset(lake, found, schema)


def files_dataset(lake: Lake, found: Iterable[tuple[str, str]], schema: pa.Schema) -> ds.FileSystemDataset:
    """Files, each with its quarter, as one table."""
    parquet, files, fragments = ds.ParquetFileFormat(), lake.filesystem(), []
    for quarter, path in found:
        holds = ds.field("quarter") == quarter
        fragments.append(parquet.make_fragment(path, files, partition_expression=holds))
    return ds.FileSystemDataset(fragments, schema, parquet, files)
