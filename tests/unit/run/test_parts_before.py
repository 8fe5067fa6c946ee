"""A run that is resumed goes on from whole parts only; a damaged one is made again, and that is said."""

import shutil
from pathlib import Path

import pyarrow as pa
import pytest
from invented import bare_row, part_table, run_files, six_firms, write_six_firms, write_six_parts
from whole_quarter import write_six_manifest, write_six_vectors

from ftm_ray.errors import SourceError
from ftm_ray.run.parts_before import parts_made_before
from ftm_ray.sources.manifest import check_chunks


@pytest.fixture
def run(lake, config):
    write_six_firms(lake)
    run = run_files(lake, write_six_manifest(lake), config)
    write_six_parts(run)
    return run


def local(run, path):
    return run.lake.full_path(path)


def damage(path, at=0.5):
    with open(path, "r+b") as file:
        content = bytearray(file.read())
        content[int(at * (len(content) - 1))] ^= 4
        file.seek(0)
        file.write(content)


def test_whole_parts_count_as_made(run):
    assert {number: counts.n_topics for number, counts in parts_made_before(run, False).items()} == {0: 9, 1: 9}


def test_where_it_stands_is_told_before_each_part_and_at_the_end(run):
    told = []
    parts_made_before(run, False, told.append)
    n = run.manifest.n_sentences
    first = run.manifest.batches[0].n_sentences
    assert [(step.done, step.total) for step in told] == [(0, n), (first, n), (n, n)]
    assert {step.stage for step in told} == {"earlier parts"}
    assert [step.detail for step in told][1:] == ["1 of 2 batches looked at", "2 batches looked at"]
    told.clear()
    for batch in run.manifest.batches:
        run.lake.delete_file(run.part_path(batch))
    assert parts_made_before(run, False, told.append) == {} and told == []  # a first run has none


@pytest.mark.parametrize("column", ["topics", "drop_reasons", "embed_s", "status"])
def test_a_part_of_other_types_has_its_batch_made_again(run, column, caplog):
    """Written whole, and without a seal that would tell, as by somebody else's program."""
    path = run.part_path(run.manifest.batches[1])
    table = run.lake.read_sealed(path)
    at, n = table.schema.get_field_index(column), table.num_rows
    run.lake.write_table(path, table.set_column(at, column, pa.array([{"a": 1}] * n)))
    assert set(parts_made_before(run, False)) == {0}
    assert "batch 1 is made again" in caplog.text


@pytest.mark.parametrize("at", [0, 0.1, 0.3, 0.5, 0.7, 0.9, 0.95, 1])
def test_a_flipped_byte_has_its_batch_made_again(run, at, caplog):
    path = local(run, run.part_path(run.manifest.batches[1]))
    damage(path, at)
    assert set(parts_made_before(run, False)) == {0}
    assert "batch 1 is made again" in caplog.text and path in caplog.text


def test_a_part_that_was_cut_is_made_again(run, caplog):
    path = local(run, run.part_path(run.manifest.batches[0]))
    with open(path, "r+b") as file:
        file.truncate(700)
    assert set(parts_made_before(run, False)) == {1}
    assert "batch 0 is made again" in caplog.text


def test_a_part_of_another_batch_is_made_again(run, caplog):
    first, second = (local(run, run.part_path(batch)) for batch in run.manifest.batches)
    shutil.copy(first, second)
    assert set(parts_made_before(run, False)) == {0}
    assert "holds other firms than its batch" in caplog.text


def test_a_part_without_a_seal_is_taken_as_it_is(run):
    """Of a version that wrote none."""
    path = run.part_path(run.manifest.batches[0])
    run.lake.write_table(path, run.lake.read_sealed(path))
    assert set(parts_made_before(run, False)) == {0, 1}


def test_a_part_of_other_columns_is_made_again(run, caplog):
    path = run.part_path(run.manifest.batches[0])
    run.lake.write_table(path, run.lake.read_sealed(path).drop(["status"]))
    assert set(parts_made_before(run, False)) == {1}
    assert "there is no column status" in caplog.text


def test_a_firm_that_failed_has_its_batch_made_again(run):
    firms = {row["firm_id"]: row for row in six_firms()}
    batch = run.manifest.batches[0]
    rows = [bare_row(firms[firm_id], "failed", "memory") for firm_id in batch.firm_ids]
    run.lake.write_sealed(run.part_path(batch), part_table(rows))
    assert set(parts_made_before(run, False)) == {1}


def test_vectors_that_are_wanted_must_be_whole_too(run, caplog):
    assert parts_made_before(run, True) == {}
    write_six_vectors(run)
    assert set(parts_made_before(run, True)) == {0, 1}
    damage(local(run, run.vectors_path(run.manifest.batches[0])))
    assert set(parts_made_before(run, True)) == {1}
    assert "sentence-vectors" in caplog.text


def test_a_run_refuses_a_chunk_whose_bytes_changed(run):
    path = local(run, f"{run.lake.prefetch_dir(run.quarter)}/chunk_0000.parquet")
    assert check_chunks(run.lake, run.quarter) > 1000
    damage(path)
    with pytest.raises(SourceError, match="was changed, its hash is not the manifest's; delete it"):
        check_chunks(run.lake, run.quarter)


def test_a_part_that_is_read_and_written_again_has_a_seal_of_its_own(run):
    """As where names are asked for that an earlier run could not get."""
    path = run.part_path(run.manifest.batches[0])
    part = run.lake.read_sealed(path)
    run.lake.write_sealed(path, part)
    assert run.lake.read_sealed(path).equals(part)
    assert Path(local(run, path)).read_bytes().count(b"ftm.sha256") == 1
    assert set(parts_made_before(run, False)) == {0, 1}
