"""Step 4: the topics of all firms become themes.

Only topics come here, never sentences: 75,000 topics of a whole quarter are 115 MB. They are clustered with settings
that grow with their number, so that ten firms and five thousand both give themes a person can read; clusters that
are no cross-firm theme are left out and counted.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ftm_ray.config import ThemeSettings
from ftm_ray.schemas.columns import OUTLIER_TOPIC_ID
from ftm_ray.text.keywords import above_its_words, without_shared_words
from ftm_ray.vectors.clustering import ClusterSettings, Labels, cluster, number_by_content
from ftm_ray.vectors.unit_vectors import Vectors, mean_vector

#: Fewer topics than this cannot be clustered: no themes, and the run says so.
MIN_TOPICS = 12

#: A cluster of more than this many times the square root of the number of topics is split: 18 of 50, 125 of 2,500, 680
#: of 75,000. Without a limit 150 health-care topics of 2,500 were one theme, and 50 topics were two.
_LARGEST_PER_ROOT = 2.5

#: A theme gets at least this many keywords, as many as its label shows; where its firms share fewer, words of single
#: firms fill up. No more than that: they are product names and the like.
_MIN_SHARED_KEYWORDS = 3

#: Firms that say a phrase, over those that say the more common of its words, for the phrase to stand for its words.
_PHRASE_SHARE = 0.25


@dataclass(frozen=True, slots=True)
class TopicSet:
    """The topics of all firms; every field has one entry per topic, ordered by firm and topic_id."""

    firm_ids: tuple[str, ...]
    topic_ids: tuple[int, ...]
    keywords: tuple[tuple[str, ...], ...]
    n_sentences: npt.NDArray[np.int64]  # (n_topics,)
    embeddings: Vectors  # (n_topics, dim) float32, unit L2 norm
    boilerplate: Vectors  # (n_topics,) probability of being filler, 0..1


@dataclass(frozen=True, slots=True)
class Theme:
    """One theme. Rows count the topics of the TopicSet."""

    rows: tuple[int, ...]
    similarities: tuple[float, ...]  # cosine of each topic to the theme's centre, in the order of rows
    exemplar_rows: tuple[int, ...]  # most central first, each from another firm while there are any
    keywords: tuple[str, ...]
    embedding: Vectors
    top_firms: tuple[str, ...]  # by sentences spoken on the theme
    n_firms: int
    max_firm_ratio: float  # largest share of topics from one firm


@dataclass(frozen=True, slots=True)
class FoundThemes:
    """All valid themes, largest first, and what became of the other topics."""

    themes: tuple[Theme, ...]
    n_outliers: int  # topics in no cluster
    n_in_invalid: dict[str, int]  # topics in clusters that are no theme, by reason


def scaled_settings(settings: ThemeSettings, n_topics: int) -> ClusterSettings:
    """Fill in what the user left open.

    The smallest theme grows with the 0.28th power of the number of topics: 4 topics at 250 (ten firms), 8 at 3,200
    (a hundred), 20 at 75,000 (a quarter); the first two were chosen by reading themes, the curve joins them to the
    setting that others used for a quarter. Neighbours grow from 8 to 30 in the same range (docs/configuration.md).
    """
    size = settings.min_cluster_size or max(3, round(4 * (n_topics / 250) ** 0.28))
    return ClusterSettings(
        n_neighbors=min(settings.n_neighbors or min(30, max(8, n_topics // 150)), n_topics - 1),
        n_components=min(settings.n_components, n_topics - 2),
        min_dist=settings.min_dist,
        n_epochs=None,
        min_cluster_size=size,
        min_samples=settings.min_samples or max(1, round(size / 6)),
        cluster_selection_method=settings.cluster_selection_method,
        random_state=settings.random_state,
        max_cluster_size=max(size + 1, round(_largest_ratio(settings, n_topics) * n_topics)),
    )


def _largest_ratio(settings: ThemeSettings, n_topics: int) -> float:
    scaled = _LARGEST_PER_ROOT / n_topics**0.5
    return settings.max_theme_ratio or min(1.0, scaled)


def find_themes(topics: TopicSet, settings: ThemeSettings, use_gpu: bool = False) -> FoundThemes:
    """Cluster topics and keep the clusters that are cross-firm themes."""
    n_topics = len(topics.firm_ids)
    if n_topics < MIN_TOPICS:
        return FoundThemes((), n_topics, {})
    labels = number_by_content(cluster(topics.embeddings, scaled_settings(settings, n_topics), use_gpu))
    kept, invalid = [], Counter[str]()
    for label in range(int(labels.max()) + 1):
        rows = np.flatnonzero(labels == label)
        reason = _why_invalid(topics, rows, settings)
        if reason:
            invalid[reason] += len(rows)
        else:
            kept.append(rows)
    keywords = _theme_keywords(topics, labels, settings.n_keywords)
    themes = [_describe(topics, rows, keywords.get(int(labels[rows[0]]), ()), settings) for rows in kept]
    return FoundThemes(tuple(themes), int((labels == OUTLIER_TOPIC_ID).sum()), dict(sorted(invalid.items())))


def nearest_themes(themes: Sequence[Theme], n: int) -> tuple[tuple[int, ...], ...]:
    """The positions of the n nearest other themes of each theme, nearest first."""
    if not themes:
        return ()
    centers = np.stack([theme.embedding for theme in themes])
    similarities = centers @ centers.T
    np.fill_diagonal(similarities, -np.inf)
    order = np.argsort(-similarities, axis=1, kind="stable")[:, : min(n, len(themes) - 1)]
    return tuple(tuple(row) for row in order.tolist())


def _why_invalid(topics: TopicSet, rows: npt.NDArray[np.intp], settings: ThemeSettings) -> str | None:
    counts = Counter(topics.firm_ids[row] for row in rows.tolist())
    if len(counts) < settings.min_firms:
        return "too_few_firms"
    if max(counts.values()) > settings.max_firm_ratio * len(rows):
        return "one_firm_dominates"
    # Each topic alone was not surely filler, but "we feel good", "as we said", "in that respect" of forty firms find
    # each other. Business themes have a mean of 0.00 to 0.09, those of empty talk 0.12 to 0.3.
    if float(topics.boilerplate[rows].mean()) > settings.max_boilerplate:
        return "boilerplate"
    return None


def _describe(
    topics: TopicSet, rows: npt.NDArray[np.intp], keywords: tuple[str, ...], settings: ThemeSettings
) -> Theme:
    center = mean_vector(topics.embeddings[rows])
    similarities = topics.embeddings[rows] @ center
    spoken: Counter[str] = Counter()
    for row in rows.tolist():
        spoken[topics.firm_ids[row]] += int(topics.n_sentences[row])
    per_firm = Counter(topics.firm_ids[row] for row in rows.tolist())
    return Theme(
        rows=tuple(rows.tolist()),
        similarities=tuple(float(value) for value in similarities),
        exemplar_rows=_exemplars(topics, rows, similarities, settings.n_exemplars),
        keywords=keywords,
        embedding=center,
        top_firms=tuple(sorted(spoken, key=lambda firm: (-spoken[firm], firm))[:10]),
        n_firms=len(per_firm),
        max_firm_ratio=max(per_firm.values()) / len(rows),
    )


def _exemplars(topics: TopicSet, rows: npt.NDArray[np.intp], similarities: Vectors, n: int) -> tuple[int, ...]:
    """The most central topics: first one of each firm, then second ones, and so on."""
    ordered = rows[np.argsort(-similarities, kind="stable")].tolist()
    seen: Counter[str] = Counter()
    turn = {}
    for row in ordered:
        turn[row] = seen[topics.firm_ids[row]]
        seen[topics.firm_ids[row]] += 1
    return tuple(sorted(ordered, key=lambda row: turn[row])[:n])


def _theme_keywords(topics: TopicSet, labels: Labels, n_keywords: int) -> dict[int, tuple[str, ...]]:
    """c-TF-IDF over themes, where a term counts once per firm.

    So a firm that repeats its own product's name cannot give a theme its words: terms of one firm alone only fill up
    a theme whose firms share fewer than three. A phrase counts for its words, too, or "free cash flow" of one firm and
    "cash flow" of another would have nothing in common.

    Source: Grootendorst (2022), BERTopic, equation 3, with firms for occurrences.
    """
    weight_of: dict[int, dict[str, dict[str, float]]] = defaultdict(lambda: defaultdict(dict))  # theme, term, firm
    total: Counter[str] = Counter()
    for row, label in enumerate(labels.tolist()):
        for term, weight in _weighted_terms(topics.keywords[row]).items():
            firms = weight_of[label][term]
            firms[topics.firm_ids[row]] = max(weight, firms.get(topics.firm_ids[row], 0.0))
            total[term] += 1
    mean_terms = sum(total.values()) / max(1, int(labels.max()) + 1)
    chosen = {}
    for label, terms in weight_of.items():
        score = {term: sum(firms.values()) * float(np.log1p(mean_terms / total[term])) for term, firms in terms.items()}
        score |= {term: _phrase_score(term, terms, score) for term in terms if " " in term}
        ranked = sorted(score, key=lambda term: (-score[term], -term.count(" "), term))
        shared = without_shared_words([term for term in ranked if len(terms[term]) >= 2])
        filled = without_shared_words([*shared, *(term for term in ranked if len(terms[term]) == 1)])
        enough = len(shared) >= _MIN_SHARED_KEYWORDS
        chosen[label] = tuple(shared[:n_keywords] if enough else filled[: min(_MIN_SHARED_KEYWORDS, n_keywords)])
    return chosen


def _phrase_score(phrase: str, terms: Mapping[str, Mapping[str, float]], score: Mapping[str, float]) -> float:
    """The score of a phrase: above its words' where a good part of the firms that say them say the phrase.

    So "supply chain" stands for "supply" and "chain", and "ai data", said by two firms of 38, does not stand for "ai".
    """
    n_most = max(len(terms[word]) for word in phrase.split())
    is_term = len(terms[phrase]) >= max(2, _PHRASE_SHARE * n_most)
    return above_its_words(phrase, score) if is_term else score[phrase]


def _weighted_terms(keywords: tuple[str, ...]) -> dict[str, float]:
    """A topic's keywords and the words inside its phrases; the first keyword weighs twice as much as the last."""
    weights: dict[str, float] = {}
    for rank, keyword in enumerate(keywords):
        for term in (keyword, *keyword.split()):
            weights.setdefault(term, 1.0 - 0.5 * rank / len(keywords))
    return weights
