"""Numbers that say how good topics and themes are, without a person reading them.

NPMI coherence asks whether a topic's keywords occur in the same sentences more often than by chance (-1 never
together, 0 by chance, 1 always together). Diversity is the share of keywords that no other topic of the firm uses.

Source: Bouma (2009), Normalized (pointwise) mutual information; Dieng et al. (2020) for topic diversity.
"""

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from ftm_ray.text.keywords import count_terms


def npmi_coherence(keywords: Sequence[Sequence[str]], texts: Sequence[str]) -> float | None:
    """Mean NPMI over the keyword pairs of each topic, then over topics.

    Args:
        keywords: The keywords of each topic: words, or two words joined by a blank.
        texts: One document per sentence, in the words' own form (lemmas for lemmas), separated by blanks.

    Returns:
        -1 to 1, or None where no topic has two keywords.
    """
    counts = count_terms(texts, [term for terms in keywords for term in terms])
    share = counts.occurs.mean(axis=0) if len(texts) else np.zeros(len(counts.terms))
    scores = []
    for terms in keywords:
        columns = [counts.terms[term] for term in dict.fromkeys(terms)]
        pairs = [
            _npmi(share[a], share[b], float((counts.occurs[:, a] & counts.occurs[:, b]).mean()))
            for a, b in combinations(columns, 2)
        ]
        if pairs:
            scores.append(float(np.mean(pairs)))
    return float(np.mean(scores)) if scores else None


def topic_diversity(keywords: Sequence[Sequence[str]]) -> float | None:
    """Share of distinct keywords among all keywords of all topics, 0 to 1; None without keywords."""
    terms = [term for topic in keywords for term in topic]
    return len(set(terms)) / len(terms) if terms else None


def _npmi(share_a: float, share_b: float, share_both: float) -> float:
    if share_both == 0.0:
        return -1.0
    if share_both == 1.0:
        return 1.0
    return float(np.log(share_both / (share_a * share_b)) / -np.log(share_both))
