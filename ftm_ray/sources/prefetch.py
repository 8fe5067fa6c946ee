"""The prefetch store of a quarter: written once, read by every run.

    <root>/prefetch/transcripts/quarter=2023Q1/
        plan.json            what the chunks below are made from
        coverage/part_0000.parquet ...  coverage of each chunk; gone when coverage.parquet is there
        chunk_0000.parquet ...          200 firms each, one row per firm, row groups of up to 25 firms
        coverage.parquet     one row per call that came in: kept or dropped, and why; then calls that were never read
        manifest.json        written last; without it there is no store

A rerun with the same inputs keeps the chunks that are there and makes the others; with other inputs everything is
made again, the manifest being deleted first, so that a manifest never describes a mix. One process does it: 250,000
sentences take about 40 s of one core (docs/own-files.md).
"""

import hashlib
import json
import logging
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path

import pyarrow as pa

from ftm_ray.errors import DamagedError, SourceError
from ftm_ray.lake.locks import QuarterLock, quarter_lock
from ftm_ray.lake.storage import Lake, check_quarter
from ftm_ray.schemas.columns import check_table
from ftm_ray.schemas.store import COVERAGE, Manifest
from ftm_ray.sources.calls import Firm, NotedSource, Source
from ftm_ray.sources.chunks import coverage_part, delete_coverage_parts, is_chunk_done, write_chunk
from ftm_ray.sources.coverage import CoverageLine, coverage_lines, n_unlinked_firms
from ftm_ray.sources.firm_rows import unread_row
from ftm_ray.sources.manifest import STORE_VERSION, chunk_entries, read_manifest, read_manifest_json, write_manifest
from ftm_ray.sources.plan import Plan, Progress, make_plan
from ftm_ray.text import sentences as text

__all__ = ["PrefetchReport", "is_prefetched", "prefetch_quarter", "prefetch_under", "read_manifest"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PrefetchReport:
    """What a prefetch did and what the store holds now.

    Attributes:
        state: 'built', 'resumed' (some chunks were there) or 'unchanged' (all was there).
        folder: Where the store lies.
        manifest: The store.
        lines: Firms, calls and sentences in, kept, dropped and noted.
        input_counts: Rows of the input, and rows left out by reason.
        n_unlinked: Kept firms without PERMNO; every firm where the source links none.
        input_notes: How the input was read: files passed by, the column that names the firm.
    """

    state: str
    folder: str
    manifest: Manifest
    lines: tuple[CoverageLine, ...]
    input_counts: Mapping[str, int]
    n_unlinked: int
    input_notes: tuple[str, ...] = ()


def prefetch_quarter(
    lake: Lake, quarter: str, source: Source, on_progress: Progress, take_lock: bool = False
) -> PrefetchReport:
    """Bring a quarter's transcripts into the lake; does nothing where they already are.

    Args:
        lake: Where the store is written.
        quarter: Calendar quarter of the call dates, such as 2023Q1.
        source: Where the transcripts come from.
        on_progress: Given the stage, the firms done, and the firms in all if known.
        take_lock: Take over the lock of a run or prefetch of this quarter that died.

    Raises:
        ConfigError: The quarter is not written like 2023Q1.
        SourceError: The source has no usable call in the quarter, a run works on it, or it or the lake cannot be read
            or written.
    """
    if is_prefetched(lake, check_quarter(quarter), source):
        return _unchanged(lake, quarter)
    with quarter_lock(lake, quarter, "prefetch", take_lock) as lock:
        return prefetch_under(lock, lake, quarter, source, on_progress)


def prefetch_under(
    lock: QuarterLock, lake: Lake, quarter: str, source: Source, on_progress: Progress
) -> PrefetchReport:
    """`prefetch_quarter` for who holds the quarter's lock already, as a fetch from WRDS does.

    Raises:
        SourceError: As `prefetch_quarter`, or the lock was lost on the way.
    """
    inputs = _inputs(source, quarter)
    if _is_whole(lake, quarter, inputs):  # made by somebody else before the lock was ours
        return _unchanged(lake, quarter)

    def watched(stage: str, done: int, total: int | None) -> None:
        lock.check()
        on_progress(stage, done, total)

    return _build(lake, quarter, source, inputs, watched)


def _unchanged(lake: Lake, quarter: str) -> PrefetchReport:
    logger.info("prefetch %s: inputs unchanged, nothing to do", quarter)
    delete_coverage_parts(lake, quarter)  # a run that was killed right after its manifest left them
    return _report(lake, quarter, "unchanged")


def _build(lake: Lake, quarter: str, source: Source, inputs: str, on_progress: Progress) -> PrefetchReport:
    state = _prepare_folder(lake, quarter, inputs)
    plan = make_plan(source, quarter, inputs, on_progress)
    firms = source.firms(quarter)
    n_done = 0
    for chunk in range(plan.n_chunks):
        chunk_firms = _counted(islice(firms, plan.firms_per_chunk), n_done, plan, on_progress)
        if is_chunk_done(lake, plan, chunk):
            deque(chunk_firms, maxlen=0)  # passed over
        else:
            write_chunk(lake, plan, chunk, chunk_firms)
        n_done = min(n_done + plan.firms_per_chunk, len(plan.firm_ids))
        on_progress("cleaning", n_done, len(plan.firm_ids))
    _publish(lake, plan, source)
    logger.info("prefetch %s: %s, %d firms came in", quarter, state, n_done)
    return _report(lake, quarter, state)


def _inputs(source: Source, quarter: str) -> str:
    """Fingerprint of everything that decides the store: input, settings, and the code and word lists that clean."""
    digest = hashlib.sha256(json.dumps([STORE_VERSION, source.name, source.fingerprint(quarter)]).encode())
    for path in _code_files():
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _code_files() -> list[Path]:
    """The cleaning of texts with its words, and every module of this folder and those in it."""
    package = Path(text.__file__).parents[1]
    cleaning = [package / "text" / name for name in ("sentences.py", "names.py", "word_lists.py", "spoken_words.json")]
    return cleaning + sorted(package.glob("sources/**/*.py"))


def is_prefetched(lake: Lake, quarter: str, source: Source) -> bool:
    """Whether the store of the quarter is whole and made from what the source would give: nothing need be fetched."""
    return _is_whole(lake, quarter, _inputs(source, quarter))


def _is_whole(lake: Lake, quarter: str, inputs: str) -> bool:
    folder = Lake.prefetch_dir(quarter)
    if not lake.exists(f"{folder}/manifest.json"):
        return False
    try:
        manifest = read_manifest_json(lake, quarter)
    except DamagedError as error:
        logger.warning("the store is made again: %s", error)
        return False
    names = ["coverage.parquet", *(chunk["name"] for chunk in manifest.get("chunks", []))]
    return manifest.get("inputs") == inputs and all(lake.exists(f"{folder}/{name}") for name in names)


def _prepare_folder(lake: Lake, quarter: str, inputs: str) -> str:
    """Keep chunks of the same inputs; delete everything of others, the manifest first."""
    folder = Lake.prefetch_dir(quarter)
    lake.delete_file(f"{folder}/manifest.json")
    plan = f"{folder}/plan.json"
    if _is_plan(lake, plan, inputs):
        return "resumed"
    lake.delete_file(plan)
    delete_coverage_parts(lake, quarter)
    for name in lake.list_files(folder):
        lake.delete_file(f"{folder}/{name}")
    lake.write_json(plan, {"inputs": inputs})
    return "built"


def _is_plan(lake: Lake, plan: str, inputs: str) -> bool:
    """Whether the chunks that are there were made from these inputs."""
    try:
        return lake.exists(plan) and lake.read_json(plan) == {"inputs": inputs}
    except DamagedError:  # then nobody knows what they were made from
        return False


def _counted(firms: Iterable[Firm], n_before: int, plan: Plan, on_progress: Progress) -> Iterator[Firm]:
    for number, firm in enumerate(firms):
        on_progress("cleaning", n_before + number, len(plan.firm_ids))
        yield firm


def _publish(lake: Lake, plan: Plan, source: Source) -> None:
    """Gather the coverage, then say what the store holds."""
    parts = [lake.read_sealed(coverage_part(plan, chunk)) for chunk in range(plan.n_chunks)]
    unread = [unread_row(call, plan.quarter) for call in source.unread_calls(plan.quarter)]
    coverage = pa.concat_tables([*parts, pa.Table.from_pylist(unread, schema=COVERAGE)])
    lake.write_sealed(f"{plan.folder}/coverage.parquet", coverage)
    lines = coverage_lines(coverage)
    chunks, firms = chunk_entries(lake, plan.quarter, parts, plan.firms_per_row_group)
    if not firms:
        reasons = ", ".join(f"{line.n_calls} {line.reason}" for line in lines if line.kind == "dropped")
        raise SourceError(f"no call of {plan.quarter} is usable: {reasons} (docs/coverage-rules.md)")
    manifest = {
        "version": STORE_VERSION,
        "quarter": plan.quarter,
        "source": source.name,
        "linked": source.linked,
        "n_firms": len(firms),
        "n_calls": coverage.column("kept").to_pylist().count(True),
        "n_sentences": sum(n for _, _, n in firms.values()),
        "settings": {"firms_per_chunk": plan.firms_per_chunk, "firms_per_row_group": plan.firms_per_row_group},
        "input": dict(source.input_counts()),
        "input_notes": list(source.input_notes()) if isinstance(source, NotedSource) else [],
        "coverage": [asdict(line) for line in lines],
        "chunks": chunks,
        "firms": firms,
        "inputs": plan.inputs,
    }
    write_manifest(lake, manifest)
    delete_coverage_parts(lake, plan.quarter)


def _report(lake: Lake, quarter: str, state: str) -> PrefetchReport:
    folder = Lake.prefetch_dir(quarter)
    coverage = check_table(lake.read_sealed(f"{folder}/coverage.parquet"), COVERAGE, f"{folder}/coverage.parquet")
    return PrefetchReport(
        state=state,
        folder=lake.full_path(folder),
        manifest=read_manifest(lake, quarter),
        lines=coverage_lines(coverage),
        input_counts=read_manifest_json(lake, quarter)["input"],
        n_unlinked=n_unlinked_firms(coverage),
        input_notes=tuple(read_manifest_json(lake, quarter).get("input_notes", ())),
    )
