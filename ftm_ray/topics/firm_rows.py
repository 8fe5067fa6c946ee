"""The row that the map writes of a firm: what became of it, of each of its sentences, and its topics."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from ftm_ray.schemas.parts import FirmStatus
from ftm_ray.schemas.vectors import kept_vectors_schema
from ftm_ray.text.keyword_names import keyword_name
from ftm_ray.topics.firm_topics import FirmTopics, Topic
from ftm_ray.topics.quality import npmi_coherence, topic_diversity
from ftm_ray.vectors.small_vectors import SmallVectors
from ftm_ray.vectors.unit_vectors import Vectors


@dataclass(slots=True)
class FirmProgress:
    """What is known of one firm while it is worked on. Lists follow the firm's sentences."""

    sentences: list[dict[str, Any]]
    drop_reasons: list[str | None]
    embed_s: float = 0.0
    cluster_s: float = 0.0
    vectors: Vectors | None = None  # of the sentences that are kept, once topics are found

    def kept(self) -> list[int]:
        """Rows of the sentences that are not left out so far."""
        return [row for row, reason in enumerate(self.drop_reasons) if reason is None]


def firm_row(firm: dict[str, Any], progress: FirmProgress, status: FirmStatus, reason: str | None) -> dict[str, Any]:
    """The row of a firm without topics."""
    empty = [None] * len(progress.sentences)
    of_the_firm = None if status is FirmStatus.DONE else status.value  # for sentences without a reason of their own
    return firm | {
        "status": status.value,
        "reason": reason,
        "method": None,
        "own_names": [],
        "n_sentences": len(progress.sentences),
        "topic_ids": empty,
        "drop_reasons": [why or of_the_firm for why in progress.drop_reasons],
        "topics": [],
        "npmi": None,
        "diversity": None,
        "embed_s": progress.embed_s,
        "cluster_s": progress.cluster_s,
    }


def topic_columns(progress: FirmProgress, found: FirmTopics) -> dict[str, Any]:
    """The columns that topics fill. Rows of `found` are usable sentences at the time of the fit."""
    fitted = [row for row, why in enumerate(progress.drop_reasons) if why in (None, "boilerplate_topic")]
    topic_ids: list[int | None] = [None] * len(progress.sentences)
    for row, label in zip(fitted, found.labels.tolist(), strict=True):
        topic_ids[row] = None if progress.drop_reasons[row] else label
    cleaned = [progress.sentences[row]["cleaned_text"] for row in fitted]
    keywords = [topic.keywords for topic in found.topics]
    return {
        "method": found.method,
        "topic_ids": topic_ids,
        "topics": [_topic_row(progress, fitted, topic_id, topic) for topic_id, topic in enumerate(found.topics)],
        "npmi": npmi_coherence(keywords, cleaned),
        "diversity": topic_diversity(keywords),
    }


def _topic_row(progress: FirmProgress, fitted: list[int], topic_id: int, topic: Topic) -> dict[str, Any]:
    exemplars = [progress.sentences[fitted[row]] for row in topic.exemplar_rows]
    texts = [sentence["raw_text"] for sentence in exemplars]
    return {
        "topic_id": topic_id,
        "keywords": list(topic.written_keywords),
        "n_sentences": len(topic.rows),
        "sentence_ids": [progress.sentences[fitted[row]]["sentence_id"] for row in topic.rows],
        "exemplar_ids": [sentence["sentence_id"] for sentence in exemplars],
        "exemplar_texts": texts,
        "embedding": topic.embedding.tolist(),
    } | keyword_name(topic.written_keywords, texts).as_columns()


def kept_vectors(firms: Sequence[FirmProgress], dim: int) -> pa.Table:
    """The vectors of the sentences that were kept, firm after firm, in a quarter of their space.

    Args:
        firms: Those without topics have no vectors.
        dim: Length of a vector.
    """
    found = [(firm, firm.vectors) for firm in firms if firm.vectors is not None]
    ids = [firm.sentences[row]["sentence_id"] for firm, _ in found for row in firm.kept()]
    small = SmallVectors.of(np.concatenate([np.zeros((0, dim), dtype=np.float32), *(vectors for _, vectors in found)]))
    columns = [pa.array(ids, pa.string()), small.numbers_column(), pa.array(small.scales)]
    return pa.Table.from_arrays(columns, schema=kept_vectors_schema(dim))
