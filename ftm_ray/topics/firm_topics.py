"""Step 2: the sentences of one firm become topics.

Embeddings are given (step 1), clusters come from UMAP and HDBSCAN, and BERTopic turns clusters into c-TF-IDF words.
No sentence is forced into a topic: outliers stay -1 and are counted (ADR 0003). Topics are numbered by size, then by
first sentence.

Firms with few sentences (under `small_firm_sentences`, 40) take a path of their own: UMAP has too few neighbours
there to draw a picture, so sentences are joined by average linkage until they are further apart than a fixed cosine
distance. The column `method` says which path a firm took.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ftm_ray.config import TopicSettings
from ftm_ray.schemas.columns import OUTLIER_TOPIC_ID
from ftm_ray.text.keyword_forms import SpokenWords
from ftm_ray.text.keywords import choose_keywords, count_terms
from ftm_ray.topics.keyword_candidates import keyword_candidates
from ftm_ray.vectors.clustering import ClusterSettings, Labels, cluster, cluster_few, number_by_content
from ftm_ray.vectors.unit_vectors import Vectors, mean_vector, pick_varied

#: Fewer usable sentences than this hold no topic worth the name: the firm is skipped.
MIN_SENTENCES = 5

#: Small firms: mean cosine distance at which two groups of sentences are no longer one topic, and smallest topic.
_SMALL_FIRM_MAX_DISTANCE = 0.65
_SMALL_FIRM_MIN_SIZE = 3

#: An exemplar should say something by itself.
_MIN_EXEMPLAR_WORDS = 8

#: The sentence nearest to the centre is often a pale one ("so we are excited about that"); one that uses the topic's
#: own keywords tells more. Each of up to three keywords counts like 0.05 of cosine.
_OWN_WORD_BONUS = 0.05
_MAX_OWN_WORDS = 3


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic of one firm. Rows count the sentences given to `fit_firm_topics`."""

    keywords: tuple[str, ...]  # as lemmas, to count with
    written_keywords: tuple[str, ...]  # the same, as the topic's sentences write them most often: to read
    rows: tuple[int, ...]
    exemplar_rows: tuple[int, ...]  # central and varied, most central first
    embedding: Vectors  # (dim,) mean of its sentences, unit L2 norm


@dataclass(frozen=True, slots=True)
class FirmTopics:
    """The topics of one firm; `topics[i]` has topic_id i."""

    labels: Labels  # (n_sentences,) topic_id of each sentence, -1 = outlier
    topics: tuple[Topic, ...]
    method: str


def fit_firm_topics(
    raw_texts: Sequence[str],
    cleaned_texts: Sequence[str],
    embeddings: Vectors,
    settings: TopicSettings,
    use_gpu: bool = False,
) -> FirmTopics:
    """Find the topics of one firm.

    Args:
        raw_texts: Sentences as spoken, in order.
        cleaned_texts: The same sentences as lemmas; may be empty strings.
        embeddings: (n_sentences, dim) float32, unit L2 norm.
        settings: UMAP, HDBSCAN, keywords.
        use_gpu: Cluster with cuML.

    Raises:
        ValueError: Lengths do not match, or there are fewer than MIN_SENTENCES sentences.
    """
    n = len(raw_texts)
    if embeddings.ndim != 2 or not len(cleaned_texts) == len(embeddings) == n:
        raise ValueError(f"got {n} sentences, {len(cleaned_texts)} cleaned, embeddings of shape {embeddings.shape}")
    if n < MIN_SENTENCES:
        raise ValueError(f"{n} sentences hold no topics, expected at least {MIN_SENTENCES}")
    labels, method = _label(embeddings, settings, use_gpu)
    return FirmTopics(labels, _describe(labels, raw_texts, cleaned_texts, embeddings, settings), method)


def without_topics(found: FirmTopics, unwanted: npt.NDArray[np.bool_]) -> FirmTopics:
    """Take topics out: their sentences get the outlier label, the others are numbered anew in the same order.

    Args:
        found: Topics of a firm.
        unwanted: (n_topics,) True for each topic to take out.
    """
    if not found.topics:
        return found
    new_ids = np.where(unwanted, OUTLIER_TOPIC_ID, np.cumsum(~unwanted) - 1)
    labels = np.where(found.labels == OUTLIER_TOPIC_ID, OUTLIER_TOPIC_ID, new_ids[found.labels])
    topics = tuple(topic for topic, out in zip(found.topics, unwanted, strict=True) if not out)
    return FirmTopics(labels.astype(np.int64), topics, found.method)


def _label(embeddings: Vectors, settings: TopicSettings, use_gpu: bool) -> tuple[Labels, str]:
    if len(embeddings) < settings.small_firm_sentences:
        labels = cluster_few(embeddings, _SMALL_FIRM_MAX_DISTANCE, _SMALL_FIRM_MIN_SIZE)
        return number_by_content(labels), "linkage"
    labels = cluster(embeddings, _cluster_settings(settings, len(embeddings)), use_gpu)
    return number_by_content(labels), "umap+hdbscan (cuml)" if use_gpu else "umap+hdbscan"


def _cluster_settings(settings: TopicSettings, n_sentences: int) -> ClusterSettings:
    return ClusterSettings(
        n_neighbors=min(settings.n_neighbors, n_sentences - 1),
        n_components=min(settings.n_components, n_sentences - 2),  # UMAP's spectral start needs two more points
        min_dist=settings.min_dist,
        n_epochs=settings.n_epochs,
        min_cluster_size=settings.min_cluster_size,
        min_samples=settings.min_samples,
        cluster_selection_method=settings.cluster_selection_method,
        random_state=settings.random_state,
    )


def _describe(
    labels: Labels,
    raw_texts: Sequence[str],
    cleaned_texts: Sequence[str],
    embeddings: Vectors,
    settings: TopicSettings,
) -> tuple[Topic, ...]:
    n_topics = int(labels.max()) + 1
    if n_topics == 0:
        return ()
    candidates = keyword_candidates(cleaned_texts, labels, n_topics)
    spoken = SpokenWords(raw_texts, cleaned_texts)
    counts = count_terms(cleaned_texts, [term for terms in candidates for term, _ in terms])
    long_enough = np.array([text.count(" ") + 1 >= _MIN_EXEMPLAR_WORDS for text in raw_texts])
    options = (settings.n_keywords, settings.keyword_diversity)
    topics = []
    for topic_id in range(n_topics):
        members = np.flatnonzero(labels == topic_id)
        center = mean_vector(embeddings[members])
        keywords = choose_keywords(candidates[topic_id], counts, members, embeddings, options)
        telling = members[long_enough[members]] if long_enough[members].any() else members
        columns = [counts.terms[keyword] for keyword in keywords]
        n_own_words = np.minimum(counts.occurs[telling][:, columns].sum(axis=1), _MAX_OWN_WORDS)
        relevance = embeddings[telling] @ center + _OWN_WORD_BONUS * n_own_words
        chosen = pick_varied(embeddings[telling], relevance, settings.n_exemplars, diversity=0.2)
        topics.append(
            Topic(
                keywords=tuple(keywords),
                written_keywords=spoken.written(keywords, members.tolist()),
                rows=tuple(members.tolist()),
                exemplar_rows=tuple(int(telling[i]) for i in chosen),
                embedding=center,
            )
        )
    return tuple(topics)
