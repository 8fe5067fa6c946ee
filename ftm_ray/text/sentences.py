"""Raw text of a turn becomes sentences: repaired first, then cut.

Place in the flow: prefetch calls both for every turn. The encoder reads these sentences as they are; c-TF-IDF reads
their lemmas (`lemmas.py`), and what is boilerplate is left out before embedding (`boilerplate_rules.py`).
"""

import html
import re
from collections.abc import Iterator

import ftfy
import sentencex

from ftm_ray.text.language import is_foreign
from ftm_ray.text.lemmas import clean_for_keywords
from ftm_ray.text.names import firm_name_tokens, person_names

__all__ = [  # with what the sources need of the modules beside this one
    "clean_for_keywords",
    "firm_name_tokens",
    "is_foreign",
    "person_names",
    "repair_text",
    "split_sentences",
    "INVISIBLE",
    "TAG",
]

MAX_SENTENCE_WORDS = 100  # 99.7 % of real sentences are shorter (951,000 seen); longer ones are several in one
RUN_ON_WORDS = 40  # length aimed at when a run-on is cut: the 95th percentile of real sentences


#: Markup: <p>, </div>, <Sync id="L164"/>, <!-- note -->. "EPS <Q2 levels and volumes >Q1" and <UNK> are speech.
TAG = re.compile(
    r"</?(?!UNK>)[A-Za-z][\w:-]{0,30}(?:\s+[\w:-]+\s*=\s*(?:\"[^\"<>]*\"|'[^'<>]*'|[^\s<>]+))*\s*/?>|<!(?:--.*?--|[A-Za-z][^<>]*)>",
    re.DOTALL,
)
#: What nobody sees and what parts a word in two: soft hyphens, characters of no width, fillers, directions, selectors
#: of an emoji's form, tags, control characters.
INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f\xad\u034f\u061c\u115f\u1160\u180b-\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f"
    "\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e007f]"
)
_HYPHENS = str.maketrans({"\u2010": "-", "\u2011": "-"})  # "long-term" as typesetters write it
_BLANKS = re.compile(r"[^\S\n]+")
_LINE_BREAKS = re.compile(r" ?(?:\n ?)+")
# A new sentence that lost the full stop before it: "... in the December quarter Let me begin with ..."
_LOST_STOP = re.compile(
    r"(?<=[a-z0-9%)]) (?=(?:We|Our|The|This|These|That|It|In|And|So|But|I|As|For|Let|Turning|During|With|If|Now|At"
    r"|On|To|You|They|There|Yes|No|Well|Thank|Thanks|Please|Moving|Looking|Finally|Overall|However)\b)"
)
_CLAUSE_START = re.compile(r"(?:and|but|so|because|which|now|then|we're|i think|you know)\b", re.IGNORECASE)


def repair_text(text: str) -> str:
    """Mend what a text suffered on its way: mojibake, markup, entities, invisible characters, odd blanks.

    Line breaks stay (one each): in some sources they are the only sentence ends. `<UNK>` (a hidden name) stays.
    """
    text = html.unescape(text) if "&" in text else text
    text = TAG.sub(" ", text) if "<" in text else text
    # Curly quotes would hide "don't" from the word lists, and plain ASCII has no mojibake to look for.
    if not text.isascii():
        text = ftfy.fix_text(text, uncurl_quotes=True).replace("\ufffd", " ").translate(_HYPHENS)
    text = text if text.isascii() and text.isprintable() else INVISIBLE.sub("", text)
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
