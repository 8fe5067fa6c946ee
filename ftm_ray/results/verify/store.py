"""The part of `ftm verify` that looks at the prefetch store: a byte that changed there would be in every later run."""

from ftm_ray.errors import SourceError
from ftm_ray.lake.storage import Lake
from ftm_ray.results.verify.check import Check, make_check
from ftm_ray.schemas.columns import check_table, with_later_columns
from ftm_ray.schemas.store import COVERAGE
from ftm_ray.sources.manifest import check_chunks, read_manifest_json


def check_store(lake: Lake, quarter: str) -> list[Check]:
    """The chunks against the hashes of the manifest, and the coverage report against its seal.

    No check where the store was moved away, as its text may be. Published tables may be of an earlier store; `ftm
    status` tells.
    """
    folder = Lake.prefetch_dir(quarter)
    if not lake.exists(f"{folder}/manifest.json"):
        return []
    problems, n_bytes, n_chunks = [], 0, 0
    try:
        n_chunks = len(read_manifest_json(lake, quarter)["chunks"])
        n_bytes = check_chunks(lake, quarter)
    except SourceError as error:
        problems += str(error).splitlines()
    problems += _coverage_problems(lake, quarter)
    return [make_check("store", f"{n_chunks} chunks of transcripts, {n_bytes / 1e6:,.1f} MB", problems)]


def _coverage_problems(lake: Lake, quarter: str) -> list[str]:
    path = f"{Lake.prefetch_dir(quarter)}/coverage.parquet"
    try:
        check_table(with_later_columns(lake.read_sealed(path), COVERAGE), COVERAGE, path)
    except SourceError as error:
        return [str(error)]
    return []
