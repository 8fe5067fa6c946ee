"""A lake with one file of every kind that this version writes, of the six invented firms: what can be damaged.

Two published and linked quarters, the first one with its prefetch store and manifest, parts, kept vectors, kept
answers, and sentiment.
"""

import asyncio
from pathlib import Path
from typing import Any

from command import ftm
from invented import QUARTER, coverage_table, run_files, six_firms, write_six_firms, write_six_parts
from published import NEXT, copy_run, publish
from scored import keep_scores, make_config_only

from ftm_ray.lake.runs import RunFiles
from ftm_ray.lake.storage import Lake
from ftm_ray.naming.kept_answers import AnswerStore, KeptAnswer
from ftm_ray.run.lineage import extend_lineage
from ftm_ray.schemas.store import Manifest
from ftm_ray.sources.manifest import STORE_VERSION, chunk_entries, read_manifest, write_manifest
from ftm_ray.topics.firm_rows import FirmProgress, kept_vectors
from ftm_ray.vectors.unit_vectors import random_vectors


def write_whole_quarter(lake: Lake, config: Any, model: Path) -> RunFiles:
    """Write it; `model` is where a folder for a sentiment model may be made."""
    config = config.model_copy(update={"keep_vectors": True})
    write_six_firms(lake)
    run = run_files(lake, write_six_manifest(lake), config)
    write_six_parts(run)
    write_six_vectors(run)
    write_answers(lake)
    publish(run, config)
    keep_scores(lake, QUARTER, make_config_only(model))
    made = ftm("sentiment", QUARTER, "--root", lake.root, "--model", model)
    assert made.exit_code == 0, made.output
    copy_run(lake, lake, run.run_id, NEXT)
    extend_lineage(lake.root, [QUARTER, NEXT])
    return run


def write_six_manifest(lake: Lake) -> Manifest:
    """The manifest of the store of the six firms, as a prefetch writes it."""
    firms = six_firms()
    chunks, places = chunk_entries(lake, QUARTER, [coverage_table(firms)], 3)
    content = {
        "version": STORE_VERSION,
        "quarter": QUARTER,
        "source": "files",
        "linked": True,
        "n_firms": len(firms),
        "n_calls": 2 * len(firms),
        "n_sentences": sum(n for _, _, n in places.values()),
        "settings": {"firms_per_chunk": 6, "firms_per_row_group": 3},
        "input": {},
        "input_notes": [],
        "coverage": [],
        "chunks": chunks,
        "firms": places,
        "inputs": "invented",
    }
    write_manifest(lake, content)
    return read_manifest(lake, QUARTER)


def write_six_vectors(run: RunFiles) -> None:
    """Vectors as the map keeps them: of each firm's sentences but the last, which is left out."""
    firms = {row["firm_id"]: row for row in six_firms()}
    for batch in run.manifest.batches:
        seen = [FirmProgress(firms[i]["sentences"], [None] * 7 + ["procedure"]) for i in batch.firm_ids]
        for progress in seen:
            progress.vectors = random_vectors(7, 8)
        run.lake.write_sealed(run.vectors_path(batch), kept_vectors(seen, 8))


def write_answers(lake: Lake, n_answers: int = 40) -> None:
    """Answers of an LLM, kept."""

    async def keep() -> None:
        store = AnswerStore(lake, QUARTER)
        for number in range(n_answers):
            content = f'{{"label": "Freight {number}", "summary": "Carriers ask for {number} dollars more."}}'
            await store.keep(f"question {number:03d}", KeptAnswer(content, "tiny", "v1", "stop", 100 + number, 7))
        await store.write()

    asyncio.run(keep())
