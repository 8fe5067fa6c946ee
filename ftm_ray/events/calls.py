"""The events of a study: calls that speak of themes, and how much each speaks of which."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

#: Stands for all events, where a theme's uid stands for its own.
ALL = "all"


@dataclass(frozen=True, slots=True)
class Call:
    """One call, an event wherever its firm has a stock."""

    event_id: str
    quarter: str
    firm_id: str
    firm_name: str | None
    permno: int | None
    gvkey: str | None
    transcript_id: str
    call_date: date
    call_time_utc: datetime | None


@dataclass(frozen=True, slots=True)
class Mention:
    """One call's share in one theme.

    Args:
        event_id: The call.
        theme_uid: The theme over all quarters, where lineage is known; else its theme_id of the quarter.
        theme_name: Its label.
        n_sentences: The call's sentences in it.
        exposure: The same as a share of all sentences of the call that were not left out.
        sentiment: Mean score of its sentences, -1 to 1, where sentiment was given.
        knowledge_time: From when on somebody could have known it: themes are found when their quarter is over.
        theme_time: The same without the sentiment, which may be known later; None = knowledge_time.
    """

    event_id: str
    theme_uid: str
    theme_name: str
    n_sentences: int
    exposure: float
    sentiment: float | None
    knowledge_time: datetime
    theme_time: datetime | None = None


def groups_of(mentions: Sequence[Mention], rows: dict[str, int]) -> dict[str, tuple[str | None, list[int]]]:
    """Name and rows of all events, and of every theme's; themes in the order of their uid.

    Args:
        mentions: Of any events.
        rows: Row of each event that counts, by event id.
    """
    groups: dict[str, tuple[str | None, list[int]]] = {ALL: (None, sorted(rows.values()))}
    for mention in sorted(mentions, key=lambda mention: (mention.theme_uid, mention.event_id)):
        if mention.event_id in rows:
            groups.setdefault(mention.theme_uid, (mention.theme_name, []))[1].append(rows[mention.event_id])
    return groups
