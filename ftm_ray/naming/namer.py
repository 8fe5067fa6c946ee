"""Step 3: topics and themes get names that a person can read.

Each topic already carries a name made of its keywords and its most central sentence (`summary_source='keywords'`); an
answer of the LLM replaces it, and only an answer that passes every guard. So nothing is lost when the endpoint is
down, and nothing pretends: every question ends in one counted outcome, and the share of LLM names has a limit
(`min_llm_ratio`).

    question -> kept answer? -> ask -> judge -> (ask once more with a reminder -> judge) -> name
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa

from ftm_ray.config import LlmSettings
from ftm_ray.naming.client import LlmAccount, LlmClient, Reply
from ftm_ray.naming.endpoint_health import NoAnswerError
from ftm_ray.naming.guards import Judged, Outcome, OwnNames, cut_label, judge_answer, names_in
from ftm_ray.naming.kept_answers import AnswerStore, StoredAnswer, question_digest
from ftm_ray.naming.prompts import PROMPT_VERSION, Prompt, theme_prompt, topic_prompt
from ftm_ray.naming.tokens import EstimatedTokens, token_counter
from ftm_ray.schemas.parts import FIRM_TOPICS, SummarySource
from ftm_ray.text.keyword_names import Name


class Namer:
    """Gets names from the LLM, and remembers them.

    Args:
        settings: Endpoint, model, limits.
        api_key: Never logged.
        answers: Where accepted answers are kept; null = every question is asked.
    """

    def __init__(self, settings: LlmSettings, api_key: str, answers: AnswerStore | None) -> None:
        self.settings = settings
        is_estimate = settings.estimate_tokens
        self.counter = EstimatedTokens() if is_estimate else token_counter(settings.tokenizer or settings.model)
        self._client = LlmClient(settings, api_key)
        self._answers = answers

    async def name(self, prompt: Prompt, own_names: OwnNames, account: LlmAccount) -> Name | None:
        """Ask for one name; null if there is no answer or none that passes the guards.

        Args:
            prompt: The question.
            own_names: What the answer should not hold.
            account: Gets what this question cost and how it ended.
        """
        account.n_questions += 1
        question = question_digest(prompt, self.settings, self._answers.weights if self._answers else ())
        stored = self._answers.find(question) if self._answers else None
        if stored is not None:
            account.n_remembered += 1
            account.count(Outcome.NAMED)
            return _name(stored, own_names)
        try:
            reply, judged = await self._ask(prompt, own_names, account)
        except NoAnswerError as error:
            account.count(error.outcome)
            return None
        account.count(judged.outcome)
        if judged.label is None or judged.text is None:
            return None
        answer = StoredAnswer(
            label=cut_label(judged.label),
            text=judged.text,
            llm_model=self.settings.model,
            prompt_version=PROMPT_VERSION,
            finish_reason=reply.finish_reason or "",
            prompt_tokens=reply.prompt_tokens,
            completion_tokens=reply.completion_tokens,
        )
        if self._answers:
            await self._answers.keep(question, answer)
        return _name(answer, own_names)

    async def _ask(self, prompt: Prompt, own_names: OwnNames, account: LlmAccount) -> tuple[Reply, Judged]:
        """Ask, and where the answer can be mended, once more. The better of the two answers counts."""
        reply = await self._client.ask(prompt, account)
        judged = judge_answer(reply.content, reply.finish_reason, prompt, own_names)
        if judged.reminder is None:
            return reply, judged
        cost = LlmAccount()
        try:
            second = await self._client.ask(prompt.again(judged.reminder), cost)
        except NoAnswerError:
            return reply, judged
        finally:
            account.add(cost.as_second_ask())  # nothing, if the endpoint was given up before it was sent
        judged_again = judge_answer(second.content, second.finish_reason, prompt, own_names)
        return (reply, judged) if judged.faults < judged_again.faults else (second, judged_again)

    async def write_answers(self) -> None:
        """Make sure that nothing that was paid for is lost."""
        if self._answers:
            await self._answers.write()


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
            names = await asyncio.gather(*(self._namer.name(prompt, own, account) for prompt, (_, own) in questions))
        finally:
            await self._namer.write_answers()
        for (topic, _), name in zip(unnamed, names, strict=True):
            if name is not None:
                topic.update(name.as_columns())
        named = pa.Table.from_pylist(rows, schema=FIRM_TOPICS)
        return NamedBatch(named, account, prompts[0].material if prompts else None)

    def _prompt(self, topic: dict[str, Any]) -> Prompt:
        settings = self._namer.settings
        return topic_prompt(topic["keywords"], topic["exemplar_texts"], self._namer.counter, settings.max_prompt_tokens)


@dataclass(frozen=True, slots=True)
class ThemeToName:
    """What the LLM is told of one theme.

    Attributes:
        keywords: Most telling first.
        summaries: Of its exemplar topics, most central first.
        neighbours: Positions of the nearest themes in the list of all, nearest first.
        own_names: What its firms and their people are called.
        fallback: Its name if the LLM gives none.
    """

    keywords: tuple[str, ...]
    summaries: tuple[str, ...]
    neighbours: tuple[int, ...]
    own_names: OwnNames
    fallback: Name


@dataclass(frozen=True, slots=True)
class NamedThemes:
    """Names in the order of the themes, what they cost, and one prompt to look at."""

    names: list[Name]
    n_numbered: int  # labels that two themes shared even after asking again, told apart by a number
    account: LlmAccount
    prompt: str | None


async def name_themes(namer: Namer, themes: Sequence[ThemeToName]) -> NamedThemes:
    """Name all themes so that no two share a label.

    All are asked at once, each with its neighbours' keywords. Where two answers have the same label, the larger theme
    (the first) keeps it and the others are asked again, now with the labels that are taken; what is still the same
    after that gets a number.
    """
    account = LlmAccount()
    nearby = [[", ".join(themes[near].keywords[:3]) for near in theme.neighbours] for theme in themes]
    prompts = [_theme_prompt(namer, theme, names) for theme, names in zip(themes, nearby, strict=True)]
    names = list(await _ask_all(namer, prompts, themes, account))
    again = _label_taken_before(names)
    if again:
        labels = [name.label if name else "" for name in names]
        taken = [[labels[row], *(labels[near] for near in themes[row].neighbours)] for row in again]
        prompts_again = [_theme_prompt(namer, themes[row], known) for row, known in zip(again, taken, strict=True)]
        second = LlmAccount()
        answers = await _ask_all(namer, prompts_again, [themes[row] for row in again], second)
        account.add(second.as_second_ask())
        for row, answer in zip(again, answers, strict=True):
            names[row] = answer or names[row]
    await namer.write_answers()
    filled = [name or theme.fallback for name, theme in zip(names, themes, strict=True)]
    distinct, n_numbered = numbered(filled)
    return NamedThemes(distinct, n_numbered, account, prompts[0].material if prompts else None)


def _theme_prompt(namer: Namer, theme: ThemeToName, neighbours: Sequence[str]) -> Prompt:
    distinct = [name for name in dict.fromkeys(neighbours) if name]
    return theme_prompt(theme.keywords, theme.summaries, distinct, namer.counter, namer.settings.max_prompt_tokens)


async def _ask_all(
    namer: Namer, prompts: Sequence[Prompt], themes: Sequence[ThemeToName], account: LlmAccount
) -> list[Name | None]:
    questions = zip(prompts, themes, strict=True)
    return list(await asyncio.gather(*(namer.name(prompt, theme.own_names, account) for prompt, theme in questions)))


def _label_taken_before(names: Sequence[Name | None]) -> list[int]:
    """Themes whose label a larger theme already has."""
    taken: set[str] = set()
    again = []
    for row, name in enumerate(names):
        key = name.label.casefold() if name else None
        if key in taken:
            again.append(row)
        elif key is not None:
            taken.add(key)
    return again


def numbered(names: Sequence[Name]) -> tuple[list[Name], int]:
    """Names with a number behind each label that a larger theme has, and how many got one."""
    taken: set[str] = set()
    distinct = []
    for name in names:
        label, n = name.label, 1
        while label.casefold() in taken:
            n += 1
            label = f"{name.label} ({n})"
        taken.add(label.casefold())
        distinct.append(replace(name, label=label))
    n_numbered = sum(one.label != other.label for one, other in zip(distinct, names, strict=True))
    return distinct, n_numbered


def _unnamed(topics: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return [topic for topic in topics if topic["summary_source"] != SummarySource.LLM.value]


def _name(answer: StoredAnswer, own_names: OwnNames) -> Name:
    return Name(
        label=answer.label,
        representation=answer.text,
        summary_source=SummarySource.LLM.value,
        prompt_version=answer.prompt_version,
        llm_model=answer.llm_model,
        finish_reason=answer.finish_reason,
        prompt_tokens=answer.prompt_tokens,
        completion_tokens=answer.completion_tokens,
        names_firm=bool(names_in(f"{answer.label}. {answer.text}", own_names)),
    )
