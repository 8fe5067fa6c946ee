"""Names of people and firms, which must not become keywords: a theme called "Matt" is worthless.

Place in the flow: prefetch asks for the names once per firm and gives them to `text.clean_for_keywords`.
Trade-off: names are read from fixed patterns of talk, not by a model: 18 ms a call of 530 sentences, and a word that
the talk mostly writes in lower case is never lost.
"""

import re
from collections import Counter
from collections.abc import Sequence

import simplemma

from ftm_ray.text.word_lists import BUSINESS_TERMS, LEGAL_FORMS, NO_NAMES, ORDINARY_FIRM_WORDS, STOP_WORDS

_NAME = r"(?!I')[A-Z][A-Za-z'\-]+"
_FULL_NAME = rf"((?:{_NAME}|[A-Z]{{2}})(?: (?:[A-Z]\.? )?{_NAME}){{0,2}})"
_GREETING = r"(?:[Hh]i|[Hh]ey|[Hh]ello|(?:[Gg]ood )?(?:[Mm]orning|[Aa]fternoon|[Ee]vening)|[Tt]hanks|[Tt]hank you)"
_ROLE = r"(?:our |the )?(?:Chief|Vice|Executive|Senior|President|Chair|CEO|CFO|COO|Director|Head)\b"
# Each pattern holds one name, said in a place where only a person is spoken of or spoken to.
_NAME_PATTERNS = tuple(
    re.compile(pattern)
    for pattern in (
        rf"\bline (?:of|from|for) (?:M[rs]s?\.? |Dr\.? )?{_FULL_NAME}",
        rf"\b[Qq]uestion (?:today )?(?:will |is |does )?(?:be )?(?:com(?:es?|ing) )?from (?:M[rs]s?\.? )?{_FULL_NAME}",
        rf"\b(?:it|call|conference|floor|things|meeting) (?:back )?(?:over |off )?to (?:M[rs]s?\.? )?{_FULL_NAME}",
        rf"\b(?:[Mm]y name is|I'm|I am) {_FULL_NAME}(?=, |\.|\band\b| from| with)",
        rf"^(?:{_GREETING},? )?(?:[Tt]his is|[Ii]t's) {_FULL_NAME}(?: on for| from| here| speaking|\.$)",
        rf"(?:\bare|\bis|\bis our|, and|,) {_FULL_NAME}, {_ROLE}",
        rf"\b{_GREETING},? {_FULL_NAME}(?=[.,!?]|$| and| for)",
        rf"^(?:[Yy]eah|[Yy]es|[Ss]ure|[Oo]kay|[Gg]reat|[Ww]ell|[Ss]o|[Nn]o|[Gg]ot it|[Aa]ll right), {_FULL_NAME}[.,]",
        rf"\b(?:[Ll]ike|[Aa]s) {_FULL_NAME} (?:said|mentioned|noted|pointed out)\b",
    )
)
_SENTENCE_END = re.compile(r"(?<=[.!?]) |\n")
MIN_NAME_SHARE = 0.08  # of a word's capitalised uses: "Azure" may once stand where a name stands, "Vijay" mostly does
MAX_LOWER_SHARE = 0.25  # "price" may be Mr Price, but a word mostly in lower case is a word


def person_names(turns_texts: Sequence[str], speaker_names: Sequence[str]) -> frozenset[str]:
    """Find the names of people, to keep them out of keywords.

    Much data has no speaker names, so names are also read from the talk: "the line of John Smith with", "Thanks,
    Matt". A word that this talk also writes in lower case is a word, not a name: "everyone", "margins", "price".

    Args:
        turns_texts: What was said, as repaired text.
        speaker_names: Names as the source gives them ("Amy E. Hood", "John Smith Jr., PhD"); may be empty.

    Returns:
        Name tokens in lower case, first names and family names alike.
    """
    sentences = [sentence for text in turns_texts for sentence in _SENTENCE_END.split(text)]
    hits = Counter(
        token.lower()
        for sentence in sentences
        for pattern in _NAME_PATTERNS
        for match in pattern.findall(sentence)
        for token in re.findall(r"[A-Za-z][A-Za-z'\-]+", match.removesuffix("'s"))
        if len(token) == 2 or token[-1].islower()  # IoT and GGR are no people, CJ Muse is
    )
    spoken = {token.lower() for name in speaker_names for token in re.findall(r"[^\W\d_][\w'\-]+", name)}
    uses = Counter(re.findall(r"[^\W\d_][\w'\-]*", " ".join(turns_texts)))

    def n_capitalised(token: str) -> int:
        return uses[token.capitalize()] + uses[token.upper()]

    def is_name(token: str) -> bool:
        return uses[token] <= MAX_LOWER_SHARE * n_capitalised(token) and token not in NO_NAMES | STOP_WORDS

    found = {token for token, n in hits.items() if n >= MIN_NAME_SHARE * n_capitalised(token)}
    return frozenset(token for token in found | spoken if is_name(token))


def firm_name_tokens(firm_name: str | None, ticker: str | None) -> frozenset[str]:
    """Find the words of a firm's name that say nothing but the name, to keep them out of its own keywords.

    Rule: the first word goes unless it is an ordinary word that firm names begin with ("Power", "Bank", "First"; list
    `firm_word`), so Apple loses "apple" and Target "target". A later word goes only if no English dictionary knows it
    ("Lam Research" keeps "research"). Legal forms stay words of their own and are stop words anyway. The ticker goes
    unless it is a dictionary word (ALL, NOW, KEY) or a term of the trade (AI).
    """
    words = [word.removesuffix("'s") for word in re.findall(r"[a-z0-9&'\-]+", (firm_name or "").lower())]
    words = [word for word in words if word not in LEGAL_FORMS]
    tokens = {word for word in words[:1] if word not in ORDINARY_FIRM_WORDS}
    later = [word for word in words[1:] if not simplemma.is_known(word, lang="en")]
    tokens |= {word for word in later if word not in ORDINARY_FIRM_WORDS}
    symbol = (ticker or "").lower()
    if len(symbol) > 1 and symbol not in BUSINESS_TERMS and not simplemma.is_known(symbol, lang="en"):
        tokens.add(symbol)
    return frozenset(token for token in tokens if len(token) > 1)
