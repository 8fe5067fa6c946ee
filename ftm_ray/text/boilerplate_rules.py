"""Boilerplate recognised by fixed phrases and a closed vocabulary, before anything is embedded.

"Thank you", "next question, please", "press star one", safe harbour. Place in the flow: the map asks about every
English sentence, and nothing dropped here is ever embedded (embedding is most of a firm's cost).
Trade-off: these rules are made to be right 99 times in 100 (a figure in the sentence always saves it) and to be fast;
what they miss costs one embedding and is then judged by `boilerplate_classifier`. Figures: docs/boilerplate.md.
"""

import re

from ftm_ray.text.word_lists import CALL_WORDS, EMPTY_WORDS, PROCEDURE_HINTS

# A figure makes any sentence worth keeping, whatever phrase it hides in.
_FIGURE = re.compile(r"[$\u20ac\u00a3%]|\b(?:percent|million|billion|basis points?|bps)\b")

_ASKING = r"(?:next|first|last|final|following|second|another|today's) (?:question|line|caller)s?"
_I_WILL = r"\b(?:i|i'll|i'd|i'm|we'll|we'd|let me|let's|like to|want to|then|now|can|will)"  # not "we": customers too
_HAND_OVER = r"(?:turn|hand|pass|toss)(?:ing)?"
_OUR_CALL = r"(?:the|today's|this|our) (?:call|conference|floor|program|presentation|meeting)"
_WORD = re.compile(r"[a-z&]+")
# All patterns are matched against the sentence in lower case.
_PROCEDURE = re.compile(
    "|".join(
        (
            # who asks next
            rf"\b{_ASKING}\b[^.]{{0,25}}\b(?:comes?|coming) (?:from|to us)\b",
            rf"\b{_ASKING} (?:is|will be) (?:from|the line of)\b",
            rf"\b(?:take|have|go to) (?:our|the|your) {_ASKING}\b|^{_ASKING}(?: is)? from\b",
            r"\b(?:from|to|open) the line of\b",
            r"\btime for (?:one|two|1|2|just one|maybe one|only one) (?:more|last|final|additional) question",
            r"\btake (?:one|another|a few|a couple)(?: \w+){0,2} questions?\b",
            r"\bno (?:further|more|other|additional) questions\b",
            r"\b(?:compile|assemble|poll)(?:ing)? (?:the|our|for) (?:q&a |question\w* )?(?:roster|queue|questions)",
            # telephones
            r"\b(?:your|his|her) lines? (?:is|are|has been|will be) (?:now )?(?:open|live|unmuted|muted)\b",
            r"\bpress(?:ing)? (?:the )?(?:\*|star|pound|hash|asterisk)",
            r"\bstar[, ]+(?:then |key |followed |and |\d-)?(?:one|two|zero|\d|by)\b",
            r"\blisten(?:ing)?[- ]only\b|\bmute (?:button|function|your)|\bon mute\b|\bphone keypad\b|\bspeakerphone\b",
            r"\b(?:may|please|can) (?:now |all |you )*disconnect\b|\boperator instructions?\b|\bconference operator\b",
            r"\b(?:one|just a) moment,? (?:please|for|while|as)\b|\bplease stand by\b|\bstanding by\b",
            r"^(?:[\w'.]+,? ){0,4}(?:please|you may|go) (?:go ahead|proceed|begin|ahead)\b"
            r"(?: with your questions?|[., ]|sir|ms)*$",
            # handing over
            rf"\b{_HAND_OVER} {_OUR_CALL} (?:\w+ ){{0,2}}?(?:over|back|off|to)\b",
            rf"{_I_WILL} (?:\w+ ){{0,2}}?{_HAND_OVER} (?:it|things|this|that) (?:\w+ ){{0,2}}?(?:over|back|off) to\b",
            rf"{_I_WILL} (?:\w+ )?{_HAND_OVER} it to\b",
            r"^i'?(?:ll| will) (?:pass it on|hop back|jump back|leave it there|get back in)\b[\w ]*\.?$",
            r"\bopen(?:ing)? (?:up )?(?:it|the (?:call|lines?|floor|phones?|queue)) (?:up )?(?:to|for) "
            r"(?:your |the |any |some )?(?:questions|q&a|q and a)",
            # how the hour goes
            r"\b(?:concludes?|concluded|end of) (?:[\w']+ )?(?:prepared |formal |opening |question|q&a|call\b"
            r"|conference|webcast|teleconference|earnings call|remarks|program)",
            r"\bfloor is (?:now )?(?:open|yours)\b|\bopportunity to ask questions\b|, over to you\b",
            r"^(?:\w+ ){0,3}(?:turn|mov)ing (?:\w+ )?to (?:slide|page) [\w ]+\.?$",
            r"\b(?:question[- ]and[- ]answers?|q&a|q and a) (?:session|portion|period|segment)\b",
            r"\b(?:question|q&a) queue\b",
            r"\blimit (?:\w+ ){1,3}?to (?:one|two|1|2) (?:question|follow)",
            r"\bback (?:in|into|on) (?:the |our )?queue\b",
            r"\b(?:if you|anyone|you would|you'd|who) (?:\w+ ){0,4}ask (?:a|your) question\b|^to ask a question\b",
            r"\bask a question (?:at|during|today|please)\b",
            r"\b(?:call|conference|webcast|program|meeting|event) is (?:also )?being (?:recorded|webcast|broad)",
            r"\b(?:joining (?:me|us)|with (?:me|us)|on the call)\b.{0,50}\b(?:are|is|today|call)\b.{3,200}"
            r"\b(?:chief|president|ceo|cfo|officer|chairman)\b",
            r"\b(?:my name is|i'm|i am|this is) [a-z.'\- ]{3,30}, .{0,40}"
            r"\b(?:director|vice president|head|manager) (?:of|for) investor",
        )
    )
)
# Names are told by their capitals: "We'll go next to Ann Lee with Morgan Stanley", "This is Ann Lee on for Bob."
_CALLER = re.compile(
    r"^(?:\w+, )?(?:[Tt]his is|[Ii]t's|[Yy]ou have) [A-Z][\w'\-]+ (?:[A-Z][\w'\-]+ ){0,2}(?:on|in|filling in) for\b"
    r"|\b(?:go|move|hear|turn)(?: next| now)? (?:to|from) (?:the line of )?"
    r"[A-Z][\w'\-]+ [A-Z][\w'\- ]+ (?:with|from|of|at) [A-Z]"
)
_LEGAL = re.compile(
    "|".join(
        (
            r"\bforward[- ]looking (?:statement|information|comment|remark|in nature|and)",
            r"\bsafe[- ]harbou?r (?:statement|provision|language|disclosure|disclaimer|slide|notice)",
            r"\bsecurities litigation|\b(?:differ|vary) materially\b|\bmaterially differ\b",
            r"\b(?:undertakes?|assumes?|have|has|disclaims?)(?: \w+)? (?:no |any )"
            r"(?:obligation|duty|intention) .{0,30}\bupdate",
            r"\brisks and uncertaint.{0,200}\b(?:sec|10-[kq]|filings?|results|statements?|release|differ)\b",
            r"\brisk factors\b.{0,120}\b(?:10-[kq]|sec|filing|annual report)",
            r"\b(?:reconcil\w+|definitions?)\b.{0,120}\b(?:gaap|measures?)\b.{0,160}"
            r"\b(?:website|release|appendix|tables?|slides?|supplement|posted|available|found|included)",
            r"\bnon-gaap\b.{0,160}\b(?:reconcil\w+|website|most (?:directly )?comparable|isolation|substitute)",
            r"\b(?:replay|webcast|recording|transcript|slides?|presentation|press release|earnings release|materials)\b"
            r".{0,80}\b(?:available|posted|accessed|archived|found)\b.{0,40}"
            r"\b(?:website|web site|investor|at www|\.com|replay)",
            r"\breplay\b.{0,60}\bcall\b.{0,40}\b(?:available|accessed)|\btelephon\w+ replay\b",
        )
    )
)
_COURTESY = re.compile(
    r"\b(?:thanks?|hi|hey|hello|welcome|congrat\w*|good (?:morning|afternoon|evening|day|night)|morning|bye|goodbye"
    r"|appreciate|have a (?:great|good|nice|wonderful)|(?:great|nice|good) job|take care)\b"
)
_NAME_TOKEN = re.compile(r"[A-Z][\w'\-]*|<UNK>|UNK")
_DATE_TOKEN = re.compile(r"(?:19|20)\d\d|[1-4](?:st|nd|rd|th)?|q[1-4]")
MAX_PROCEDURE_WORDS = 45
MAX_NAMES = 4  # "Thanks, Amy, and good morning, John Smith": more capitals are something else


def rule_drop_reason(sentence: str, speaker_type: str | None) -> str | None:
    """Say why a sentence is left out before it is embedded, or None where it stays.

    Args:
        sentence: As it was spoken.
        speaker_type: The source's role of the speaker, where there is one.

    Returns:
        'operator', 'procedure' (hand-overs, who asks next), 'legal' (safe harbour, webcast),
        'pleasantry', 'fragment' ("Right, right."), or None.
    """
    if speaker_type is not None and speaker_type.strip().lower() == "operator":
        return "operator"
    return _boilerplate_reason(sentence)


def _boilerplate_reason(sentence: str) -> str | None:
    """Say which kind of boilerplate an English sentence is: 'procedure', 'legal', 'pleasantry', 'fragment', None."""
    lower = sentence.lower().replace("\u2019", "'")
    chat = _chat_reason(sentence, lower)
    if chat is not None:
        return chat
    if _FIGURE.search(lower):
        return None
    may_be_procedure = not PROCEDURE_HINTS.isdisjoint(_WORD.findall(lower))
    # In a long run-on of a machine transcript the phrase is one part and business may be the other.
    if lower.count(" ") < MAX_PROCEDURE_WORDS and (
        (may_be_procedure and _PROCEDURE.search(lower)) or _CALLER.search(sentence)
    ):
        return "procedure"
    return "legal" if _LEGAL.search(lower) else None


def _chat_reason(sentence: str, lower: str) -> str | None:
    """Recognise a sentence made only of words without content, and of names of people spoken to."""
    is_courtesy = _COURTESY.search(lower) is not None
    if not any(map(str.isalpha, lower)):
        return None if _FIGURE.search(lower) else "fragment"
    n_names, before = 0, ","
    for word in sentence.replace("\u2019", "'").split():
        bare = word.strip(".,;:?!\"()-[]'")
        if bare and not _is_harmless(bare.lower(), is_courtesy):
            # A person's name stands beside a greeting, or between commas: "Chris, I'll take that."
            is_vocative = is_courtesy or (before.endswith((",", ".")) and word.endswith((",", ".", "?")))
            if not is_vocative or n_names == MAX_NAMES or not _NAME_TOKEN.fullmatch(bare):
                return None
            n_names += 1
        before = word
    return "pleasantry" if is_courtesy else "fragment"


def _is_harmless(word: str, is_courtesy: bool) -> bool:
    if word in EMPTY_WORDS or word.split("'")[0] in EMPTY_WORDS:
        return True
    return is_courtesy and (word in CALL_WORDS or word.split("'")[0] in CALL_WORDS or bool(_DATE_TOKEN.fullmatch(word)))
