"""The topics of a batch of firms get names of the LLM; one that gets none keeps its name made of keywords."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from ftm_ray.naming.account import LlmAccount
from ftm_ray.naming.guards import OwnNames
from ftm_ray.naming.namer import Namer
from ftm_ray.naming.prompts import Prompt, topic_prompt
from ftm_ray.schemas.parts import FIRM_TOPICS, SummarySource


@dataclass(frozen=True, slots=True)
class NamedBatch:
    """A batch of firms with names, what they cost, and one prompt to look at."""

    table: pa.Table
    account: LlmAccount
    prompt: str | None


class TopicNamer:
    """Names the topics of a batch of firms; topics that already have an LLM name are left as they are."""

    def __init__(self, namer: Namer) -> None:
        self._namer = namer

    async def __call__(self, table: pa.Table) -> NamedBatch:
        """Take FIRM_TOPICS rows and give them back with better names."""
        rows = table.to_pylist()
        unnamed = [(topic, OwnNames(frozenset(row["own_names"]))) for row in rows for topic in _unnamed(row["topics"])]
        account = LlmAccount()
        prompts = [self._prompt(topic) for topic, _ in unnamed]
        questions = zip(prompts, unnamed, strict=True)
        try:
            endings = await asyncio.gather(*(self._namer.ask(prompt, own, account) for prompt, (_, own) in questions))
        finally:
            await self._namer.write_answers()
        for (topic, _), ending in zip(unnamed, endings, strict=True):
            topic.update(outcome=ending.outcome, refused_answer=ending.refused_answer)
            if ending.name is not None:
                topic.update(ending.name.as_columns())
        named = pa.Table.from_pylist(rows, schema=FIRM_TOPICS)
        return NamedBatch(named, account, prompts[0].material if prompts else None)

    def _prompt(self, topic: dict[str, Any]) -> Prompt:
        settings = self._namer.settings
        return topic_prompt(topic["keywords"], topic["exemplar_texts"], self._namer.counter, settings.max_prompt_tokens)


def _unnamed(topics: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return [topic for topic in topics if topic["summary_source"] != SummarySource.LLM.value]
