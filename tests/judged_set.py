"""Answers that a person judged, good and bad, and how the guards judge them.

tests/golden/judged_answers.jsonl has one answer a line: to which topic, label and text, by whom it was written (a small
model, or by hand), whether it is good, the kind of fault if not, and the half it is in. Limits of guards are set on
`develop` and reported on `held_out`. judged_topics.jsonl has the topics; of real calls it has ids alone, and their
sentences are read from the folder of test data.
"""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from ftm_ray.lake.storage import Lake
from ftm_ray.naming.guards import Judged, OwnNames, judge_answer
from ftm_ray.naming.prompts import topic_prompt
from ftm_ray.naming.tokens import EstimatedTokens
from ftm_ray.sources.files.source import FilesSettings, FilesSource
from ftm_ray.sources.prefetch import prefetch_quarter

GOLDEN = Path(__file__).parent / "golden"
DATA = Path(os.environ.get("FTM_TEST_DATA", Path(__file__).parents[2] / "shared" / "data"))

#: What can be wrong with an answer, and what that means. Where several are, the first that a reader sees counts.
KINDS = {
    "loop": "says the same over and over",
    "cut": "the text breaks off",
    "task words": "says the rules back",
    "same label": "a label that fits every topic alike",
    "nothing in common": "is about something else",
    "copied": "a spoken sentence as it stands",
    "cut label": "the label breaks off in mid-phrase",
    "single word": "a word, or a few that are no sentence",
    "wrong number": "a figure or place that nobody said",
    "other": "empty talk, or the opposite of what was said",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """One judged answer; `kind` is null where it is good."""

    id: str
    source: str
    quarter: str
    firm_id: str
    topic_id: int
    first_sentence: str
    label: str
    text: str
    by: str
    judged: str
    kind: str | None
    half: str


@cache
def answers() -> tuple[Answer, ...]:
    """All judged answers."""
    return tuple(Answer(**row) for row in _rows("judged_answers.jsonl"))


@cache
def topics() -> dict[str, dict[str, Any]]:
    """The topics that were answered, by their first sentence, which is in no other topic."""
    return {row["first_sentence"]: row for row in _rows("judged_topics.jsonl")}


def guarded(answer: Answer, real_sentences: dict[str, str]) -> Judged:
    """What the guards say to an answer, asked as a run asks.

    Args:
        answer: One of `answers()`.
        real_sentences: Sentences of real calls by id; see `read_real_sentences`.
    """
    topic = topics()[answer.first_sentence]
    sentences = topic.get("sentences") or [real_sentences[one] for one in topic["exemplar_ids"]]
    prompt = topic_prompt(topic.get("keywords", []), sentences, EstimatedTokens(), 900)
    content = json.dumps({"label": answer.label, "summary": answer.text})
    return judge_answer(content, "stop", prompt, OwnNames(frozenset()))


def is_refused(judged: Judged) -> bool:
    """Whether it becomes no name."""
    return judged.label is None


def is_flagged(judged: Judged) -> bool:
    """Whether it stands with a list of figures and names that nobody said (column `unsupported`)."""
    return not is_refused(judged) and bool(getattr(judged, "unsupported", ()))


def ratio_of(found: Sequence[bool]) -> float:
    """Share of those that are true."""
    return sum(found) / len(found)


def read_real_sentences(root: Path) -> dict[str, str]:
    """Sentences of the ten firms' calls by id, prefetched into a folder of its own; empty where the data is absent."""
    if not (DATA / "sets.json").exists():
        return {}
    lake = Lake(str(root))
    ids = f"{DATA / 'sets.json'}:smoke_10_firms_2020Q1"
    settings = FilesSettings((str(DATA / "nasdaq10_2016_2020.parquet"),), ids=ids)
    prefetch_quarter(lake, "2020Q1", FilesSource(settings), lambda *_: None)
    folder = lake.prefetch_dir("2020Q1")
    chunks = [lake.read_table(f"{folder}/{name}") for name in lake.list_files(folder) if name.startswith("chunk_")]
    firms = [sentences for chunk in chunks for sentences in chunk["sentences"].to_pylist()]
    return {one["sentence_id"]: one["raw_text"] for sentences in firms for one in sentences}


def _rows(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (GOLDEN / name).read_text(encoding="utf-8").splitlines()]
