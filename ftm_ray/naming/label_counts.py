"""How many different labels a run has: a model that calls everything the same tells nothing apart."""

import math
from collections import Counter
from collections.abc import Sequence

#: Two runs of different size can only be compared by equally many topics: 75,000 have more labels in common than 60.
_SAMPLE = 100


def distinct_ratio(labels: Sequence[str]) -> float | None:
    """Different labels among a hundred topics (or all, if there are fewer), as a share of these.

    Computed as the expectation over all samples of a hundred, so that it is the same each time.

    Returns:
        Above 0, at most 1; null without labels.
    """
    n = len(labels)
    size = min(n, _SAMPLE)
    if not n:
        return None
    counts = Counter(label.casefold() for label in labels)
    return sum(1.0 - _missed(n, of_label, size) for of_label in counts.values()) / size


def _missed(n: int, of_label: int, size: int) -> float:
    """How likely a sample has none of the topics with one label."""
    if n - of_label < size:
        return 0.0
    return math.prod((n - of_label - i) / (n - i) for i in range(size))
