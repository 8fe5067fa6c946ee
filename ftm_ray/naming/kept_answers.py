"""Answers of the LLM are kept by the content of the question, so that a resumed or repeated run never pays twice.

Every answer is kept as it came, the refused ones, too: the guards judge it each time it is used, so that newer guards
judge what older ones accepted or refused, and nothing is paid for again. Files are written once and never changed (S3
knows no appending); each holds some hundred answers and is named after them. A damaged one is deleted, and its
questions are asked again. Two runs at once may write the same answer twice, which costs some bytes.
"""

import asyncio
import hashlib
import json
import logging
import re
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

import pyarrow as pa

from ftm_ray.config import LlmSettings
from ftm_ray.errors import DamagedError, FtmError, SourceError
from ftm_ray.lake.storage import Lake
from ftm_ray.naming.prompts import PROMPT_VERSION, Question
from ftm_ray.schemas.answers import LLM_ANSWERS
from ftm_ray.schemas.columns import check_table

logger = logging.getLogger(__name__)

#: Answers in memory are lost with their process, and paid for again; a file for each would be 75,000 files a quarter.
_ANSWERS_PER_FILE = 250
_LONGEST_IN_MEMORY_S = 1.0

#: Where no file could be written for so long, no more is asked: an answer that cannot be kept is paid for again.
_UNSAFE_AFTER_S = 2.0

_FILE_NAME = re.compile(r"[0-9a-f]{20}\.parquet")

#: What a version before kept: label and text of accepted answers. Its files are read as they are.
_OF_BEFORE = {"question", "label", "text", *LLM_ANSWERS.names} - {"content"}


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """One row of LLM_ANSWERS, without the question.

    Attributes:
        content: What the model said, to the letter. Null where it said nothing.
        finish_reason: Why it stopped, as the endpoint said.
    """

    content: str | None
    llm_model: str
    prompt_version: str
    finish_reason: str | None
    prompt_tokens: int | None
    completion_tokens: int | None


class AnswerStore:
    """The answers of one quarter. Files are read when the first question is looked up.

    Args:
        lake: Where the run's files lie.
        quarter: Such as 2023Q1.
        model_variant: What else than the model's name decides its answers (RunConfig.model_variant).
    """

    def __init__(self, lake: Lake, quarter: str, model_variant: Sequence[str | None] = ()) -> None:
        self.model_variant = model_variant
        self._lake = lake
        self._folder = lake.answers_dir(quarter)
        self._known: dict[str, KeptAnswer] | None = None
        self._unwritten: dict[str, KeptAnswer] = {}
        self._soon: asyncio.Task[None] | None = None
        self._file: asyncio.Task[None] | None = None  # is written now; who comes meanwhile waits for it
        self._unsafe_since: float | None = None  # when the first of the writes began since which none has succeeded
        self._accepted: dict[str, dict[str, Any]] = {}  # of a version that kept label and text of accepted answers

    def find(self, question: str, text_field: str) -> KeptAnswer | None:
        """The answer that was once given to this question, whose text stands in this field."""
        if self._known is None:
            self._known = self._read()
        if question not in self._known and question in self._accepted:
            return _of_before(self._accepted[question], text_field)
        return self._known.get(question)

    async def wait_until_safe(self) -> None:
        """Before a question is asked: wait while answers cannot be written, and try once more where that failed.

        Raises:
            FtmError: They still cannot. What is asked nevertheless is lost with this process, and paid for again.
        """
        if self._unsafe_since is None or time.monotonic() - self._unsafe_since < _UNSAFE_AFTER_S:
            return
        await self._file_with_all()

    async def keep(self, question: str, answer: KeptAnswer) -> None:
        """Keep an answer; some hundred go into a file together, or those of a second."""
        if self._known is not None:
            self._known[question] = answer
        self._unwritten[question] = answer
        if len(self._unwritten) >= _ANSWERS_PER_FILE:
            await self.write()
        elif self._soon is None or self._soon.done():
            self._soon = asyncio.create_task(self._write_soon())

    async def _write_soon(self) -> None:
        """Write what a second brings, and try again each second while that fails.

        A batch can take minutes, and its process may be killed before it ends.
        """
        while self._unwritten:  # more may have come while a file was written, and none after them
            await asyncio.sleep(_LONGEST_IN_MEMORY_S)
            try:
                await self.write()
            except FtmError as error:  # said again before the next question and at the end of the batch, if it lasts
                logger.debug("answers could not be written yet: %s", error)

    async def write(self) -> None:
        """Write what is not written yet, without holding up the questions that are under way."""
        if self._file is not None and not self._file.done():
            with suppress(FtmError):  # its answers are unwritten again, and go into the next one
                await asyncio.shield(self._file)
        if self._unwritten:
            await self._file_with_all()

    async def _file_with_all(self) -> None:
        """The file that is written now, or a new one; all who wait for it hear of its failure."""
        if self._file is None or self._file.done():
            self._file = asyncio.create_task(self._write_unwritten())
        await asyncio.shield(self._file)

    async def _write_unwritten(self) -> None:
        unwritten, self._unwritten = self._unwritten, {}
        self._unsafe_since = self._unsafe_since or time.monotonic()
        try:
            await asyncio.to_thread(self._write_file, unwritten)
        except BaseException:  # storage that fails for a moment costs no answer: the next call writes them
            self._unwritten = unwritten | self._unwritten
            raise
        self._unsafe_since = None

    def _write_file(self, answers: dict[str, KeptAnswer]) -> None:
        rows = [asdict(answers[question]) | {"question": question} for question in sorted(answers)]
        name = hashlib.sha256("".join(sorted(answers)).encode()).hexdigest()[:20]  # see _FILE_NAME
        table = pa.Table.from_pylist(rows, schema=LLM_ANSWERS)
        self._lake.write_sealed(f"{self._folder}/{name}.parquet", table)

    def _read(self) -> dict[str, KeptAnswer]:
        known = {}
        for path in [f"{self._folder}/{file}" for file in self._lake.list_files(self._folder)]:
            try:
                table = self._lake.read_sealed(path)
            except DamagedError:
                self._discard(path)
                continue
            try:
                table = as_answers(table, self._lake.full_path(path))
            except DamagedError as error:  # whole, but not for this version to read: it stays
                logger.warning("the LLM is asked again for the answers of a file that is left aside: %s", error)
                continue
            for row in table.to_pylist():
                question = row.pop("question")
                if "content" in row:
                    known[question] = KeptAnswer(**row)
                else:
                    self._accepted[question] = row
        return known

    def _discard(self, path: str) -> None:
        """A damaged file is never trusted, and never in the way of a run, nor of who verifies it later.

        What is not named as these files are is somebody else's, and stays.
        """
        where, done = self._lake.full_path(path), "it is left aside"
        if _FILE_NAME.fullmatch(path.rpartition("/")[2]):
            try:
                self._lake.delete_file(path)
                done = "it is deleted"
            except FtmError as error:
                done = f"it could not be deleted: {error}"
        logger.warning("%s was damaged, and the LLM is asked again for its answers; %s", where, done)


def read_answers(lake: Lake, path: str) -> pa.Table:
    """One file of kept answers, of this version or of the one that kept label and text.

    Raises:
        DamagedError: Its bytes are not those that were written, or it holds something else.
    """
    return as_answers(lake.read_sealed(path), lake.full_path(path))


def as_answers(table: pa.Table, where: str) -> pa.Table:
    """The table of one file, if it is one of kept answers.

    Raises:
        DamagedError: It holds something else.
    """
    if set(table.column_names) == _OF_BEFORE:
        return table
    try:
        return check_table(table, LLM_ANSWERS, where)
    except SourceError as error:
        raise DamagedError(f"{where} holds no kept answers: {error}; delete it") from error


def _of_before(row: dict[str, Any], text_field: str) -> KeptAnswer:
    """An answer of the version before, put back into the form in which it came."""
    fields = dict(row)
    content = json.dumps({"label": fields.pop("label"), text_field: fields.pop("text")})
    return KeptAnswer(content=content, **fields)


def question_digest(prompt: Question, settings: LlmSettings, model_variant: Sequence[str | None] = ()) -> str:
    """What makes two questions the same: model, prompt version, limit of the answer, and the prompt to the letter."""
    content = [settings.model, *model_variant, PROMPT_VERSION, settings.max_tokens, prompt.text_field, *prompt.messages]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
