"""How an answer of the LLM and its ending are put before a person: in words, and without the form of the answer."""

import json

from ftm_ray.naming.outcomes import Outcome

#: What each ending means, for who reads it for the first time.
OUTCOME_MEANINGS: dict[str, str] = {
    Outcome.NAMED: "a good answer",
    Outcome.CUT_OFF: "longer than the longest answer allowed",
    Outcome.NOT_STOPPED: "ended by a filter",
    Outcome.THOUGHTS: "holds the model's thoughts",
    Outcome.EMPTY: "an empty field",
    Outcome.NOT_JSON: "not in the form that was asked for",
    Outcome.ECHO: "repeats the prompt",
    Outcome.TASK_WORDS: "says the words of the task back",
    Outcome.LOOPED: "says the same over and over",
    Outcome.CUT_TEXT: "the text breaks off",
    Outcome.TOO_SHORT: "says nothing beyond its label",
    Outcome.COPIED: "copies a spoken sentence",
    Outcome.CUT_LABEL: "the label breaks off",
    Outcome.UNSUPPORTED: "says what no sentence says",
    Outcome.MALFORMED: "no chat completion came",
    Outcome.REJECTED: "the endpoint rejected the question",
    Outcome.TIMED_OUT: "no answer in time",
    Outcome.UNREACHABLE: "the endpoint could not be reached",
    Outcome.BUSY: "the endpoint was busy",
    Outcome.SERVER_ERROR: "the endpoint failed",
    Outcome.GIVEN_UP: "not asked, as the endpoint had been down for too long",
}


def answer_lines(content: str | None) -> tuple[str, ...]:
    """What an answer says: label and text, or all that came where it has another form; nothing where none came."""
    if content is None:
        return ()
    try:
        fields = json.loads(content)
    except (ValueError, RecursionError):
        return (content,)
    if not isinstance(fields, dict) or not all(isinstance(one, str) for one in fields.values()):
        return (content,)
    return tuple(one.encode("utf-8", "replace").decode() for one in fields.values())  # half an emoji has no bytes
