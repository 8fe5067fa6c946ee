"""The part of `ftm verify` that looks at what only runs read: parts, vectors, kept answers, scores of sentences.

Each of these files says itself whether it was damaged since (`lake/sealed_files.py`); one of an earlier version that
has no seal must at least be readable. Where they were deleted to save space there is nothing to check.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ftm_ray.errors import DamagedError, SourceError
from ftm_ray.lake.runs import part_name
from ftm_ray.lake.storage import Lake
from ftm_ray.naming.kept_answers import read_answers
from ftm_ray.results.verify.check import Check, make_check
from ftm_ray.schemas.columns import check_table
from ftm_ray.schemas.sentiment import SCORED_TEXTS
from ftm_ray.schemas.store import Batch
from ftm_ray.sources.manifest import read_manifest


def check_intermediate(lake: Lake, record: Mapping[str, Any]) -> list[Check]:
    """Checks of the files of the published map and of the quarter's answers and scores, each where there are any.

    Args:
        lake: Where the quarter is published.
        record: run.json.
    """
    quarter, map_id = record["quarter"], record["map_id"]
    parts, vectors = lake.parts_dir(quarter, map_id), lake.vectors_dir(quarter, map_id)
    batches = {part_name(batch): batch for batch in _batches(lake, record)}

    def read_part(path: str) -> None:
        found = lake.read_sealed(path)["firm_id"].to_pylist()
        batch = batches.get(path.rpartition("/")[2])
        if batch is not None and found != list(batch.firm_ids):
            raise DamagedError(f"{path} holds other firms than its batch; delete it")

    scores = lake.scores_dir(quarter, "").removesuffix("/model=")
    kinds: list[tuple[str, list[str], Callable[[str], object], list[str]]] = [
        ("parts", _files(lake, [parts]), read_part, [f"{parts}/{name}" for name in batches]),
        ("kept vectors", _files(lake, [vectors]), lake.read_sealed, [f"{vectors}/{name}" for name in batches]),
        ("kept answers", _files(lake, [lake.answers_dir(quarter)]), lambda path: read_answers(lake, path), []),
        (
            "kept scores",
            _files(lake, [f"{scores}/{name}" for name in lake.list_folders(scores)]),
            lambda path: check_table(lake.read_sealed(path), SCORED_TEXTS, path),
            [],
        ),
    ]
    return [_check(*kind) for kind in kinds if kind[1]]


def _files(lake: Lake, folders: Iterable[str]) -> list[str]:
    return [f"{folder}/{name}" for folder in folders for name in lake.list_files(folder)]


def _check(name: str, paths: list[str], read: Callable[[str], object], expected: list[str]) -> Check:
    problems = [
        f"{path} is missing; what is published does not need it, and without its folder nobody asks for it: delete that"
        for path in expected
        if path not in paths
    ]
    for path in paths:
        try:
            read(path)
        except SourceError as error:
            problems.append(str(error))
    return make_check(name, f"{len(paths)} files are as they were written", problems)


def _batches(lake: Lake, record: Mapping[str, Any]) -> tuple[Batch, ...]:
    """The batches of the published map; none where its prefetch store is not there any more to say which they are."""
    try:
        manifest = read_manifest(lake, record["quarter"])
    except SourceError:
        return ()  # `store.py` says what is wrong with it
    return manifest.batches if manifest.digest == record["prefetch"]["digest"] else ()
