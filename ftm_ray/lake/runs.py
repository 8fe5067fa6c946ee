"""The identity of a run, and where its files lie.

A run's id is made of what decides its result: quarter, configuration, the digest of the prefetch store, and the code
of the steps. So the same work has the same id on every machine, a changed setting never mixes with old parts, and a
rerun knows that there is nothing to do. The map has an id of its own, without the theme settings: trying other
themes must not cost the map again (ADR 0005).
"""

import hashlib
import json
import logging
import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from ftm_ray.errors import DamagedError, SourceError
from ftm_ray.lake.code_version import code_version, map_code_version
from ftm_ray.lake.storage import Lake, check_quarter
from ftm_ray.schemas.store import Batch, Manifest

if TYPE_CHECKING:
    from ftm_ray.config import RunConfig  # loads pydantic, which those who only read need not wait for

logger = logging.getLogger(__name__)

#: What readers need of run.json, and of sentiment.json; a point stands between a name and one inside it.
RUN_RECORD: dict[str, type] = {
    **dict.fromkeys(("run_id", "map_id", "quarter"), str),
    **dict.fromkeys(("config", "prefetch", "counts", "quality", "files"), dict),
    **{"config.embed.model": str, "config.llm.model": str, "config.themes": dict},
    **{"prefetch.digest": str, "prefetch.linked": bool, "quality.n_themes": int},
    **dict.fromkeys(
        (f"counts.n_{what}" for what in ("firms", "done", "failed", "skipped", "sentences", "topics")), int
    ),
    **dict.fromkeys((f"counts.n_{what}" for what in ("in_topics", "outliers", "dropped")), int),
    **{"counts.n_topics_in_themes": int, "counts.n_topics_outliers": int, "counts.n_topics_in_invalid": dict},
}
SENTIMENT_RECORD: dict[str, type] = {
    **{"run_id": str, "counts": dict, "model": dict, "files": dict},
    **{"counts.n_sentences": int, "model.digest": str},
}


@dataclass(frozen=True, slots=True)
class RunIds:
    """The ids of a run and of its map."""

    run_id: str
    map_id: str


def run_ids(config: "RunConfig", manifest: Manifest) -> RunIds:
    """The ids that this configuration gives on this prefetch store."""
    base = {"quarter": manifest.quarter, "prefetch": manifest.digest}
    return RunIds(
        run_id=f"{manifest.quarter}-{_digest(base | {'code': code_version()} | config.for_run())}",
        map_id=f"{manifest.quarter}-{_digest(base | {'code': map_code_version()} | config.for_map())}",
    )


def is_published(lake: Lake, manifest: Manifest, ids: RunIds) -> bool:
    """Whether this very run is whole: its record, all files that it lists, and the tables are still its own."""
    path = lake.run_file(manifest.quarter, ids.run_id)
    try:
        if not lake.exists(path) or published_run_id(lake, manifest.quarter) != ids.run_id:
            return False
        record = lake.read_json(path)
        if record.get("digest") != record_digest(record):  # versions that wrote none gave their runs other ids
            raise DamagedError(f"{lake.full_path(path)} was changed since it was written")
    except DamagedError as error:
        logger.warning("the quarter is published again: %s", error)
        return False
    files = record["files"]
    return not set(files) - files_beside(lake, files)


def files_beside(lake: Lake, paths: Iterable[str]) -> set[str]:
    """All files in the folders of these paths: one listing a folder, where `exists` would be a request a file."""
    folders = {path.rpartition("/")[0] for path in paths}
    return {f"{folder}/{name}" for folder in folders for name in lake.list_files(folder)}


def published_run_id(lake: Lake, quarter: str) -> str | None:
    """The run that the tables under processed/ come from, or None. Firms are published first, so they tell."""
    path = f"{lake.table_dir('firms', quarter)}/part-00000.parquet"
    if not lake.exists(path):
        return None
    run_ids = lake.read_texts(path, "run_id")
    return run_ids[0] if run_ids else None


def published_record(lake: Lake, quarter: str) -> dict[str, Any]:
    """The record (run.json) of the run that the published tables come from.

    Raises:
        SourceError: Nothing is published, or its publication was not finished.
    """
    run_id = published_run_id(lake, check_quarter(quarter))
    command = f"`ftm run {quarter} --root {shlex.quote(lake.root)}`"
    if run_id is None:
        raise SourceError(f"nothing of {quarter} is published in {lake.root}; run {command} first")
    path = lake.run_file(quarter, run_id)
    if not lake.exists(path):
        raise SourceError(
            f"the publication of {quarter} in {lake.root} is not finished: {path} is not there; {command} finishes it"
        )
    return read_record(lake, path)


def finished_record(lake: Lake, quarter: str) -> dict[str, Any] | None:
    """As `published_record`; None where nothing is published, or its publication was not finished.

    Raises:
        SourceError: run.json cannot be read, or is no such record.
    """
    run_id = published_run_id(lake, quarter)
    path = lake.run_file(quarter, run_id or "")
    return read_record(lake, path) if run_id and lake.exists(path) else None


def read_record(lake: Lake, path: str, names: Mapping[str, type] = RUN_RECORD) -> dict[str, Any]:
    """A record of what was published, with what every reader needs of it.

    Args:
        lake: Where it lies.
        path: run.json or another.
        names: What it must hold, with the type of each; as RUN_RECORD.

    Raises:
        SourceError: It is not there or cannot be read, or it is no such record.
    """
    record = lake.read_json(path)
    wrong = [name for name, kind in names.items() if not isinstance(_inside(record, name), kind)]
    if not wrong and not all(map(_is_file_record, record["files"].values())):
        wrong = ["files"]
    if wrong:
        raise DamagedError(
            f"{lake.full_path(path)} is no record of what was published: {', '.join(wrong)} missing or of another "
            "type; delete it and run the command again that made it"
        )
    return record


def _is_file_record(file: Any) -> bool:
    """Whether it says of a file how large it is, and what its hash is."""
    kinds = {"bytes": int, "rows": int, "sha256": str}
    return isinstance(file, dict) and all(isinstance(file.get(name), kind) for name, kind in kinds.items())


def _inside(record: Any, name: str) -> Any:
    """The value at a name such as config.embed.model; None where there is none."""
    for part in name.split("."):
        record = record.get(part) if isinstance(record, dict) else None
    return record


def with_digest(record: Mapping[str, Any]) -> dict[str, Any]:
    """A record with a digest of all else in it, so that `ftm verify` sees a changed byte."""
    return {**record, "digest": record_digest(record)}


def record_digest(record: Mapping[str, Any]) -> str:
    """Hash of what a record says, whatever the order of its keys."""
    content = {name: value for name, value in record.items() if name != "digest"}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class RunFiles:
    """Where the part files and the published tables of one run lie."""

    lake: Lake
    manifest: Manifest
    map_id: str
    run_id: str

    @property
    def quarter(self) -> str:
        """The quarter, such as 2023Q1."""
        return self.manifest.quarter

    def part_path(self, batch: Batch) -> str:
        """The part file of a batch."""
        return f"{self.lake.parts_dir(self.quarter, self.map_id)}/{part_name(batch)}"

    def vectors_path(self, batch: Batch) -> str:
        """The vectors of a batch's sentences, where the run keeps them."""
        return f"{self.lake.vectors_dir(self.quarter, self.map_id)}/{part_name(batch)}"

    def parts(self) -> Iterator[tuple[Batch, pa.Table]]:
        """All parts in order, one in memory at a time; each is read whole, which on S3 is one or two requests."""
        for batch in self.manifest.batches:
            yield batch, self.lake.read_sealed(self.part_path(batch))

    def stored_firms(self) -> Iterator[tuple[Batch, pa.Table]]:
        """All batches of the prefetch store in order, one in memory at a time; each chunk is opened once."""
        for chunk, batches in groupby(self.manifest.batches, key=lambda batch: batch.chunk):
            of_chunk = list(batches)
            path = f"{self.lake.prefetch_dir(self.quarter)}/{chunk}"
            row_groups = [batch.row_group for batch in of_chunk]
            yield from zip(of_chunk, self.lake.read_row_groups(path, row_groups), strict=True)

    def table_path(self, name: str, number: int = 0) -> str:
        """A file of a published table."""
        return f"{self.lake.table_dir(name, self.quarter)}/part-{number:05d}.parquet"


def part_name(batch: Batch) -> str:
    """File name of a batch's part; its existence says that the batch is done."""
    return f"part-{batch.number:05d}.parquet"


def _digest(value: Mapping[str, Any]) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]
