"""The manifest of a quarter's prefetch store: which firm lies where, with counts and hashes.

It is written last, so that its existence says that the store is whole. It holds no clock, and its digest covers
what the store holds and not how it came about: the same content is the same store, and runs made from it stay valid.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from ftm_ray.errors import DamagedError, SourceError
from ftm_ray.lake.storage import Lake, check_quarter
from ftm_ray.schemas.store import Batch, Manifest

STORE_VERSION = 1
#: What the manifest says of how the store came about, and its digest does not cover.
_ABOUT_THE_INPUT = ("digest", "inputs", "input", "input_notes")


def chunk_name(chunk: int) -> str:
    """File name of a chunk."""
    return f"chunk_{chunk:04d}.parquet"


def read_manifest(lake: Lake, quarter: str) -> Manifest:
    """Read what the prefetch store of a quarter holds.

    Raises:
        SourceError: There is no finished store, it was written by another version, or the manifest was changed.
    """
    value = read_manifest_json(lake, quarter)
    row_groups = [
        (chunk["name"], number, group) for chunk in value["chunks"] for number, group in enumerate(chunk["row_groups"])
    ]
    members: dict[tuple[str, int], list[str]] = {(name, number): [] for name, number, _ in row_groups}
    for firm_id, (chunk, row_group, _) in value["firms"].items():
        members[(chunk_name(chunk), row_group)].append(firm_id)
    batches = tuple(
        Batch(number, name, row_group, tuple(members[(name, row_group)]), group["n_sentences"])
        for number, (name, row_group, group) in enumerate(row_groups)
    )
    names = ("quarter", "source", "linked", "digest", "n_firms", "n_calls", "n_sentences")
    return Manifest(**{name: value[name] for name in names}, batches=batches)


def read_manifest_json(lake: Lake, quarter: str) -> dict[str, Any]:
    """The manifest as it was written, checked.

    Raises:
        SourceError: As `read_manifest`.
    """
    path = f"{Lake.prefetch_dir(check_quarter(quarter))}/manifest.json"
    if not lake.exists(path):
        raise SourceError(f"no transcripts of {quarter} in {lake.root}; run `ftm prefetch {quarter}` first")
    value = lake.read_json(path)
    if value.get("version") != STORE_VERSION:
        raise DamagedError(
            f"{lake.full_path(path)} has version {value.get('version')}, expected {STORE_VERSION}; "
            f"run `ftm prefetch {quarter}` again"
        )
    if value.get("digest") != _digest(value):
        raise DamagedError(
            f"{lake.full_path(path)} was changed by hand; delete it and run `ftm prefetch {quarter}` again"
        )
    return value


def check_chunks(lake: Lake, quarter: str) -> int:
    """Compare the chunks with the hashes of the manifest: a byte that changed would be in every result.

    Returns:
        Their bytes.

    Raises:
        SourceError: As `read_manifest`, or a chunk is missing or was changed; all of them are named.
    """
    folder = Lake.prefetch_dir(quarter)
    chunks = read_manifest_json(lake, quarter)["chunks"]
    there = set(lake.list_files(folder))
    problems, n_bytes = [], 0
    for chunk in chunks:
        path = lake.full_path(f"{folder}/{chunk['name']}")
        if chunk["name"] not in there:
            problems.append(f"{path} is missing; run `ftm prefetch {quarter}` again")
            continue
        found = lake.fingerprint(f"{folder}/{chunk['name']}")
        n_bytes += found["bytes"]
        if found["sha256"] != chunk["sha256"]:
            problems.append(
                f"{path} was changed, its hash is not the manifest's; delete it and run `ftm prefetch {quarter}` again"
            )
    if problems:
        raise SourceError("\n".join(problems))
    return n_bytes


def _digest(manifest: Mapping[str, Any]) -> str:
    """Hash of what the store holds; the same content made from other inputs or by other code is the same store."""
    content = {name: value for name, value in manifest.items() if name not in _ABOUT_THE_INPUT}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def write_manifest(lake: Lake, manifest: Mapping[str, Any]) -> None:
    """Write a manifest with its digest."""
    path = f"{Lake.prefetch_dir(manifest['quarter'])}/manifest.json"
    lake.write_json(path, {**manifest, "digest": _digest(manifest)})


def chunk_entries(
    lake: Lake, quarter: str, coverage_parts: Sequence[pa.Table], firms_per_row_group: int
) -> tuple[list[dict[str, Any]], dict[str, list[int]]]:
    """Say from their coverage what the chunks hold.

    Returns:
        The chunks with size, hash and row groups, and of each firm its chunk, row group and number of sentences.
    """
    chunks: list[dict[str, Any]] = []
    firms: dict[str, list[int]] = {}
    for chunk, part in enumerate(coverage_parts):
        counts = list(_sentences_of_firms(part).items())
        row_groups: list[dict[str, int]] = []
        for start in range(0, len(counts), firms_per_row_group):
            members = counts[start : start + firms_per_row_group]
            firms |= {firm_id: [chunk, len(row_groups), n] for firm_id, n in members}
            row_groups.append({"n_firms": len(members), "n_sentences": sum(n for _, n in members)})
        path = f"{Lake.prefetch_dir(quarter)}/{chunk_name(chunk)}"
        chunks.append({"name": chunk_name(chunk), **lake.fingerprint(path), "row_groups": row_groups})
    return chunks, firms


def _sentences_of_firms(coverage: pa.Table) -> dict[str, int]:
    """Kept sentences of each kept firm, in the order of the chunk."""
    counts: dict[str, int] = {}
    for row in coverage.select(["firm_id", "kept", "n_sentences_kept"]).to_pylist():
        if row["kept"]:
            counts[row["firm_id"]] = counts.get(row["firm_id"], 0) + row["n_sentences_kept"]
    return counts
