"""Names that hold: a theme that goes on is called what it was called, while it is what it was named for.

Each quarter's run names its themes without looking at any other quarter. Over quarters a theme keeps its name while its
centre stays within the gate of the centre that it was named at. Beyond, somebody decides: an LLM that sees the old name
and the new, or, where there is none, the rule that the quarter's own name is the better one. A name that was looked at
and kept counts from that centre on, so that nobody is asked the same every quarter. A name made of keywords is given up
anywhere when none of its words is a keyword any more.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from ftm_ray.text.numbered_labels import free_label, without_number
from ftm_ray.text.word_index import question_words


class Naming(StrEnum):
    """How a theme came to its name of a quarter."""

    NAMED = "named"  # it has had none: it is called what its quarter calls it
    HELD = "held"  # within the gate of the centre that it was named at
    KEPT = "kept"  # beyond the gate, and the old name was found to fit
    RENAMED = "renamed"  # the old name fits no more, and it is called what its quarter calls it


@dataclass(frozen=True, slots=True)
class GivenName:
    """The name that a theme has, and where its centre was when the name was given or last kept."""

    label: str
    quarter: str
    theme_id: str


@dataclass(frozen=True, slots=True)
class Called:
    """A theme of a quarter before it is named over quarters.

    Attributes:
        label: What its quarter calls it.
        given: The name that it has; None where it has none yet.
        cosine: Of its centre with the one that its name was given at; None without a name.
        keywords: Of the quarter, where its name was made of keywords; empty where an LLM gave it, or there is none.
    """

    label: str
    given: GivenName | None = None
    cosine: float | None = None
    keywords: tuple[str, ...] = ()

    def is_near(self, gate: float | None) -> bool:
        """Whether it still is what its name was given to."""
        return gate is not None and self.cosine is not None and self.cosine >= gate

    def says_its_name(self) -> bool:
        """Whether a word of its name, in any form, is among its keywords; a name by an LLM need not be."""
        if self.given is None or not self.keywords:
            return True
        label = without_number(self.given.label)
        if not {word.casefold() for word in self.keywords}.isdisjoint(label.casefold().split(", ")):
            return True  # whole keywords, too: "M&A" is no word of a question
        return not _forms(", ".join(self.keywords)).isdisjoint(_forms(label))


def _forms(text: str) -> set[str]:
    return {form for forms in question_words(text) for form in forms}


@dataclass(frozen=True, slots=True)
class Doubt:
    """A theme beyond the gate of its name.

    Attributes:
        place: Of the theme in its quarter.
        old_label: What it was called.
        label: What its quarter calls it.
    """

    place: int
    old_label: str
    label: str


@dataclass(frozen=True, slots=True)
class ThemeName:
    """What a theme is called from a quarter on; see schemas/history.py."""

    theme_label: str
    quarter_label: str
    label_quarter: str
    naming: Naming
    label_cosine: float | None = None

    def as_columns(self) -> dict[str, Any]:
        """As it stands in lineage."""
        return asdict(self) | {"naming": self.naming.value}


#: Says of each theme in doubt whether its old name still fits.
Judge = Callable[[Sequence[Doubt]], Sequence[bool]]


def by_the_quarter(doubts: Sequence[Doubt]) -> Sequence[bool]:
    """Where no LLM is asked: a theme beyond the gate is called what its quarter calls it."""
    return [False] * len(doubts)


def name_over_quarters(
    quarter: str, themes: Sequence[Called], gate: float | None, judge: Judge, taken: Iterable[str]
) -> list[ThemeName]:
    """What each theme of a quarter is called over quarters.

    No two themes have one name: a new name that another theme has, be it silent for the moment, gets a number.

    Args:
        quarter: Such as 2023Q1.
        themes: In their order.
        gate: The least cosine of one theme; None in a registry's first quarter.
        judge: Decides about those beyond the gate.
        taken: Names of all themes that are known, those of this quarter as well.
    """
    fits = _fits(themes, gate, judge)
    given_up = {theme.given.label for place, theme in enumerate(themes) if theme.given and not fits.get(place, True)}
    used = {label.casefold() for label in taken if label not in given_up}
    found = []
    for place, theme in enumerate(themes):
        if theme.given is None or not fits.get(place, True):
            label, since = free_label(theme.label, used), quarter
            used.add(label.casefold())
            naming = Naming.RENAMED if theme.given else Naming.NAMED
        else:
            is_looked_at = place in fits
            label, since = theme.given.label, quarter if is_looked_at else theme.given.quarter
            naming = Naming.KEPT if is_looked_at else Naming.HELD
        found.append(ThemeName(label, theme.label, since, naming, theme.cosine))
    return found


def _fits(themes: Sequence[Called], gate: float | None, judge: Judge) -> dict[int, bool]:
    """Of each theme whose old name may not fit, whether it does. One that is called the same again is no question."""
    fits: dict[int, bool] = {}
    doubts = []
    for place, theme in enumerate(themes):
        if theme.given is None:
            continue
        if not theme.says_its_name():
            fits[place] = False
        elif not theme.is_near(gate):
            fits[place] = theme.label.casefold() == theme.given.label.casefold()
            doubts += [] if fits[place] else [Doubt(place, theme.given.label, theme.label)]
    fits |= {doubt.place: fit for doubt, fit in zip(doubts, judge(doubts), strict=True)}
    return fits
