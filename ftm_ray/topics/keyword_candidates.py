"""BERTopic turns the clusters of a firm into c-TF-IDF words, from which the keywords of its topics are chosen."""

import warnings
from collections.abc import Sequence

import numpy as np

from ftm_ray.text.keywords import N_CANDIDATES
from ftm_ray.vectors.clustering import Labels


def keyword_candidates(cleaned_texts: Sequence[str], labels: Labels, n_topics: int) -> list[list[tuple[str, float]]]:
    """BERTopic's c-TF-IDF words and two-word phrases per topic, best first; equal weights by alphabet."""
    if not any(text and label >= 0 for text, label in zip(cleaned_texts, labels, strict=True)):
        return [[] for _ in range(n_topics)]
    from bertopic import BERTopic
    from bertopic.backend import BaseEmbedder
    from bertopic.cluster import BaseCluster
    from bertopic.dimensionality import BaseDimensionalityReduction
    from bertopic.vectorizers import ClassTfidfTransformer
    from sklearn.feature_extraction.text import CountVectorizer

    model = BERTopic(
        language="multilingual",  # 'english' would strip signs that terms such as "p&l" and "covid-19" need
        top_n_words=N_CANDIDATES,
        embedding_model=BaseEmbedder(),
        umap_model=BaseDimensionalityReduction(),  # the clusters are given: BERTopic's manual topic modelling
        hdbscan_model=BaseCluster(),
        vectorizer_model=CountVectorizer(ngram_range=(1, 2), token_pattern=r"\S+", lowercase=False),
        ctfidf_model=ClassTfidfTransformer(reduce_frequent_words=True),
    )
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=RuntimeWarning, module="bertopic")
        model.fit(list(cleaned_texts), embeddings=np.zeros((len(labels), 1)), y=labels)
    words = {int(old): terms for old, terms in model.get_topics().items()}
    return [_sorted_terms(words.get(new, [])) for new in _bertopic_ids(model, labels, n_topics)]


def _bertopic_ids(model: object, labels: Labels, n_topics: int) -> list[int]:
    """BERTopic renumbers topics by size; find its number of each of ours by a member sentence."""
    theirs = list(model.topics_)  # type: ignore[attr-defined]
    return [int(theirs[int(np.flatnonzero(labels == topic_id)[0])]) for topic_id in range(n_topics)]


def _sorted_terms(terms: Sequence[tuple[str, float]]) -> list[tuple[str, float]]:
    return sorted(((t, float(w)) for t, w in terms if t and w > 0), key=lambda pair: (-pair[1], pair[0]))
