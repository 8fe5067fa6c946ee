"""The part of `ftm verify` that looks at files: each is there with the hash of run.json, and no other beside it."""

from collections.abc import Mapping
from typing import Any

from ftm_ray.lake.runs import files_beside, record_digest
from ftm_ray.lake.storage import Lake
from ftm_ray.results.verify.check import Check, make_check
from ftm_ray.schemas.published import PUBLISHED
from ftm_ray.schemas.vectors import SENTENCE_VECTORS


def check_files(lake: Lake, record: Mapping[str, Any], record_name: str = "run.json") -> Check:
    """Sizes and hashes against run.json, or another record with its files."""
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
            other = f"{found['bytes']:,} bytes with another hash than in {record_name}"
            problems.append(f"{path} was changed: {other}; delete it, and the command that made it makes it again")
    seen = f"{len(record['files'])} files, {n_bytes / 1e6:,.1f} MB, have the hashes of {record_name}"
    return Check("files", seen, tuple(problems), files_missing=n_missing > 0)


def check_record(record: Mapping[str, Any], name: str = "run.json") -> list[Check]:
    """The digest of the record itself; no check where an earlier version wrote none."""
    if "digest" not in record:
        return []
    is_same = record["digest"] == record_digest(record)
    problems = [] if is_same else [f"{name} was changed: its digest is not that of what it says"]
    return [make_check("record", f"{name} says what it said", problems)]


def check_leftovers(lake: Lake, record: Mapping[str, Any]) -> Check:
    """No file of another run beside the published ones."""
    quarter = record["quarter"]
    tables = (*PUBLISHED, SENTENCE_VECTORS)
    folders = [*(lake.table_dir(name, quarter) for name in tables), lake.sentiment_file(quarter).rpartition("/")[0]]
    there = [f"{folder}/{name}" for folder in folders for name in lake.list_files(folder)]
    problems = [f"{path} belongs to no run; delete it" for path in there if path not in record["files"]]
    return make_check("leftovers", "no file of another run", problems)
