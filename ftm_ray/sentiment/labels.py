"""Which class of a sentiment model is which: read from the model's own labels, never from their order.

ProsusAI/finbert numbers them positive, negative, neutral; finbert-tone neutral, positive, negative. Whoever takes the
order of one for the other gets results that look like results.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from ftm_ray.errors import ConfigError

_POSITIVE = ("positive", "pos", "bullish")
_NEGATIVE = ("negative", "neg", "bearish")
_NEUTRAL = ("neutral", "neu")


@dataclass(frozen=True, slots=True)
class SentimentClasses:
    """Numbers of a model's classes; `neutral` is None where the model knows only good and bad."""

    positive: int
    negative: int
    neutral: int | None

    @classmethod
    def of(cls, labels: Mapping[int, str], model: str) -> "SentimentClasses":
        """Tell them by the labels.

        Args:
            labels: The model's id2label.
            model: Its name, for the message.

        Raises:
            ConfigError: They are not positive, negative and (where there are three) neutral, each once.
        """
        found = [_numbers(labels, names) for names in (_POSITIVE, _NEGATIVE, _NEUTRAL)]
        counts = [len(numbers) for numbers in found]
        if counts not in ([1, 1, 1], [1, 1, 0]) or sum(counts) != len(labels):
            raise ConfigError(
                f"the sentiment model '{model}' must have the classes positive, negative and neutral (or the first two "
                f"alone), got {', '.join(labels.values())}: {_advice(labels)}"
            )
        return cls(found[0][0], found[1][0], found[2][0] if found[2] else None)


def _numbers(labels: Mapping[int, str], names: tuple[str, ...]) -> list[int]:
    return [number for number, label in labels.items() if label.strip().lower() in names]


def _advice(labels: Mapping[int, str]) -> str:
    texts = [label.lower() for label in labels.values()]
    if any(text.startswith("label_") for text in texts):
        return "which is which cannot be guessed; name them in id2label of its config.json as its authors say"
    if any("star" in text for text in texts):
        return "stars rate products, and how many make a sentence neutral nobody can say; give a model of three classes"
    return "give another model, or name its classes so in id2label of its config.json if that is what they are"
