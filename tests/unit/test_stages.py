"""What each actor does with a batch, without Ray: read, find, name, write, and never mix batches up."""

import asyncio
from dataclasses import replace

import pyarrow as pa
import pytest
from invented import SENTENCES, bare_row, done_row, firm, part_table, run_files, topic_vector, write_store
from llm_server import LlmServer, named

from ftm_ray.config import LlmSettings, RunConfig
from ftm_ray.errors import SourceError
from ftm_ray.schemas import FIRM_TOPICS, PREFETCH
from ftm_ray.stages import FirmReader, PartNamer, PartReader, PartWriter, TopicFinder

FIRMS = [firm("A", [SENTENCES[:6]]), firm("B", [SENTENCES[6:9]]), firm("C", [SENTENCES[9:16]], permno=None)]


@pytest.fixture
def run(lake):
    """Two batches: A and B, C."""
    return run_files(lake, write_store(lake, [FIRMS[:2], FIRMS[2:]]), RunConfig())


def item(run, number):
    """A row as the driver sends it."""
    batch = run.manifest.batches[number]
    return pa.table({"batch": [batch.number], "chunk": [batch.chunk], "row_group": [batch.row_group]})


def part(*rows):
    return part_table(rows)


def numbered(table, batch):
    return table.append_column("batch", pa.array([batch] * len(table), pa.int64()))


A_DONE = done_row(FIRMS[0], [0, 0, 0, 1, 1, -1], [topic_vector(0), topic_vector(3)])
B_FAILED = bare_row(FIRMS[1], "failed", "boom")


@pytest.mark.parametrize(("number", "firm_ids"), [(0, ["A", "B"]), (1, ["C"])])
def test_a_batch_is_read_with_its_number(run, number, firm_ids):
    (table,) = FirmReader(run)(item(run, number))
    assert table["firm_id"].to_pylist() == firm_ids
    assert set(table["batch"].to_pylist()) == {number}
    assert table.drop(["batch"]).schema == PREFETCH


def test_several_batches_in_one_block_stay_apart(run):
    tables = list(FirmReader(run)(pa.concat_tables([item(run, 1), item(run, 0)])))
    assert [table["batch"].to_pylist() for table in tables] == [[1], [0, 0]]


def test_the_way_from_store_to_part_and_back(run, config):
    """Read, find topics, write, read again: the part holds the firms of its batch and their topics."""
    finder = TopicFinder(config, linked_only=True, device="cpu")
    for number in (0, 1):
        (firms,) = FirmReader(run)(item(run, number))
        found = finder(firms)
        counts = PartWriter(run)(found).to_pylist()
        (again,) = PartReader(run)(pa.table({"batch": [number]}))
        assert again.equals(found)
        assert counts[0]["batch"] == number
        assert counts[0]["n_sentences"] == run.manifest.batches[number].n_sentences
    assert again["status"].to_pylist() == ["skipped"]  # C has no PERMNO
    assert [batch.number for batch, _ in run.parts()] == [0, 1]


def test_the_writer_tells_what_it_wrote(run):
    counts = PartWriter(run)(numbered(part(A_DONE, B_FAILED), 0))
    assert counts.to_pylist() == [{"batch": 0, "n_sentences": 9, "n_topics": 2, "n_failed": 1}]
    assert run.lake.read_table(run.part_path(run.manifest.batches[0])).schema == FIRM_TOPICS


def test_a_batch_without_topics_counts_zero_and_not_null(run):
    counts = PartWriter(run)(numbered(part(bare_row(FIRMS[2], "skipped", "few")), 1))
    assert counts.to_pylist() == [{"batch": 1, "n_sentences": 7, "n_topics": 0, "n_failed": 0}]


@pytest.mark.parametrize("rows", [[B_FAILED, A_DONE], [A_DONE], [A_DONE, B_FAILED, A_DONE]])
def test_other_firms_than_the_manifest_says_are_never_written(run, rows):
    with pytest.raises(SourceError, match="batch 0 of 2024Q1 holds other firms"):
        PartWriter(run)(numbered(part(*rows), 0))
    assert not run.lake.exists(run.part_path(run.manifest.batches[0]))


def test_writing_a_part_twice_gives_the_same_bytes(run):
    path = run.part_path(run.manifest.batches[0])
    prints = []
    for _ in range(2):
        PartWriter(run)(numbered(part(A_DONE, B_FAILED), 0))
        prints.append(run.lake.fingerprint(path))
    assert prints[0] == prints[1]


def test_a_store_that_lost_its_chunk_is_named(run):
    run.lake.delete_file(f"{run.lake.prefetch_dir(run.quarter)}/chunk_0000.parquet")
    with pytest.raises(SourceError, match=r"chunk_0000\.parquet"):
        list(FirmReader(run)(item(run, 0)))


def test_a_row_group_beyond_the_chunk_is_named(run):
    wrong = replace(run.manifest.batches[0], row_group=7)
    lost = replace(run, manifest=replace(run.manifest, batches=(wrong,)))
    with pytest.raises(SourceError, match=r"chunk_0000\.parquet"):
        list(FirmReader(lost)(item(lost, 0)))


def test_the_namer_keeps_the_number_of_the_batch(run):
    async def go(url):
        namer = PartNamer(LlmSettings(endpoint=url, max_attempts=1), "none")
        return await asyncio.gather(*(namer(numbered(part(A_DONE, B_FAILED), number)) for number in (0, 1)))

    with LlmServer(lambda *_: named("Label", "Summary.")) as server:
        tables = asyncio.run(go(server.url))
    assert [table["batch"].to_pylist() for table in tables] == [[0, 0], [1, 1]]
    assert {topic["label"] for topic in tables[0]["topics"][0].as_py()} == {"Label"}
