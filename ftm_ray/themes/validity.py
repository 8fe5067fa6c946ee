"""The theme validity filter: which clusters of topics are no cross-firm theme, and why."""

from collections import Counter

import numpy as np
import numpy.typing as npt

from ftm_ray.config import ThemeSettings
from ftm_ray.themes.topic_set import TopicSet


def why_invalid(topics: TopicSet, rows: npt.NDArray[np.intp], settings: ThemeSettings) -> str | None:
    """Why a cluster is no theme, or None where it is one.

    Args:
        topics: Of all firms.
        rows: Those of the cluster.
        settings: The limits.

    Returns:
        'too_few_firms', 'one_firm_dominates', 'boilerplate' or None.
    """
    counts = Counter(topics.firm_ids[row] for row in rows.tolist())
    if len(counts) < settings.min_firms:
        return "too_few_firms"
    if max(counts.values()) > settings.max_firm_ratio * len(rows):
        return "one_firm_dominates"
    # Each topic alone was not surely boilerplate, but "we feel good", "as we said", "in that respect" of forty firms
    # find each other. Business themes have a mean of 0.00 to 0.09, those of boilerplate 0.12 to 0.3.
    if float(topics.boilerplate[rows].mean()) > settings.max_boilerplate:
        return "boilerplate"
    return None
