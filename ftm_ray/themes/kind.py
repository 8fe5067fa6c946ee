"""What kind of talk a theme is: a subject, results that every quarter has, or nothing in particular.

One softmax regression on the direction of the theme's sentence vectors: three times 385 numbers in a JSON file. It is
tied to its encoder, as the boilerplate classifier is; with another one themes have no kind. What the three words mean,
how they were labelled, and all figures: docs/themes.md. Trained by tests/benchmarks/theme_kind.py.
"""

import json
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import numpy as np

from ftm_ray.vectors.unit_vectors import Vectors

WEIGHTS_PATH = Path(__file__).with_name("kind_minilm.json")


class ThemeKind(StrEnum):
    """What a theme is about."""

    SUBJECT = "subject"  # something in the world that firms talk about
    RESULTS = "results"  # results, guidance, ratios: true in every quarter
    VAGUE = "vague"  # words that say nothing by themselves


@dataclass(frozen=True, slots=True, eq=False)
class KindClassifier:
    """A trained linear classifier of themes.

    Args:
        encoder: Name of the sentence encoder whose vectors it reads.
        weights: (3, dim) float32, one row per kind in the order of ThemeKind.
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

    def kinds(self, centers: Vectors) -> list[ThemeKind]:
        """The likeliest kind of each theme.

        Args:
            centers: (n_themes, dim) float32, unit L2 norm: the mean of the vectors of each theme's topics, which are
                means of sentence vectors, also where an LLM named the topics.

        Raises:
            ValueError: The vectors have another shape than the weights.
        """
        if centers.ndim != 2 or centers.shape[1] != self.weights.shape[1]:
            raise ValueError(
                f"centers must be (n, {self.weights.shape[1]}) for encoder '{self.encoder}', got {centers.shape}"
            )
        scores = centers @ self.weights.T + self.biases
        of_number = list(ThemeKind)
        return [of_number[number] for number in scores.argmax(axis=1).tolist()]
