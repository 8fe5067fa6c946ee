"""The one client of every LLM endpoint: the cluster's own vLLM, or any OpenAI-compatible URL.

A question is asked until it is answered or hopeless: errors that pass (busy, broken connection, time-out, server
error) are tried again after a growing, jittered wait; what the server asks for in Retry-After is honoured. An endpoint
that is down for a while is the business of `llm_line.py`.
"""

import asyncio
import random
import time
from dataclasses import dataclass, field, fields, replace
from typing import Any

from ftm_ray.config import LlmSettings
from ftm_ray.errors import ConfigError
from ftm_ray.naming.endpoint_health import Line, NoAnswerError, wait_s, wanted_wait_s
from ftm_ray.naming.guards import Outcome
from ftm_ray.naming.prompts import Prompt

#: Enough to tell a web page from an error of some other program.
_SHOWN_CHARACTERS = 100


@dataclass(slots=True)
class LlmAccount:
    """What was asked and what came back. Sums of accounts are accounts.

    Attributes:
        n_questions: Topics or themes that needed a name; each has one outcome.
        n_remembered: Of these, answered from the store of earlier answers: no request.
        n_requests: HTTP requests sent.
        n_retries: Of these, sent again because the one before failed.
        n_again: Of these, sent because the first answer was refused or named a firm.
        prompt_tokens, completion_tokens: As the endpoint counts them.
        cached_tokens: Of the prompt tokens, those that the endpoint found in its prefix cache.
        request_s: Seconds of all requests together.
        outcomes: Questions by outcome.
    """

    n_questions: int = 0
    n_remembered: int = 0
    n_requests: int = 0
    n_retries: int = 0
    n_again: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    request_s: float = 0.0
    outcomes: dict[str, int] = field(default_factory=dict)

    def add(self, other: "LlmAccount") -> None:
        """Add another account to this one."""
        for name in (f.name for f in fields(self) if f.name != "outcomes"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for outcome, n in other.outcomes.items():
            self.outcomes[outcome] = self.outcomes.get(outcome, 0) + n

    def as_second_ask(self) -> "LlmAccount":
        """The same costs, for questions that were asked before and have their outcome."""
        return replace(
            self,
            n_questions=0,
            n_remembered=0,
            outcomes={},
            n_again=self.n_requests - self.n_retries,  # questions given up before they were sent are none
        )

    def count(self, outcome: Outcome) -> None:
        """Count the end of one question."""
        self.outcomes[outcome.value] = self.outcomes.get(outcome.value, 0) + 1


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
    """

    def __init__(self, settings: LlmSettings, api_key: str) -> None:
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
        self._line = Line(settings.patience_s)
        self._is_strict = False

    async def ask(self, prompt: Prompt, account: LlmAccount) -> Reply:
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
                async with self._slots, self._line.turn():  # the line last: who waits for a slot learns that it is down
                    account.n_retries += is_retry
                    reply = await self._request(prompt, is_strict, account)
            except (BadRequestError, UnprocessableEntityError) as error:
                if is_strict:
                    raise NoAnswerError(Outcome.REJECTED) from error
                is_strict = is_retry = True  # an endpoint that does not know vLLM's own fields, or a bad question
                continue
            except (APIError, ValueError, TimeoutError) as error:  # ValueError: a body that is not JSON
                outcome = _outcome(error)
                if outcome in _PASSING or isinstance(error, _refusals()):
                    self._line.failed(error)
                if outcome not in _PASSING:
                    raise NoAnswerError(outcome, getattr(error, "doc", "")) from error  # doc: of a JSONDecodeError
                if not self._line.is_down:  # questions that try a line which is down are not used up by it
                    attempts += 1
                    if attempts >= self.settings.max_attempts:
                        raise NoAnswerError(outcome) from error
                    wanted_s = wanted_wait_s(error)  # jittered, too, or all would come back at the same moment
                    await asyncio.sleep(wanted_s * random.uniform(1.0, 1.25) if wanted_s else wait_s(attempts))
                is_retry = True
                continue
            self._line.answered()
            self._is_strict = self._is_strict or is_strict  # only now it is known that the fields were at fault
            return reply

    async def _request(self, prompt: Prompt, is_strict: bool, account: LlmAccount) -> Reply:
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
            account.request_s += time.perf_counter() - started
        reply = _reply(completion)
        usage = getattr(completion, "usage", None)
        account.prompt_tokens += reply.prompt_tokens or 0
        account.completion_tokens += reply.completion_tokens or 0
        account.cached_tokens += _tokens(getattr(usage, "prompt_tokens_details", None), "cached_tokens") or 0
        return reply


async def check_endpoint(settings: LlmSettings, api_key: str, account: LlmAccount) -> str | None:
    """Ask one small question before any work begins; returns what is wrong if the endpoint may yet come back.

    Raises:
        ConfigError: It refuses the key, does not know the model, or is no LLM at all: no waiting will help.
    """
    from openai import APIStatusError, AuthenticationError, NotFoundError, PermissionDeniedError

    patient = settings.model_copy(update={"max_attempts": 1, "patience_s": 0.0})
    hello = Prompt("Answer with a JSON object.", 'Keywords: hello\nSentences:\n- "Good morning."', "summary")
    try:
        await LlmClient(patient, api_key).ask(hello, account)
    except NoAnswerError as error:
        cause = error.__cause__
        if isinstance(cause, AuthenticationError | PermissionDeniedError):
            raise ConfigError(
                f"the LLM at {settings.endpoint} refuses the key in {settings.api_key_variable} "
                f"(status {cause.status_code}); set the variable to a valid key"
            ) from None  # the endpoint's own words may repeat the key
        if isinstance(cause, NotFoundError):
            raise ConfigError(
                f"the LLM at {settings.endpoint} has no model {settings.model}, or the URL is not that of an "
                "OpenAI-compatible endpoint (it usually ends in /v1); check --llm and --llm-model"
            ) from None
        if error.outcome is Outcome.REJECTED and isinstance(cause, APIStatusError):
            raise ConfigError(
                f"the LLM at {settings.endpoint} rejects the simplest question (status {cause.status_code}); check "
                f"--llm-model and the key in {settings.api_key_variable}"
            ) from None
        if error.outcome is Outcome.MALFORMED:
            raise ConfigError(
                f"{settings.endpoint} answers, but not as an OpenAI-compatible endpoint does: "
                f"{_beginning(error.came, api_key)}. Check --llm: does the URL end in /v1?"
            ) from None
        return f"the LLM at {settings.endpoint} does not answer ({error.outcome.value})"
    return None


def _beginning(came: object, api_key: str) -> str:
    """What came instead of an answer, for a person to recognise it: one line, without the key."""
    text = came if isinstance(came, str) else getattr(came, "to_json", came.__repr__)()
    line = " ".join(text.replace(api_key, "***").split())
    return f"it sent {line[:_SHOWN_CHARACTERS]!r}" if line else "it sent nothing"  # !r: no control character


#: Failures after which the same question may be answered.
_PASSING = {Outcome.TIMED_OUT, Outcome.UNREACHABLE, Outcome.BUSY, Outcome.SERVER_ERROR}


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


def _refusals() -> tuple[type[Exception], ...]:
    """Errors that meet every question alike: a key that is refused, a model that is not there."""
    from openai import AuthenticationError, NotFoundError, PermissionDeniedError

    return (AuthenticationError, PermissionDeniedError, NotFoundError)


def _outcome(error: Exception) -> Outcome:
    from openai import (
        APIConnectionError,
        APIStatusError,
        APITimeoutError,
        ConflictError,
        InternalServerError,
        RateLimitError,
    )

    if isinstance(error, APITimeoutError | TimeoutError):  # first, for it is a kind of connection error
        return Outcome.TIMED_OUT
    if isinstance(error, APIConnectionError):
        return Outcome.UNREACHABLE
    if isinstance(error, RateLimitError | ConflictError):  # 409: others hold what it needs, for a moment
        return Outcome.BUSY
    if isinstance(error, InternalServerError):
        return Outcome.SERVER_ERROR
    if isinstance(error, APIStatusError) and error.status_code == 408:  # a gateway that did not wait for the model
        return Outcome.TIMED_OUT
    return Outcome.REJECTED if isinstance(error, APIStatusError) else Outcome.MALFORMED
