"""Texts as numbers of words: what lets the page look through 75,000 topics at every letter that somebody types.

A page that keeps texts as they are must read all of them for each question (22 MB: longer than a person waits), and
unpack them as JSON first. Here each different word stands once, and a text is the numbers of its words: a question is
held against the words alone, and then a topic is found by its numbers. Lossless: words are what stands between blanks.
"""

import itertools
from collections import Counter
from collections.abc import Sequence

import numpy as np

#: Bytes of a word's number; more words than that (16.7 million) do not fit into a page anyway.
_WIDTH = 3


def coded_texts(columns: Sequence[Sequence[str]]) -> tuple[list[str], bytes]:
    """The words of all texts, and the texts as their numbers.

    Args:
        columns: Texts of the same rows: (n_columns, n_rows).

    Returns:
        The words, most frequent first, those as frequent in the order of their letters. And the numbers: first of
        each row in turn how many words each of its columns has, then all words of all rows; both uint32, of which
        first all lowest bytes stand (they differ most, and pack badly), then all second ones, then all third ones.

    Raises:
        OverflowError: A text has, or all together have, 2^24 different words or more.
    """
    split = [text.split(" ") for row in zip(*columns, strict=True) for text in row]
    counts = Counter(itertools.chain.from_iterable(split))
    words = sorted(counts, key=lambda word: (-counts[word], word))
    number = {word: place for place, word in enumerate(words)}
    lengths = [len(text) for text in split]
    if max([len(words), *lengths]) >= 1 << (8 * _WIDTH):
        raise OverflowError("a page cannot hold so many words")
    return words, _planes(lengths) + _planes([number[word] for text in split for word in text])


def _planes(numbers: Sequence[int]) -> bytes:
    as_bytes = np.asarray(numbers, dtype="<u4").view(np.uint8).reshape(-1, 4)
    return as_bytes[:, :_WIDTH].T.tobytes()
