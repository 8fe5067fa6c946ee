"""Which answers of the LLM are accepted, and what is wrong with the others.

An answer is never repaired in silence: it passes, or is asked for once more with a reminder, or is refused. Pure
functions, so that every case can be tested without an endpoint (docs/naming.md has the table).
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from ftm_ray.naming.content_guards import content_fault, without_open_end
from ftm_ray.naming.outcomes import Outcome
from ftm_ray.naming.prompts import MAX_LABEL_WORDS, Prompt
from ftm_ray.naming.word_support import unsaid_figures, unsaid_names, word_share

#: A text that stands word for word in the prompt is an echo from this length on; shorter ones are phrases.
_ECHO_CHARACTERS = 40

_SENTENCE_END = re.compile(r"[.!?:]\s+")


#: What to tell the model when an answer of this kind is asked for once more. Other kinds would come out the same.
_REMINDERS = {
    Outcome.CUT_OFF: "Your last answer was too long. Answer again with fewer words.",
    Outcome.THOUGHTS: "Answer with the JSON object alone, without any thoughts.",
    Outcome.EMPTY: "Your last answer had an empty field. Fill both fields.",
    Outcome.NOT_JSON: "Your last answer was not the JSON object that was asked for. Answer with that object alone.",
    Outcome.ECHO: "Your last answer repeated the material. Say it in words of your own.",
    Outcome.TASK_WORDS: "Your last answer repeated the task. Say what the sentences are about.",
    Outcome.LOOPED: "Your last answer said the same words over and over. Say each thing once.",
    Outcome.CUT_TEXT: "The text of your last answer broke off. Write whole sentences, and fewer.",
    Outcome.TOO_SHORT: "Your last answer was too short. Write one or two whole sentences.",
    Outcome.COPIED: "Your last answer copied a sentence. Say it in words of your own.",
    Outcome.CUT_LABEL: "The label of your last answer broke off. Answer again with a shorter one that is whole.",
    Outcome.UNSUPPORTED: "Your last answer was about something else. Use only what the quoted sentences say.",
}


@dataclass(frozen=True, slots=True)
class OwnNames:
    """Words, in lower case, that name a firm or the people on its calls: an answer should hold none of them.

    Attributes:
        names: All of them.
        words: Those that are ordinary words, too (Target, Gap, Mr Price). They count only where nothing but a name has
            a capital letter: not at the beginning of a sentence, and not in a title, where all words have one.
    """

    names: frozenset[str]
    words: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Judged:
    """An answer, looked at. `label` and `text` are null where it is refused.

    Attributes:
        reminder: What to say to the model if it is asked once more; null where the answer is good or hopeless.
        names_firm: Whether it is accepted though it names the firm or a person.
        word_support: Share of its content words that were said; null where nothing can be compared.
        unsupported: Names that it is accepted with though nobody said them.
    """

    outcome: Outcome
    label: str | None = None
    text: str | None = None
    reminder: str | None = None
    names_firm: bool = False
    word_support: float | None = None
    unsupported: tuple[str, ...] = ()

    @property
    def faults(self) -> tuple[bool, bool, bool, bool]:
        """Smaller is better: a refusal is worse than a name, that than an unsaid one, that than a long label."""
        return self.outcome is not Outcome.NAMED, self.names_firm, bool(self.unsupported), self.reminder is not None


def judge_answer(content: str | None, finish_reason: str | None, prompt: Prompt, own_names: OwnNames) -> Judged:
    """Accept or refuse an answer.

    An accepted answer may still be worth asking for again (`reminder`): where it names a firm or person, or where
    the label is longer than asked for.

    Args:
        content: The text of the answer.
        finish_reason: Why the model stopped, as the endpoint says.
        prompt: The question.
        own_names: What the firm and its people are called.
    """
    refusal = _why_not_read(content, finish_reason)
    if refusal is None:
        fields = _fields(content or "", prompt.text_field)
        if fields is None:
            refusal = Outcome.NOT_JSON
        elif not all(fields):
            refusal = Outcome.EMPTY
        elif _is_echo(fields[1], prompt):
            refusal = Outcome.ECHO
        else:
            refusal = content_fault(*fields, prompt)
            if refusal is None:
                return _looked_up(*fields, prompt, own_names)
    return Judged(refusal, reminder=_REMINDERS.get(refusal))


def names_in(text: str, own_names: OwnNames) -> list[str]:
    """Names of the firm or its people in a text: capitalised words among its own, each once, as written."""
    found = []
    for sentence in _SENTENCE_END.split(text):
        words = [word.strip("'").removesuffix("'s") for word in re.findall(r"[^\W_][\w'&\-]*", sentence)]
        is_title = not any(word.islower() for word in words if len(word) > 3)  # "Cost of Freight"
        for place, word in enumerate(words):
            ordinary = own_names.words if is_title or place == 0 else ()
            for piece in dict.fromkeys((word, *word.split("-"))):  # "Tesla-led" names Tesla
                if not piece.islower() and piece.lower() in own_names.names and piece.lower() not in ordinary:
                    found.append(piece)
    return list(dict.fromkeys(found))


def cut_label(label: str) -> str:
    """The label with at most eight words, and never cut behind a word that wants another one ("Cost of the")."""
    words = label.split()
    return label if len(words) <= MAX_LABEL_WORDS else " ".join(without_open_end(words[:MAX_LABEL_WORDS]))


def _looked_up(label: str, text: str, prompt: Prompt, own_names: OwnNames) -> Judged:
    """An answer that says something: refused for a figure that nobody said, else good, and what could be better."""
    whole = f"{label}. {text}"
    figures = unsaid_figures(whole, prompt.sources)
    if figures:
        return Judged(Outcome.UNSUPPORTED, reminder=_nobody_said(figures))
    names, unsaid = names_in(whole, own_names), unsaid_names(whole, prompt.sources)
    share = word_share(whole, prompt.sources)
    return Judged(Outcome.NAMED, label, text, _what_to_mend(label, names, unsaid), bool(names), share, tuple(unsaid))


def _why_not_read(content: str | None, finish_reason: str | None) -> Outcome | None:
    if finish_reason == "length":
        return Outcome.CUT_OFF
    if finish_reason != "stop":
        return Outcome.NOT_STOPPED
    if not content or not content.strip():
        return Outcome.EMPTY
    if "think>" in content:
        return Outcome.THOUGHTS
    return None


def _fields(content: str, text_field: str) -> tuple[str, str] | None:
    """Label and text of an answer in the form that was asked for, blanks put in order; None for any other form."""
    try:
        answer = json.loads(content)
        json.dumps(answer, ensure_ascii=False).encode()  # fails on half an emoji, which no file can hold
    except (ValueError, RecursionError):
        return None
    if not isinstance(answer, dict) or set(answer) != {"label", text_field}:
        return None
    label, text = answer["label"], answer[text_field]
    if not (isinstance(label, str) and isinstance(text, str)):
        return None
    return " ".join(label.split()), " ".join(text.split())


def _is_echo(text: str, prompt: Prompt) -> bool:
    """Whether a text only repeats what stands in the prompt."""
    prompt_words = _words(f"{prompt.rules} {prompt.material}")
    answer_words = _words(text)
    return len(answer_words) >= _ECHO_CHARACTERS and answer_words in prompt_words


def _words(text: str) -> str:
    """The words of a text alone, in lower case, with one blank between them."""
    return " ".join(re.findall(r"\w+", text.lower()))


def _what_to_mend(label: str, names: Sequence[str], unsaid: Sequence[str]) -> str | None:
    if names:
        return f"Your last answer named {', '.join(names[:5])}. Answer again without any name."
    if unsaid:
        return _nobody_said(unsaid)
    if len(label.split()) > MAX_LABEL_WORDS:
        return f"Your last label had more than {MAX_LABEL_WORDS} words. Answer again with a shorter one."
    return None


def _nobody_said(unsaid: Sequence[str]) -> str:
    return f"No sentence says {', '.join(unsaid[:5])}. Answer again without it."
