"""How a question to the LLM can end: each has one outcome, and all are counted."""

from enum import StrEnum


class Outcome(StrEnum):
    """What became of one question."""

    NAMED = "named"
    # the answer came and is refused
    CUT_OFF = "cut_off"  # the longest answer was not long enough
    NOT_STOPPED = "not_stopped"  # ended by a filter or in another way that is no natural end
    THOUGHTS = "thoughts"  # <think> tags
    EMPTY = "empty"
    NOT_JSON = "not_json"  # prose, or JSON of another form
    ECHO = "echo"  # the prompt's own words
    # the answer has the right form, and says nothing (content_guards.py)
    TASK_WORDS = "task_words"  # the rules said back
    LOOPED = "looped"  # the same words over and over
    CUT_TEXT = "cut_text"  # the text ends in no sentence end, or fills the form's limit
    TOO_SHORT = "too_short"  # nothing beyond the label
    COPIED = "copied"  # what somebody else said, as it stands
    CUT_LABEL = "cut_label"  # the label breaks off in mid-phrase
    UNSUPPORTED = "unsupported"  # its words are in none of its sentences
    MALFORMED = "malformed"  # status 200, but no chat completion
    # no answer came
    REJECTED = "rejected"  # 4xx: this request will never be answered
    TIMED_OUT = "timed_out"  # no answer in time, or 408
    UNREACHABLE = "unreachable"  # no connection, or one that broke
    BUSY = "busy"  # 429, 409
    SERVER_ERROR = "server_error"  # 5xx
    GIVEN_UP = "given_up"  # the endpoint had been silent for too long, and this question was not asked (again)
