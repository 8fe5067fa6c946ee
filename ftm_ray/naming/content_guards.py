"""What an answer says, looked at: the right form can still hold a loop, half a sentence, or the rules said back.

A small model under a JSON schema always gives whole JSON: where it loops, the schema's `maxLength` closes the string
for it, and the endpoint reports a natural end. So the end of a text is judged by its words, never by `finish_reason`.
Pure functions over label, text and what the model was shown (docs/naming.md has the table by kind). Limits were
set on good and bad answers of one half of the judged set and on forty more good ones, and measured on the other half.
"""

import re
from collections import Counter
from collections.abc import Sequence
from functools import cache

from ftm_ray.naming.outcomes import Outcome
from ftm_ray.naming.prompts import MAX_LABEL_CHARACTERS, MAX_TEXT_CHARACTERS, Prompt
from ftm_ray.naming.word_support import word_share

#: What comes so near to the form's limit, in characters, was closed by it: it ends where it must, not where it wants.
#: Longer ones come from endpoints that know no limits, and end where they want.
_FULL_WITHIN = 6

#: Three words in a row that came before: a natural text of three sentences has one or two of them, a loop is made of
#: them.
_MAX_REPEATED = 0.2
_MIN_REPEATED = 4

#: A run of so many words that stands in the material is taken over; and a text is copied if most of it is.
_COPIED_RUN = 8
_MAX_COPIED = 0.6

#: The shortest sentence that says what is discussed, and why.
_MIN_WORDS = 5

#: Below this share of content words that stand in the sentences, a text is about something else: nine of ten texts that
#: were dealt out at random are below, and none of forty good ones (docs/naming.md).
_MIN_WORD_SHARE = 0.2

#: Words of the rules in a row: nobody who answers the question says five of them.
_RULES_RUN = 5

#: What the rules call the answer. An answer that says it has answered with the question.
TASK_PHRASES = (
    "business concept",
    "at most 8 words",
    "one or two sentences",
    "two or three sentences",
    "what is discussed",
    "json object",
    "neighbouring theme",
    "what the companies have in common",
    "you are a financial analyst",
)

#: The names of the fields, and words about the task, which are no subject of any call.
_TASK_LABELS = frozenset(
    {
        "label",
        "summary",
        "description",
        "keywords",
        "sentences",
        "neighbouring themes",
        "theme",
        "topic",
        "none",
        "unknown",
    }
)

#: A label of nothing but these fits every topic of every firm ("The company": 10 of SmolLM2's 19 names of 233).
_FITS_ANYTHING = frozenset({"company", "companies", "business", "businesses", "firm", "firms"})

#: Words behind which a phrase goes on. "Up", "out" and "off" end good labels ("Plant start up").
_GOING_ON = (
    "a an the and or but nor of for with from to by at as in on into than that which who whose if because is are was "
    "were be been has have had its their our your his her my this these those via per not between including such "
    "another each every through about during while when where how"
)
_GOES_ON = frozenset(_GOING_ON.split())

_WORD = re.compile(r"[^\W_]+(?:['’&.\-][^\W_]+)*%?")
_WHOLE_END = re.compile(r"[.!?。！？][\"'”’)\]]*$")
_CUT_END = re.compile(r"(\.\.\.|…|[,;:\-–—(/&])[\"'”’)\]]*$")
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+")


def content_fault(label: str, text: str, prompt: Prompt) -> Outcome | None:
    """What is wrong with an answer that has the right form; null if nothing is.

    Args:
        label: The first field, blanks in order.
        text: The second.
        prompt: The question.
    """
    if says_task(label, prompt.rules, prompt.sources) or says_task(text, prompt.rules, prompt.sources):
        return Outcome.TASK_WORDS
    if is_looped(text) or is_looped(label):
        return Outcome.LOOPED
    if is_cut_text(text):
        return Outcome.CUT_TEXT
    if is_too_short(label, text):
        return Outcome.TOO_SHORT
    if is_copied(text, prompt.sources):
        return Outcome.COPIED
    if is_cut_label(label):
        return Outcome.CUT_LABEL
    share = word_share(f"{label}. {text}", prompt.sources)
    return Outcome.UNSUPPORTED if share is not None and share < _MIN_WORD_SHARE else None


def is_looped(text: str) -> bool:
    """Whether a text says the same words over and over."""
    words = _words(text)
    if any(words[i] == words[i + 1] == words[i + 2] for i in range(len(words) - 2)):
        return True
    runs = Counter(zip(words, words[1:], words[2:], strict=False))
    n_repeated = sum(n - 1 for n in runs.values())
    return n_repeated >= _MIN_REPEATED and n_repeated > _MAX_REPEATED * runs.total()


def is_cut_text(text: str) -> bool:
    """Whether a text ends in no sentence end, or fills the form's limit."""
    return _is_full(text, MAX_TEXT_CHARACTERS) or bool(_CUT_END.search(text)) or not _WHOLE_END.search(text)


def is_cut_label(label: str) -> bool:
    """Whether a label breaks off in mid-phrase, or fills the form's limit."""
    words = _words(label)
    is_open = label.count("(") > label.count(")")
    ends_open = bool(words) and words[-1] in _GOES_ON
    return is_open or ends_open or bool(_CUT_END.search(label)) or _is_full(label, MAX_LABEL_CHARACTERS)


def without_open_end(words: Sequence[str]) -> list[str]:
    """Words of a label without those at its end behind which it would have to go on."""
    kept = list(words)
    while len(kept) > 1 and is_cut_label(" ".join(kept)):
        kept.pop()
    kept[-1] = kept[-1].rstrip(",;:-–—(/&")
    return kept


def says_task(text: str, rules: str, sources: Sequence[str] = ()) -> bool:
    """Whether a label or text says the words of the task instead of an answer; what was spoken may be said again."""
    words = _words(text)
    plain = " ".join(words)
    if words and set(words) <= _FITS_ANYTHING | _GOES_ON:
        return True
    if plain in _TASK_LABELS or any(phrase in plain and not _was_said(phrase, sources) for phrase in TASK_PHRASES):
        return True
    return not _runs(words, _RULES_RUN).isdisjoint(_runs_of_rules(rules))


def is_too_short(label: str, text: str) -> bool:
    """Whether a text says nothing beyond its label."""
    words = _words(text)
    return len(words) < _MIN_WORDS or words == _words(label) or not any(map(str.isalpha, label))


def is_copied(text: str, sources: Sequence[str]) -> bool:
    """Whether a text is, for the most part or by one whole sentence, what somebody else said."""
    said = [_words(source) for source in sources]
    shown = frozenset[tuple[str, ...]]().union(*(_runs(one, _COPIED_RUN) for one in said))
    words = _words(text)
    taken = [False] * len(words)
    for start in range(len(words) - _COPIED_RUN + 1):
        if tuple(words[start : start + _COPIED_RUN]) in shown:
            taken[start : start + _COPIED_RUN] = [True] * _COPIED_RUN
    if sum(taken) > _MAX_COPIED * len(words):
        return True
    spoken = [" ".join(one) for one in said]
    sentences = [" ".join(_words(sentence)) for sentence in _SENTENCE_END.split(text)]
    return any(len(one.split()) >= _COPIED_RUN and any(one in whole for whole in spoken) for one in sentences)


def _was_said(phrase: str, sources: Sequence[str]) -> bool:
    return any(phrase in " ".join(_words(source)) for source in sources)


@cache
def _runs_of_rules(rules: str) -> frozenset[tuple[str, ...]]:
    """Kept: a run has two sets of rules, for topics and for themes, and thousands of answers to each."""
    return _runs(_words(rules), _RULES_RUN)


def _is_full(text: str, limit: int) -> bool:
    return limit - _FULL_WITHIN < len(text) <= limit


def _words(text: str) -> list[str]:
    return [word.lower() for word in _WORD.findall(text)]


def _runs(words: Sequence[str], n: int) -> frozenset[tuple[str, ...]]:
    """All runs of n words."""
    return frozenset(zip(*(words[i:] for i in range(n)), strict=False))
