"""What kind of talk a theme is: a subject, results that every quarter has, or nothing in particular.

One softmax regression on what a theme's sentences and its keywords are like: three times 769 numbers in a JSON file.
It is tied to its encoder, as the boilerplate classifier is; with another one themes have no kind. What the three words
mean, how they were labelled, and all figures: docs/themes.md. Trained by tests/benchmarks/theme_kind.py.
"""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import numpy as np

from ftm_ray.vectors.query_encoder import QueryEncoder
from ftm_ray.vectors.unit_vectors import Vectors, mean_vector

WEIGHTS_PATH = Path(__file__).with_name("kind_minilm.json")

#: Keywords of its topics that stand for a theme.
_N_KEYWORDS = 10


class ThemeKind(StrEnum):
    """What a theme is about."""

    SUBJECT = "subject"  # something in the world that firms talk about
    RESULTS = "results"  # results, guidance, ratios: true in every quarter
    VAGUE = "vague"  # words that say nothing by themselves


@dataclass(frozen=True, slots=True, eq=False)
class SpokenTheme:
    """What was said in a theme, one entry per topic.

    Attributes:
        vectors: (n_topics, dim) float32, unit L2 norm: the means of the topics' sentence vectors, also where an LLM
            named the topics.
        keywords: Of each topic.
    """

    vectors: Vectors
    keywords: Sequence[Sequence[str]]


def kind_features(themes: Sequence[SpokenTheme], encoder: QueryEncoder) -> Vectors:
    """What the kind of a theme is told by.

    The direction of its sentences says what they are like. That of its ten commonest keywords says what it is about:
    a theme of nothing in particular has keywords of everything.

    Returns:
        (n_themes, 2 dim) float32.
    """
    said = encoder.encode([", ".join(_commonest(theme)) for theme in themes])
    rows = [
        np.concatenate([mean_vector(theme.vectors), keywords]) for theme, keywords in zip(themes, said, strict=True)
    ]
    return np.stack(rows).astype(np.float32)


def _commonest(theme: SpokenTheme) -> list[str]:
    """Of keywords that are as common, those of the most central topics come first."""
    center = mean_vector(theme.vectors)
    central = np.argsort(-(theme.vectors @ center), kind="stable").tolist()
    counts = Counter(keyword for topic in central for keyword in theme.keywords[topic])
    return [keyword for keyword, _ in counts.most_common(_N_KEYWORDS)]


@dataclass(frozen=True, slots=True, eq=False)
class KindClassifier:
    """A trained linear classifier of themes.

    Args:
        encoder: Name of the sentence encoder whose vectors it reads.
        weights: (3, 2 dim) float32, one row per kind in the order of ThemeKind.
        biases: (3,) float32.
    """

    encoder: str
    weights: Vectors
    biases: Vectors

    @classmethod
    def load(cls, encoder_name: str, path: Path = WEIGHTS_PATH) -> "KindClassifier | None":
        """Read the shipped weights; None where they were trained for another encoder."""
        stored = json.loads(path.read_text(encoding="utf-8"))
        if encoder_name.rsplit("/", 1)[-1] != stored["encoder"]:
            return None
        return cls(
            encoder=stored["encoder"],
            weights=np.asarray([stored["weights"][kind] for kind in ThemeKind], dtype=np.float32),
            biases=np.asarray([stored["biases"][kind] for kind in ThemeKind], dtype=np.float32),
        )

    def kinds(self, features: Vectors) -> list[ThemeKind]:
        """The likeliest kind of each theme.

        Args:
            features: (n_themes, 2 dim) float32, as `kind_features` makes them.

        Raises:
            ValueError: They have another shape than the weights.
        """
        if features.ndim != 2 or features.shape[1] != self.weights.shape[1]:
            raise ValueError(
                f"features must be (n, {self.weights.shape[1]}) for encoder '{self.encoder}', got {features.shape}"
            )
        scores = features @ self.weights.T + self.biases
        of_number = list(ThemeKind)
        return [of_number[number] for number in scores.argmax(axis=1).tolist()]
