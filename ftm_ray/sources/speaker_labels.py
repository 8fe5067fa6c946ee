"""A call in one piece of text, whose speakers stand in it as labels, becomes turns.

Most public transcripts come so: one row per call, the speakers written into the text. Left there, names and titles
become sentences, keywords and topics. Which lines look like labels says `label_lines.py`; here the whole call decides.
A call is cut only where its labels hang together (two speakers at least, and an operator, titles, times, or names that
come again), and a line is a label only if it is sure, or its name is known from elsewhere in the call, or comes again.
Lists of participants, headings and a publisher's lines are taken out of what was said, and counted. Measured on labels
marked by hand: docs/quality.md.
"""

import html
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import simplemma

from ftm_ray.sources.calls import Turn, normal_speaker_type
from ftm_ray.sources.label_lines import OPERATOR, TITLE, Label, is_name, read_label
from ftm_ray.sources.label_turns import make_turns, section_of_heading

_PARAGRAPH = re.compile(r"<br\s*/?>|</(?:p|div|h\d|li)>", re.IGNORECASE)
_MARKUP = re.compile(
    r"</?(?:p|b|strong|em|i|u|div|span|h\d|li|ul)(?:\s[^<>]*)?>|<a\s[^<>]*href[^<>]*>|</a>", re.IGNORECASE
)
#: In a text without line breaks a label may stand behind the end of a sentence.
_LABEL_END = re.compile(r"(?::|>:?) ")
_BEHIND_SENTENCE = re.compile(
    r".*(?:^|[.?!\])\"”] +)((?:[\[(]?\d{1,2}:\d{2}(?::\d{2})?[\])]? +)?(?:<[QA] ?[-–—][^<>]+|[A-Z][^:?!<>]+))"
)
#: "Mr. Poe: ...", "John F. Poe: ...": no sentence ends there.
_ABBREVIATED = re.compile(r"(?:^|[.?!] )((?:Mr|Mrs|Ms|Dr|Prof|[A-Z][\w'’-]+ (?:St|[A-Z]))\. )$")
_LOOK_BACK = 120  # characters
_MAX_LINES_INLINE = 3
_LIST_HEADING = re.compile(
    r"((?:(?:(?:conference )?call|company|corporate|conference|other|analyst|management) )?participants?|executives"
    r"|(?:company )?analysts|(?:company )?management|company representatives|speakers|contents)\s*(?::(.*))?",
    re.IGNORECASE | re.DOTALL,
)
_LONG_LINE = 160  # characters: no label, no line of a list
_SPOKEN_OF = ("of ", "from ", "to ", "with ", "is ", ", ", "and ", "thanks ", "you ")


@dataclass(frozen=True, slots=True)
class LabelledText:
    """A call cut at its labels; `n_other_lines` were headings, lists of people, and a publisher's lines."""

    turns: tuple[Turn, ...]
    n_labels: int
    n_other_lines: int


def cut_at_labels(text: str) -> LabelledText | None:
    """Cut the text of a call at the labels of its speakers.

    Returns:
        The turns with name, type and section as far as the text says them; null where it has no labels.
    """
    lines = lines_of(text)
    listed, in_lists = _read_lists(lines)
    labels = find_labels(lines)
    if not labels:
        return None
    talk = ["" if row in in_lists else line for row, line in enumerate(lines)]
    turns, n_other = make_turns(talk, labels, listed)
    return LabelledText(tuple(turns), len(labels), n_other + len(in_lists))


def lines_of(text: str) -> list[str]:
    """Lines without markup; a text without line breaks is broken before what may be a label."""
    if "<" in text:
        text = _MARKUP.sub("", _PARAGRAPH.sub("\n", text))
    text = html.unescape(text) if "&" in text else text
    text = text.replace("**", "")
    if text.count("\n") < _MAX_LINES_INLINE:
        text = _broken_before_labels(text)
    return _with_titles([" ".join(line.split()).lstrip("#>• ") for line in text.splitlines()])


def _with_titles(lines: list[str]) -> list[str]:
    """A title or a firm on a line of its own, below the name and above the talk, joins the name: "Ann Moe -- CFO"."""
    rows = [row for row, line in enumerate(lines) if line]
    pairs = {
        (one, two): f"{lines[one]} -- {lines[two]}"
        for one, two, three in zip(rows, rows[1:], rows[2:], strict=False)
        if max(len(lines[one]), len(lines[two])) <= _LONG_LINE // 2
        and (len(lines[three]) > _LONG_LINE // 2 or lines[three].endswith((".", "?", "!")))
        and is_name(lines[one])
        and _is_below_a_name(lines[two])
    }
    times = Counter(pairs.values())
    for (one, two), joined in pairs.items():
        if times[joined] >= 2 or TITLE.search(lines[two]):
            lines[one], lines[two] = joined, ""
    return lines


def _is_below_a_name(line: str) -> bool:
    """A line that may be the title or the firm of the name above it, and is not itself one who speaks."""
    if line[0].islower() or line.endswith((".", "?", "!", ":")) or section_of_heading(line) or OPERATOR.fullmatch(line):
        return False
    label = read_label(line)
    return label is None or (label.form == "bare" and not label.side)


def _broken_before_labels(text: str) -> str:
    """Put line breaks before what reads like a label: few texts have many colons, so it starts from them."""
    starts = set()
    for end in _LABEL_END.finditer(text):
        from_here = max(0, end.start() - _LOOK_BACK)
        found = _BEHIND_SENTENCE.fullmatch(text[from_here : end.start()])
        if found and read_label(text[from_here + found.start(1) : end.end()].strip()):
            start = from_here + found.start(1)
            name = _ABBREVIATED.search(text[from_here:start])
            starts.add(start - len(name[1]) if name else start)
    cuts = [0, *sorted(starts), len(text)]
    return "\n".join(text[start:stop].rstrip() for start, stop in zip(cuts, cuts[1:], strict=False))


def find_labels(lines: Sequence[str]) -> dict[int, Label]:
    """The labels of a call by line; none where they do not hang together."""
    listed, in_lists = _read_lists(lines)
    looks = {row: label for row, line in enumerate(lines) if row not in in_lists and (label := read_label(line))}
    if len(looks) < 2:
        return {}
    chosen = _choose(looks, lines, set(listed))
    return chosen if _hang_together(list(chosen.values())) else {}


def _read_lists(lines: Sequence[str]) -> tuple[dict[str, str | None], set[int]]:
    """Who stands in lists of participants, with type, and which lines are lists."""
    listed: dict[str, str | None] = {}
    rows: set[int] = set()
    group: str | None = None
    inside = False
    for row, line in enumerate(lines):
        heading = _LIST_HEADING.fullmatch(line) if len(line) <= 4 * _LONG_LINE else None
        if heading:
            inside, group = True, normal_speaker_type(heading[1])
            group = group if group in ("Analyst", "Executive") else None
            rows.add(row)
            for item in (heading[2] or "").split(";"):
                _note_person(listed, item.strip(), group)
        elif inside and line:
            inside = not _ends_list(lines, row)
            if inside:
                rows.add(row)
                _note_person(listed, line, group)
    return listed, rows


def _ends_list(lines: Sequence[str], row: int) -> bool:
    """A heading, the operator, a long line, or the label before one."""
    line = lines[row]
    following = next((later for later in lines[row + 1 : row + 3] if later), "")
    label = read_label(line)
    operator = label is not None and label.name is not None and OPERATOR.fullmatch(label.name) is not None
    spoken = label is not None and label.form in ("colon", "mark") and len(label.said.split()) > 5
    return max(len(line), len(following)) > _LONG_LINE or operator or spoken or section_of_heading(line) is not None


def _note_person(listed: dict[str, str | None], line: str, group: str | None) -> None:
    label = read_label(line)
    if label is not None and label.name is not None and is_name(label.name):
        title = label.title or ""
        listed.setdefault(label.key, normal_speaker_type(title) if TITLE.search(title) else group)


def _choose(looks: Mapping[int, Label], lines: Sequence[str], listed: set[str]) -> dict[int, Label]:
    """The labels that the call bears out."""
    uses = Counter(label.key for label in looks.values())
    known = listed | {label.key for label in looks.values() if label.sure and label.name}
    talk = " ".join(looks[row].said if row in looks else line for row, line in enumerate(lines)).lower()
    on_lines = any(label.sure and label.form in ("bare", "dash") for label in looks.values())

    def is_label(row: int, label: Label) -> bool:
        if label.name is None:
            return uses["q"] >= 2 and uses["a"] >= 2
        if label.form in ("bare", "dash") and not (on_lines and _is_followed(lines, row)):
            return False
        if label.sure or label.key in known:
            return True
        if label.firm_behind_comma:
            return uses[label.key] >= 2
        if " " not in label.name:
            return uses[label.key] >= (3 if _is_word(label.name) else 2)
        if uses[label.key] >= 2 or not all(map(_is_word, label.name.split())):
            return True
        return any(before + label.key in talk for before in _SPOKEN_OF)

    return {row: label for row, label in looks.items() if is_label(row, label)}


def _is_followed(lines: Sequence[str], row: int) -> bool:
    """Whether words follow a line that may be a name: a line that is none itself."""
    following = next((line for line in lines[row + 1 : row + 5] if line), "")
    return len(following) > 60 or following.endswith((".", "?", "!", "]", "-", "…"))


def _is_word(token: str) -> bool:
    return bool(simplemma.is_known(token.strip(".,").lower(), lang="en"))


def _hang_together(labels: Sequence[Label]) -> bool:
    """Two speakers at least, and something that only labels have: a sure one, or two names that come again."""
    uses = Counter(label.key for label in labels)
    return len(uses) >= 2 and (any(label.sure for label in labels) or sum(n >= 2 for n in uses.values()) >= 2)
