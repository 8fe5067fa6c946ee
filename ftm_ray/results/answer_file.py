"""The answer to a question as a file for a spreadsheet or the next program."""

from pathlib import Path

import duckdb
import pyarrow as pa

from ftm_ray.errors import ConfigError, SourceError


def check_answer_file(path: Path) -> None:
    """Say before the question is asked that the answer could not be written.

    Raises:
        ConfigError: The name ends with neither .csv nor .parquet.
    """
    if path.suffix.lower() not in (".csv", ".parquet"):
        raise ConfigError(f"--out {path}: expected a name that ends with .csv or .parquet")


def write_answer(found: pa.Table, path: Path) -> None:
    """Write a table as CSV, lists as text, or as Parquet. DuckDB does it, in a connection that knows nothing else.

    Raises:
        SourceError: It cannot be written there.
    """
    relation = duckdb.connect(":memory:").from_arrow(found)
    try:
        if path.suffix.lower() == ".csv":
            relation.write_csv(str(path), header=True)
        else:
            relation.write_parquet(str(path))
    except duckdb.Error as error:
        raise SourceError(f"cannot write {path}: {' '.join(str(error).split())}") from error
