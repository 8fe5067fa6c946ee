"""What was said: repair it, cut it into sentences, see what is only call mechanics, make the words for keywords.

Place in the flow: prefetch calls `repair_text` and `split_sentences` for every turn and `clean_for_keywords` for every
sentence; the map calls `rule_drop_reason` (nothing dropped there is ever embedded, and embedding is 85 % of a firm's
cost). The encoder reads the raw sentence; only c-TF-IDF reads the cleaned one.

Trade-off: every rule is closed (a fixed vocabulary or a fixed phrase), so that it errs by keeping. What the rules
let through is judged again after embedding, by `boilerplate_classifier`. Figures: docs/boilerplate.md. The word lists
lie in spoken_words.json, each with the reason why it exists.
"""

import html
import re
from collections.abc import Iterator
from functools import lru_cache

import ftfy
import sentencex
import simplemma

from ftm_ray.text.boilerplate_rules import mechanics_reason
from ftm_ray.text.names import firm_name_tokens, person_names
from ftm_ray.text.word_lists import BUSINESS_TERMS, FUNCTION_WORDS, STOP_WORDS

__all__ = [
    "clean_for_keywords",
    "firm_name_tokens",
    "is_foreign",
    "person_names",
    "repair_text",
    "rule_drop_reason",
    "split_sentences",
]

UNKNOWN_NAME = "<UNK>"  # some published transcripts write this for every person's name; it stays readable in place
MAX_SENTENCE_WORDS = 100  # 99.7 % of real sentences are shorter (951,000 seen); longer ones are several in one
RUN_ON_WORDS = 40  # length aimed at when a run-on is cut: the 95th percentile of real sentences


# --- repair and split ----------------------------------------------------------------------------------------------

_TAG = re.compile(r"</?(?!UNK>)[A-Za-z!][^<>]{0,200}>")
_BLANKS = re.compile(r"[^\S\n]+")
_LINE_BREAKS = re.compile(r" ?(?:\n ?)+")
# A new sentence that lost the full stop before it: "... in the December quarter Let me begin with ..."
_LOST_STOP = re.compile(
    r"(?<=[a-z0-9%)]) (?=(?:We|Our|The|This|These|That|It|In|And|So|But|I|As|For|Let|Turning|During|With|If|Now|At"
    r"|On|To|You|They|There|Yes|No|Well|Thank|Thanks|Please|Moving|Looking|Finally|Overall|However)\b)"
)
_CLAUSE_START = re.compile(r"(?:and|but|so|because|which|now|then|we're|i think|you know)\b", re.IGNORECASE)


def repair_text(text: str) -> str:
    """Mend what a text suffered on its way: mojibake, markup, entities, odd blanks.

    Line breaks stay (one each): in some sources they are the only sentence ends. `<UNK>` (a hidden name) stays.
    """
    text = html.unescape(text) if "&" in text else text
    text = _TAG.sub(" ", text) if "<" in text else text
    # Curly quotes would hide "don't" from the word lists, and plain ASCII has no mojibake to look for.
    text = text if text.isascii() else ftfy.fix_text(text, uncurl_quotes=True)
    return _LINE_BREAKS.sub("\n", _BLANKS.sub(" ", text.replace("\r", "\n"))).strip()


def split_sentences(text: str) -> list[str]:
    """Cut a repaired text into sentences, in order, none of them empty and none over `MAX_SENTENCE_WORDS`."""
    return [
        piece
        for line in _lines(text)
        for sentence in sentencex.segment("en", line)
        for piece in _cut_run_on(sentence.strip())
        if any(character.isalnum() for character in piece)
    ]


def _lines(text: str) -> list[str]:
    lines = text.split("\n")
    # Where lines go on in lower case the text was wrapped at a width: its line breaks mean nothing.
    n_wrapped = sum(line[:1].islower() for line in lines)
    return [" ".join(lines)] if n_wrapped > 0.1 * len(lines) else lines


def _cut_run_on(sentence: str) -> list[str]:
    """Machine transcripts can go on for 4,000 words without a full stop: cut those where a clause begins."""
    if sentence.count(" ") < MAX_SENTENCE_WORDS:
        return [sentence]
    return [piece for part in _LOST_STOP.split(sentence) for piece in _cut_at_clauses(part.split())]


def _cut_at_clauses(words: list[str]) -> Iterator[str]:
    while len(words) > MAX_SENTENCE_WORDS:
        window = range(RUN_ON_WORDS // 2, 2 * RUN_ON_WORDS)
        clauses = [i for i in window if words[i - 1].endswith((",", ";")) or _CLAUSE_START.fullmatch(words[i])]
        cut = min(clauses, key=lambda i: abs(i - RUN_ON_WORDS), default=RUN_ON_WORDS)
        yield " ".join(words[:cut])
        words = words[cut:]
    yield " ".join(words)


# --- foreign passages ----------------------------------------------------------------------------------------------

MIN_LETTERS_FOREIGN = 8  # below this a name or a brand in another script decides too much
MIN_WORDS_LANGUAGE_ID = 8  # in a shorter passage two names decide too much
MAX_FUNCTION_WORDS = 0.25  # English speech is half "the", "of", "we"; others share few of them ("a", "in", "i")
# Words that stand in the English dictionary: of 20,808 real sentences that came this far the English ones have at least
# 0.50 (two with a web address), sentences in ten other languages at most 0.45.
MIN_ENGLISH_RATIO = 0.5


def is_foreign(sentence: str) -> bool:
    """Say whether a sentence is not English: half its letters in another script, or few English words."""
    if not sentence.isascii():
        n_letters = sum(character.isalpha() for character in sentence)
        n_other = sum(character.isalpha() and ord(character) > 0x24F for character in sentence)
        if n_letters >= MIN_LETTERS_FOREIGN // 2 and n_other > 0.5 * n_letters:
            return True
    words = [word.strip(".,;:?!\"()'") for word in sentence.split()]
    n_english = sum(word.lower() in FUNCTION_WORDS for word in words)
    # A list of foreign names is not a foreign sentence: half of its words must be written small.
    n_small = sum(word[:1].islower() for word in words)
    if len(words) < MIN_WORDS_LANGUAGE_ID or n_english > MAX_FUNCTION_WORDS * len(words) or 2 * n_small < len(words):
        return False
    return simplemma.in_target_language(sentence, lang="en") < MIN_ENGLISH_RATIO


# --- words for keywords --------------------------------------------------------------------------------------------

_WORD = re.compile(r"[^\W_]+(?:[&'.\-/][^\W_]+)*")
_LETTER = re.compile(r"[^\W\d_]")
_PERIOD_OR_AMOUNT = re.compile(r"[qh]\d+(?:-\w+)?|\d+[qh]\d*|[fc]y\d+|\d+(?:st|nd|rd|th|s|k|m|b|t|x|bn|mm|bps|c|am|pm)")
_CONTRACTIONS = frozenset({"ll", "re", "ve", "d", "m", "t"})


def clean_for_keywords(sentence: str, names: frozenset[str]) -> str:
    """Reduce a sentence to what may become a keyword: lower-case lemmas, joined by blanks.

    Left out: stop words, spoken fillers, numbers and periods (Q3, 2024, fy25), and `names` (of people and the firm).
    Terms such as "5g", "p&l", "covid-19", "u.s." stay one word: let the vectorizer split at blanks only.
    """
    sentence = sentence.replace("\u2019", "'").replace(UNKNOWN_NAME, " ")
    # Numbers are none of our words, and nearly each is new: they would fill the cache below.
    words = [word for word in _WORD.findall(sentence.lower()) if _LETTER.search(word)]
    return " ".join(lemma for word in words if word not in names and (lemma := _keyword(word)) and lemma not in names)


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


# --- what is left out before embedding -----------------------------------------------------------------------------


def rule_drop_reason(sentence: str, speaker_type: str | None) -> str | None:
    """Say why a sentence is left out before it is embedded, or None where it stays.

    Args:
        sentence: As it was spoken.
        speaker_type: The source's role of the speaker, where there is one.

    Returns:
        'operator', 'procedure' (hand-overs, question mechanics), 'legal' (safe harbour, webcast),
        'pleasantry', 'fragment' ("Right, right."), or None.
    """
    if speaker_type is not None and speaker_type.strip().lower() == "operator":
        return "operator"
    return mechanics_reason(sentence)
