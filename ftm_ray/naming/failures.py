"""What can go wrong with a request to the LLM, and which of it may pass."""

from ftm_ray.naming.outcomes import Outcome

#: Failures after which the same question may be answered.
PASSING = {Outcome.TIMED_OUT, Outcome.UNREACHABLE, Outcome.BUSY, Outcome.SERVER_ERROR}


class NoAnswerError(Exception):
    """A question that got no answer.

    Attributes:
        outcome: Why.
        came: What came instead, where that is known. It may repeat the key, so it is no part of the error's text.
    """

    def __init__(self, outcome: Outcome, came: object = "") -> None:
        super().__init__(outcome.value)
        self.outcome = outcome
        self.came = came


def refusals() -> tuple[type[Exception], ...]:
    """Errors that meet every question alike: a key that is refused, a model that is not there."""
    from openai import AuthenticationError, NotFoundError, PermissionDeniedError

    return (AuthenticationError, PermissionDeniedError, NotFoundError)


def outcome_of(error: Exception) -> Outcome:
    """The outcome that stands for an error of a request."""
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
