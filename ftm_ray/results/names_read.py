"""The names that an LLM gave, to be read by a person: each beside what it was written from, the worst first.

Reads part files, so that a run that was refused can be read as well as one that is published: the refused answers
stand there to the letter. Nothing is judged here; outcomes and support are what the run found.
"""

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ftm_ray.errors import SourceError
from ftm_ray.lake.part_rows import part_topics
from ftm_ray.lake.published_rows import read_columns
from ftm_ray.lake.runs import finished_record
from ftm_ray.lake.storage import Lake
from ftm_ray.naming.answer_words import OUTCOME_MEANINGS, answer_lines
from ftm_ray.naming.outcomes import Outcome

_COLUMNS = ["firm_id", "firm_name", "topics"]


@dataclass(frozen=True, slots=True)
class ReadName:
    """One topic's name, or the answer that was refused, beside its sentences.

    Attributes:
        label, text: What the LLM said; null where it said nothing that could be read as a name.
        outcome: How the question ended; docs/naming.md explains the words.
        support: 0..1, of the published topics; where nothing is published, the share of its words that were said.
        unsupported: Figures and names in it that nobody said.
        refused_answer: The answer to the letter, where it was refused.
        sentences: As spoken, most central first.
    """

    firm_id: str
    firm_name: str | None
    topic_id: int
    keywords: tuple[str, ...]
    outcome: str
    label: str | None
    text: str | None
    support: float | None
    unsupported: tuple[str, ...]
    refused_answer: str | None
    sentences: tuple[str, ...]

    @property
    def is_refused(self) -> bool:
        """Whether the topic is called by its keywords because the answer did not pass, or none came."""
        return self.outcome != Outcome.NAMED.value

    @property
    def meaning(self) -> str:
        """What the outcome means; nothing where a later version wrote it."""
        return OUTCOME_MEANINGS.get(self.outcome, "")

    @property
    def refused_lines(self) -> tuple[str, ...]:
        """A refused answer as a person reads it."""
        return answer_lines(self.refused_answer)


@dataclass(frozen=True, slots=True)
class NamesRead:
    """Some names of a quarter, worst first, and how all of its questions ended."""

    quarter: str
    map_id: str
    n_topics: int
    outcomes: dict[str, int]
    names: tuple[ReadName, ...]


def read_names(lake: Lake, quarter: str, n_names: int, worst: bool = False, map_id: str | None = None) -> NamesRead:
    """Choose names of a quarter for a person to read.

    Args:
        lake: Holds a map of the quarter.
        quarter: Such as 2023Q1.
        n_names: How many; a quarter with fewer gives all it has.
        worst: The worst of all, instead of a sample that is the same each time.
        map_id: Of which map; null = the one that is published, else the only one there is.

    Raises:
        SourceError: There is no such map, several are there and none is published, or no LLM was asked.
    """
    chosen_map = _chosen_map(lake, quarter, map_id)
    supports = _published_support(lake, quarter, chosen_map)
    names = [_read_name(firm, topic, supports) for firm, topic in _asked_topics(lake, quarter, chosen_map)]
    if not names:
        raise SourceError(
            f"no LLM was asked about the topics of {quarter} (map {chosen_map}); `ftm run {quarter} --llm URL` asks"
        )
    order = _badness if worst else _draw
    sample = sorted(names, key=order)[:n_names]
    return NamesRead(
        quarter=quarter,
        map_id=chosen_map,
        n_topics=len(names),
        outcomes=dict(sorted(Counter(name.outcome for name in names).items(), key=lambda item: (-item[1], item[0]))),
        names=tuple(sorted(sample, key=_badness)),
    )


def _badness(name: ReadName) -> tuple[bool, bool, float, str, int]:
    """Refused ones first, then those that hold what nobody said, then by support."""
    support = 1.0 if name.support is None else name.support
    return not name.is_refused, not name.unsupported, support, name.firm_id, name.topic_id


def _draw(name: ReadName) -> str:
    """A place in a shuffle that is the same each time."""
    return hashlib.sha256(f"{name.firm_id}/{name.topic_id}".encode()).hexdigest()


def _chosen_map(lake: Lake, quarter: str, map_id: str | None) -> str:
    folder = lake.parts_dir(quarter, "").removesuffix("/map=")
    maps = sorted(name.removeprefix("map=") for name in lake.list_folders(folder))
    if map_id is not None:
        if map_id not in maps:
            raise SourceError(f"{lake.full_path(folder)} holds no map {map_id}; it has: {', '.join(maps) or 'none'}")
        return map_id
    if not maps:
        raise SourceError(f"no topics of {quarter} were found yet in {lake.root}; run `ftm run {quarter}` first")
    record = finished_record(lake, quarter)
    if record is None and len(maps) > 1:
        raise SourceError(f"{quarter} has several maps, none of them published; say which: --map {' | '.join(maps)}")
    return str(record["map_id"]) if record else maps[0]


def _published_support(lake: Lake, quarter: str, map_id: str) -> dict[tuple[str, int], float | None]:
    """Support by topic, where this map is published; measured when all are seen; null in files of before."""
    record = finished_record(lake, quarter)
    if record is None or record["map_id"] != map_id:
        return {}
    topics = read_columns(lake, "topics", quarter, ["firm_id", "topic_id", "support"]).to_pylist()
    return {(row["firm_id"], row["topic_id"]): row.get("support") for row in topics}


def _asked_topics(lake: Lake, quarter: str, map_id: str) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Topics that an LLM was asked about, with their firm."""
    for firm, topic in part_topics(lake, quarter, map_id, _COLUMNS):
        if topic.get("outcome") is not None:
            yield firm, topic


def _read_name(
    firm: Mapping[str, Any], topic: Mapping[str, Any], supports: Mapping[tuple[str, int], float | None]
) -> ReadName:
    is_named = topic["outcome"] == Outcome.NAMED.value
    return ReadName(
        firm_id=firm["firm_id"],
        firm_name=firm["firm_name"],
        topic_id=topic["topic_id"],
        keywords=tuple(topic["keywords"]),
        outcome=topic["outcome"],
        label=topic["label"] if is_named else None,
        text=topic["representation"] if is_named else None,
        support=supports.get((firm["firm_id"], topic["topic_id"]), topic["word_support"]) if is_named else None,
        unsupported=tuple(topic["unsupported"] or ()) if is_named else (),
        refused_answer=topic["refused_answer"],
        sentences=tuple(topic["exemplar_texts"]),
    )
