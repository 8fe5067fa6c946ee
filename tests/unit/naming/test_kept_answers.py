"""Answers are kept by the content of their question, in files that are written once."""

import asyncio
import threading
from pathlib import Path

import pyarrow as pa
import pytest

from ftm_ray.config import LlmSettings
from ftm_ray.errors import SourceError
from ftm_ray.naming import kept_answers as answers
from ftm_ray.naming.kept_answers import AnswerStore, KeptAnswer, question_digest
from ftm_ray.naming.prompts import Prompt
from ftm_ray.schemas.answers import LLM_ANSWERS
from ftm_ray.schemas.columns import check_table

QUARTER = "2024Q1"
ANSWER = KeptAnswer('{"label": "Freight costs"}', "tiny", "v1", "stop", 11, 7)


def keep(store, *questions, write=True):
    async def go():
        for question in questions:
            await store.keep(question, ANSWER)
        if write:
            await store.write()

    asyncio.run(go())


def files(lake):
    return lake.list_files(lake.answers_dir(QUARTER))


async def until(is_so):
    async with asyncio.timeout(20):
        while not is_so():
            await asyncio.sleep(0.01)


def test_a_question_that_was_never_asked_has_no_answer(lake):
    assert AnswerStore(lake, QUARTER).find("q1", "summary") is None


def test_what_is_kept_is_found_at_once_and_by_the_next_store(lake):
    store = AnswerStore(lake, QUARTER)
    assert store.find("q1", "summary") is None
    keep(store, "q1", write=False)
    assert store.find("q1", "summary") == ANSWER
    assert files(lake) == []
    keep(store, "q2")
    assert {question: AnswerStore(lake, QUARTER).find(question, "summary") for question in ("q1", "q2", "q3")} == {
        "q1": ANSWER,
        "q2": ANSWER,
        "q3": None,
    }


def test_an_answer_kept_before_anything_was_looked_up_is_found(lake):
    store = AnswerStore(lake, QUARTER)
    keep(store, "q1")
    assert store.find("q1", "summary") == ANSWER


def test_token_counts_may_be_missing(lake):
    store = AnswerStore(lake, QUARTER)
    without = KeptAnswer(None, "tiny", "v1", None, None, None)
    asyncio.run(store.keep("q1", without))
    asyncio.run(store.write())
    assert AnswerStore(lake, QUARTER).find("q1", "summary") == without


def test_some_hundred_answers_go_into_a_file_together(lake, monkeypatch):
    monkeypatch.setattr(answers, "_ANSWERS_PER_FILE", 4)
    keep(AnswerStore(lake, QUARTER), *(f"q{i}" for i in range(10)))
    tables = [lake.read_table(f"{lake.answers_dir(QUARTER)}/{file}") for file in files(lake)]
    assert sorted(table.num_rows for table in tables) == [2, 4, 4]
    for table in tables:
        check_table(table, LLM_ANSWERS, "answers")
    known = AnswerStore(lake, QUARTER)
    assert all(known.find(f"q{i}", "summary") == ANSWER for i in range(10))


def test_nothing_new_writes_no_file(lake):
    store = AnswerStore(lake, QUARTER)
    keep(store, "q1")
    keep(store)
    keep(store)
    assert len(files(lake)) == 1


def test_a_file_is_named_after_its_answers_so_that_writing_twice_makes_one(lake):
    keep(AnswerStore(lake, QUARTER), "q1", "q2")
    before = [lake.fingerprint(f"{lake.answers_dir(QUARTER)}/{file}") for file in files(lake)]
    keep(AnswerStore(lake, QUARTER), "q2", "q1")
    assert [lake.fingerprint(f"{lake.answers_dir(QUARTER)}/{file}") for file in files(lake)] == before


def test_two_at_once_do_not_lose_each_others_answers(lake):
    one, other = AnswerStore(lake, QUARTER), AnswerStore(lake, QUARTER)
    keep(one, "q1", "both")
    keep(other, "q2", "both")
    known = AnswerStore(lake, QUARTER)
    assert all(known.find(question, "summary") == ANSWER for question in ("q1", "q2", "both"))


def test_answers_kept_while_others_are_written_are_not_lost(lake):
    async def go():
        store = AnswerStore(lake, QUARTER)
        await asyncio.gather(*(keep_and_write(store, f"q{i}") for i in range(20)))

    async def keep_and_write(store, question):
        await store.keep(question, ANSWER)
        await store.write()

    asyncio.run(go())
    known = AnswerStore(lake, QUARTER)
    assert all(known.find(f"q{i}", "summary") == ANSWER for i in range(20))


def test_an_answer_is_on_disk_soon_though_its_batch_goes_on(lake, monkeypatch):
    """Whoever kills the process then has it not paid for again."""
    monkeypatch.setattr(answers, "_LONGEST_IN_MEMORY_S", 0.01)

    async def long_batch():
        store = AnswerStore(lake, QUARTER)
        for question in ("q1", "q2"):
            await store.keep(question, ANSWER)
            await until(lambda question=question: AnswerStore(lake, QUARTER).find(question, "summary"))

    asyncio.run(long_batch())
    assert len(files(lake)) == 2


def test_an_answer_that_comes_while_a_file_is_written_is_on_disk_soon_too(lake, monkeypatch):
    """It may be the last of its batch for minutes."""
    monkeypatch.setattr(answers, "_LONGEST_IN_MEMORY_S", 0.01)
    write, is_writing, may_write = lake.write_sealed, threading.Event(), threading.Event()

    def slow(path, table):
        is_writing.set()
        assert may_write.wait(20)
        write(path, table)

    async def long_batch():
        monkeypatch.setattr(lake, "write_sealed", slow)
        store = AnswerStore(lake, QUARTER)
        await store.keep("q1", ANSWER)
        assert await asyncio.to_thread(is_writing.wait, 20)
        await store.keep("q2", ANSWER)
        may_write.set()
        await until(lambda: len(files(lake)) == 2)

    asyncio.run(long_batch())
    assert AnswerStore(lake, QUARTER).find("q2", "summary") == ANSWER


def test_an_answer_whose_file_fails_is_tried_again_soon_though_no_other_comes(lake, monkeypatch):
    monkeypatch.setattr(answers, "_LONGEST_IN_MEMORY_S", 0.01)
    write, n_tries = lake.write_sealed, []

    def full_at_first(path, table):
        n_tries.append(1)
        if len(n_tries) < 3:
            raise SourceError("the disk is full")
        write(path, table)

    async def long_batch():
        monkeypatch.setattr(lake, "write_sealed", full_at_first)
        await AnswerStore(lake, QUARTER).keep("q1", ANSWER)
        await until(lambda: files(lake))

    asyncio.run(long_batch())
    assert len(n_tries) == 3


def test_answers_that_cannot_be_written_soon_are_written_at_the_end(lake, monkeypatch):
    monkeypatch.setattr(answers, "_LONGEST_IN_MEMORY_S", 0.01)
    write = lake.write_sealed

    def full(*_):
        raise SourceError("the disk is full")

    async def go():
        store = AnswerStore(lake, QUARTER)
        monkeypatch.setattr(lake, "write_sealed", full)
        await store.keep("q1", ANSWER)
        await asyncio.sleep(0.1)
        with pytest.raises(SourceError, match="disk is full"):
            await store.write()
        monkeypatch.setattr(lake, "write_sealed", write)
        await store.write()

    asyncio.run(go())
    assert AnswerStore(lake, QUARTER).find("q1", "summary") == ANSWER


def test_answers_that_could_not_be_written_are_written_the_next_time(lake, monkeypatch):
    """Storage that fails for a moment costs no answer."""
    store, write = AnswerStore(lake, QUARTER), lake.write_sealed

    def full(*_):
        raise SourceError("the disk is full")

    monkeypatch.setattr(lake, "write_sealed", full)
    with pytest.raises(SourceError, match="full"):
        keep(store, "q1", "q2")
    monkeypatch.setattr(lake, "write_sealed", write)
    keep(store, "q3")
    known = AnswerStore(lake, QUARTER)
    assert all(known.find(question, "summary") == ANSWER for question in ("q1", "q2", "q3"))


def test_while_answers_cannot_be_written_no_more_is_asked(lake, monkeypatch):
    """What comes meanwhile is lost with the process, and would be paid for again."""
    monkeypatch.setattr(answers, "_UNSAFE_AFTER_S", 1.0)
    monkeypatch.setattr(answers, "_LONGEST_IN_MEMORY_S", 60)  # tries of its own would be counted, too
    write, n_tries = lake.write_sealed, []

    def away(*_):
        n_tries.append(1)
        raise SourceError("S3 is away")

    async def go():
        store = AnswerStore(lake, QUARTER)
        await store.wait_until_safe()  # nothing was to be written yet
        monkeypatch.setattr(lake, "write_sealed", away)
        await store.keep("q1", ANSWER)
        with pytest.raises(SourceError, match="away"):
            await store.write()
        n_before = len(n_tries)
        await store.wait_until_safe()  # it is too early to say
        assert len(n_tries) == n_before
        await asyncio.sleep(1.5)
        n_before = len(n_tries)
        refused = await asyncio.gather(*(store.wait_until_safe() for _ in range(30)), return_exceptions=True)
        assert all("S3 is away" in str(error) for error in refused)
        assert len(n_tries) == n_before + 1  # all wait for the same one
        monkeypatch.setattr(lake, "write_sealed", write)
        await store.wait_until_safe()
        await store.wait_until_safe()

    asyncio.run(go())
    assert AnswerStore(lake, QUARTER).find("q1", "summary") == ANSWER


def test_a_damaged_file_goes_and_its_questions_are_asked_again(lake, caplog):
    keep(AnswerStore(lake, QUARTER), "q1")
    keep(AnswerStore(lake, QUARTER), "q2")
    path = Path(lake.full_path(f"{lake.answers_dir(QUARTER)}/{files(lake)[0]}"))
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    store = AnswerStore(lake, QUARTER)
    assert sorted(store.find(question, "summary") is None for question in ("q1", "q2")) == [False, True]
    assert "it is deleted" in caplog.text and path.name in caplog.text
    assert not path.exists()


def test_what_is_no_file_of_ours_stays(lake, caplog):
    keep(AnswerStore(lake, QUARTER), "q1")
    note = Path(lake.full_path(f"{lake.answers_dir(QUARTER)}/notes.txt"))
    note.write_text("asked on Monday")
    assert AnswerStore(lake, QUARTER).find("q1", "summary") == ANSWER
    assert note.exists() and "left aside" in caplog.text


def test_a_damaged_file_that_cannot_be_deleted_is_in_nobodys_way(lake, caplog, monkeypatch):
    keep(AnswerStore(lake, QUARTER), "q1")
    path = Path(lake.full_path(f"{lake.answers_dir(QUARTER)}/{files(lake)[0]}"))
    path.write_bytes(path.read_bytes()[:-9])

    def refused(_):
        raise SourceError("read-only")

    monkeypatch.setattr(lake, "delete_file", refused)
    assert AnswerStore(lake, QUARTER).find("q1", "summary") is None
    assert "could not be deleted: read-only" in caplog.text


def test_a_file_of_something_else_stays(lake, caplog):
    """It may be of a newer version."""
    path = f"{lake.answers_dir(QUARTER)}/newer.parquet"
    lake.write_sealed(path, pa.table({"question": ["q1"], "said": ["yes"]}))
    assert AnswerStore(lake, QUARTER).find("q1", "summary") is None
    assert "left aside" in caplog.text
    assert lake.exists(path)


def test_quarters_do_not_share_answers(lake):
    keep(AnswerStore(lake, QUARTER), "q1")
    assert AnswerStore(lake, "2024Q2").find("q1", "summary") is None


def test_what_a_version_kept_that_kept_only_accepted_answers_is_found_in_the_form_in_which_it_came(lake):
    columns = {"question": "q1", "label": "Freight", "text": "Firms pay more.", "llm_model": "tiny"}
    columns |= {"prompt_version": "v1", "finish_reason": "stop", "prompt_tokens": 11, "completion_tokens": 7}
    table = pa.Table.from_pylist([columns, columns | {"question": "q2"}])
    lake.write_table(f"{lake.answers_dir(QUARTER)}/old.parquet", table)
    keep(AnswerStore(lake, QUARTER), "q2")
    known = AnswerStore(lake, QUARTER)
    content = '{"label": "Freight", "description": "Firms pay more."}'
    assert known.find("q1", "description") == KeptAnswer(content, "tiny", "v1", "stop", 11, 7)
    assert known.find("q2", "summary") == ANSWER  # newer, and whole


# --- what makes two questions the same -----------------------------------------------------------------------------

PROMPT = Prompt("Rules.", "Material.", "summary")
SETTINGS = LlmSettings(endpoint="http://one/v1", model="tiny")


@pytest.mark.parametrize(
    "change",
    [
        {"endpoint": "http://other/v1"},
        {"api_key_variable": "OTHER"},
        {"max_concurrency": 3},
        {"timeout_s": 1.0},
        {"max_attempts": 9},
        {"patience_s": 1.0},
        {"max_prompt_tokens": 2000},
        {"tokenizer": "a/b"},
    ],
    ids=str,
)
def test_where_and_how_patiently_it_is_asked_makes_no_other_question(change):
    assert question_digest(PROMPT, SETTINGS.model_copy(update=change)) == question_digest(PROMPT, SETTINGS)


@pytest.mark.parametrize("change", [{"model": "other"}, {"max_tokens": 100}], ids=str)
def test_model_and_longest_answer_make_another_question(change):
    assert question_digest(PROMPT, SETTINGS.model_copy(update=change)) != question_digest(PROMPT, SETTINGS)


@pytest.mark.parametrize(
    "other",
    [
        Prompt("Rules!", "Material.", "summary"),
        Prompt("Rules.", "Material!", "summary"),
        Prompt("Rules.", "Material.", "description"),
        Prompt("Rules.Material.", "", "summary"),
        PROMPT.again("Once more."),
    ],
    ids=range(5),
)
def test_each_letter_of_the_prompt_counts(other):
    assert question_digest(other, SETTINGS) != question_digest(PROMPT, SETTINGS)


def test_other_weights_behind_the_same_name_make_another_question():
    digests = {question_digest(PROMPT, SETTINGS, weights) for weights in ((), ("a", None), (None, "a"), (None, None))}
    assert len(digests) == 4


def test_a_new_prompt_version_asks_again(monkeypatch):
    before = question_digest(PROMPT, SETTINGS)
    monkeypatch.setattr(answers, "PROMPT_VERSION", "another")
    assert question_digest(PROMPT, SETTINGS) != before


def test_the_digest_is_the_same_in_every_process():
    assert question_digest(PROMPT, SETTINGS) == question_digest(Prompt("Rules.", "Material.", "summary"), SETTINGS)
    assert len(question_digest(PROMPT, SETTINGS)) == 64
