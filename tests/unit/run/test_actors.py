"""What each actor does with a batch, without Ray: read, find, name, write, and never mix batches up."""

import asyncio
import json
import threading
from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa
import pytest
from invented import SENTENCES, bare_row, done_row, firm, part_table, run_files, topic_vector, write_store
from llm_server import LlmServer, error, in_its_words
from pydantic import SecretStr

from ftm_ray.config import LlmSettings, RunConfig
from ftm_ray.errors import SourceError
from ftm_ray.lake.s3_traffic import S3Traffic, taken
from ftm_ray.lake.storage import Lake
from ftm_ray.naming.account import LlmAccount
from ftm_ray.run.actors import ACCOUNT, COUNTS, PROMPT, TRAFFIC, PartNamer, PartReader, PartWriter, TopicFinder
from ftm_ray.run.counts import PartCounts, count_part
from ftm_ray.schemas.parts import FIRM_TOPICS

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


@pytest.fixture(scope="module")
def finder(config, tmp_path_factory):
    """The map's actor with its models, as loading them takes seconds; `run` makes stores of the same content."""
    lake = Lake(str(tmp_path_factory.mktemp("store")))
    store = run_files(lake, write_store(lake, [FIRMS[:2], FIRMS[2:]]), RunConfig())
    return TopicFinder(store, config, linked_only=True, device="cpu")


def test_references_to_several_batches_are_never_one_piece_of_work(run, finder):
    with pytest.raises(ValueError, match="too many values"):
        finder(pa.concat_tables([item(run, 1), item(run, 0)]))


def test_while_a_batch_is_worked_on_the_next_is_read_and_no_two_are_worked_on(run, finder, monkeypatch):
    """Ray Data calls the actor from two threads."""
    events = []
    find = finder._finder.get().find
    first_began, second_is_read = threading.Event(), threading.Event()

    read = Lake.read_row_group

    def watched_read(lake, path, row_group):
        table = read(lake, path, row_group)
        events.append(f"read {row_group}")
        if row_group == 1:
            second_is_read.set()
        return table

    def watched_find(table, watch):
        number = 0 if table.num_rows == 2 else 1
        events.append(f"begin {number}")
        first_began.set()
        assert second_is_read.wait(30)  # only then the first batch ends
        found = find(table, watch)
        events.append(f"end {number}")
        return found

    monkeypatch.setattr(Lake, "read_row_group", watched_read)
    monkeypatch.setattr(finder._finder.get(), "find", watched_find)
    with ThreadPoolExecutor(2) as calls:
        first = calls.submit(finder, item(run, 0))
        assert first_began.wait(30)
        second = calls.submit(finder, item(run, 1))
        assert set(first.result()["batch"].to_pylist()) == {0}
        assert set(second.result()["batch"].to_pylist()) == {1}
    assert events == ["read 0", "begin 0", "read 1", "end 0", "begin 1", "end 1"]


def test_the_way_from_store_to_part_and_back(run, finder):
    """Read and find topics, write, read again: the part holds the firms of its batch and their topics."""
    for number in (0, 1):
        found = finder(item(run, number))
        assert found["firm_id"].to_pylist() == list(run.manifest.batches[number].firm_ids)
        counts = PartWriter(run)(found).to_pylist()
        (again,) = PartReader(run)(pa.table({"batch": [number]}))
        assert again.equals(found)
        assert counts[0]["batch"] == number
        assert counts[0]["n_sentences"] == run.manifest.batches[number].n_sentences
    assert again["status"].to_pylist() == ["skipped"]  # C has no PERMNO
    assert [batch.number for batch, _ in run.parts()] == [0, 1]


def test_vectors_lie_there_before_the_part_is_written_and_only_where_they_are_kept(finder, monkeypatch):
    store = finder._run
    path = store.vectors_path(store.manifest.batches[0])
    found = finder(item(store, 0))
    assert not store.lake.exists(path)
    monkeypatch.setattr(finder._finder.get(), "keep_vectors", True)
    assert (
        finder(item(store, 0))
        .drop_columns(["embed_s", "cluster_s"])
        .equals(found.drop_columns(["embed_s", "cluster_s"]))
    )
    vectors = store.lake.read_table(path)
    assert vectors.num_rows == sum(topic_id is not None for ids in found["topic_ids"].to_pylist() for topic_id in ids)
    assert not store.lake.exists(store.part_path(store.manifest.batches[0]))


def test_the_writer_tells_what_it_wrote(run):
    table = part(A_DONE, B_FAILED)
    (row,) = PartWriter(run)(numbered(table, 0)).to_pylist()
    counts = PartCounts.from_json(row.pop(COUNTS))
    assert S3Traffic(**json.loads(row.pop(TRAFFIC))) == S3Traffic()  # a folder
    assert row == {"batch": 0, "n_sentences": 9}
    assert counts == count_part(table)
    assert (counts.n_topics, counts.n_failed) == (2, 1)
    assert run.lake.read_table(run.part_path(run.manifest.batches[0])).schema == FIRM_TOPICS


def test_a_batch_without_topics_counts_zero_and_not_null(run):
    (row,) = PartWriter(run)(numbered(part(bare_row(FIRMS[2], "skipped", "few")), 1)).to_pylist()
    counts = PartCounts.from_json(row[COUNTS])
    assert (counts.n_topics, counts.n_failed, counts.prompt_tokens, counts.n_names_firm) == (0, 0, 0, 0)


def test_what_was_asked_of_s3_on_the_way_of_a_batch_comes_to_the_driver_once(s3, tmp_path):
    """Writing, reading, naming, writing again: the sums of all batches are the requests that the server saw."""
    lake = Lake(s3.root(f"actors/{tmp_path.name}"))
    on_s3 = run_files(lake, write_store(lake, [FIRMS[:2], FIRMS[2:]]), RunConfig())
    taken(), s3.calls.clear()
    total = S3Traffic()
    for batch, rows in ((0, (A_DONE, B_FAILED)), (1, (C_DONE,))):
        (first,) = PartWriter(on_s3)(numbered(part(*rows), batch)).to_pylist()
        (read,) = PartReader(on_s3)(pa.table({"batch": [batch]}))
        (named,), _ = name_batches(on_s3, [read], echo_keywords)
        (again,) = PartWriter(on_s3)(named).to_pylist()
        for row in (first, again):
            total.add(S3Traffic(**json.loads(row[TRAFFIC])))
    assert total.n_requests == len(s3.calls) > 8
    assert total.bytes_up == sum(call.n_bytes for call in s3.calls if call.method == "PUT")
    assert taken() == S3Traffic()


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


@pytest.mark.parametrize(("chunk", "row_group"), [("chunk_0001.parquet", 0), ("chunk_0000.parquet", 7)])
def test_a_chunk_or_row_group_that_is_lost_is_named(finder, chunk, row_group):
    with pytest.raises(SourceError, match=chunk):
        finder(pa.table({"batch": [0], "chunk": [chunk], "row_group": [row_group]}))


# --- naming --------------------------------------------------------------------------------------------------------


def name_batches(run, tables, answer):
    """The tables as one naming actor gives them back, all at once, and the server."""

    async def go(url):
        llm = LlmSettings(endpoint=url, model="tiny", max_attempts=1)
        namer = PartNamer(run, RunConfig(llm=llm), SecretStr("none"))
        return await asyncio.gather(*(namer(table) for table in tables))

    with LlmServer(answer) as server:
        return asyncio.run(go(server.url)), server


def echo_keywords(_, body):
    return in_its_words(body)


def account_in(table):
    """The account that travels with a batch: the same in each row."""
    (account,) = set(table[ACCOUNT].to_pylist())
    return LlmAccount(**json.loads(account))


C_DONE = done_row(FIRMS[2], [0, 0, 0, 1, 1, -1, None], [topic_vector(0), topic_vector(3)])


def test_the_namer_keeps_batches_apart_with_their_numbers_and_accounts(run):
    tables = [numbered(part(A_DONE, B_FAILED), 0), numbered(part(C_DONE), 1)]
    answers, server = name_batches(run, tables, echo_keywords)
    assert [table["batch"].to_pylist() for table in answers] == [[0, 0], [1]]
    for named_table, row in zip(answers, (A_DONE, C_DONE), strict=True):
        for new, old in zip(named_table["topics"][0].as_py(), row["topics"], strict=True):
            assert ", ".join(old["keywords"]) in new["representation"]
    assert [account_in(table).n_questions for table in answers] == [2, 2]
    assert sum(account_in(table).n_requests for table in answers) == len(server.requests) == 4


def test_the_writer_hands_the_account_and_a_prompt_on_and_writes_neither(run):
    (table,), server = name_batches(run, [numbered(part(A_DONE, B_FAILED), 0)], echo_keywords)
    (row,) = PartWriter(run)(table).to_pylist()
    assert (row["batch"], row["n_sentences"]) == (0, 9)
    counts = PartCounts.from_json(row[COUNTS])
    assert (counts.n_topics, counts.n_failed, counts.sources) == (2, 1, {"llm": 2})
    assert LlmAccount(**json.loads(row[ACCOUNT])).outcomes == {"named": 2}
    assert row[PROMPT] in server.shown
    written = run.lake.read_table(run.part_path(run.manifest.batches[0]))
    assert written.schema == FIRM_TOPICS
    assert [topic["summary_source"] for topic in written["topics"][0].as_py()] == ["llm", "llm"]


def test_a_batch_without_topics_asks_nothing_and_says_so(run):
    (table,), server = name_batches(run, [numbered(part(bare_row(FIRMS[2], "skipped", "few")), 1)], echo_keywords)
    (row,) = PartWriter(run)(table).to_pylist()
    assert server.requests == []
    assert LlmAccount(**json.loads(row[ACCOUNT])) == LlmAccount()
    assert row[PROMPT] is None


def test_a_part_that_is_read_again_asks_only_for_what_is_missing(run):
    """The way of a second run: the first could name one topic of two."""
    words = A_DONE["topics"][0]["keywords"][0]

    def half(_, body):
        return in_its_words(body, "First name") if words in body["messages"][1]["content"] else error(500)

    (first,), _ = name_batches(run, [numbered(part(A_DONE, B_FAILED), 0)], half)
    PartWriter(run)(first)
    (again,) = PartReader(run)(pa.table({"batch": [0]}))
    (second,), server = name_batches(run, [again], echo_keywords)
    PartWriter(run)(second)
    assert (account_in(first).outcomes, account_in(second).outcomes) == (
        {"named": 1, "server_error": 1},
        {"named": 1},
    )
    assert len(server.requests) == 1
    topics = run.lake.read_table(run.part_path(run.manifest.batches[0]))["topics"][0].as_py()
    assert [topic["summary_source"] for topic in topics] == ["llm", "llm"]
    assert topics[0]["label"] == "First name"


def test_a_lost_part_is_named_from_kept_answers(run):
    """The map is made again after a crash; what was paid for is in the lake."""
    (first,), _ = name_batches(run, [numbered(part(A_DONE, B_FAILED), 0)], echo_keywords)
    (second,), server = name_batches(run, [numbered(part(A_DONE, B_FAILED), 0)], lambda *_: error(500))
    assert second.drop([ACCOUNT]).equals(first.drop([ACCOUNT]))
    assert server.requests == []
    assert account_in(second).n_remembered == 2
