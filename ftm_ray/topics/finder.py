"""What happens to one batch of firms: the map's work, in plain Python.

    sentences of a firm -> leave out call mechanics -> embed -> leave out filler -> topics -> one row

One object embeds and clusters (ADR 0001): on CPU one single-threaded process per core is faster than separate
embedding and clustering processes, and no embedding ever crosses a process. `pipeline.py` wraps it in an actor.
"""

import logging
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from ftm_ray.config import EmbedSettings, TopicSettings
from ftm_ray.errors import FtmError
from ftm_ray.schemas.columns import check_table
from ftm_ray.schemas.parts import FIRM_TOPICS, FirmStatus
from ftm_ray.schemas.store import PREFETCH
from ftm_ray.text.boilerplate_classifier import BoilerplateClassifier
from ftm_ray.text.keyword_names import keyword_name
from ftm_ray.text.names import firm_name_tokens, person_names
from ftm_ray.text.sentences import rule_drop_reason
from ftm_ray.topics.firm_topics import MIN_SENTENCES, FirmTopics, Topic, fit_firm_topics, without_topics
from ftm_ray.topics.quality import npmi_coherence, topic_diversity
from ftm_ray.vectors.clustering import choose_gpu
from ftm_ray.vectors.encoder import SentenceEncoder
from ftm_ray.vectors.unit_vectors import Vectors, random_vectors

logger = logging.getLogger(__name__)

#: Longest reason of a failed firm that is kept in its row.
_REASON_CHARACTERS = 200


@dataclass(slots=True)
class _Work:
    """What is known of one firm while it is worked on. Lists follow the firm's sentences."""

    sentences: list[dict[str, Any]]
    drop_reasons: list[str | None]
    embed_s: float = 0.0
    cluster_s: float = 0.0

    def kept(self) -> list[int]:
        return [row for row, reason in enumerate(self.drop_reasons) if reason is None]


class FirmTopicFinder:
    """Finds the topics of firms; loads its models once.

    Args:
        embed: Settings of the encoder.
        topics: Settings of the clustering.
        device: 'cpu' or 'cuda'.
        linked_only: Skip firms without PERMNO.
    """

    def __init__(
        self, embed: EmbedSettings, topics: TopicSettings, device: str = "cpu", linked_only: bool = False
    ) -> None:
        self.settings = topics
        self.linked_only = linked_only
        self.encoder = SentenceEncoder(embed, device)
        self.classifier = BoilerplateClassifier.load(embed.model) if topics.boilerplate == "bundled" else None
        self.use_gpu = choose_gpu(topics.backend)
        self._warm_up()

    def __call__(self, table: pa.Table) -> pa.Table:
        """Turn firms (PREFETCH rows) into their topics (FIRM_TOPICS rows), in the same order."""
        check_table(table, PREFETCH, "firms given to the topic finder")
        rows = [self._firm_row(firm) for firm in table.to_pylist()]
        return pa.Table.from_pylist(rows, schema=FIRM_TOPICS)

    def _firm_row(self, firm: dict[str, Any]) -> dict[str, Any]:
        sentences = firm.pop("sentences")
        if self.linked_only and firm["permno"] is None:
            work = _Work(sentences, ["unlinked"] * len(sentences))
            return _row(firm, work, FirmStatus.SKIPPED, "no PERMNO; --keep-unlinked keeps such firms")
        work = _Work(sentences, [None] * len(sentences))
        try:
            work.drop_reasons = [rule_drop_reason(s["raw_text"], s["speaker_type"]) for s in sentences]
            found = self._find_topics(work)
            if found is not None:
                names = {"own_names": sorted(_own_names(firm, sentences))}
                return _row(firm, work, FirmStatus.DONE, None) | names | _topic_columns(work, found)
        except FtmError:
            raise  # the configuration or the machine is at fault, not this firm
        except Exception as error:  # noqa: BLE001 - one bad firm costs one firm; the run counts them and has a limit
            logger.warning("firm %s in %s failed: %s", firm["firm_id"], firm["quarter"], error)
            return _row(firm, work, FirmStatus.FAILED, f"{type(error).__name__}: {error}"[:_REASON_CHARACTERS])
        reason = f"{len(work.kept())} usable sentences, fewer than {MIN_SENTENCES}"
        return _row(firm, work, FirmStatus.SKIPPED, reason)

    def _find_topics(self, work: _Work) -> FirmTopics | None:
        start = time.perf_counter()
        kept = work.kept()
        vectors = self.encoder.encode([work.sentences[row]["raw_text"] for row in kept])
        vectors = self._without_boilerplate(work, kept, vectors)
        work.embed_s = time.perf_counter() - start
        kept = work.kept()
        if len(kept) < MIN_SENTENCES:
            return None
        raw = [work.sentences[row]["raw_text"] for row in kept]
        cleaned = [work.sentences[row]["cleaned_text"] for row in kept]
        found = fit_firm_topics(raw, cleaned, vectors, self.settings, self.use_gpu)
        found = self._without_boilerplate_topics(work, kept, found)
        work.cluster_s = time.perf_counter() - start - work.embed_s
        return found

    def _without_boilerplate(self, work: _Work, kept: list[int], vectors: Vectors) -> Vectors:
        """Mark sentences that the classifier knows as filler; returns the vectors of the others."""
        if self.classifier is None or not kept:
            return vectors
        filler = self.classifier.mask(vectors)
        for row in np.array(kept)[filler]:
            work.drop_reasons[row] = "boilerplate"
        return vectors[~filler]

    def _without_boilerplate_topics(self, work: _Work, kept: list[int], found: FirmTopics) -> FirmTopics:
        """Take out topics that are filler as a whole, and mark their sentences."""
        if self.classifier is None or not found.topics:
            return found
        unwanted = self.classifier.topic_mask(np.stack([topic.embedding for topic in found.topics]))
        for topic in np.array(found.topics, dtype=object)[unwanted]:
            for row in topic.rows:
                work.drop_reasons[kept[row]] = "boilerplate_topic"
        return without_topics(found, unwanted)

    def _warm_up(self) -> None:
        """Fit and encode something at once: numba compiles for 10 s, which must not fall on the first firm."""
        n = self.settings.small_firm_sentences + 10
        vectors = random_vectors(n, self.encoder.dim)
        fit_firm_topics(["warm up"] * n, ["warm"] * n, vectors, self.settings, self.use_gpu)
        self.encoder.encode(["warm up"])


def _row(firm: dict[str, Any], work: _Work, status: FirmStatus, reason: str | None) -> dict[str, Any]:
    """The row of a firm without topics."""
    empty = [None] * len(work.sentences)
    return firm | {
        "status": status.value,
        "reason": reason,
        "method": None,
        "own_names": [],
        "n_sentences": len(work.sentences),
        "topic_ids": empty,
        "drop_reasons": [why or status.value if status is not FirmStatus.DONE else why for why in work.drop_reasons],
        "topics": [],
        "npmi": None,
        "diversity": None,
        "embed_s": work.embed_s,
        "cluster_s": work.cluster_s,
    }


def _own_names(firm: dict[str, Any], sentences: list[dict[str, Any]]) -> frozenset[str]:
    """Words that name the firm or a person on its calls: a name that an LLM gives should hold none of them."""
    speakers = sorted({s["speaker_name"] for s in sentences if s["speaker_name"]})
    people = person_names([s["raw_text"] for s in sentences], speakers)
    return people | firm_name_tokens(firm["firm_name"], None)


def _topic_columns(work: _Work, found: FirmTopics) -> dict[str, Any]:
    """The columns that topics fill. Rows of `found` are usable sentences at the time of the fit."""
    fitted = [row for row, why in enumerate(work.drop_reasons) if why in (None, "boilerplate_topic")]
    topic_ids: list[int | None] = [None] * len(work.sentences)
    for row, label in zip(fitted, found.labels.tolist(), strict=True):
        topic_ids[row] = None if work.drop_reasons[row] else label
    cleaned = [work.sentences[row]["cleaned_text"] for row in fitted]
    keywords = [topic.keywords for topic in found.topics]
    return {
        "method": found.method,
        "topic_ids": topic_ids,
        "topics": [_topic_row(work, fitted, topic_id, topic) for topic_id, topic in enumerate(found.topics)],
        "npmi": npmi_coherence(keywords, cleaned),
        "diversity": topic_diversity(keywords),
    }


def _topic_row(work: _Work, fitted: list[int], topic_id: int, topic: Topic) -> dict[str, Any]:
    exemplars = [work.sentences[fitted[row]] for row in topic.exemplar_rows]
    texts = [sentence["raw_text"] for sentence in exemplars]
    return {
        "topic_id": topic_id,
        "keywords": list(topic.keywords),
        "n_sentences": len(topic.rows),
        "sentence_ids": [work.sentences[fitted[row]]["sentence_id"] for row in topic.rows],
        "exemplar_ids": [sentence["sentence_id"] for sentence in exemplars],
        "exemplar_texts": texts,
        "embedding": topic.embedding.tolist(),
    } | keyword_name(topic.keywords, texts).as_columns()
