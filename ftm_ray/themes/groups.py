"""Themes of themes: where a quarter has more themes than a person reads, they are put into 40 to 80 groups.

Ward's linkage on the centres: it makes groups of like size, where average linkage makes a few large ones and many of
a single theme. Themes are few, so one matrix of them is small, and there is no seed.
"""

from collections.abc import Sequence

import numpy as np

from ftm_ray.schemas.columns import OUTLIER_TOPIC_ID
from ftm_ray.themes.theme_keywords import theme_keywords
from ftm_ray.themes.topic_set import TopicSet
from ftm_ray.vectors.clustering import Labels, number_by_content
from ftm_ray.vectors.unit_vectors import Vectors

#: Up to so many themes can be read one by one; there is no second layer.
MAX_UNGROUPED = 200

#: Themes per group that are aimed at, within 40 to 80 groups.
_THEMES_PER_GROUP = 10
_MIN_GROUPS, _MAX_GROUPS = 40, 80


def group_themes(centers: Sequence[Vectors]) -> Labels | None:
    """The group of each theme, numbered by size; None where there are few themes.

    Args:
        centers: Of each theme, (dim,) float32, unit L2 norm.
    """
    from sklearn.cluster import AgglomerativeClustering

    if len(centers) <= MAX_UNGROUPED:
        return None
    n_groups = min(_MAX_GROUPS, max(_MIN_GROUPS, round(len(centers) / _THEMES_PER_GROUP)))
    model = AgglomerativeClustering(n_clusters=n_groups, linkage="ward")
    return number_by_content(np.asarray(model.fit_predict(np.stack(centers)), dtype=np.int64))


def group_keywords(
    topics: TopicSet, rows_of_themes: list[tuple[int, ...]], groups: Labels, n: int
) -> list[tuple[str, ...]]:
    """The keywords of each group, as those of a theme: words that several of its firms share.

    Args:
        topics: Of all firms.
        rows_of_themes: The topics of each theme.
        groups: The group of each theme.
        n: Keywords per group.
    """
    labels = np.full(len(topics.firm_ids), OUTLIER_TOPIC_ID, dtype=np.int64)
    for rows, group in zip(rows_of_themes, groups.tolist(), strict=True):
        labels[list(rows)] = group
    found = theme_keywords(topics, labels, n)
    return [found.get(group, ()) for group in range(int(groups.max()) + 1)]
