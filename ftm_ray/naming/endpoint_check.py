"""One small question before any work begins: does the endpoint answer, and is it an LLM that knows us?"""

import json
import logging
import re

from ftm_ray.config import LlmSettings
from ftm_ray.errors import ConfigError
from ftm_ray.naming.account import LlmAccount
from ftm_ray.naming.client import LlmClient, Reply
from ftm_ray.naming.failures import NoAnswerError
from ftm_ray.naming.outcomes import Outcome
from ftm_ray.naming.prompts import Prompt

logger = logging.getLogger(__name__)

_THOUGHT = re.compile(r"</?think(?:ing)?>", re.IGNORECASE)

#: Enough to tell a web page from an error of some other program.
_SHOWN_CHARACTERS = 100


async def check_endpoint(settings: LlmSettings, api_key: str, account: LlmAccount) -> str | None:
    """Ask one small question before any work begins; returns what is wrong if the endpoint may yet come back.

    An answer that is not of the form that was asked for (fences, thoughts) is warned of: all others will look like it.

    Raises:
        ConfigError: It refuses the key, does not know the model, or is no LLM at all: no waiting will help.
    """
    from openai import APIStatusError, AuthenticationError, NotFoundError, PermissionDeniedError

    patient = settings.model_copy(update={"max_attempts": 1, "patience_s": 0.0})
    hello = Prompt("Answer with a JSON object.", 'Keywords: hello\nSentences:\n- "Good morning."', "summary")
    try:
        reply = await LlmClient(patient, api_key).ask(hello, account)
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
    if trouble := _form_trouble(settings, reply, api_key):
        logger.warning("%s", trouble)  # said before the work: what comes of it is counted name by name
    return None


def _form_trouble(settings: LlmSettings, reply: Reply, api_key: str) -> str | None:
    """What the form of the test answer says about all answers to come; null where it is what was asked for."""
    text = (reply.content or "").strip()
    if _THOUGHT.search(text):
        what = "thinks aloud (a <think> block stands in its answer); turn thinking off where the model is served"
    elif text.startswith("```"):
        what = "wraps its answer in code fences (```); serve it with JSON output (response_format) supported"
    elif reply.finish_reason == "length":
        what = f"does not end within llm.max_tokens = {settings.max_tokens}; raise it, or ask a model that says less"
    elif not _is_object(text):
        what = f"does not answer with the JSON object that was asked for: {_beginning(text, api_key)}"
    else:
        return None
    return (
        f"the LLM {settings.model} at {settings.endpoint} {what}. Answers of this form may be refused, and the run "
        "then ends without publishing"
    )


def _is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False


def _beginning(came: object, api_key: str) -> str:
    """What came instead of an answer, for a person to recognise it: one line, without the key."""
    text = came if isinstance(came, str) else getattr(came, "to_json", came.__repr__)()
    line = " ".join(text.replace(api_key, "***").split())
    return f"it sent {line[:_SHOWN_CHARACTERS]!r}" if line else "it sent nothing"  # !r: no control character
