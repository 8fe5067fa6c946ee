"""Does a theme's old name still fit? Asked over quarters, of themes that have moved away from what they were named for.

The LLM names nothing here: it sees the old name and the one that the quarter's own run gave, which passed every guard,
and says keep or rename. Answers are kept like all others, so that linking again asks nothing twice.
"""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace

from ftm_ray.config import LlmSettings
from ftm_ray.errors import RetryableError
from ftm_ray.naming.account import LlmAccount
from ftm_ray.naming.client import LlmClient
from ftm_ray.naming.failures import NoAnswerError
from ftm_ray.naming.kept_answers import AnswerStore, KeptAnswer, question_digest
from ftm_ray.naming.prompts import KEEP, PROMPT_VERSION, RENAME, KeepQuestion

_REMINDER = 'Answer with the JSON object alone: {"answer": "keep"} or {"answer": "rename"}.'


class NameKeeper:
    """Asks an LLM whether old names still fit, and remembers.

    Args:
        settings: Endpoint, model, limits.
        api_key: Never logged.
        answers: Where answers are kept.
    """

    def __init__(self, settings: LlmSettings, api_key: str, answers: AnswerStore) -> None:
        self._settings = settings
        self._api_key = api_key
        self._answers = answers

    def judge(self, questions: Sequence[KeepQuestion]) -> list[bool]:
        """Of each theme, whether its old name is kept.

        Raises:
            RetryableError: An answer did not come, or was none of the two. What came is kept: the same call goes on.
        """
        return asyncio.run(self._ask_all(questions)) if questions else []

    async def _ask_all(self, questions: Sequence[KeepQuestion]) -> list[bool]:
        client, account = LlmClient(self._settings, self._api_key, self._answers.wait_until_safe), LlmAccount()
        answers = await asyncio.gather(*(self._ask_twice(client, question, account) for question in questions))
        await self._answers.write()
        without = [question.old_label for question, answer in zip(questions, answers, strict=True) if answer is None]
        if without:
            raise RetryableError(
                f"the LLM at {self._settings.endpoint} did not say keep or rename for {len(without)} of "
                f"{len(questions)} names, such as '{without[0]}', so nothing was linked; the same command asks again "
                "for these, and without --llm a theme that has moved gets the name of its quarter"
            )
        return [answer == KEEP for answer in answers]

    async def _ask_twice(self, client: LlmClient, question: KeepQuestion, account: LlmAccount) -> str | None:
        answer = await self._answer(client, question, account)
        return answer or await self._answer(client, replace(question, reminder=_REMINDER), account)

    async def _answer(self, client: LlmClient, question: KeepQuestion, account: LlmAccount) -> str | None:
        """keep or rename; None where it is neither, or nothing came. Only what is an answer is kept."""
        digest = question_digest(question, self._settings, self._answers.model_variant)
        kept = self._answers.find(digest, question.text_field)
        if kept is not None:
            return _decision(kept.content)
        try:
            reply = await client.ask(question, account)
        except NoAnswerError:
            return None
        decision = _decision(reply.content)
        if decision is not None:
            tokens = (reply.prompt_tokens, reply.completion_tokens)
            answer = KeptAnswer(reply.content, self._settings.model, PROMPT_VERSION, reply.finish_reason, *tokens)
            await self._answers.keep(digest, answer)
        return decision


def _decision(content: str | None) -> str | None:
    try:
        answer = json.loads(content or "")
    except (ValueError, RecursionError):
        return None
    decision = answer.get("answer") if isinstance(answer, dict) and set(answer) == {"answer"} else None
    return decision if decision in (KEEP, RENAME) else None
