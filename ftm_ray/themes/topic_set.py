"""What the steps over all firms work on: every topic, without its sentences."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ftm_ray.vectors.unit_vectors import Vectors


@dataclass(frozen=True, slots=True)
class TopicSet:
    """The topics of all firms; every field has one entry per topic, ordered by firm and topic_id."""

    firm_ids: tuple[str, ...]
    topic_ids: tuple[int, ...]
    keywords: tuple[tuple[str, ...], ...]
    n_sentences: npt.NDArray[np.int64]  # (n_topics,)
    embeddings: Vectors  # (n_topics, dim) float32, unit L2 norm
    boilerplate: Vectors  # (n_topics,) probability of being boilerplate, 0..1
