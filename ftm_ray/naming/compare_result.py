"""What a comparison of two LLMs found, and how its values read on the screen and on the page."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SideSummary:
    """How one LLM did over all topics of the sample."""

    model: str
    endpoint: str
    outcomes: dict[str, int]
    median_s: float | None  # of the requests of a topic
    prompt_tokens: int
    completion_tokens: int
    median_words: float | None  # of a summary
    n_names_firm: int
    n_nearer: int  # topics where its summary is nearer to the sentences than the other's
    mean_to_sentences: float | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Both sides, how alike they are, and where the files lie (under ROOT)."""

    quarter: str
    n_topics: int
    a: SideSummary
    b: SideSummary
    mean_summaries_cosine: float | None
    table: str
    page: str


#: What screen and page show of both sides: fields of SideSummary, with their names for a person.
COMPARED = {
    "endpoint": "endpoint",
    "outcomes": "answers",
    "median_s": "seconds, median",
    "prompt_tokens": "tokens in",
    "completion_tokens": "tokens out",
    "median_words": "words of a summary, median",
    "n_names_firm": "summaries that hold a name",
    "n_nearer": "nearer to the sentences",
    "mean_to_sentences": "cosine to the sentences, mean",
}


def shown_value(value: dict[str, int] | float | str | None) -> str:
    """A number, text or count by outcome as a person reads it."""
    if isinstance(value, dict):
        return ", ".join(f"{name} {n:,}" for name, n in value.items())
    if value is None or isinstance(value, str):
        return value or "none"
    return f"{value:,.3g}" if isinstance(value, float) else f"{value:,}"
