"""Kept vectors are one for each sentence that was not left out; each way to damage them is found."""

import numpy as np
import pyarrow as pa
import pytest
from invented import QUARTER, run_files, write_six_firms, write_six_parts
from published import publish
from whole_quarter import write_six_vectors

from ftm_ray.errors import SourceError
from ftm_ray.lake.runs import with_digest
from ftm_ray.results.verify.quarter import verify_quarter

VECTORS = f"processed/sentence_vectors/quarter={QUARTER}/part-00001.parquet"


@pytest.fixture
def run(lake, config):
    keeping = config.model_copy(update={"keep_vectors": True})
    run = run_files(lake, write_six_firms(lake), keeping)
    write_six_parts(run)
    write_six_vectors(run)
    return publish(run, keeping)


def problems(lake):
    return {check.name: " ".join(check.problems) for check in verify_quarter(lake, QUARTER) if check.problems}


def forge(run, path, table):
    """Rewrite a file, and its hash in run.json too."""
    run.lake.write_table(path, table)
    record_path = run.lake.run_file(QUARTER, run.run_id)
    record = run.lake.read_json(record_path)
    record["files"][path] = run.lake.fingerprint(path) | {"rows": table.num_rows}
    run.lake.write_json(record_path, with_digest(record))


def test_a_whole_quarter_passes_and_says_how_much_there_is(run):
    assert problems(run.lake) == {}
    (check,) = [check for check in verify_quarter(run.lake, QUARTER) if check.name == "vectors"]
    assert check.seen.startswith("42 sentences that were not left out have each their vector, 0.0 MB")


def test_a_run_that_keeps_none_has_no_such_check(published):
    assert "vectors" not in {check.name for check in verify_quarter(published.lake, QUARTER)}


def test_a_missing_row_and_a_row_of_another_sentence_are_found(run):
    table = run.lake.read_table(VECTORS)
    forge(run, VECTORS, table.slice(1))
    assert f"{VECTORS} does not hold the sentences" in problems(run.lake)["vectors"]
    forge(run, VECTORS, table.take([1, 0, *range(2, table.num_rows)]))
    assert f"{VECTORS} does not hold the sentences" in problems(run.lake)["vectors"]


def test_a_vector_of_another_length_is_found(run):
    table = run.lake.read_table(VECTORS)
    scales = pa.array(np.where(np.arange(table.num_rows) == 3, 1.0, table["scale"].to_numpy()).astype(np.float32))
    forge(run, VECTORS, table.set_column(3, table.schema.field("scale"), scales))
    assert f"{VECTORS}: 1 vectors are not of length 1" in problems(run.lake)["vectors"]


def test_rows_of_another_run_are_found(run):
    table = run.lake.read_table(VECTORS)
    forge(run, VECTORS, table.set_column(4, table.schema.field("run_id"), pa.array(["other"] * table.num_rows)))
    assert "rows of run other" in problems(run.lake)["vectors"]


def test_a_file_that_run_json_does_not_list_is_found(run):
    run.lake.write_table(VECTORS.replace("00001", "00009"), run.lake.read_table(VECTORS))
    assert "part-00009.parquet belongs to no run" in problems(run.lake)["leftovers"]


def test_a_changed_and_a_missing_file_are_found(run):
    run.lake.write_table(VECTORS, run.lake.read_table(VECTORS).slice(2))
    assert VECTORS in problems(run.lake)["files"]
    run.lake.delete_file(VECTORS)
    assert f"{VECTORS} is missing" in problems(run.lake)["files"]


def test_vectors_of_other_sentences_than_the_store_has_stop_the_publication(run, config):
    path = run.vectors_path(run.manifest.batches[1])
    run.lake.write_sealed(path, run.lake.read_table(path).slice(1))
    with pytest.raises(SourceError, match="has not the vectors of the sentences of batch 1"):
        publish(run, config.model_copy(update={"keep_vectors": True}))


def test_a_run_without_vectors_removes_those_of_an_earlier_one(run, config):
    without = run_files(run.lake, run.manifest, config)
    assert (without.run_id, without.map_id) != (run.run_id, run.map_id)
    write_six_parts(without)
    publish(without, config)
    assert not run.lake.list_files(run.lake.table_dir("sentence_vectors", QUARTER))
    assert problems(run.lake) == {}
