"""Whether two ROOTs hold the same results: run before an entry goes into ftm_ray/lake/code_version.py.

    python tests/compare_roots.py ROOT_BEFORE ROOT_NOW

Compares every Parquet file of processed/, sentiment-ready/ and the parts, column by column, but for the ids of the run
and what was measured with a clock. Prints one line per difference and ends with 1 if there is one.
"""

import sys
from pathlib import Path

import pyarrow.parquet as pq

#: Made of the code's version, or seconds of a clock.
NOT_COMPARED = {"run_id", "embed_s", "cluster_s"}


def tables_of(root: Path) -> dict[str, Path]:
    """Result files by their path without the id of the map."""
    found = {}
    for folder in ("processed", "sentiment-ready", "intermediate/firm-topics"):
        for path in sorted((root / folder).rglob("*.parquet")):
            parts = [part for part in path.relative_to(root).parts if not part.startswith("map=")]
            found["/".join(parts)] = path
    return found


def differences(before: Path, now: Path) -> list[str]:
    """What differs, a line each."""
    ours, theirs = tables_of(now), tables_of(before)
    lines = [f"only in one of them: {name}" for name in sorted(set(ours) ^ set(theirs))]
    for name in sorted(set(ours) & set(theirs)):
        a, b = pq.ParquetFile(theirs[name]).read(), pq.ParquetFile(ours[name]).read()
        columns = [column for column in a.column_names if column not in NOT_COMPARED]
        if columns != [column for column in b.column_names if column not in NOT_COMPARED]:
            lines.append(f"{name}: columns {a.column_names} and {b.column_names}")
            continue
        lines += [f"{name}: {column}" for column in columns if not a[column].equals(b[column])]
    return lines


if __name__ == "__main__":
    found = differences(Path(sys.argv[1]), Path(sys.argv[2]))
    n_tables = len(tables_of(Path(sys.argv[2])))
    print(*found, f"{n_tables} files compared, {len(found)} differences", sep="\n")
    sys.exit(1 if found or not n_tables else 0)
