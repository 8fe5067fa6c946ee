"""The second, transparent measure: words of a list such as Loughran and McDonald's, counted.

The list is the user's own file; it may be used for research only and is not shipped. Its form: one row a word, and of
each category the year in which the word came into it; 0 = not in it, a negative year = taken out since.
"""

import csv
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from ftm_ray.errors import SourceError

#: Columns of counts -> columns of the list.
CATEGORIES = {
    "lm_positive": "positive",
    "lm_negative": "negative",
    "lm_uncertainty": "uncertainty",
    "lm_litigious": "litigious",
    "lm_strong_modal": "strong_modal",
    "lm_weak_modal": "weak_modal",
    "lm_constraining": "constraining",
}
_NEEDED = ("word", "positive", "negative")

#: The six of Loughran and McDonald (2011), who look at the three words before a positive one; people who speak also say
#: "cannot" and "isn't".
_NEGATIONS = frozenset(("NO", "NOT", "NONE", "NEITHER", "NEVER", "NOBODY", "CANNOT"))
_NEGATED_WITHIN = 3

#: Hyphenated words are several words, as in their own count.
_WORD = re.compile(r"[A-Za-z]+(?:'[A-Za-z]+)*")


@dataclass(frozen=True, slots=True)
class WordList:
    """A list as it was read.

    Attributes:
        categories: Columns of counts of each word, by the word in capitals.
        columns: The columns of counts that the list has words for.
        digest: Of the file.
    """

    categories: Mapping[str, tuple[str, ...]]
    columns: tuple[str, ...]
    digest: str

    def counts(self, texts: Sequence[str]) -> dict[str, pa.Array]:
        """Columns n_words, lm_negated and one per category, a number for each text; null = the list lacks it."""
        rows = [self._count(text) for text in texts]
        columns = ("n_words", "lm_negated", *self.columns)
        found = {name: pa.array([row.get(name, 0) for row in rows], pa.int32()) for name in columns}
        return {name: found.get(name, pa.nulls(len(rows), pa.int32())) for name in COUNT_COLUMNS}

    def _count(self, text: str) -> dict[str, int]:
        words = _WORD.findall(text.replace("’", "'").upper())
        counts = {"n_words": len(words)}
        for place, word in enumerate(words):
            for column in self.categories.get(word, ()):
                counts[column] = counts.get(column, 0) + 1
                if column == "lm_positive" and _is_negated(words[max(0, place - _NEGATED_WITHIN) : place]):
                    counts["lm_negated"] = counts.get("lm_negated", 0) + 1
        return counts


COUNT_COLUMNS = ("n_words", "lm_positive", "lm_negated", *(name for name in CATEGORIES if name != "lm_positive"))


def no_counts(n_texts: int) -> dict[str, pa.Array]:
    """The columns of counts where no list was given."""
    return {name: pa.nulls(n_texts, pa.int32()) for name in COUNT_COLUMNS}


def read_word_list(path: Path) -> WordList:
    """Read a list as it is distributed: CSV with Word, Negative, Positive and further categories.

    Raises:
        SourceError: It cannot be read, lacks one of these columns, or holds something else than years.
    """
    try:
        content = path.read_bytes()
        rows = list(csv.reader(content.decode("utf-8-sig").splitlines()))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise SourceError(f"cannot read the word list {path}: {error}; give it as CSV") from error
    header = [name.strip().lower() for name in rows[0]] if rows else []
    if missing := [name for name in _NEEDED if name not in header]:
        raise SourceError(
            f"the word list {path} has no column {', '.join(missing)}; expected Word, Negative, Positive and further "
            f"categories, got {', '.join(header[:8]) or 'an empty file'}"
        )
    there = {column: header.index(theirs) for column, theirs in CATEGORIES.items() if theirs in header}
    categories: dict[str, tuple[str, ...]] = {}
    for number, row in enumerate(rows[1:], start=2):
        if row:
            _add_word(categories, row, there, header.index("word"), f"{path}, line {number}")
    return WordList(categories, tuple(there), hashlib.sha256(content).hexdigest()[:16])


def _add_word(
    categories: dict[str, tuple[str, ...]], row: list[str], there: Mapping[str, int], word_column: int, where: str
) -> None:
    try:
        found = tuple(column for column, place in there.items() if float(row[place].strip() or 0) > 0)
        if found:
            categories[row[word_column].strip().upper()] = found
    except (ValueError, IndexError) as error:
        raise SourceError(f"{where}: expected a year or 0 in every category, got {','.join(row)[:80]}") from error


def _is_negated(before: Sequence[str]) -> bool:
    return any(word in _NEGATIONS or word.endswith("N'T") for word in before)
