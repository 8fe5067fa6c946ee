"""The part of `ftm verify` that looks at the prefetch store: a byte that changed there would be in every later run."""

from ftm_ray.errors import SourceError
from ftm_ray.lake.storage import Lake
from ftm_ray.results.verify.check import Check, make_check
from ftm_ray.sources.manifest import read_manifest_json


def check_store(lake: Lake, quarter: str) -> list[Check]:
    """The chunks against the hashes of the manifest; no check where the store was moved away, as its text may be.

    Published tables may be of an earlier store; `ftm status` tells.
    """
    folder = Lake.prefetch_dir(quarter)
    if not lake.exists(f"{folder}/manifest.json"):
        return []
    try:
        chunks = read_manifest_json(lake, quarter)["chunks"]
    except SourceError as error:
        return [Check("store", "the manifest of the prefetch store", (str(error),))]
    there = set(lake.list_files(folder))
    problems, n_bytes = [], 0
    for chunk in chunks:
        path = f"{folder}/{chunk['name']}"
        if chunk["name"] not in there:
            problems.append(f"{path} is missing; run `ftm prefetch {quarter}` again")
            continue
        found = lake.fingerprint(path)
        n_bytes += found["bytes"]
        if found["sha256"] != chunk["sha256"]:
            problems.append(
                f"{path} was changed, its hash is not the manifest's; delete it and run `ftm prefetch {quarter}` again"
            )
    return [make_check("store", f"{len(chunks)} chunks of transcripts, {n_bytes / 1e6:,.1f} MB", problems)]
