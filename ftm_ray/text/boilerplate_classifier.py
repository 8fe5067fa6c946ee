"""Boilerplate recognised by what it means: the second look, after embedding.

Place in the flow: `boilerplate_rules` drop what is surely boilerplate before anything is embedded; this
classifier judges the embeddings of the rest inside the firm's actor, and later the centroids of the firm's topics.
Trade-off: one logistic regression on the embeddings that exist anyway, 385 numbers in a JSON file, 10 million
sentences/s. It is tied to its encoder; with another one use `boilerplate="rules"` or train again with
tests/benchmarks/boilerplate_quality.py. What counts as boilerplate, and all figures: docs/boilerplate.md.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ftm_ray.errors import ConfigError
from ftm_ray.vectors.unit_vectors import Vectors

WEIGHTS_PATH = Path(__file__).with_name("boilerplate_minilm.json")


@dataclass(frozen=True, slots=True, eq=False)
class BoilerplateClassifier:
    """A trained linear classifier: boilerplate against business content.

    Args:
        encoder: Name of the sentence encoder whose vectors it reads.
        weights: (dim,) float32.
        bias: Of the logistic function.
        sentence_threshold: A sentence is boilerplate above this probability; set for precision.
        topic_threshold: The same for the centroid of a topic; lower, because a mean lies nearer the middle.
    """

    encoder: str
    weights: Vectors
    bias: float
    sentence_threshold: float
    topic_threshold: float

    @classmethod
    def load(cls, encoder_name: str, path: Path = WEIGHTS_PATH) -> "BoilerplateClassifier":
        """Read the shipped weights.

        Raises:
            ConfigError: The weights were trained for another encoder.
        """
        stored = json.loads(path.read_text(encoding="utf-8"))
        if encoder_name.rsplit("/", 1)[-1] != stored["encoder"]:
            raise ConfigError(
                f"the boilerplate classifier was trained for the encoder '{stored['encoder']}', got '{encoder_name}': "
                f'set boilerplate="rules" to use the rules alone, or train it for your encoder (docs/boilerplate.md)'
            )
        return cls(
            encoder=stored["encoder"],
            weights=np.asarray(stored["weights"], dtype=np.float32),
            bias=float(stored["bias"]),
            sentence_threshold=float(stored["sentence_threshold"]),
            topic_threshold=float(stored["topic_threshold"]),
        )

    def probabilities(self, embeddings: Vectors) -> Vectors:
        """Say how likely each vector is boilerplate.

        Args:
            embeddings: (n, dim) float32, unit L2 norm.

        Returns:
            (n,) float32 in 0..1.

        Raises:
            ValueError: The vectors have another shape than the weights.
        """
        if embeddings.ndim != 2 or embeddings.shape[1] != len(self.weights):
            raise ValueError(
                f"embeddings must be (n, {len(self.weights)}) for encoder '{self.encoder}', got {embeddings.shape}"
            )
        # Row by row, not one matrix product: its rounding may depend on n, and a firm's result must not.
        scores = np.einsum("ij,j->i", embeddings, self.weights, dtype=np.float32) + np.float32(self.bias)
        # tanh form of the logistic function: it cannot overflow.
        return (0.5 + 0.5 * np.tanh(0.5 * scores)).astype(np.float32)

    def mask(self, embeddings: Vectors) -> npt.NDArray[np.bool_]:
        """Mark the sentences to leave out: (n,) bool, True for boilerplate."""
        return self.probabilities(embeddings) > self.sentence_threshold

    def topic_mask(self, centroids: Vectors) -> npt.NDArray[np.bool_]:
        """Mark whole topics that are boilerplate.

        Args:
            centroids: (n_topics, dim), mean of each topic's sentence vectors; any length but zero.

        Returns:
            (n_topics,) bool, True for a topic without business content.
        """
        # A mean of unit vectors is shorter than one, which would pull every probability towards the bias.
        lengths = np.linalg.norm(centroids, axis=1, keepdims=True)
        return self.probabilities(centroids / np.maximum(lengths, 1e-12)) > self.topic_threshold
