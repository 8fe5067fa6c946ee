"""Whether the words of a text stand in what it was written from: the share of its content words, and each figure and
name that stands nowhere there.

A good summary generalises, so a word counts as found where any form of it was said: words are compared by the first
five letters of their lemmas ("invest", "investing", "investments"). Figures and names cannot be generalised; each that
nobody said is told.
"""

import math
import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

import simplemma

from ftm_ray.text.lemmas import clean_for_keywords
from ftm_ray.text.word_lists import BUSINESS_TERMS

_STEM_LETTERS = 5

#: Places and their people: "China" where "Chinese" was said.
_NAME_LETTERS = 4

_NO_NAMES: frozenset[str] = frozenset()

_UNITS = {"%": "percent", "percent": "percent", "pct": "percent", "bps": "bps", "basis": "bps"}
_SCALES = {"thousand": 1e3, "k": 1e3, "million": 1e6, "m": 1e6, "mm": 1e6, "billion": 1e9, "bn": 1e9, "b": 1e9}
_SCALES |= {"trillion": 1e12, "tn": 1e12}
_SMALL = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
)
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_SPELLED = {word: float(n) for n, word in enumerate(_SMALL.split())}
_SPELLED |= {word: 10.0 * n for n, word in enumerate(_TENS.split(), start=2)}

_POWERS = {"hundred": 1e2, "thousand": 1e3, "million": 1e6, "billion": 1e9, "trillion": 1e12}
_POWER = "|".join(_POWERS)
_ROMAN = {"II": 2.0, "III": 3.0, "IV": 4.0}  # "Phase III" is phase 3

_SPELLED_OUT = re.compile(
    rf"\b((?:{_TENS.replace(' ', '|')})(?:[\s-](?:{'|'.join(_SMALL.split()[1:10])}))?|{_SMALL.replace(' ', '|')}"
    rf"|a(?=\s(?:{_POWER})\b))((?:\s(?:{_POWER}))*)\b",
    re.IGNORECASE,
)
_PERIOD = re.compile(r"[QH][1-4]|[1-4][QH]|[FC]Y\d{2,4}")
_UNIT_BEHIND = re.compile(
    r"[\s-]*(?:(to|or|and|point|percentage|dollars?|euros?)\b|(%|percent|pct|bps|basis)(?!\w))", re.IGNORECASE
)
#: A figure behind the first is part of a name ("COVID-19", "GLP-1"), and so is one with capitals behind it ("3PL").
_NAME_BEFORE = re.compile(r"\b[A-Z][A-Za-z]*-$")
_NAME_BEHIND = re.compile(r"\d+(?!MM\b|BN\b|TN\b)[A-Z]{2,}\b")

_FIGURE = re.compile(r"([$€£¥]\s?)?(\d+(?:,\d{3})*(?:\.\d+)?|\d+)\s*(%|(?:[A-Za-z]+\b))?")
_TOKEN = re.compile(r"[^\W_]+(?:['’&.\-][^\W_]+)*")
_SENTENCE_END = re.compile(r"(?<=[.!?:])\s+")


def word_share(text: str, sources: Sequence[str]) -> float | None:
    """The share of a text's content words that were said, in any form.

    Args:
        text: Label and summary, or label and description.
        sources: The keywords and sentences, or summaries, that it was written from.

    Returns:
        0 to 1; null where the text has no content word of letters, or nothing was shown.
    """
    words = _stems(text)
    if not words or not sources:
        return None
    said = frozenset[str]().union(*map(_stems, sources))
    return len(words & said) / len(words)


def unsaid_figures(text: str, sources: Sequence[str]) -> list[str]:
    """Each figure of a text that none of its sources has, once, as written, in order.

    A figure is found where the same value was said, in figures or words, and not only with another unit ("12 %" is not
    "12 basis points"). Numbers in words count from thirteen on: "two reasons" is no figure.
    """
    said = " ".join(sources)
    values = [*_figures(said), *((value, unit) for _, _, value, unit in _spelled(said))]
    values += [(_ROMAN[word], "") for word in re.findall(r"\b(?:II|III|IV)\b", said)]
    figures = [
        (place, shown)
        for place, shown, value, unit in _figures_in(text)
        if not _has(values, value, unit) and not (_NAME_BEFORE.search(text[:place]) or _NAME_BEHIND.match(text, place))
    ]
    figures += [
        (place, shown) for place, shown, value, _ in _spelled(text) if value > 12 and not _has(values, value, "")
    ]
    return list(dict.fromkeys(shown for _, shown in sorted(figures)))


def unsaid_names(text: str, sources: Sequence[str]) -> list[str]:
    """Each name of a text that none of its sources has, once, as written, in order.

    A name is a word with a capital letter where words have none; at the beginning of a sentence, one that no dictionary
    knows. It is found in any form, and an abbreviation also by the first letters of its words; terms of the trade
    ("AI") are no names.
    """
    said = " ".join(sources)
    tokens = {token.lower().removesuffix("'s") for token in _TOKEN.findall(said.replace("’", "'"))}
    pieces = tokens | {piece for token in tokens for piece in re.split(r"[\-.&]", token)} | BUSINESS_TERMS
    stems = {piece[:_STEM_LETTERS] for piece in pieces}
    said_names = {token[:_NAME_LETTERS].lower() for token in _TOKEN.findall(said) if token[0].isupper()}
    joined = {_joined(token) for token in tokens}
    names = [
        name
        for name in _names(text)
        if name.lower() not in pieces
        and name.lower()[:_STEM_LETTERS] not in stems
        and name.lower()[:_NAME_LETTERS] not in said_names
        and _joined(name.lower()) not in joined
        and not _is_short_for(name, said)
    ]
    return list(dict.fromkeys(names))


def _joined(name: str) -> str:
    """A name without what is written or not between its parts, and without a plural's s ("GLP-1", "GLP1s")."""
    return re.sub(r"[\W_]", "", name).removesuffix("s")


@lru_cache(maxsize=20_000)
def _stems(text: str) -> frozenset[str]:
    """The beginnings of the content words of a text. Cached: each is looked at again with a second answer."""
    words = clean_for_keywords(text, _NO_NAMES).split()
    return frozenset(word[:_STEM_LETTERS] for word in words if not word[0].isdigit())


def _figures(text: str) -> Iterator[tuple[float, str]]:
    return ((value, unit) for _, _, value, unit in _figures_in(text))


def _figures_in(text: str) -> Iterator[tuple[int, str, float, str]]:
    """Where a figure stands, the figure, its value and its unit; "Q3" and "5G" are none, a year is one."""
    for found in _FIGURE.finditer(text):
        money, digits, behind = found.groups()
        if found.start() and (text[found.start() - 1].isalpha() or text[found.start() - 1] in "."):
            continue
        word = (behind or "").lower()
        if word in ("g", "d", "st", "nd", "rd", "th", "q", "h", "x"):  # 5G, 3D, 2nd, 10x: part of a term
            continue
        value = float(digits.replace(",", "")) * _SCALES.get(word, 1.0)
        unit = _UNITS.get(word, "money" if money else "")
        shown = found.group() if word in _UNITS or word in _SCALES else found.group().removesuffix(behind or "").strip()
        yield found.start(), shown, value, unit


def _spelled(text: str) -> Iterator[tuple[int, str, float, str]]:
    """Numbers said in words ("five", "two hundred"): where, as written, the value and its unit.

    "Two reasons" count things and are not 2 %; of "two to three percent" and "two million" the unit is open.
    """
    for found in _SPELLED_OUT.finditer(text):
        number, powers = found[1].lower(), found[2].lower().split()
        value = 1.0 if number == "a" else sum(_SPELLED[part] for part in re.split(r"[\s-]+", number))
        behind = _UNIT_BEHIND.match(text, found.end())
        unit = "" if powers or behind and behind[1] else _UNITS[behind[2].lower()] if behind else "count"
        yield found.start(), found.group(), math.prod([value, *(_POWERS[power] for power in powers)]), unit


def _has(values: Sequence[tuple[float, str]], value: float, unit: str) -> bool:
    """Whether a value was said, with this unit or with none on one of the two sides."""
    return any(
        abs(one - value) <= 1e-9 * abs(value) and (not unit or not other or unit == other) for one, other in values
    )


def _names(text: str) -> Iterator[str]:
    """Words with a capital letter that is not that of a sentence's first word, or of a title."""
    for sentence in _SENTENCE_END.split(text):
        tokens = _TOKEN.findall(sentence.replace("’", "'"))
        is_title = not any(token.islower() for token in tokens if len(token) > 3)
        for place, token in enumerate(tokens):
            word = token.removesuffix("'s").rstrip(".")
            if _PERIOD.fullmatch(word):
                continue
            if not word[:1].isupper() or len(word) < 2:
                continue
            is_shouted = word.isupper() and len(word) > _NAME_LETTERS
            if (is_shouted or ((place == 0 or is_title) and word[1:].islower())) and _is_english(word.lower()):
                continue
            yield word


def _is_english(word: str) -> bool:
    return all(simplemma.is_known(piece, lang="en") for piece in word.split("-") if piece)


def _is_short_for(name: str, said: str) -> bool:
    """Whether an abbreviation is made of the first letters of words that were said in a row ("AI", "U.S.")."""
    letters = name.replace(".", "").replace("&", "").lower()
    if not name.isupper() or not 2 <= len(letters) <= 6:
        return False
    initials = "".join(word[0] for word in re.findall(r"[a-z]+", said.lower()))
    return letters in initials
