"""Where a quarter stands: transcripts brought in, parts made, tables published. Works at any moment, changes nothing.

A map is one set of part files; changed settings make another one beside it, so that there can be several. Which one
a run would go on with depends on its settings, so all are shown.
"""

from collections import Counter
from dataclasses import dataclass
from typing import Any

from ftm_ray.lake.locks import lock_holder
from ftm_ray.lake.runs import part_name, published_run_id, read_record
from ftm_ray.lake.storage import Lake
from ftm_ray.lake.waits import noted_wait
from ftm_ray.run.counts import SUMMARY_SOURCE, summary_sources
from ftm_ray.schemas.columns import check_table, with_later_columns
from ftm_ray.schemas.parts import FirmStatus, SummarySource
from ftm_ray.schemas.store import COVERAGE, Manifest
from ftm_ray.sources.coverage import CoverageLine, coverage_lines
from ftm_ray.sources.manifest import read_manifest


@dataclass(frozen=True, slots=True)
class FailedFirm:
    """A firm that cost itself, and why."""

    firm_id: str
    firm_name: str | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class MapStatus:
    """How far one map has come. Firms: done + failed + skipped + left = all."""

    map_id: str
    n_batches: int
    n_batches_left: int
    n_done: int
    n_failed: int
    n_skipped: int
    n_left: int
    n_sentences_left: int
    n_topics: int
    n_named: int  # of the topics, those with a name from an LLM
    failed: tuple[FailedFirm, ...]


@dataclass(frozen=True, slots=True)
class QuarterStatus:
    """Where a quarter stands.

    Attributes:
        stage: 'prefetched', 'mapping' (parts are missing), 'mapped' (parts are whole, nothing is published),
            'publishing' (tables are there, run.json is not yet), 'published', or 'outdated' (published from transcripts
            that were since brought in anew).
        maps: Those made from the transcripts that are there now: the published one first, then the furthest.
        n_old_maps: Maps of transcripts that were since brought in anew; no run goes on with them.
        record: run.json of the published run; None before.
        running: Who works on the quarter at this moment; None if nobody does.
        waits: What it waits for and since when, on a cluster that has not all it asked for; else None.
    """

    quarter: str
    stage: str
    n_firms: int
    n_calls: int
    n_sentences: int
    source: str
    linked: bool
    coverage: tuple[CoverageLine, ...]
    maps: tuple[MapStatus, ...]
    n_old_maps: int
    record: dict[str, Any] | None
    running: str | None
    waits: str | None


def quarter_status(lake: Lake, quarter: str) -> QuarterStatus:
    """Look at everything there is of a quarter.

    Raises:
        SourceError: It was not prefetched, or ROOT cannot be read.
    """
    manifest = read_manifest(lake, quarter)
    folder = lake.parts_dir(quarter, "").removesuffix("/map=")
    names = [name.removeprefix("map=") for name in lake.list_folders(folder)]
    found = [_map_status(lake, manifest, map_id) for map_id in names]
    run_id = published_run_id(lake, quarter)
    record_path = lake.run_file(quarter, run_id or "")
    record = read_record(lake, record_path) if run_id and lake.exists(record_path) else None
    published = record["map_id"] if record else None
    maps = sorted(filter(None, found), key=lambda made: (made.map_id != published, made.n_left, made.map_id))
    running = lock_holder(lake, quarter)
    wait = noted_wait(lake, quarter) if running else None
    path = f"{lake.prefetch_dir(quarter)}/coverage.parquet"
    coverage = check_table(with_later_columns(lake.read_table(path), COVERAGE), COVERAGE, lake.full_path(path))
    return QuarterStatus(
        quarter=quarter,
        stage=_stage(maps, run_id, record, manifest),
        n_firms=manifest.n_firms,
        n_calls=manifest.n_calls,
        n_sentences=manifest.n_sentences,
        source=manifest.source,
        linked=manifest.linked,
        coverage=coverage_lines(coverage),
        maps=tuple(maps),
        n_old_maps=len(found) - len(maps),
        record=record,
        running=running,
        waits=f"{wait.what}, since {wait.since}" if wait else None,
    )


def _stage(maps: list[MapStatus], run_id: str | None, record: dict[str, Any] | None, manifest: Manifest) -> str:
    if record is not None:
        return "published" if record["prefetch"]["digest"] == manifest.digest else "outdated"
    if run_id is not None:
        return "publishing"
    if not maps:
        return "prefetched"
    return "mapping" if maps[0].n_left else "mapped"


def _map_status(lake: Lake, manifest: Manifest, map_id: str) -> MapStatus | None:
    """How far a map is; None if it was made from other transcripts than those that are there now."""
    folder = lake.parts_dir(manifest.quarter, map_id)
    there = set(lake.list_files(folder))
    expected = {part_name(batch): batch for batch in manifest.batches}
    if not there <= set(expected):
        return None
    counts: Counter[str] = Counter()
    sources: Counter[str] = Counter()
    failed = []
    for name in sorted(there):
        table = lake.read_table(f"{folder}/{name}", ["firm_id", "firm_name", "status", "reason", SUMMARY_SOURCE])
        sources.update(summary_sources(table))
        part = table.drop(["topics"]).to_pylist()
        if [firm["firm_id"] for firm in part] != list(expected[name].firm_ids):
            return None
        counts.update(firm["status"] for firm in part)
        failed += [
            FailedFirm(firm["firm_id"], firm["firm_name"], firm["reason"])
            for firm in part
            if firm["status"] == FirmStatus.FAILED
        ]
    left = [batch for name, batch in expected.items() if name not in there]
    return MapStatus(
        map_id=map_id,
        n_batches=len(manifest.batches),
        n_batches_left=len(left),
        n_done=counts[FirmStatus.DONE],
        n_failed=counts[FirmStatus.FAILED],
        n_skipped=counts[FirmStatus.SKIPPED],
        n_left=sum(len(batch.firm_ids) for batch in left),
        n_sentences_left=sum(batch.n_sentences for batch in left),
        n_topics=sources.total(),
        n_named=sources[SummarySource.LLM],
        failed=tuple(failed),
    )
