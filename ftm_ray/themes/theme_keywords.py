"""The keywords of themes: words that several of a theme's firms share."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping

import numpy as np

from ftm_ray.text.keyword_forms import keyword_term, most_written
from ftm_ray.text.keywords import above_its_words, without_shared_words
from ftm_ray.themes.topic_set import TopicSet
from ftm_ray.vectors.clustering import Labels

#: A theme gets at least this many keywords, as many as its label shows; where its firms share fewer, words of single
#: firms fill up. No more than that: they are product names and the like.
_MIN_SHARED_KEYWORDS = 3

#: Firms that say a phrase, over those that say the more common of its words, for the phrase to stand for its words.
_PHRASE_SHARE = 0.25


def theme_keywords(topics: TopicSet, labels: Labels, n_keywords: int) -> dict[int, tuple[str, ...]]:
    """c-TF-IDF over themes, where a term counts once per firm.

    So a firm that repeats its own product's name cannot give a theme its words: terms of one firm alone only fill up
    a theme whose firms share fewer than three. A phrase counts for its words, too, or "free cash flow" of one firm and
    "cash flow" of another would have nothing in common.

    Terms are counted as lemmas, and shown as the theme's topics write them most often.

    Source: Grootendorst (2022), BERTopic, equation 3, with firms for occurrences.
    """
    weight_of: dict[int, dict[str, dict[str, float]]] = defaultdict(lambda: defaultdict(dict))  # theme, term, firm
    total: Counter[str] = Counter()
    forms: dict[int, dict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))  # theme, term, as written
    for row, label in enumerate(labels.tolist()):
        terms_of_row = {keyword_term(keyword): keyword for keyword in topics.keywords[row]}
        for term, written in _written_terms(terms_of_row):
            forms[label][term][written] += 1
        for term, weight in _weighted_terms(tuple(terms_of_row)).items():
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
        words = shared[:n_keywords] if enough else filled[: min(_MIN_SHARED_KEYWORDS, n_keywords)]
        chosen[label] = tuple(most_written(forms[label][term]) or term for term in words)
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


def _written_terms(keywords: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """A topic's keywords and the words inside its phrases: each as it is counted, and as it is written."""
    for term, keyword in keywords.items():
        yield term, keyword
        if " " in term:
            yield from ((keyword_term(word), word) for word in keyword.split())
