"""One line of a transcript: is it, or does it begin with, the label of a speaker?

Public transcripts write labels in a handful of forms, all of them tried in docs/own-files.md: "John Poe: ...",
"John Poe -- Chief Executive Officer", "Tom Loe - Big Bank - Analyst", "<Q - Tom Loe>: ...",
"[00:01:11] Speaker 2: ...", "Tom Loe, Big Bank - Analyst [3]", "Operator". A line alone cannot tell a name from a
heading ("Capital Allocation: ..."); `speaker_labels.py` decides that over the whole call.
"""

import re
from dataclasses import dataclass

_TIME = r"[\[(]?\d{1,2}:\d{2}(?::\d{2})?(?:[.,]\d+)?[\])]?"
_TIME_BEFORE = re.compile(rf"^{_TIME}(?:\s*[-–]+>?\s*{_TIME})?\s*[-–|:]?\s+(?=\S)")
_NAME_AND_TIME = re.compile(rf"^([^:\d\[(]{{2,60}}(?: \d+)?)\s*[-–|,]?\s*{_TIME}\s*:?(?:\s+(.*))?$", re.DOTALL)
_MARKED = re.compile(r"^<\s*([QA])\s*[-–—]+\s*([^<>]{2,100})>\s*:?\s*(.*)$", re.DOTALL)
_SIDE = re.compile(r"^(Q|A|Question|Answer)\s*[-–—:.]+\s+(?=\S)")
_BRACKETED = re.compile(r"^\[([^\[\]\d]{2,80})\]\s*:(?=\s|$)")
_NUMBERED = re.compile(r"\s*\[\d{1,3}\]$")
_DASH = re.compile(r"\s+(?:[-–—]+|\|)\s+|\s*(?:--|—)\s*")
#: "Chief Financial Officer John Poe", "CEO Jane Roe".
_TITLE_FIRST = re.compile(
    r"^((?:[A-Z][\w&/-]* ){0,5}?(?:Officer|C[EFOT]O|President|Chair(?:man|woman)?|Director|Treasurer|Founder|VP))"
    r",? (?=[A-Z][\w'’.-]+ [A-Z])(.+)$"
)
_IN_BRACKETS = re.compile(r"^([^()]{2,60}?)\s*\(([^()]{2,90})\)$")
#: Speakers without a name of their own.
ROLE = re.compile(
    r"(?:(?:conference|call|event|webcast) )?(?:call )?(?:operator|moderator|coordinator|facilitator)"
    r"|(?:unidentified|unknown|unverified|unnamed) [a-z][a-z -]{2,40}?(?: \d+)?"
    r"|(?:company|corporate) (?:representative|participant|speaker)(?: \d+)?"
    r"|c[efo]o|chief (?:executive|financial|operating) officer"
    r"|(?:speaker|spk|participant|analyst|executive|attendee|caller|host)[ _#-]?\d+|speaker|participant|analyst|host",
    re.IGNORECASE,
)
OPERATOR = re.compile(r"(?:(?:conference|call|event|webcast) )?(?:call )?(?:operator|moderator)", re.IGNORECASE)
TITLE = re.compile(
    r"\b(?:chief|officer|president|director|analysts?|head|manager|chair\w*|treasurer|counsel|c[efotims]o|[es]?vp|ir"
    r"|investor relations|founder|secretary|controller|partner|principal|executives?|operator|moderator|host)\b",
    re.IGNORECASE,
)
_PARTICLE_WORDS = "de da di del della der den van von la le du al el bin ibn ben dos das y ten ter st zu af"
_SUFFIX_WORDS = "jr sr ii iii iv phd ph.d md m.d cfa cpa esq mba frm dr mr ms mrs prof sir"
#: Capitalised words that begin headings and sentences, not names.
_HEADING_WORDS = """
the a an and or of in on for with to from at by as is are our we i it this that these so but first second third fourth
finally next now also however overall turning moving looking regarding prepared remarks questions question answer
answers session presentation results outlook guidance overview highlights summary review update business operations
capital allocation balance sheet cash flow revenue revenues sales margin margins gross net income expense expenses
earnings quarter quarterly fiscal year full financial financials segment segments strategy market markets product
products pipeline north south east west america americas europe asia pacific china international domestic global note
disclaimer safe harbor statement statements forward source date time duration call transcript conference company
corporate participants executives analysts management section contents closing opening key takeaways growth cost costs
tax debt dividend liquidity demand supply inventory pricing volume bottom top line instructions adjusted ebitda eps
gaap non-gaap copyright image total operating free thanks thank you yes no yeah okay ok well sure great hi hey hello
good morning afternoon evening right let please sorry middle far latin central eastern western
"""
_SURNAME_WORDS = "west north south east cash key good day"  # "Andrew West" is a man

_PARTICLES, _SUFFIXES = frozenset(_PARTICLE_WORDS.split()), frozenset(_SUFFIX_WORDS.split())
_NO_NAMES, _SURNAMES = frozenset(_HEADING_WORDS.split()), frozenset(_SURNAME_WORDS.split())
_FIRM_ENDINGS = ("Inc.", "Co.", "Corp.", "Ltd.", "L.P.", "Cos.", "U.S.", "N.A.")
_MAX_TITLE = 100  # characters
MAX_HEAD = 140  # characters; the longest seen is a name, a bank with its full legal name, and a title


@dataclass(frozen=True, slots=True)
class Label:
    """What a line says of its speaker.

    Attributes:
        name: As written; null in "Q:" and "A:".
        title: What stands behind the name: a title, a bank, or both.
        side: 'Q' or 'A', where the label says which.
        said: What follows in the same line.
        form: 'colon' or 'mark' (followed by words), 'dash' (a line of name and title), 'bare' (a line of a name).
        sure: Nothing but a label looks so: a time, a mark, a role or a title.
        firm_behind_comma: "Tom Loe, Big Bank", which a town and its state look like, too.
    """

    name: str | None
    title: str | None
    side: str | None
    said: str
    form: str
    sure: bool
    firm_behind_comma: bool = False

    @property
    def key(self) -> str:
        """The speaker, however the label is written."""
        return " ".join((self.name or self.side or "").lower().replace(".", "").split())


def read_label(line: str) -> Label | None:
    """The label that a line is or begins with; null where it has none."""
    marked = _MARKED.match(line)
    if marked:
        name, title = _read_head(marked[2]) or (marked[2].strip(), None)
        return Label(name, title, marked[1], marked[3], "mark", sure=True)
    rest = _TIME_BEFORE.sub("", line)
    timed = rest != line
    rest = _BRACKETED.sub(r"\1:", rest)
    time_behind = _NAME_AND_TIME.match(rest)
    if time_behind:
        said = (time_behind[2] or "").strip()
        label = _label(time_behind[1], said, "colon" if said else "bare", timed=True)
        if label is not None:
            return label
    head, colon, said = rest.partition(":")
    if colon and len(head) <= MAX_HEAD:
        return _label(head, said.strip(), "colon", timed)
    return _label(rest, "", "bare", timed) if len(rest) <= MAX_HEAD else None


def _label(text: str, said: str, form: str, timed: bool) -> Label | None:
    text = text.strip()
    if text in ("Q", "A", "Question", "Answer"):
        return Label(None, None, text[0], said, form, sure=False) if form == "colon" else None
    side = _SIDE.match(text)
    text = text[side.end() :] if side else text
    marked = side[1][0] if side else None
    numbered = _NUMBERED.search(text) is not None
    head = _read_head(_NUMBERED.sub("", text))
    if head is None:
        return None
    name, title = head
    form = "dash" if form == "bare" and title else form
    role = ROLE.fullmatch(name) is not None
    titled = title is not None and TITLE.search(title) is not None
    sure = timed or numbered or role or titled or side is not None
    return Label(name, title, marked, said, form, sure, not sure and title is not None and f"{name}, " in text)


def _read_head(text: str) -> tuple[str, str | None] | None:
    """Name and title of a label without what marks it; null where it begins with no name."""
    text = text.strip().strip("*_").strip()
    bracketed = _IN_BRACKETS.match(text)
    parts = [bracketed[1], bracketed[2]] if bracketed else [part.strip(" *_") for part in _DASH.split(text)]
    parts = [part for part in parts if part]
    if not parts or len(parts) > 4:
        return None
    first, *others = parts
    if titled := _TITLE_FIRST.match(first):
        first, others = titled[2], [titled[1], *others]
    comma, _, behind = first.partition(",")
    is_suffix = behind.strip(" .").lower() in _SUFFIXES
    if behind.strip() and " " in comma.strip() and not is_suffix and (others or _is_title(behind.strip())):
        first, others = comma, [behind.strip(), *others]  # "Tom Loe, Big Bank - Analyst", "John Poe, CEO"
    if others and ROLE.fullmatch(first) and is_name(others[0]):
        first, others = others[0], [first, *others[1:]]  # "Operator - Kate"
    if not (ROLE.fullmatch(first) or is_name(first)) or not all(map(_is_title, others)):
        return None
    return first.strip(), ", ".join(others) or None


def is_name(text: str) -> bool:
    """Whether a text is written like a person's name: up to six capitalised words, none of them of headings."""
    words = [word.strip(".,").lower() for word in text.split()]
    tokens = [token for token in text.split() if token.strip(".,").lower() not in _PARTICLES | _SUFFIXES]
    if not tokens or len(words) > 6 or text.rstrip().endswith((",", ";", "?", "!")):
        return False
    last_may_be = words[-1] in _SURNAMES and len(words) > 1
    if any(word in _NO_NAMES for word in (words[:-1] if last_may_be else words)) or not any(
        len(token.strip(".")) > 1 for token in tokens
    ):
        return False
    if re.search(r",(?! ?(?:[JS]r|I{2,3}|IV|Ph|M\.?D|C[FP]A|MBA|Esq))", text):
        return False
    return all(token[0].isupper() and re.fullmatch(r"[^\W\d_](?:[^\W\d_]|['’.\-])*,?", token) for token in tokens)


def _is_title(text: str) -> bool:
    """A title or a firm: begins like a name, ends unlike a sentence."""
    ends_like_speech = text.endswith((".", "?", "!", ":")) and not text.endswith(_FIRM_ENDINGS)
    return len(text) <= _MAX_TITLE and (text[0].isupper() or text[0].isdigit()) and not ends_like_speech
