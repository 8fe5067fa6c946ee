"""What is in the part files, in numbers: few enough to travel to the driver with each batch.

The writer of a part counts it, so that the driver reads no part that this run made. The gates and run.json need no
more than these numbers.
"""

import json
from collections import Counter
from dataclasses import dataclass, field, fields
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from ftm_ray.schemas.parts import FirmStatus, SummarySource

#: Where single fields of topics lie in the part files; reading `topics` whole would load all embeddings.
_TOPIC = "topics.list.element."
SUMMARY_SOURCE = _TOPIC + "summary_source"

#: What of a part file is read to count it.
COUNTED_COLUMNS = (
    "status",
    "reason",
    "drop_reasons",
    SUMMARY_SOURCE,
    *(_TOPIC + name for name in ("names_firm", "prompt_tokens", "completion_tokens", "word_support")),
    "embed_s",
    "cluster_s",
)


@dataclass(slots=True)
class PartCounts:
    """Firms, topics and left-out sentences of some parts.

    Attributes:
        statuses: Firms, by what became of them.
        reasons: Firms that failed or were skipped, by the reason.
        drop_reasons: Sentences left out, by the reason.
        sources: Topics, by who named them.
        n_names_firm: Topics whose name holds that of their firm.
        n_word_support: Topics whose name says which of its words were said: those that an LLM named.
        word_support: Shares of words that were said, added over these.
        prompt_tokens: Of the LLM's answers among the names, whichever run asked for them.
        completion_tokens: As prompt_tokens.
        embed_s: Seconds of encoding, added over the firms.
        cluster_s: Seconds of clustering, added over the firms.
    """

    statuses: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    drop_reasons: Counter[str] = field(default_factory=Counter)
    sources: Counter[str] = field(default_factory=Counter)
    n_names_firm: int = 0
    n_word_support: int = 0
    word_support: float = 0.0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    embed_s: float = 0.0
    cluster_s: float = 0.0

    @property
    def n_firms(self) -> int:
        """Firms, whatever became of them."""
        return self.statuses.total()

    @property
    def n_failed(self) -> int:
        """Firms that failed."""
        return self.statuses[FirmStatus.FAILED.value]

    @property
    def n_topics(self) -> int:
        """Topics, whoever named them."""
        return self.sources.total()

    @property
    def n_unnamed(self) -> int:
        """Topics that are called by their keywords."""
        return self.sources[SummarySource.KEYWORDS.value]

    def add(self, other: "PartCounts") -> None:
        """Add the counts of other parts."""
        for one in fields(self):
            setattr(self, one.name, getattr(self, one.name) + getattr(other, one.name))

    def to_json(self) -> str:
        """As it travels in a column of text."""
        return json.dumps({one.name: getattr(self, one.name) for one in fields(self)})  # asdict breaks Counters

    @classmethod
    def from_json(cls, text: str) -> "PartCounts":
        """What `to_json` wrote."""
        values: dict[str, Any] = json.loads(text)
        for name in ("statuses", "reasons", "drop_reasons", "sources"):
            values[name] = Counter(values[name])
        return cls(**values)


def count_part(part: pa.Table) -> PartCounts:
    """Count one part.

    Args:
        part: At least the columns COUNTED_COLUMNS of FIRM_TOPICS.
    """
    topics = _topics(part)
    return PartCounts(
        statuses=Counter(part["status"].to_pylist()),
        reasons=Counter(reason for reason in part["reason"].to_pylist() if reason),
        drop_reasons=_counted(pc.list_flatten(part["drop_reasons"].combine_chunks())),
        sources=Counter(summary_sources(part)),
        n_names_firm=_sum(topics, "names_firm"),
        n_word_support=pc.count(pc.struct_field(topics, "word_support")).as_py(),
        word_support=pc.sum(pc.struct_field(topics, "word_support")).as_py() or 0.0,
        embed_s=pc.sum(part["embed_s"]).as_py() or 0.0,
        cluster_s=pc.sum(part["cluster_s"]).as_py() or 0.0,
        prompt_tokens=_sum(topics, "prompt_tokens"),
        completion_tokens=_sum(topics, "completion_tokens"),
    )


def summary_sources(part: pa.Table) -> list[str]:
    """Who named each topic of a part, 'llm' or 'keywords', in order."""
    return list(pc.struct_field(_topics(part), "summary_source").to_pylist())


def _sum(topics: pa.Array, name: str) -> int:
    return int(pc.sum(pc.struct_field(topics, name)).as_py() or 0)


def _topics(part: pa.Table) -> pa.Array:
    return pc.list_flatten(part["topics"].combine_chunks())


def _counted(values: pa.Array) -> Counter[str]:
    """How often each value stands there; nulls are not counted."""
    return Counter({row["values"]: row["counts"] for row in pc.value_counts(values.drop_null()).to_pylist()})
