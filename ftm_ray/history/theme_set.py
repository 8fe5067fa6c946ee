"""What lineage needs to know of one published quarter."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ftm_ray.vectors.unit_vectors import Vectors

#: A topic that is in no theme.
NO_THEME = -1


@dataclass(frozen=True, slots=True, eq=False)
class ThemeSet:
    """The themes of a quarter with their topics.

    Attributes:
        quarter: Such as 2023Q1.
        run_id: The run that published it.
        theme_ids: In their order.
        firm_ids: (n_topics,) the firm of each topic.
        themes: (n_topics,) position of each topic's theme, -1 = in none.
        n_sentences: (n_topics,) sentences of each topic.
        vectors: (n_topics, dim) float32, unit L2 norm: means of what was spoken, also where an LLM named the topics.
        centers: (n_themes, dim) float32, unit L2 norm.
        encoder: Name of the sentence encoder.
        settings_digest: Of everything that decided what the run published.
        labels: What the quarter calls its themes.
        keywords: Of its themes.
        is_named_by_keywords: Whether the quarter calls a theme by them, and no LLM did.
    """

    quarter: str
    run_id: str
    theme_ids: tuple[str, ...]
    firm_ids: npt.NDArray[np.str_]
    themes: npt.NDArray[np.int64]
    n_sentences: npt.NDArray[np.int64]
    vectors: Vectors
    centers: Vectors
    encoder: str
    settings_digest: str
    labels: tuple[str, ...] = ()
    keywords: tuple[tuple[str, ...], ...] = ()
    is_named_by_keywords: tuple[bool, ...] = ()


def theme_centers(vectors: Vectors, themes: npt.NDArray[np.int64], n_themes: int) -> Vectors:
    """The mean direction of each theme's topics.

    Args:
        vectors: (n_topics, dim) float32, unit L2 norm.
        themes: (n_topics,) theme of each topic, -1 = in none.
        n_themes: How many there are.

    Returns:
        (n_themes, dim) float32, unit L2 norm.
    """
    inside = themes != NO_THEME
    sums = np.zeros((n_themes, vectors.shape[1]), dtype=np.float64)
    np.add.at(sums, themes[inside], vectors[inside])
    return np.asarray(sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-12), dtype=np.float32)
