"""The word lists of spoken English in calls, read once from spoken_words.json, where each says why it exists."""

import json
from pathlib import Path


def _load_words() -> dict[str, frozenset[str]]:
    path = Path(__file__).with_name("spoken_words.json")
    lists = json.loads(path.read_text(encoding="utf-8"))
    return {name: frozenset(" ".join(entry["words"]).split()) for name, entry in lists.items()}


_LISTS = _load_words()
FUNCTION_WORDS = _LISTS["function"]
CALL_WORDS = _LISTS["call"]
# A sentence of only these says nothing.
EMPTY_WORDS = FUNCTION_WORDS | _LISTS["spoken"] | _LISTS["polite"]
# "order" and "color" are chat in "in order to" and "thanks for the color", but business words elsewhere.
STOP_WORDS = (EMPTY_WORDS | _LISTS["direction"] | _LISTS["weak"]) - {"order", "color", "care", "insight"}
# Words of firm names that are ordinary English: they stay keywords.
ORDINARY_FIRM_WORDS = _LISTS["firm_word"] | STOP_WORDS
LEGAL_FORMS = _LISTS["legal_form"]
# Terms whose dictionary lemma would be wrong: "ai" is no form of "be", "aws" none of "aw", "data" is what people say.
BUSINESS_TERMS = _LISTS["business_term"]
# What stands where a name should: titles and stand-ins such as "Unidentified Audience Member".
NO_NAMES = _LISTS["no_name"]
# No phrase for procedure in `boilerplate_rules` matches without one of these words; looking them up is faster.
PROCEDURE_HINTS = _LISTS["procedure_hint"]
