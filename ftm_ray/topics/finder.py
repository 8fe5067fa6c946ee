"""What happens to one batch of firms: the map's work, in plain Python.

    sentences of a firm -> boilerplate rules -> embed -> boilerplate classifier -> topics -> one row

One object embeds and clusters (ADR 0001): on CPU one single-threaded process per core is faster than separate
embedding and clustering processes, and no embedding ever crosses a process. `pipeline.py` wraps it in an actor.
"""

import logging
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
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
from ftm_ray.text.boilerplate_rules import rule_drop_reason
from ftm_ray.text.names import firm_name_tokens, person_names
from ftm_ray.topics.firm_rows import FirmProgress, firm_row, kept_vectors, topic_columns
from ftm_ray.topics.firm_topics import MIN_SENTENCES, FirmTopics, fit_firm_topics, without_topics
from ftm_ray.vectors.clustering import choose_gpu
from ftm_ray.vectors.encoder import SentenceEncoder
from ftm_ray.vectors.unit_vectors import Vectors, random_vectors

logger = logging.getLogger(__name__)

#: Longest reason of a failed firm that is kept in its row.
_REASON_CHARACTERS = 200

#: Is entered with each firm's id before it is worked on; gives a reason where the firm shall fail instead.
Watch = Callable[[str], AbstractContextManager[str | None]]


@dataclass(frozen=True, slots=True)
class BatchTopics:
    """What was found in a batch of firms.

    Attributes:
        topics: FIRM_TOPICS rows, in the order of the firms.
        vectors: Of the sentences that were kept, as `schemas/vectors.py` says; None where they are not wanted.
    """

    topics: pa.Table
    vectors: pa.Table | None


class FirmTopicFinder:
    """Finds the topics of firms; loads its models once.

    Args:
        embed: Settings of the encoder.
        topics: Settings of the clustering.
        device: 'cpu' or 'cuda'.
        linked_only: Skip firms without PERMNO.
        keep_vectors: Hand out the vectors of the sentences, too.
    """

    def __init__(
        self,
        embed: EmbedSettings,
        topics: TopicSettings,
        device: str = "cpu",
        linked_only: bool = False,
        keep_vectors: bool = False,
    ) -> None:
        self.settings = topics
        self.linked_only = linked_only
        self.keep_vectors = keep_vectors
        self.encoder = SentenceEncoder(embed, device)
        self.classifier = BoilerplateClassifier.load(embed.model) if topics.boilerplate == "bundled" else None
        self.use_gpu = choose_gpu(topics.backend)
        self._warm_up()

    def __call__(self, table: pa.Table) -> pa.Table:
        """Turn firms (PREFETCH rows) into their topics (FIRM_TOPICS rows), in the same order."""
        return self.find(table).topics

    def find(self, table: pa.Table, watch: Watch = lambda _: nullcontext()) -> BatchTopics:
        """As a call, with the vectors of the sentences where they are wanted; `watch` is around each firm."""
        check_table(table, PREFETCH, "firms given to the topic finder")
        firms = table.to_pylist()
        seen = [FirmProgress(said, [None] * len(said)) for said in (firm.pop("sentences") for firm in firms)]
        rows = [self._watched_row(firm, progress, watch) for firm, progress in zip(firms, seen, strict=True)]
        vectors = kept_vectors(seen, self.encoder.dim) if self.keep_vectors else None
        return BatchTopics(pa.Table.from_pylist(rows, schema=FIRM_TOPICS), vectors)

    def _watched_row(self, firm: dict[str, Any], progress: FirmProgress, watch: Watch) -> dict[str, Any]:
        with watch(firm["firm_id"]) as reason:
            if reason is None:
                return self._firm_row(firm, progress)
        logger.warning("firm %s in %s failed: %s", firm["firm_id"], firm["quarter"], reason)
        return firm_row(firm, progress, FirmStatus.FAILED, reason)

    def _firm_row(self, firm: dict[str, Any], progress: FirmProgress) -> dict[str, Any]:
        sentences = progress.sentences
        if self.linked_only and firm["permno"] is None:
            progress.drop_reasons = ["unlinked"] * len(sentences)
            return firm_row(firm, progress, FirmStatus.SKIPPED, "no PERMNO; --keep-unlinked keeps such firms")
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
            progress.vectors = None
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
        progress.vectors = vectors[[progress.drop_reasons[row] is None for row in kept]]
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
