"""Two LLMs name the same topics, side by side: is the small model on our own card as good as a large one elsewhere?

The topics are a sample of a quarter's map, the same for the same quarter. Answers go through the same prompts, guards
and second tries as in a run, and are not kept. How near a summary is to what was said is measured with the sentence
encoder: the cosine of the summary's embedding to the mean embedding of the topic's sentences. That rewards words of
the call over good generalising, so it says where to look, not who won.
"""

import asyncio
import hashlib
import heapq
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa

from ftm_ray.config import EmbedSettings, LlmSettings
from ftm_ray.errors import ConfigError, SourceError
from ftm_ray.lake.part_rows import part_topics
from ftm_ray.lake.runs import finished_record
from ftm_ray.lake.storage import Lake
from ftm_ray.naming.account import LlmAccount
from ftm_ray.naming.compare_page import comparison_page
from ftm_ray.naming.compare_result import Comparison, SideSummary
from ftm_ray.naming.guards import OwnNames
from ftm_ray.naming.namer import Namer
from ftm_ray.naming.prompts import PROMPT_VERSION, topic_prompt
from ftm_ray.schemas.answers import LLM_COMPARISON
from ftm_ray.text.keyword_names import Name
from ftm_ray.vectors.encoder import SentenceEncoder
from ftm_ray.vectors.unit_vectors import Vectors

_PART_COLUMNS = ("firm_id", "firm_name", "own_names", "topics")


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two LLMs. The settings hold its URL and model; the key is never logged."""

    settings: LlmSettings
    api_key: str


def compare_llms(
    lake: Lake, quarter: str, sides: tuple[Side, Side], n_topics: int, on_progress: Callable[[str, int], None]
) -> Comparison:
    """Have two LLMs name the same topics, and write a table and a page about it.

    Args:
        lake: Holds a map of the quarter.
        quarter: Such as 2023Q1.
        sides: The two LLMs.
        n_topics: Size of the sample; a quarter with fewer topics gives all it has.
        on_progress: Told the side ('a' or 'b') and how many of its answers have come.

    Raises:
        SourceError: The quarter has no map yet.
        ConfigError: The map was made with another sentence encoder than the bundled one.
    """
    topics = _sample(lake, quarter, n_topics)
    rows = [{name: topic[name] for name in ("firm_id", "firm_name", "topic_id", "keywords")} for topic in topics]
    for row, topic in zip(rows, topics, strict=True):
        row["sentences"] = topic["exemplar_texts"]
    for letter, side in zip("ab", sides, strict=True):
        answers = asyncio.run(_ask_all(side, topics, partial(on_progress, letter)))
        for row, answer in zip(rows, answers, strict=True):
            row |= {f"{letter}_{name}": value for name, value in answer.items()}
    _measure(rows, np.array([topic["embedding"] for topic in topics], dtype=np.float32))
    table = pa.Table.from_pylist(rows, schema=LLM_COMPARISON)
    folder = lake.comparison_dir(quarter, _comparison_id(sides, len(rows)))
    comparison = Comparison(
        quarter=quarter,
        n_topics=len(rows),
        a=_summary("a", sides[0], rows),
        b=_summary("b", sides[1], rows),
        mean_summaries_cosine=_mean([row["summaries_cosine"] for row in rows]),
        table=f"{folder}/answers.parquet",
        page=f"{folder}/page.html",
    )
    lake.write_table(comparison.table, table)
    lake.write_text(comparison.page, comparison_page(comparison, rows))
    return comparison


def _sample(lake: Lake, quarter: str, n: int) -> list[dict[str, Any]]:
    """A sample that is the same each time: the topics whose ids have the smallest digests."""
    chosen = heapq.nsmallest(n, _topics(lake, quarter, _map_id(lake, quarter)), key=_digest)
    if not chosen:
        raise SourceError(f"no firm of {quarter} has topics to compare on; `ftm status {quarter}` says why")
    return sorted(chosen, key=lambda topic: (topic["firm_id"], topic["topic_id"]))


def _map_id(lake: Lake, quarter: str) -> str:
    """The map that is published, else the one with most parts."""
    record = finished_record(lake, quarter)
    if record is not None:
        return str(record["map_id"])
    maps = [name.removeprefix("map=") for name in lake.list_folders(lake.parts_dir(quarter, "").removesuffix("/map="))]
    if not maps:
        raise SourceError(f"{quarter} has no topics to compare on; `ftm run {quarter} --llm none` finds them")
    return max(maps, key=lambda map_id: (len(lake.list_files(lake.parts_dir(quarter, map_id))), map_id))


def _topics(lake: Lake, quarter: str, map_id: str) -> Iterator[dict[str, Any]]:
    for firm, topic in part_topics(lake, quarter, map_id, _PART_COLUMNS):
        yield topic | {name: firm[name] for name in ("firm_id", "firm_name", "own_names")}


def _digest(topic: dict[str, Any]) -> str:
    return hashlib.sha256(f"{topic['firm_id']}/{topic['topic_id']}".encode()).hexdigest()


async def _ask_all(
    side: Side, topics: Sequence[dict[str, Any]], on_answer: Callable[[int], None]
) -> list[dict[str, Any]]:
    namer = Namer(side.settings, side.api_key, answers=None)
    n_answered = 0

    async def ask(topic: dict[str, Any]) -> dict[str, Any]:
        nonlocal n_answered
        prompt = topic_prompt(
            topic["keywords"], topic["exemplar_texts"], namer.counter, side.settings.max_prompt_tokens
        )
        account = LlmAccount()
        name = await namer.name(prompt, OwnNames(frozenset(topic["own_names"])), account)
        n_answered += 1
        on_answer(n_answered)
        return _answer_columns(name, account)

    return list(await asyncio.gather(*(ask(topic) for topic in topics)))


def _answer_columns(name: Name | None, account: LlmAccount) -> dict[str, Any]:
    return {
        "label": name.label if name else None,
        "summary": name.representation if name else None,
        "outcome": next(iter(account.outcomes)),
        "n_requests": account.n_requests,
        "seconds": account.request_s,
        "prompt_tokens": account.prompt_tokens,
        "completion_tokens": account.completion_tokens,
        "names_firm": name.names_firm if name else None,
    }


def _measure(rows: list[dict[str, Any]], centers: Vectors) -> None:
    """Add how near the summaries are to the sentences and to each other; null where an answer is missing."""
    encoder = SentenceEncoder(EmbedSettings())
    if centers.shape[1] != encoder.dim:
        raise ConfigError(
            f"the topics have vectors of length {centers.shape[1]}, the bundled encoder gives {encoder.dim}; "
            "only maps made with the bundled encoder can be compared"
        )
    summaries = {side: encoder.encode([row[f"{side}_summary"] or "" for row in rows]) for side in "ab"}
    for number, row in enumerate(rows):
        for side in "ab":
            has_text = row[f"{side}_summary"] is not None
            row[f"{side}_to_sentences"] = float(summaries[side][number] @ centers[number]) if has_text else None
        a, b = row["a_to_sentences"], row["b_to_sentences"]
        both = a is not None and b is not None
        row["summaries_cosine"] = float(summaries["a"][number] @ summaries["b"][number]) if both else None
        row["nearer"] = ("a" if a > b else "b") if both and a != b else None


def _summary(letter: str, side: Side, rows: Sequence[dict[str, Any]]) -> SideSummary:
    def column(name: str) -> list[Any]:
        return [row[f"{letter}_{name}"] for row in rows if row[f"{letter}_{name}"] is not None]

    return SideSummary(
        model=side.settings.model,
        endpoint=str(side.settings.endpoint),
        outcomes=dict(Counter(column("outcome")).most_common()),
        median_s=_median(column("seconds")),
        prompt_tokens=sum(column("prompt_tokens")),
        completion_tokens=sum(column("completion_tokens")),
        median_words=_median([len(text.split()) for text in column("summary")]),
        n_names_firm=sum(column("names_firm")),
        n_nearer=sum(row["nearer"] == letter for row in rows),
        mean_to_sentences=_mean(column("to_sentences")),
    )


def _comparison_id(sides: tuple[Side, Side], n_topics: int) -> str:
    """The same comparison has the same folder, and another prompt or model another one."""
    named = [(side.settings.endpoint, side.settings.model, side.settings.max_tokens) for side in sides]
    return hashlib.sha256(repr((named, n_topics, PROMPT_VERSION)).encode()).hexdigest()[:12]


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return round(float(np.mean(known)), 4) if known else None


def _median(values: Sequence[float]) -> float | None:
    return round(float(np.median(values)), 3) if values else None
