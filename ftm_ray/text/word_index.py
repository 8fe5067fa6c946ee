"""Texts ranked by the words of a question: BM25, exact, over texts that are read for this one question.

There is no index to keep and none to build: all words of all texts are numbered by one call of Arrow, and a word of
the question is then looked for among the numbers. A library that scores every word of every text in advance (bm25s)
answers faster once it has done so, but doing so takes longer than a person waits, and its files would have to be
published beside the tables (docs/search.md has the figures). bm25s is the oracle of the tests.

Words are runs of letters and digits, in lower case, of at least two characters; a question's plural finds the singular,
and the other way round.

Source:
    Robertson and Zaragoza (2009), The Probabilistic Relevance Framework: BM25 and Beyond; the variant of Lucene.
    Harman (1991), How Effective Is Suffixing?: the S stemmer.
"""

import re
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ftm_ray.schemas.arrays import numbers, strings
from ftm_ray.text.word_lists import STOP_WORDS

#: How soon a word that is repeated counts no more, and how much long texts are held back; the usual values.
_K1, _B = 1.5, 0.75

#: Shorter words are the letters of "U.S." and the s behind an apostrophe.
_SHORTEST = 2

_BLANK = ord(" ")
#: Each byte of UTF-8, blank where it is a sign of ASCII.
_BLANKED = bytes(_BLANK if n < 128 and not chr(n).isalnum() else n for n in range(256))
#: First bytes of the signs of Latin 1 (two bytes) and of general punctuation (three bytes).
_LATIN_1, _GENERAL = 0xC2, (0xE2, 0x80)

Scores = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class WordCounts:
    """How often each word of a question stands in each of some texts.

    Attributes:
        counts: (n_words, n_texts) float32.
        lengths: (n_texts,) words of each text.
    """

    counts: npt.NDArray[np.float32]
    lengths: npt.NDArray[np.int64]


class WordIndex:
    """The words of some texts, numbered.

    Args:
        texts: (n_texts,) strings without nulls.
    """

    def __init__(self, texts: pa.Array) -> None:
        words = pc.ascii_split_whitespace(_only_words(texts))
        self.n_texts = len(texts)
        self._starts = numbers(words.offsets)
        encoded = words.values.dictionary_encode()
        self._words = encoded.dictionary
        self._numbers = numbers(encoded.indices)
        is_word = numbers(pc.utf8_length(self._words)) >= _SHORTEST
        running = np.concatenate([[0], np.cumsum(is_word[self._numbers])])
        self._lengths = running[self._starts[1:]] - running[self._starts[:-1]]
        self._places: npt.NDArray[np.int64] | None = None
        self._first_places = np.zeros(0, dtype=np.int64)

    def sort(self) -> None:
        """Order all places by their word, for many questions: one of them then looks at the places of its words alone.

        It takes longer than a single question does without it.
        """
        self._places = np.argsort(self._numbers, kind="stable")
        self._first_places = np.searchsorted(self._numbers[self._places], np.arange(len(self._words) + 1))

    def count(self, words: list[frozenset[str]]) -> WordCounts:
        """Count some words, each in any of its forms; a form of two of them counts for the first.

        Args:
            words: As `question_words` gives them.
        """
        word_of = np.full(len(self._words), -1, dtype=np.int64)
        for number, forms in reversed(list(enumerate(words))):
            word_of[numbers(pc.is_in(self._words, strings(sorted(forms))))] = number
        places = self._places_of(word_of >= 0)
        texts = np.searchsorted(self._starts, places, side="right") - 1
        cells = word_of[self._numbers[places]] * self.n_texts + texts
        counts = np.bincount(cells, minlength=len(words) * self.n_texts).astype(np.float32)
        return WordCounts(counts.reshape(len(words), self.n_texts), self._lengths)

    def _places_of(self, is_asked: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
        """Where the words that are asked for stand, counted over the words of all texts."""
        if self._places is None:
            return np.flatnonzero(is_asked[self._numbers])  # one look, however many words are asked for
        parts = [self._places[self._first_places[n] : self._first_places[n + 1]] for n in np.flatnonzero(is_asked)]
        return np.concatenate([np.zeros(0, dtype=np.int64), *parts])


def question_words(question: str) -> list[frozenset[str]]:
    """The words of a question that say something, each as the forms in which it is looked for.

    Where it has none but words such as "the", "more" and "strong", these are looked for.
    """
    found = list(dict.fromkeys(word for word in re.findall(r"[^\W_]+", question.lower()) if len(word) >= _SHORTEST))
    telling = [word for word in found if word not in STOP_WORDS] or found
    return list(dict.fromkeys(_forms(word) for word in telling))


def bm25(counted: WordCounts) -> Scores:
    """The score of each text, 0 where it has none of the words, (n_texts,) float64."""
    n_texts = len(counted.lengths)
    if n_texts == 0 or len(counted.counts) == 0:
        return np.zeros(n_texts)
    scores = np.zeros(n_texts)
    texts = np.flatnonzero(counted.counts.any(axis=0))  # mostly few of them
    counts = counted.counts[:, texts]
    n_with = np.count_nonzero(counts, axis=1)
    rarity = np.log1p((n_texts - n_with + 0.5) / (n_with + 0.5))
    relative = counted.lengths[texts] / max(float(counted.lengths.mean()), 1e-12)
    damping = _K1 * (1 - _B + _B * relative)
    scores[texts] = (rarity[:, None] * counts / (counts + damping)).sum(axis=0)
    return scores


def _only_words(texts: pa.Array) -> pa.Array:
    """Texts in lower case, with blanks for signs: those of ASCII and Latin 1, and dashes and quotes of all kinds.

    Bytes are replaced, and not characters, because that takes milliseconds; other letters stay as they are.
    """
    lower = pc.utf8_lower(texts)
    (_, offsets, data), n = lower.buffers(), len(lower)
    blanked = np.frombuffer(bytearray(data or b"").translate(_BLANKED), dtype=np.uint8)
    latin = np.flatnonzero(blanked[:-1] == _LATIN_1)
    general = np.flatnonzero(blanked[:-2] == _GENERAL[0])
    general = general[blanked[general + 1] == _GENERAL[1]]
    for start, n_bytes in ((latin, 2), (general, 3)):
        for byte in range(n_bytes):
            blanked[start + byte] = _BLANK
    return type(lower).from_buffers(n, offsets, pa.py_buffer(blanked), None, 0, lower.offset)


def _forms(word: str) -> frozenset[str]:
    """A word as it is, in the singular and in the plural, as far as endings tell."""
    stem = _singular(word)
    plural = f"{stem[:-1]}ies" if re.search(r"[^aeiou]y$", stem) else f"{stem}s"
    hissing = {f"{stem}es"} if re.search(r"(s|x|z|ch|sh)$", stem) else set()
    return frozenset({word, stem, plural, *hissing})


def _singular(word: str) -> str:
    if len(word) > 4 and word.endswith("ies") and word[-4] not in "ae":
        return f"{word[:-3]}y"
    if len(word) > 4 and re.search(r"(ss|x|z|ch|sh)es$", word):
        return word[:-2]
    if len(word) > 3 and word.endswith("s") and word[-2] not in "us":
        return word[:-1]
    return word
