"""Keywords of a topic: c-TF-IDF finds the candidates, embeddings that already exist keep them varied.

A word's vector is the mean of the embeddings of the firm's sentences that contain it. So no word and no window of
text is ever sent through the encoder again; the predecessor's recipe did that and took 13.9 s a firm where this
takes milliseconds. Two words that always occur together get nearly the same vector, and the choice by maximal
marginal relevance then keeps only one of them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ftm_ray.vectors.unit_vectors import Vectors, mean_vector, pick_varied

#: c-TF-IDF gives this many words and phrases of a topic to choose from.
N_CANDIDATES = 100

#: A keyword stands in this share of its topic's sentences, and in two at least. Words said once or twice in a topic
#: of twenty sentences are what it happens to mention, not what it is about; without this limit NPMI was -0.20, with it
#: -0.04 on the ten-firm set (docs/quality.md; -0.05 since "tax rate" stands for "tax" and "rate").
_MIN_SHARE = 0.15

#: A topic has at least this many keywords if it has words at all.
_MIN_KEYWORDS = 3

#: Weaker than this share of the best keyword's weight is left out: better four good keywords than ten.
_MIN_RELATIVE_WEIGHT = 0.3

#: A phrase must be said this often: two words that met twice are no term, unless they are never said apart ("red sea").
_MIN_PHRASE_SENTENCES = 3

#: A phrase outranks its words when it makes up this share of the occurrences of its rarer word.
_PHRASE_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class TermCounts:
    """In which sentences of a firm which words and phrases occur."""

    terms: dict[str, int]  # term -> column
    occurs: npt.NDArray[np.bool_]  # (n_sentences, n_terms)


def count_terms(cleaned_texts: Sequence[str], candidates: Sequence[str]) -> TermCounts:
    """Find the candidate words and two-word phrases in cleaned sentences."""
    terms = {term: column for column, term in enumerate(dict.fromkeys(candidates))}
    occurs = np.zeros((len(cleaned_texts), len(terms)), dtype=bool)
    for row, text in enumerate(cleaned_texts):
        words = text.split()
        for found in (*words, *(f"{a} {b}" for a, b in zip(words, words[1:], strict=False))):
            column = terms.get(found)
            if column is not None:
                occurs[row, column] = True
    return TermCounts(terms, occurs)


def choose_keywords(
    candidates: Sequence[tuple[str, float]],
    counts: TermCounts,
    members: npt.NDArray[np.intp],
    embeddings: Vectors,
    options: tuple[int, float],
) -> list[str]:
    """Choose the keywords of one topic.

    Args:
        candidates: (term, c-TF-IDF weight), best first.
        counts: Occurrences over all sentences of the firm.
        members: Rows of the topic's sentences.
        embeddings: (n_sentences, dim) float32, unit L2 norm, of all sentences of the firm.
        options: How many keywords, and how varied (0 to 1).

    Returns:
        At most that many terms, best first; no two of them share a word, so never "store, store sale".
    """
    n_keywords, diversity = options
    n_inside = {term: int(counts.occurs[members, counts.terms[term]].sum()) for term, _ in candidates}
    weights = _weigh(candidates, n_inside, len(members))
    if not weights:
        return []
    terms = sorted(weights, key=lambda term: (-weights[term], term))
    vectors = np.stack([mean_vector(embeddings[counts.occurs[:, counts.terms[term]]]) for term in terms])
    relevance = np.array([weights[term] for term in terms]) / weights[terms[0]]
    order = pick_varied(vectors, relevance, len(terms), diversity)
    return without_shared_words([terms[i] for i in order])[:n_keywords]


def _weigh(candidates: Sequence[tuple[str, float]], n_inside: dict[str, int], n_sentences: int) -> dict[str, float]:
    """Weigh the candidates by c-TF-IDF and by the root of how many of the topic's sentences they stand in."""
    often = {term: weight * n_inside[term] ** 0.5 for term, weight in candidates if n_inside[term] >= 2}
    enough = {term: weight for term, weight in often.items() if n_inside[term] >= _MIN_SHARE * n_sentences}
    weights = _weigh_phrases(enough if len(enough) >= _MIN_KEYWORDS else often, n_inside)
    if len(weights) < _MIN_KEYWORDS:  # a small topic with varied words: once is then enough, for words
        weights |= {term: weight for term, weight in candidates if n_inside[term] == 1 and " " not in term}
        return dict(sorted(weights.items(), key=lambda item: (-item[1], item[0]))[:_MIN_KEYWORDS])
    least = _MIN_RELATIVE_WEIGHT * max(weights.values(), default=0.0)
    return {term: weight for term, weight in weights.items() if weight >= least}


def _weigh_phrases(weights: dict[str, float], n_inside: dict[str, int]) -> dict[str, float]:
    """Keep only set phrases ("supply chain"), with the weight of their better word, so that they come before it.

    Two words that merely met ("store think") are no phrase: a set phrase makes up half of its rarer word.
    """
    weighed = {}
    for term, weight in weights.items():
        words = term.split()
        if len(words) == 1:
            weighed[term] = weight
        elif words[0] != words[1] and _is_set_phrase(n_inside[term], [n_inside.get(word) for word in words]):
            weighed[term] = above_its_words(term, weights)
    return weighed


def above_its_words(phrase: str, weights: Mapping[str, float]) -> float:
    """The weight that puts a phrase before its words: that of the better word, and a little more."""
    return max(weights[phrase], *(1.001 * weights.get(word, 0.0) for word in phrase.split()))


def _is_set_phrase(n_phrase: int, n_words: Sequence[int | None]) -> bool:
    """Whether two words are a term: said often and mostly together, or, if seldom, never one without the other."""
    if None in n_words:  # a word too weak to be a candidate: nothing says that it is only ever said here
        return n_phrase >= _MIN_PHRASE_SENTENCES
    rarer, other = sorted(n for n in n_words if n is not None)
    is_usual = n_phrase >= _MIN_PHRASE_SENTENCES and n_phrase >= _PHRASE_SHARE * rarer
    return is_usual or n_phrase == rarer == other


def without_shared_words(terms: Sequence[str]) -> list[str]:
    """Keep the first of all terms that share a word, in order: never "store, store sale", nor "GPU, GPUs"."""
    used: set[str] = set()
    kept = []
    for term in terms:
        # Lemmas have no plural, but for words that the dictionary does not know.
        words = {word.removesuffix("s") for word in term.split()}
        if not words & used:
            kept.append(term)
            used |= words
    return kept
