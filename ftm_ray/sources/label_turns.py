"""Lines and their labels become turns: who spoke, in which role, in which part of the call.

What the text does not say stays null: a speaker without title whom the operator does not call has no type, and a call
without a heading, an operator who opens the questions or an analyst has no sections.
"""

import re
from collections.abc import Mapping, Sequence

from ftm_ray.sources.calls import Turn, normal_speaker_type
from ftm_ray.sources.label_lines import OPERATOR, ROLE, TITLE, Label

PREPARED, QUESTIONS = "prepared", "qa"
ANALYST = "Analyst"

_PREPARED_HEADING = re.compile(
    r"(?:prepared remarks?|presentation|management discussion|opening remarks|corporate presentation)(?: section)?:?",
    re.IGNORECASE,
)
_QUESTIONS_HEADING = re.compile(
    r"(?:questions?(?: |-)?(?:and|&|n)(?: |-)?answers?|q ?(?:&|and) ?a|question period)(?: ?(?:session|section))?:?",
    re.IGNORECASE,
)
_PUBLISHER_LINE = re.compile(
    r"(?:duration: \d+ min\w*|more \S+(?: \S+)? analysis|all earnings call transcripts|image source: .{0,60}"
    r"|\[?operator (?:closing remarks|instructions)\]?|transcript powered by .{0,40}|[-=_*•. ]{3,})",
    re.IGNORECASE,
)
_DIRECTION = re.compile(r"\s*[\[(](?:operator (?:instructions|closing remarks)|phonetic|ph)[\])]", re.IGNORECASE)
_CALLS_ASKER = re.compile(r"question|\bline (?:of|from)\b")
_QUESTIONS_BEGIN = re.compile(
    r"question.and.answer session|first question|questions? (?:\w+ ){0,4}from (?:the line|\w+ \w+)|begin the q&a"
    r"|open (?:\w+ ){0,4}(?:for|to|up for) (?:\w+ )?questions",
    re.IGNORECASE,
)
_MAX_PREAMBLE_LINE = 150  # characters of a title, a date or an hour above the first speaker


def section_of_heading(line: str) -> str | None:
    """The part of the call that a heading begins; null for any other line."""
    if _PREPARED_HEADING.fullmatch(line):
        return PREPARED
    return QUESTIONS if _QUESTIONS_HEADING.fullmatch(line) else None


def make_turns(
    lines: Sequence[str], labels: Mapping[int, Label], listed: Mapping[str, str | None]
) -> tuple[list[Turn], int]:
    """Put together what was said between two labels.

    Args:
        lines: The lines of a call; empty ones say nothing.
        labels: By line.
        listed: Who stands in lists of participants, with type.

    Returns:
        The turns, and how many headings and other lines were taken out.
    """
    types = _types(lines, labels, listed)
    pieces: list[tuple[Label | None, str | None, list[str]]] = [(None, None, [])]
    n_other = 0
    for row, line in enumerate(lines):
        speaker, section, said = pieces[-1]
        heading = section_of_heading(line)
        if row in labels:
            pieces.append((labels[row], section, [labels[row].said]))
        elif heading:
            pieces.append((speaker, heading, []))
            n_other += 1
        elif _PUBLISHER_LINE.fullmatch(line) or (speaker is None and _is_above_the_talk(line)):
            n_other += 1
        elif line:
            said.append(line)
    turns = [_turn(label, section, said, types) for label, section, said in pieces]
    return _with_sections([turn for turn in turns if turn.text]), n_other


def _is_above_the_talk(line: str) -> bool:
    return 0 < len(line) <= _MAX_PREAMBLE_LINE and not line.endswith((".", "?", "!"))


def _turn(label: Label | None, section: str | None, said: Sequence[str], types: Mapping[str, str | None]) -> Turn:
    text = _DIRECTION.sub("", "\n".join(line for line in said if line)).strip()
    if label is None:
        return Turn(text, section=section)
    return Turn(text, label.name, types.get(label.key), section)


def _types(
    lines: Sequence[str], labels: Mapping[int, Label], listed: Mapping[str, str | None]
) -> dict[str, str | None]:
    """The type of each speaker: by role or title in a label, else Q and A, else the list, else an operator's call."""
    types: dict[str, str | None] = {key: kind for key, kind in listed.items() if kind}
    for label in labels.values():
        if label.side:
            types.setdefault(label.key, ANALYST if label.side == "Q" else "Executive")
    for label in labels.values():
        kind = _type_by_words(label)
        if kind not in (None, "Other"):
            types[label.key] = kind
    for key in _called_by_operator(lines, labels):
        types.setdefault(key, ANALYST)
    return types


def _type_by_words(label: Label) -> str | None:
    if label.name and ROLE.fullmatch(label.name):
        return normal_speaker_type(label.name)
    return normal_speaker_type(label.title) if label.title and TITLE.search(label.title) else None


def _called_by_operator(lines: Sequence[str], labels: Mapping[int, Label]) -> set[str]:
    """Who speaks right after an operator that speaks of a question or a line, and names them: "the line of Tom Loe"."""
    called = set()
    rows = sorted(labels)
    for row, following in zip(rows, rows[1:], strict=False):
        label, key = labels[row], labels[following].key
        if label.name and OPERATOR.fullmatch(label.name) and labels[following].name:
            said = " ".join([label.said, *lines[row + 1 : following]]).lower().replace(".", "")
            if key.split()[-1] in said and _CALLS_ASKER.search(said):
                called.add(key)
    return called - {labels[row].key for row in rows[:2]}  # who opens the call is introduced, not called


def _with_sections(turns: list[Turn]) -> list[Turn]:
    """Without headings, questions begin where the operator opens them after others spoke, or with an analyst."""
    if any(turn.section == QUESTIONS for turn in turns):
        return [_in_section(turn, turn.section or PREPARED) for turn in turns]
    spoken = False
    for row, turn in enumerate(turns):
        if spoken and _opens_questions(turn):
            before = [_in_section(earlier, PREPARED) for earlier in turns[:row]]
            return before + [_in_section(later, QUESTIONS) for later in turns[row:]]
        spoken = spoken or turn.speaker_type != "Operator"
    return turns


def _opens_questions(turn: Turn) -> bool:
    operator = turn.speaker_type == "Operator"
    return turn.speaker_type == ANALYST or (operator and _QUESTIONS_BEGIN.search(turn.text) is not None)


def _in_section(turn: Turn, section: str) -> Turn:
    return Turn(turn.text, turn.speaker_name, turn.speaker_type, section)
