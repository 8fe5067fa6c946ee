"""What happens to one batch of firms: the map's work, in plain Python.

    sentences of a firm -> boilerplate rules -> embed -> boilerplate classifier -> topics -> one row

One object embeds and clusters (ADR 0001): on CPU one single-threaded process per core is faster than separate
embedding and clustering processes, and no embedding ever crosses a process. `pipeline.py` wraps it in an actor.
"""

import logging
import time
from typing import Any

import numpy as np
import pyarrow as pa

from ftm_ray.config import EmbedSettings, TopicSettings
from ftm_ray.errors import FtmError
from ftm_ray.schemas.columns import check_table
from ftm_ray.schemas.parts import FIRM_TOPICS, FirmStatus
from ftm_ray.schemas.store import PREFETCH
from ftm_ray.text.boilerplate_classifier import BoilerplateClassifier
from ftm_ray.text.boilerplate_rules import rule_drop_reason
from ftm_ray.text.names import firm_name_tokens, person_names
from ftm_ray.topics.firm_rows import FirmProgress, firm_row, topic_columns
from ftm_ray.topics.firm_topics import MIN_SENTENCES, FirmTopics, fit_firm_topics, without_topics
from ftm_ray.vectors.clustering import choose_gpu
from ftm_ray.vectors.encoder import SentenceEncoder
from ftm_ray.vectors.unit_vectors import Vectors, random_vectors

logger = logging.getLogger(__name__)

#: Longest reason of a failed firm that is kept in its row.
_REASON_CHARACTERS = 200


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
            progress = FirmProgress(sentences, ["unlinked"] * len(sentences))
            return firm_row(firm, progress, FirmStatus.SKIPPED, "no PERMNO; --keep-unlinked keeps such firms")
        progress = FirmProgress(sentences, [None] * len(sentences))
        try:
            progress.drop_reasons = [rule_drop_reason(s["raw_text"], s["speaker_type"]) for s in sentences]
            found = self._find_topics(progress)
            if found is not None:
                names = {"own_names": sorted(_own_names(firm, sentences))}
                return firm_row(firm, progress, FirmStatus.DONE, None) | names | topic_columns(progress, found)
        except FtmError:
            raise  # the configuration or the machine is at fault, not this firm
        except Exception as error:  # noqa: BLE001 - one bad firm costs one firm; the run counts them and has a limit
            logger.warning("firm %s in %s failed: %s", firm["firm_id"], firm["quarter"], error)
            return firm_row(firm, progress, FirmStatus.FAILED, f"{type(error).__name__}: {error}"[:_REASON_CHARACTERS])
        reason = f"{len(progress.kept())} usable sentences, fewer than {MIN_SENTENCES}"
        return firm_row(firm, progress, FirmStatus.SKIPPED, reason)

    def _find_topics(self, progress: FirmProgress) -> FirmTopics | None:
        start = time.perf_counter()
        kept = progress.kept()
        vectors = self.encoder.encode([progress.sentences[row]["raw_text"] for row in kept])
        vectors = self._without_boilerplate(progress, kept, vectors)
        progress.embed_s = time.perf_counter() - start
        kept = progress.kept()
        if len(kept) < MIN_SENTENCES:
            return None
        raw = [progress.sentences[row]["raw_text"] for row in kept]
        cleaned = [progress.sentences[row]["cleaned_text"] for row in kept]
        found = fit_firm_topics(raw, cleaned, vectors, self.settings, self.use_gpu)
        found = self._without_boilerplate_topics(progress, kept, found)
        progress.cluster_s = time.perf_counter() - start - progress.embed_s
        return found

    def _without_boilerplate(self, progress: FirmProgress, kept: list[int], vectors: Vectors) -> Vectors:
        """Mark sentences that the classifier knows as boilerplate; returns the vectors of the others."""
        if self.classifier is None or not kept:
            return vectors
        is_boilerplate = self.classifier.mask(vectors)
        for row in np.array(kept)[is_boilerplate]:
            progress.drop_reasons[row] = "boilerplate"
        return vectors[~is_boilerplate]

    def _without_boilerplate_topics(self, progress: FirmProgress, kept: list[int], found: FirmTopics) -> FirmTopics:
        """Take out topics that are boilerplate as a whole, and mark their sentences."""
        if self.classifier is None or not found.topics:
            return found
        unwanted = self.classifier.topic_mask(np.stack([topic.embedding for topic in found.topics]))
        for topic in np.array(found.topics, dtype=object)[unwanted]:
            for row in topic.rows:
                progress.drop_reasons[kept[row]] = "boilerplate_topic"
        return without_topics(found, unwanted)

    def _warm_up(self) -> None:
        """Fit and encode something at once: numba compiles for 10 s, which must not fall on the first firm."""
        n = self.settings.small_firm_sentences + 10
        vectors = random_vectors(n, self.encoder.dim)
        fit_firm_topics(["warm up"] * n, ["warm"] * n, vectors, self.settings, self.use_gpu)
        self.encoder.encode(["warm up"])


def _own_names(firm: dict[str, Any], sentences: list[dict[str, Any]]) -> frozenset[str]:
    """Words that name the firm or a person on its calls: a name that an LLM gives should hold none of them."""
    speakers = sorted({s["speaker_name"] for s in sentences if s["speaker_name"]})
    people = person_names([s["raw_text"] for s in sentences], speakers)
    return people | firm_name_tokens(firm["firm_name"], None)
