"""Topics of no cluster that lie as near to one as its own topics do.

A fit leaves four topics in ten out, many of them in the middle of a theme, only less densely. Whether such a topic is
about the theme hangs on how near to the centre it lies; how many fits put it there says nothing about it (read on 488
firms, docs/themes.md). So two bounds have to hold, one of the cluster and one of all: in a loose cluster a third of the
topics say little themselves, and in a tight one what is near for others is far.
"""

import numpy as np

from ftm_ray.schemas.columns import OUTLIER_TOPIC_ID
from ftm_ray.vectors.clustering import Labels
from ftm_ray.vectors.unit_vectors import Vectors, mean_vector

#: A topic joins that lies nearer to the centre than this share of the cluster's own topics,
NEARER_THAN_OWN = 1 / 3

#: and than this share of all topics in clusters do to theirs. Both chosen on one quarter and reported on another.
NEARER_THAN_ALL = 0.4


def joined_by_near_topics(labels: Labels, vectors: Vectors) -> Labels:
    """Put topics of no cluster into the nearest one where they lie as near as its own.

    Args:
        labels: (n_topics,) cluster numbers from 0 without gaps, -1 for outliers.
        vectors: (n_topics, dim) float32, unit L2 norm.

    Returns:
        (n_topics,) the same numbers; fewer -1. Clusters keep all topics, so none appears, goes or is joined to another.
    """
    outliers = np.flatnonzero(labels == OUTLIER_TOPIC_ID)
    members = [np.flatnonzero(labels == label) for label in range(int(labels.max()) + 1)]
    if not members or not len(outliers):
        return labels
    centers = np.stack([mean_vector(vectors[rows]) for rows in members])
    own = [vectors[rows] @ center for rows, center in zip(members, centers, strict=True)]
    of_all = np.quantile(np.concatenate(own), NEARER_THAN_ALL)
    bounds = np.maximum([np.quantile(similarities, NEARER_THAN_OWN) for similarities in own], of_all)
    similarities = vectors[outliers] @ centers.T
    nearest = similarities.argmax(axis=1)
    is_near = similarities[np.arange(len(outliers)), nearest] >= bounds[nearest]
    joined = labels.copy()
    joined[outliers[is_near]] = nearest[is_near]
    return joined
