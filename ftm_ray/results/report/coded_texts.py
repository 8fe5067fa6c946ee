"""Texts as numbers of words: what lets the page look through 75,000 topics at every letter that somebody types.

A page that keeps texts as they are must read all of them for each question (22 MB: longer than a person waits), and
unpack them as JSON first. Here each different word stands once, and a text is the numbers of its words: a question is
held against the words alone, and then a topic is found by its numbers. Lossless: words are what stands between blanks.
"""

import itertools
from collections import Counter
from collections.abc import Sequence

import numpy as np

#: So many different words have numbers of two bytes, more have four; the page looks at the words to know.
_MOST_SHORT = 1 << 16


def coded_texts(columns: Sequence[Sequence[str]]) -> tuple[list[str], bytes]:
    """The words of all texts, and the texts as their numbers.

    Args:
        columns: Texts of the same rows: (n_columns, n_rows).

    Returns:
        The words, most frequent first, those as frequent in the order of their letters. And the numbers, lowest byte
        first: of each row in turn how many words each of its columns has (uint32), then all words of all rows (uint16,
        or uint32 where there are more than 65,536 different ones).
    """
    split = [text.split(" ") for row in zip(*columns, strict=True) for text in row]
    counts = Counter(itertools.chain.from_iterable(split))
    words = sorted(counts, key=lambda word: (-counts[word], word))
    number = {word: place for place, word in enumerate(words)}
    lengths = np.array([len(text) for text in split], dtype="<u4")
    numbers = [number[word] for text in split for word in text]
    return words, lengths.tobytes() + np.array(numbers, dtype="<u2" if len(words) <= _MOST_SHORT else "<u4").tobytes()
