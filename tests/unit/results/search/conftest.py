"""The six invented firms, published with vectors of the real encoder, so that a question finds what it means."""

import dataclasses
import shutil

import numpy as np
import pytest
from invented import SIX_FIRMS_TOPICS, done_row, part_table, run_files, six_firms, write_six_firms
from published import publish

from ftm_ray.lake.storage import Lake
from ftm_ray.topics.firm_rows import FirmProgress, kept_vectors
from ftm_ray.vectors.unit_vectors import mean_vector


def write_real_parts(run, encoder):
    """Parts whose topics point where their sentences do, and the vectors of these where the run keeps them."""
    made = {}
    for row, topic_ids in zip(six_firms(), SIX_FIRMS_TOPICS, strict=True):
        vectors = encoder.encode([sentence["raw_text"] for sentence in row["sentences"]])
        ids = np.array([-2 if topic_id is None else topic_id for topic_id in topic_ids])
        centers = [mean_vector(vectors[ids == topic_id]).tolist() for topic_id in range(3)]
        progress = FirmProgress(row["sentences"], [None if found > -2 else "procedure" for found in ids.tolist()])
        progress.vectors = vectors[ids > -2]
        made[row["firm_id"]] = done_row(row, topic_ids, centers), progress
    for batch in run.manifest.batches:
        rows, firms = zip(*(made[firm_id] for firm_id in batch.firm_ids), strict=True)
        run.lake.write_table(run.vectors_path(batch), kept_vectors(firms, encoder.dim))
        run.lake.write_table(run.part_path(batch), part_table(rows))


def published_once(folder, config, encoder):
    run = run_files(Lake(str(folder / "lake")), write_six_firms(Lake(str(folder / "lake"))), config)
    write_real_parts(run, encoder)
    return publish(run, config)


def copied(run, folder):
    """A run in a lake of its own, which a test may change."""
    shutil.copytree(run.lake.root, folder / "copy")
    return dataclasses.replace(run, lake=Lake(str(folder / "copy")))


@pytest.fixture(scope="session")
def with_vectors(tmp_path_factory, config, encoder):
    return published_once(tmp_path_factory.mktemp("with"), config.model_copy(update={"keep_vectors": True}), encoder)


@pytest.fixture(scope="session")
def without_vectors(tmp_path_factory, config, encoder):
    return published_once(tmp_path_factory.mktemp("without"), config, encoder)


@pytest.fixture
def searchable(with_vectors, tmp_path):
    """With the vectors of sentences."""
    return copied(with_vectors, tmp_path)


@pytest.fixture
def searchable_without(without_vectors, tmp_path):
    """Without the vectors of sentences, as most runs are."""
    return copied(without_vectors, tmp_path)
