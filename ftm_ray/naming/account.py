"""What the questions to the LLM cost and how they ended; sums of accounts are accounts."""

from dataclasses import dataclass, field, fields, replace
from typing import Any

from ftm_ray.naming.outcomes import Outcome

#: Seconds that tell quick answers from slow ones; beyond `llm.timeout_s` (60) there is none.
LATENCY_BOUNDS_S = (0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0)


@dataclass(frozen=True, slots=True)
class RefusedAnswer:
    """An answer that was refused, for a person to read beside what it was asked about."""

    outcome: str
    content: str | None
    sentences: list[str]

    def as_row(self) -> dict[str, Any]:
        """As it stands in an account."""
        return {"outcome": self.outcome, "content": self.content, "sentences": self.sentences}


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
        latencies: Requests by how long they took: the smallest of LATENCY_BOUNDS_S that holds it, or 'inf'.
        outcomes: Questions by outcome.
        refused: One refused answer of each outcome, to look at: the first by content.
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
    latencies: dict[str, int] = field(default_factory=dict)
    outcomes: dict[str, int] = field(default_factory=dict)
    refused: dict[str, dict[str, Any]] = field(default_factory=dict)

    def add(self, other: "LlmAccount") -> None:
        """Add another account to this one."""
        for name in (f.name for f in fields(self) if f.name not in ("latencies", "outcomes", "refused")):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for mine, others in ((self.latencies, other.latencies), (self.outcomes, other.outcomes)):
            for key, n in others.items():
                mine[key] = mine.get(key, 0) + n
        for row in other.refused.values():
            self.show_refused(RefusedAnswer(**row))

    def as_second_ask(self) -> "LlmAccount":
        """The same costs, for questions that were asked before and have their outcome."""
        return replace(
            self,
            n_questions=0,
            n_remembered=0,
            outcomes={},
            refused={},
            n_again=self.n_requests - self.n_retries,  # questions given up before they were sent are none
        )

    def count_request(self, seconds: float) -> None:
        """Count the time of one request, whether or not it was answered."""
        self.request_s += seconds
        bound = next((bound for bound in LATENCY_BOUNDS_S if seconds <= bound), float("inf"))
        self.latencies[f"{bound:g}"] = self.latencies.get(f"{bound:g}", 0) + 1

    def count(self, outcome: Outcome) -> None:
        """Count the end of one question."""
        self.outcomes[outcome.value] = self.outcomes.get(outcome.value, 0) + 1

    def show_refused(self, answer: RefusedAnswer) -> None:
        """Keep a refused answer to look at; which one does not depend on the order in which they came."""
        known = self.refused.get(answer.outcome)
        if known is None or (answer.content or "") < (known["content"] or ""):
            self.refused[answer.outcome] = answer.as_row()
