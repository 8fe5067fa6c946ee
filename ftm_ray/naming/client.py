"""The one client of every LLM endpoint: the cluster's own vLLM, or any OpenAI-compatible URL.

A question is asked until it is answered or hopeless: errors that pass (busy, broken connection, time-out, server
error) are tried again after a growing, jittered wait; what the server asks for in Retry-After is honoured. An endpoint
that is down for a while is the business of `endpoint_health.py`.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from ftm_ray.config import LlmSettings
from ftm_ray.naming.account import LlmAccount
from ftm_ray.naming.endpoint_health import EndpointHealth
from ftm_ray.naming.failures import PASSING, NoAnswerError, outcome_of, refusals
from ftm_ray.naming.outcomes import Outcome
from ftm_ray.naming.prompts import Question
from ftm_ray.naming.waits import wait_s, wanted_wait_s


@dataclass(frozen=True, slots=True)
class Reply:
    """A chat completion. Token counts are null where the endpoint gives none."""

    content: str | None
    finish_reason: str | None
    prompt_tokens: int | None
    completion_tokens: int | None


class LlmClient:
    """Asks one OpenAI-compatible endpoint, `max_concurrency` questions at a time. For one event loop.

    Args:
        settings: Endpoint, model, limits.
        api_key: Never logged.
        before_asking: Is awaited before each request, by who holds one of the places; its FtmError ends `ask`.
    """

    def __init__(
        self, settings: LlmSettings, api_key: str, before_asking: Callable[[], Awaitable[None]] | None = None
    ) -> None:
        from openai import AsyncOpenAI, DefaultAsyncHttpxClient

        self.settings = settings
        self._client = AsyncOpenAI(
            base_url=settings.endpoint,
            api_key=api_key,
            timeout=settings.timeout_s,
            max_retries=0,  # tries are counted, and end together when the endpoint is down: see `ask`
            http_client=DefaultAsyncHttpxClient(trust_env=settings.use_proxy),
        )
        self._slots = asyncio.Semaphore(settings.max_concurrency)
        self._before_asking = before_asking
        self._health = EndpointHealth(settings.patience_s)
        self._is_strict = False

    async def ask(self, prompt: Question, account: LlmAccount) -> Reply:
        """Ask one question, and again as long as its failure may pass.

        Raises:
            NoAnswerError: It was rejected, or tried `max_attempts` times, or the endpoint was silent for too long.
        """
        from openai import APIError, BadRequestError, UnprocessableEntityError

        attempts = 0
        is_retry = is_strict = False
        while True:
            is_strict = is_strict or self._is_strict
            try:
                async with self._slots:
                    if self._before_asking:
                        await self._before_asking()
                    async with self._health.turn():  # who waited for a slot still learns that it is down
                        account.n_retries += is_retry
                        reply = await self._request(prompt, is_strict, account)
            except (BadRequestError, UnprocessableEntityError) as error:
                if is_strict:
                    raise NoAnswerError(Outcome.REJECTED) from error
                is_strict = is_retry = True  # an endpoint that does not know vLLM's own fields, or a bad question
                continue
            except (APIError, ValueError, TimeoutError) as error:  # ValueError: a body that is not JSON
                outcome = outcome_of(error)
                if outcome in PASSING or isinstance(error, refusals()):
                    self._health.failed(error)
                if outcome not in PASSING:
                    raise NoAnswerError(outcome, getattr(error, "doc", "")) from error  # doc: of a JSONDecodeError
                if not self._health.is_down:  # tries of an endpoint that is down do not use a question up
                    attempts += 1
                    if attempts >= self.settings.max_attempts:
                        raise NoAnswerError(outcome) from error
                    wanted_s = wanted_wait_s(error)  # jittered, too, or all would come back at the same moment
                    await asyncio.sleep(wanted_s * random.uniform(1.0, 1.25) if wanted_s else wait_s(attempts))
                is_retry = True
                continue
            self._health.answered()
            self._is_strict = self._is_strict or is_strict  # only now it is known that the fields were at fault
            return reply

    async def _request(self, prompt: Question, is_strict: bool, account: LlmAccount) -> Reply:
        started = time.perf_counter()
        account.n_requests += 1
        thinking_off = {"chat_template_kwargs": {"enable_thinking": False}}  # Qwen3 thinks unless it is told not to
        try:
            # The client's own limit is for each read: a proxy that sends blanks to keep a connection would never end.
            async with asyncio.timeout(self.settings.timeout_s):
                completion = await self._client.chat.completions.create(
                    model=self.settings.model,
                    messages=prompt.messages,
                    temperature=0,
                    max_tokens=self.settings.max_tokens,
                    response_format=prompt.answer_form(with_lengths=not is_strict),
                    extra_body=None if is_strict else thinking_off,
                )
        finally:
            account.count_request(time.perf_counter() - started)
        reply = _reply(completion)
        usage = getattr(completion, "usage", None)
        account.prompt_tokens += reply.prompt_tokens or 0
        account.completion_tokens += reply.completion_tokens or 0
        account.cached_tokens += _tokens(getattr(usage, "prompt_tokens_details", None), "cached_tokens") or 0
        return reply


def _reply(completion: Any) -> Reply:
    """What came with status 200 as a chat completion; proxies send error pages and error objects with it, too."""
    try:
        choice = completion.choices[0]
        content, finish_reason = choice.message.content, choice.finish_reason
    except (AttributeError, LookupError, TypeError) as error:
        raise NoAnswerError(Outcome.MALFORMED, completion) from error
    if not isinstance(content, str | None):
        raise NoAnswerError(Outcome.MALFORMED, completion)
    usage = getattr(completion, "usage", None)
    return Reply(content, finish_reason, _tokens(usage, "prompt_tokens"), _tokens(usage, "completion_tokens"))


def _tokens(usage: object, name: str) -> int | None:
    """A count of tokens; null where the endpoint gives none."""
    n = getattr(usage, name, None)
    return n if isinstance(n, int) else None
