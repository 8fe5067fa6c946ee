"""Step 3: topics and themes get names that a person can read; here, the name of one.

Each topic already carries a name made of its keywords and its most central sentence (`summary_source='keywords'`); an
answer of the LLM replaces it, and only an answer that passes every guard. So nothing is lost when the endpoint is
down, and nothing pretends: every question ends in one counted outcome, and the share of LLM names has a limit
(`min_llm_ratio`).

    question -> kept answer? -> ask -> judge -> (ask once more with a reminder -> judge) -> name
"""

from dataclasses import dataclass

from ftm_ray.config import LlmSettings
from ftm_ray.naming.account import LlmAccount, RefusedAnswer
from ftm_ray.naming.client import LlmClient
from ftm_ray.naming.failures import NoAnswerError
from ftm_ray.naming.guards import Judged, OwnNames, cut_label, judge_answer
from ftm_ray.naming.kept_answers import AnswerStore, KeptAnswer, question_digest
from ftm_ray.naming.prompts import PROMPT_VERSION, Prompt
from ftm_ray.naming.tokens import EstimatedTokens, token_counter
from ftm_ray.schemas.parts import SummarySource
from ftm_ray.text.keyword_names import Name


@dataclass(frozen=True, slots=True)
class Ending:
    """How a question ended: with a name, or with an answer that was refused, or with none."""

    outcome: str
    name: Name | None = None
    refused_answer: str | None = None


class Namer:
    """Gets names from the LLM, and remembers them.

    Args:
        settings: Endpoint, model, limits.
        api_key: Never logged.
        answers: Where answers are kept; null = every question is asked.
    """

    def __init__(self, settings: LlmSettings, api_key: str, answers: AnswerStore | None) -> None:
        self.settings = settings
        is_estimate = settings.estimate_tokens
        self.counter = EstimatedTokens() if is_estimate else token_counter(settings.tokenizer or settings.model)
        self._client = LlmClient(settings, api_key, answers.wait_until_safe if answers else None)
        self._answers = answers

    async def name(self, prompt: Prompt, own_names: OwnNames, account: LlmAccount) -> Name | None:
        """Ask for one name; null if there is no answer or none that passes the guards. Arguments as `ask` has them."""
        return (await self.ask(prompt, own_names, account)).name

    async def ask(self, prompt: Prompt, own_names: OwnNames, account: LlmAccount) -> Ending:
        """Ask for one name, and say how that ended.

        Args:
            prompt: The question.
            own_names: What the answer should not hold.
            account: Gets what this question cost and how it ended.
        """
        account.n_questions += 1
        try:
            answer, judged = await self._ask_twice(prompt, own_names, account)
        except NoAnswerError as error:
            account.count(error.outcome)
            return Ending(error.outcome.value)
        account.count(judged.outcome)
        if judged.label is None or judged.text is None:
            account.show_refused(RefusedAnswer(judged.outcome.value, answer.content, prompt.quoted()))
            return Ending(judged.outcome.value, refused_answer=answer.content)
        return Ending(judged.outcome.value, _name(answer, judged))

    async def _ask_twice(self, prompt: Prompt, own_names: OwnNames, account: LlmAccount) -> tuple[KeptAnswer, Judged]:
        """Ask, and where the answer can be mended, once more. The better of the two answers counts."""
        answer, was_kept = await self._answer(prompt, account)
        account.n_remembered += was_kept
        judged = judge_answer(answer.content, answer.finish_reason, prompt, own_names)
        if judged.reminder is None:
            return answer, judged
        cost = LlmAccount()
        try:
            second, _ = await self._answer(prompt.again(judged.reminder), cost)
        except NoAnswerError:
            return answer, judged
        finally:
            account.add(cost.as_second_ask())  # nothing, if the endpoint was given up before it was sent
        judged_again = judge_answer(second.content, second.finish_reason, prompt, own_names)
        return (answer, judged) if judged.faults < judged_again.faults else (second, judged_again)

    async def _answer(self, prompt: Prompt, account: LlmAccount) -> tuple[KeptAnswer, bool]:
        """The answer that was once given, or a new one; and whether it was kept."""
        answers = self._answers
        question = question_digest(prompt, self.settings, answers.model_variant if answers else ())
        kept = answers.find(question, prompt.text_field) if answers else None
        if kept is not None:
            return kept, True
        reply = await self._client.ask(prompt, account)
        answer = KeptAnswer(
            content=_storable(reply.content),
            llm_model=self.settings.model,
            prompt_version=PROMPT_VERSION,
            finish_reason=reply.finish_reason,
            prompt_tokens=reply.prompt_tokens,
            completion_tokens=reply.completion_tokens,
        )
        if answers:
            await answers.keep(question, answer)
        return answer, False

    async def write_answers(self) -> None:
        """Make sure that nothing that was paid for is lost."""
        if self._answers:
            await self._answers.write()


def _storable(content: str | None) -> str | None:
    """An answer as a file can hold it: half an emoji becomes a question mark, and the guards still see that."""
    return None if content is None else content.encode("utf-8", "replace").decode("utf-8")


def _name(answer: KeptAnswer, judged: Judged) -> Name:
    return Name(
        label=cut_label(judged.label or ""),
        representation=judged.text or "",
        summary_source=SummarySource.LLM.value,
        prompt_version=answer.prompt_version,
        llm_model=answer.llm_model,
        finish_reason=answer.finish_reason,
        prompt_tokens=answer.prompt_tokens,
        completion_tokens=answer.completion_tokens,
        names_firm=judged.names_firm,
        word_support=judged.word_support,
        unsupported=judged.unsupported,
    )
