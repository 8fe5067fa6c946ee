"""Step 3: topics and themes get names that a person can read; here, the name of one.

Each topic already carries a name made of its keywords and its most central sentence (`summary_source='keywords'`); an
answer of the LLM replaces it, and only an answer that passes every guard. So nothing is lost when the endpoint is
down, and nothing pretends: every question ends in one counted outcome, and the share of LLM names has a limit
(`min_llm_ratio`).

    question -> kept answer? -> ask -> judge -> (ask once more with a reminder -> judge) -> name
"""

from ftm_ray.config import LlmSettings
from ftm_ray.naming.account import LlmAccount
from ftm_ray.naming.client import LlmClient, Reply
from ftm_ray.naming.failures import NoAnswerError
from ftm_ray.naming.guards import Judged, OwnNames, cut_label, judge_answer, names_in
from ftm_ray.naming.kept_answers import AnswerStore, StoredAnswer, question_digest
from ftm_ray.naming.outcomes import Outcome
from ftm_ray.naming.prompts import PROMPT_VERSION, Prompt
from ftm_ray.naming.tokens import EstimatedTokens, token_counter
from ftm_ray.schemas.parts import SummarySource
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
        question = question_digest(prompt, self.settings, self._answers.model_variant if self._answers else ())
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
