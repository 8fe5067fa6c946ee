"""The parts that an earlier run left, looked at byte by byte before they are gone on from.

Only the driver reads them, and only where a run is resumed: their bytes are hashed (0.5 s a GB), few columns decoded.
"""

import logging

from ftm_ray.errors import DamagedError
from ftm_ray.lake.part_rows import part_fault
from ftm_ray.lake.runs import RunFiles, part_name
from ftm_ray.run.counts import COUNTED_COLUMNS, PartCounts, count_part
from ftm_ray.run.progress import OnProgress, Progress
from ftm_ray.schemas.store import Batch

logger = logging.getLogger(__name__)


def parts_made_before(
    run: RunFiles, with_vectors: bool, on_progress: OnProgress = lambda _: None
) -> dict[int, PartCounts]:
    """What an earlier run left, counted, by number of the batch.

    A firm may have failed for a passing reason (memory, a card), and a file may have been damaged since: such a batch
    does not count as made.

    Args:
        run: Whose map.
        with_vectors: Whether the vectors of its sentences are wanted, too.
        on_progress: Gets where it stands: hundreds of parts take a minute from S3.
    """
    folder = run.lake.parts_dir(run.quarter, run.map_id)
    run.lake.delete_leftovers(folder)
    finished = set(run.lake.list_files(folder))
    if with_vectors:
        finished &= set(run.lake.list_files(run.lake.vectors_dir(run.quarter, run.map_id)))
    there = [batch for batch in run.manifest.batches if part_name(batch) in finished]
    seen, n_sentences = 0, sum(batch.n_sentences for batch in there)
    made = {}
    for number, batch in enumerate(there):
        on_progress(Progress("earlier parts", seen, n_sentences, f"{number} of {len(there)} batches looked at"))
        seen += batch.n_sentences
        try:
            counts = _counted(run, batch, with_vectors)
        except DamagedError as error:
            logger.warning("batch %d is made again: %s", batch.number, error)
            continue
        if not counts.n_failed:
            made[batch.number] = counts
    if there:
        on_progress(Progress("earlier parts", seen, n_sentences, f"{len(there)} batches looked at"))
    return made


def _counted(run: RunFiles, batch: Batch, with_vectors: bool) -> PartCounts:
    path = run.part_path(batch)
    part = run.lake.read_sealed(path, ["firm_id", *COUNTED_COLUMNS])
    if fault := part_fault(part):
        raise DamagedError(f"{run.lake.full_path(path)} is damaged: {fault}")
    if part["firm_id"].to_pylist() != list(batch.firm_ids):
        raise DamagedError(f"{run.lake.full_path(path)} holds other firms than its batch")
    if with_vectors:
        run.lake.read_sealed(run.vectors_path(batch), [])
    return count_part(part)
