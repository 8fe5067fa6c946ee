"""Step 4: the topics of all firms become themes.

Only topics come here, never sentences: 75,000 topics of a whole quarter are 115 MB. They are clustered several times
with settings that grow with their number, so that ten firms and five thousand both give themes a person can read; what
most fits put together is a theme, and a topic that they leave out joins one where it lies as near as the theme's own.
Clusters that are no cross-firm theme are left out and counted.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from ftm_ray.config import ThemeSettings
from ftm_ray.schemas.columns import OUTLIER_TOPIC_ID
from ftm_ray.themes.consensus import consensus
from ftm_ray.themes.fits import MakeFits, fit_data, fits_here, resample_fits, seed_fits
from ftm_ray.themes.near_topics import joined_by_near_topics
from ftm_ray.themes.scaling import MIN_TOPICS, scaled_settings
from ftm_ray.themes.stability import Stability, agreement, mean_best_jaccards
from ftm_ray.themes.theme_keywords import theme_keywords
from ftm_ray.themes.topic_set import TopicSet
from ftm_ray.themes.validity import why_invalid
from ftm_ray.vectors.clustering import Labels, number_by_content
from ftm_ray.vectors.unit_vectors import Vectors, mean_vector


@dataclass(frozen=True, slots=True)
class Theme:
    """One theme. Rows count the topics of the TopicSet."""

    rows: tuple[int, ...]
    similarities: tuple[float, ...]  # cosine of each topic to the theme's centre, in the order of rows
    exemplar_rows: tuple[int, ...]  # most central first, each from another firm while there are any; none of near_rows
    keywords: tuple[str, ...]
    embedding: Vectors
    top_firms: tuple[str, ...]  # by sentences spoken on the theme
    n_firms: int
    max_firm_ratio: float  # largest share of topics from one firm
    stability: Stability = Stability()
    near_rows: frozenset[int] = frozenset()  # those that no cluster held: they are counted, and describe nothing

    @property
    def own_rows(self) -> tuple[int, ...]:
        """What most fits put together."""
        return tuple(row for row in self.rows if row not in self.near_rows)


@dataclass(frozen=True, slots=True)
class FoundThemes:
    """All valid themes, largest first, and what became of the other topics."""

    themes: tuple[Theme, ...]
    n_outliers: int  # topics in no cluster
    n_in_invalid: dict[str, int]  # topics in clusters that are no theme, by reason
    seeds_ari: float | None = None  # mean adjusted Rand index between two fits of all topics


@dataclass(frozen=True, slots=True, eq=False)
class _Clusters:
    """All clusters, numbered by content, with the stability of what the fits put together in each.

    Attributes:
        labels: (n_topics,) with near topics.
        own: (n_topics,) the same without them.
        stabilities: Of each cluster.
        seeds_ari: As in FoundThemes.
    """

    labels: Labels
    own: Labels
    stabilities: tuple[Stability, ...]
    seeds_ari: float | None


def find_themes(
    topics: TopicSet, settings: ThemeSettings, use_gpu: bool = False, make_fits: MakeFits = fits_here
) -> FoundThemes:
    """Cluster topics and keep the clusters that are cross-firm themes.

    Args:
        topics: Of all firms.
        settings: Null values are scaled with the number of topics.
        use_gpu: Use cuML.
        make_fits: Makes the fits, here or elsewhere; where does not change what comes out.
    """
    n_topics = len(topics.firm_ids)
    if n_topics < MIN_TOPICS:
        return FoundThemes((), n_topics, {})
    clusters = _cluster(topics, settings, use_gpu, make_fits)
    labels, own = clusters.labels, clusters.own
    keywords = theme_keywords(topics, own, settings.n_keywords)
    themes, invalid = [], Counter[str]()
    for label in range(int(labels.max()) + 1):
        rows = np.flatnonzero(labels == label)
        reason = why_invalid(topics, np.flatnonzero(own == label), settings)
        if reason:
            invalid[reason] += len(rows)
            continue
        theme = _describe(topics, rows, own[rows] == OUTLIER_TOPIC_ID, keywords.get(label, ()), settings)
        themes.append(replace(theme, stability=clusters.stabilities[label]))
    n_outliers = int((labels == OUTLIER_TOPIC_ID).sum())
    return FoundThemes(tuple(themes), n_outliers, dict(sorted(invalid.items())), clusters.seeds_ari)


def _cluster(topics: TopicSet, settings: ThemeSettings, use_gpu: bool, make_fits: MakeFits) -> _Clusters:
    data = fit_data(topics.embeddings, settings, use_gpu)
    seeds = seed_fits(settings, len(topics.firm_ids))
    resamples = resample_fits(topics.firm_ids, settings)
    made = make_fits(data, [*seeds, *resamples])
    of_seeds, of_resamples = made[: len(seeds)], made[len(seeds) :]
    if len(seeds) == 1:
        put_together = number_by_content(of_seeds[0])
    else:
        size = scaled_settings(settings, len(topics.firm_ids)).min_cluster_size
        put_together = number_by_content(consensus(of_seeds, data.nearest(), size))
    # Numbered again, as they have grown: the largest may be another.
    labels = number_by_content(joined_by_near_topics(put_together, topics.embeddings))
    own = np.where(put_together == OUTLIER_TOPIC_ID, OUTLIER_TOPIC_ID, labels)
    if settings.stability == "off":
        return _Clusters(labels, own, (Stability(),) * (int(labels.max()) + 1), None)
    by_seeds = mean_best_jaccards(own, [(fit, None) for fit in of_seeds] if len(seeds) > 1 else [])
    held = [fit.rows for fit in resamples]
    by_firms = mean_best_jaccards(own, list(zip(of_resamples, held, strict=True)))
    stabilities = tuple(Stability(*pair) for pair in zip(by_seeds, by_firms, strict=True))
    return _Clusters(labels, own, stabilities, agreement(of_seeds))


def nearest_themes(themes: Sequence[Theme], n: int) -> tuple[tuple[int, ...], ...]:
    """The positions of the n nearest other themes of each theme, nearest first."""
    if not themes:
        return ()
    centers = np.stack([theme.embedding for theme in themes])
    similarities = centers @ centers.T
    np.fill_diagonal(similarities, -np.inf)
    order = np.argsort(-similarities, axis=1, kind="stable")[:, : min(n, len(themes) - 1)]
    return tuple(tuple(row) for row in order.tolist())


def _describe(
    topics: TopicSet,
    rows: npt.NDArray[np.intp],
    is_near: npt.NDArray[np.bool_],
    keywords: tuple[str, ...],
    settings: ThemeSettings,
) -> Theme:
    center = mean_vector(topics.embeddings[rows[~is_near]])
    similarities = topics.embeddings[rows] @ center
    n_spoken: Counter[str] = Counter()  # sentences of each firm
    for row in rows.tolist():
        n_spoken[topics.firm_ids[row]] += int(topics.n_sentences[row])
    per_firm = Counter(topics.firm_ids[row] for row in rows.tolist())
    return Theme(
        rows=tuple(rows.tolist()),
        similarities=tuple(float(value) for value in similarities),
        exemplar_rows=_exemplars(topics, rows[~is_near], similarities[~is_near], settings.n_exemplars),
        keywords=keywords,
        embedding=center,
        top_firms=tuple(sorted(n_spoken, key=lambda firm: (-n_spoken[firm], firm))[:10]),
        n_firms=len(per_firm),
        max_firm_ratio=max(per_firm.values()) / len(rows),
        near_rows=frozenset(rows[is_near].tolist()),
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
