"""Sentences become the words of which keywords are made: lemmas, without stop words, numbers and names."""

import re
from functools import lru_cache

import simplemma

from ftm_ray.text.word_lists import BUSINESS_TERMS, STOP_WORDS

UNKNOWN_NAME = "<UNK>"  # some published transcripts write this for every person's name; it stays readable in place
_WORD = re.compile(r"[^\W_]+(?:[&'.\-/][^\W_]+)*")
_LETTER = re.compile(r"[^\W\d_]")
_PERIOD_OR_AMOUNT = re.compile(r"[qh]\d+(?:-\w+)?|\d+[qh]\d*|[fc]y\d+|\d+(?:st|nd|rd|th|s|k|m|b|t|x|bn|mm|bps|c|am|pm)")
_CONTRACTIONS = frozenset({"ll", "re", "ve", "d", "m", "t"})


def clean_for_keywords(sentence: str, names: frozenset[str]) -> str:
    """Reduce a sentence to what may become a keyword: lower-case lemmas, joined by blanks.

    Left out: stop words, words that fill pauses ("um"), numbers and periods (Q3, 2024, fy25), and `names` (of people
    and the firm).
    Terms such as "5g", "p&l", "covid-19", "u.s." stay one word: let the vectorizer split at blanks only.
    """
    sentence = sentence.replace("\u2019", "'").replace(UNKNOWN_NAME, " ")
    # Numbers are none of our words, and nearly each is new: they would fill the cache below.
    words = [word for word in _WORD.findall(sentence.lower()) if _LETTER.search(word)]
    return " ".join(lemma for word in words if word not in names and (lemma := _keyword(word)) and lemma not in names)


def words_with_places(sentence: str) -> list[tuple[str, int, int]]:
    """What `clean_for_keywords` makes of each word, and where the word stands: (lemma, start, end), in order."""
    lower = sentence.replace("\u2019", "'").lower()
    if len(lower) != len(sentence):  # a few capitals of other alphabets become two characters: places would not fit
        return []
    words = ((match[0], *match.span()) for match in _WORD.finditer(lower) if _LETTER.search(match[0]))
    return [(lemma, start, end) for word, start, end in words if (lemma := _keyword(word))]


@lru_cache(maxsize=50_000)
def _keyword(word: str) -> str:
    """The lemma of one lower-case word, or "" where it may not be a keyword. Cached: talk repeats its words."""
    if "'" in word:
        stem, _, ending = word.partition("'")
        word = "" if ending in _CONTRACTIONS else stem if ending == "s" else word
    if word.count(".") and all(len(part) == 1 for part in word.split(".")):
        return "" if word[0].isdigit() else word + "."  # "u.s" was cut from "U.S."
    if len(word) < 2 or not any(map(str.isalpha, word)) or word in STOP_WORDS or _PERIOD_OR_AMOUNT.fullmatch(word):
        return ""
    # "pricing", "lending" and "marketing" are trades, not forms of "price", "lend" and "market".
    lemma = word if word in BUSINESS_TERMS or word.endswith("ing") else simplemma.lemmatize(word, lang="en").lower()
    is_stop = lemma in STOP_WORDS or simplemma.lemmatize(word, lang="en").lower() in STOP_WORDS
    return "" if is_stop and word not in BUSINESS_TERMS else lemma
