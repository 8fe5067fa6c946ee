"""The endpoint that answers well: answers that a person wrote, given to the prompts that they belong to.

    with good_endpoint() as server: ... server.url ...

The answers stand in tests/golden: hand_answers.jsonl for topics of the sample calls and of ten real calls,
hand_themes.jsonl for themes. A topic's prompt is recognised by its sentences, of which the file has digests (the real
calls' words are no part of the project), so other numbering or a sentence more or less does not matter. A theme's
prompt is recognised by the summaries in it, which this endpoint wrote itself. What nobody wrote an answer for gets
status 404 and is counted; nothing is invented.
"""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from llm_server import LlmServer, Reply, error, named

_GOLDEN = Path(__file__).parent / "golden"

#: A line of the material that quotes: a sentence, a summary, a neighbour's name.
_QUOTATION = re.compile(r'^- (".*")$', re.MULTILINE)

#: A topic's answer is right where this share of the sentences shown are its own; a theme's, of the summaries.
_SHARE = 1 / 3

#: Two summaries are the least that a theme is recognised by: it is what several topics share.
_SUMMARIES = 2

#: Where other vectors make other topics (another processor), at least this share of them is known here all the same: 53
#: of 63 on a machine with AVX-512 and no bf16, all of them on the two kinds of machine on which the test passed before.
MIN_KNOWN = 0.75

#: What a run asks before it begins, to see that the endpoint answers.
_HELLO = "Keywords: hello"


@dataclass(frozen=True, slots=True)
class WrittenAnswer:
    """One topic's answer, by hand.

    Attributes:
        theme: Which theme's description its summary fits; null where none was written.
        marks: Digests of the topic's sentences.
    """

    label: str
    summary: str
    theme: str | None
    marks: frozenset[str]


@dataclass(slots=True)
class GoodAnswers:
    """Finds the answer to a prompt; `unknown` keeps the prompts that have none."""

    unknown: list[str] = field(default_factory=list)

    def __call__(self, _: int, request: dict[str, Any]) -> Reply:
        """What the server sends for a request: see LlmServer."""
        material = request["messages"][1]["content"]
        if material.startswith(_HELLO):
            return named("Greeting", "A greeting, to see whether the endpoint answers.")
        found = theme_answer(material) if "\nSummaries:" in material else topic_answer(material)
        if found is None:
            self.unknown.append(material)
            return error(404, "no answer was written for this prompt")
        label, text = found
        return named(label, text, "description" if "\nSummaries:" in material else "summary")


def good_endpoint() -> LlmServer:
    """The server; `server.answer.unknown` has the prompts that got no answer."""
    return LlmServer(GoodAnswers())


def topic_answer(material: str) -> tuple[str, str] | None:
    """Label and summary of the topic that most of the sentences belong to."""
    shown = {sentence_mark(sentence) for sentence in _quotations(material, "Sentences:")}
    best = max(written_answers(), key=lambda answer: len(answer.marks & shown))
    return (best.label, best.summary) if shown and len(best.marks & shown) >= _SHARE * len(shown) else None


def theme_answer(material: str) -> tuple[str, str] | None:
    """Label and description of the theme that most of the summaries were written for."""
    keywords = material.partition("\n")[0].removeprefix("Keywords: ")
    for theme in _themes().values():
        if theme.get("keywords") == keywords:  # a cluster of several subjects, described as what it is
            return theme["label"], theme["description"]
    theme_of = {_plain(answer.summary): answer.theme for answer in written_answers()}
    shown = [theme_of.get(_plain(summary)) for summary in _quotations(material, "Summaries:")]
    ranking = Counter(theme for theme in shown if theme is not None).most_common(1)
    if not ranking or ranking[0][1] < max(_SUMMARIES, _SHARE * len(shown)):
        return None
    theme = _themes()[ranking[0][0]]
    return theme["label"], theme["description"]


@cache
def written_answers() -> tuple[WrittenAnswer, ...]:
    """All answers to topics, in the order of the file."""
    rows = _rows("hand_answers.jsonl")
    return tuple(WrittenAnswer(row["label"], row["summary"], row["theme"], frozenset(row["marks"])) for row in rows)


def sentence_mark(sentence: str) -> str:
    """A digest of a sentence's words, by which it is found again without being told."""
    return hashlib.sha256(_plain(sentence).encode()).hexdigest()[:12]


def _plain(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.lower()))


def _quotations(material: str, heading: str) -> Iterable[str]:
    """What is quoted below a heading."""
    return (json.loads(quotation) for quotation in _QUOTATION.findall(material.partition(f"\n{heading}")[2]))


@cache
def _themes() -> dict[str, dict[str, str]]:
    return {row["theme"]: row for row in _rows("hand_themes.jsonl")}


def _rows(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (_GOLDEN / name).read_text(encoding="utf-8").splitlines()]
