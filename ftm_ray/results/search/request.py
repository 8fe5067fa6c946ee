"""What is asked for."""

from dataclasses import dataclass
from enum import StrEnum

from ftm_ray.errors import ConfigError


class Among(StrEnum):
    """What is looked through."""

    THEMES = "themes"
    TOPICS = "topics"
    SENTENCES = "sentences"


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """A question, and what may answer it. What is left out by a filter takes part in no ranking.

    Attributes:
        question: In words, as a person would say it.
        among: Themes, topics or sentences.
        firms: Only what these firms said, by firm_id; none = all.
        kinds: Only themes of these kinds, and what belongs to them; none = all.
        limit: Hits at most.
    """

    question: str
    among: Among = Among.TOPICS
    firms: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    limit: int = 10


def make_request(
    question: str, among: str, firms: tuple[str, ...] = (), kinds: tuple[str, ...] = (), limit: int = 10
) -> SearchRequest:
    """A request out of what a person wrote.

    Raises:
        ConfigError: The question is empty, or there is nothing of that name to look through.
    """
    if not question.strip():
        raise ConfigError('the question is empty; ask in words, such as "tariffs on suppliers"')
    if among not in set(Among):
        raise ConfigError(f"'{among}' cannot be searched; there are {', '.join(Among)}")
    if limit < 1:
        raise ConfigError(f"a limit of {limit} hits asks for nothing; it must be at least 1")
    return SearchRequest(question.strip(), Among(among), firms, kinds, limit)
