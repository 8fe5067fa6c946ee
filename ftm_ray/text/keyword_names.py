"""What a topic or theme is called, and the name that is made of its keywords where no LLM gives one."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ftm_ray.schemas.parts import SummarySource


@dataclass(frozen=True, slots=True)
class Name:
    """What a topic or theme is called, and where that comes from. What only an LLM has is null for keywords."""

    label: str
    representation: str
    summary_source: str
    prompt_version: str | None = None
    llm_model: str | None = None
    finish_reason: str | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    names_firm: bool | None = None
    word_support: float | None = None  # share of its content words that were said
    unsupported: tuple[str, ...] | None = None  # names in it that nobody said

    def as_columns(self) -> dict[str, Any]:
        """The name as columns of a topic."""
        return asdict(self)


def keyword_name(keywords: Sequence[str], sentences: Sequence[str]) -> Name:
    """Name something by its keywords and its most central sentence, and say so in `summary_source`."""
    words = ", ".join(keywords[:5])
    central = sentences[0] if sentences else ""
    text = ": ".join(part for part in (words, central) if part) or "(no words of its own)"
    return Name(", ".join(keywords[:3]) or text[:60], text, SummarySource.KEYWORDS.value)
