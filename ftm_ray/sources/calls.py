"""What a source hands over: firms with their calls, and what every source must be able to say.

A source reads; it repairs nothing and drops no call. What is done about defective calls is decided in `defects.py`,
once for all sources.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol, runtime_checkable


@dataclass(frozen=True, slots=True)
class Turn:
    """One component of a call: what one speaker said in one go. The whole call, where turns are unknown."""

    text: str
    speaker_name: str | None = None
    speaker_type: str | None = None
    section: str | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """One transcript.

    Attributes:
        transcript_id: The source's id of it.
        call_date: Day, in the zone in which the source writes it.
        turns: What was said, in order.
        notes: What the source did to its text or order, for the coverage report.
        call_time: ISO 8601 time stamp, with its distance to UTC where the source says the zone; null = not known.
    """

    transcript_id: str
    call_date: date
    turns: tuple[Turn, ...]
    notes: tuple[str, ...] = ()
    call_time: str | None = None


@dataclass(frozen=True, slots=True)
class Firm:
    """One firm with its calls of one quarter, ordered by date and transcript id."""

    firm_id: str
    firm_name: str | None
    ticker: str | None
    permno: int | None
    gvkey: str | None
    link_date: date | None
    calls: tuple[Call, ...]


@dataclass(frozen=True, slots=True)
class Passage:
    """Text of a call outside the asked quarter; only compared with, never stored."""

    firm_id: str
    transcript_id: str
    text: str


@dataclass(frozen=True, slots=True)
class UnreadCall:
    """A call that the source knows and does not hand over, because of its firm's links; `reason` says which."""

    firm_id: str
    firm_name: str | None
    transcript_id: str
    call_date: date
    permno: int | None
    gvkey: str | None
    reason: str


class Source(Protocol):
    """Where transcripts come from. Methods may be called more than once and must give the same each time."""

    @property
    def name(self) -> str:
        """'files' or 'wrds'."""

    @property
    def linked(self) -> bool:
        """Whether the source links firms to PERMNO. Known once `firms` has been called."""

    def fingerprint(self, quarter: str) -> str:
        """Changes whenever `firms` would hand over something else; cheap compared with reading."""

    def firms(self, quarter: str) -> Iterator[Firm]:
        """Firms with at least one call in the quarter, in the order of firm_id."""

    def neighbours(self, quarter: str, firm_ids: Collection[str]) -> Iterator[Passage]:
        """Texts of these firms in the quarters before and after, where the source holds them."""

    def unread_calls(self, quarter: str) -> Sequence[UnreadCall]:
        """Calls that `firms` leaves out for their links; empty where the source leaves that to the run."""

    def input_counts(self) -> Mapping[str, int]:
        """Rows of the quarter and rows left out, by reason. Complete once `firms` has been called."""


@runtime_checkable
class NotedSource(Protocol):
    """A source that can say how its input was read."""

    def input_notes(self) -> Sequence[str]:
        """What a person should know: files passed by, delimiters that were seen, the column that names the firm."""


SPEAKER_TYPES = ("Operator", "CEO", "CFO", "Executive", "Analyst", "Other")

# Who works for a chief, or was or will be one, is none: "Office of the CEO", "Assistant to the CFO", "Deputy CEO".
_NOT_HERSELF = r"(?<!of the )(?<!to the )(?<!to )(?<!deputy )(?<!former )(?<!ex-)"

# In this order: "Chief Financial Officer" is an executive too, "Executives" of Capital IQ are not all CEO.
_SPEAKER_TYPE_PATTERNS = (
    ("Operator", re.compile(r"operator|moderator|coordinator")),
    ("CEO", re.compile(rf"{_NOT_HERSELF}\b(?:ceo\b|chief executive)")),
    ("CFO", re.compile(rf"{_NOT_HERSELF}\b(?:cfo\b|chief financial)")),
    ("Analyst", re.compile(r"analyst")),
    (
        "Executive",
        re.compile(r"executive|officer|president|chair|director|\bc[efoti]o\b|management|investor relations"),
    ),
)


def normal_speaker_type(value: str | None) -> str | None:
    """One of `SPEAKER_TYPES`; null where the source does not say."""
    if value is None or not value.strip():
        return None
    lower = value.lower()
    return next((name for name, pattern in _SPEAKER_TYPE_PATTERNS if pattern.search(lower)), "Other")


def quarter_of(day: date) -> str:
    """The calendar quarter of a day, such as 2023Q1."""
    return f"{day.year}Q{(day.month + 2) // 3}"
