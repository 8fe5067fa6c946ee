"""The rows of one firm become its calls, in order, with the stock that its links give it."""

from collections.abc import Sequence
from itertools import groupby
from typing import Any

from ftm_ray.sources.calls import Call, Firm, Turn, UnreadCall, normal_speaker_type
from ftm_ray.sources.defects import Note
from ftm_ray.sources.files.links import Link, Links
from ftm_ray.sources.label_lines import OPERATOR
from ftm_ray.sources.speaker_labels import cut_at_labels


def read_firm(firm_id: str, rows: Sequence[dict[str, Any]], links: Links | None) -> tuple[Firm, list[UnreadCall]]:
    """One firm from its rows; what is said of a firm is taken from its first row that says it.

    Args:
        firm_id: The firm.
        rows: Its rows of the quarter (schema `call_rows.ROWS`), ordered by call.
        links: The links file, if there is one.

    Returns:
        The firm with its calls, and calls that are left out because no link, or another one, holds on their day.
    """

    def first(name: str, some: Sequence[dict[str, Any]] = rows) -> Any:
        return next((row[name] for row in some if row[name] is not None), None)

    calls = [_call(key, list(group)) for key, group in groupby(rows, key=lambda row: row["transcript_id"])]
    calls.sort(key=lambda call: (call.call_date, call.transcript_id))
    own = Link(first("permno"), first("gvkey"), first("link_date"))
    on_day = {call.transcript_id: links.on(firm_id, call.call_date) for call in calls} if links else {}
    linked = [link for call in calls if (link := on_day.get(call.transcript_id)) is not None]
    link = linked[-1] if linked else own
    read = [call for call in calls if not linked or _stock(on_day[call.transcript_id]) == link.permno]
    firm = Firm(
        firm_id=firm_id,
        firm_name=first("firm_name"),
        ticker=first("ticker"),
        permno=link.permno,
        gvkey=link.gvkey or own.gvkey,
        link_date=link.link_date or (read[-1].call_date if link.first_day or link.last_day else None),
        calls=tuple(read),
    )
    unread = [_unread(firm, call, on_day[call.transcript_id]) for call in calls if call not in read]
    return firm, unread


def _stock(link: Link | None) -> int | None:
    return link.permno if link else None


def _unread(firm: Firm, call: Call, link: Link | None) -> UnreadCall:
    reason = "no_permno" if _stock(link) is None else "other_permno"
    gvkey = link.gvkey if link else firm.gvkey
    return UnreadCall(firm.firm_id, firm.firm_name, call.transcript_id, call.call_date, _stock(link), gvkey, reason)


def _call(transcript_id: str, rows: list[dict[str, Any]]) -> Call:
    """A call from its rows, ordered by position; where that does not order them, as `_in_file_order`."""
    positions = [row["position"] for row in rows if row["part"] == 0]
    given = [position for position in positions if position is not None]
    is_unclear = 0 < len(set(given)) < len(positions)
    if is_unclear:
        rows = _in_file_order(rows)
    turns = tuple(
        Turn(row["text"], row["speaker_name"], _speaker_type(row), row["section"]) for row in rows if row["text"]
    )
    times = {row["call_time"] for row in rows if row["call_time"] is not None}
    day = min(row["call_date"] for row in rows)
    time = times.pop() if len(times) == 1 else None
    cut = cut_at_labels("\n".join(turn.text for turn in turns)) if _may_hold_labels(turns) else None
    if cut is not None:
        note = f"{Note.SPEAKER_LABELS}: {cut.n_labels} labels, {cut.n_other_lines} lines of headings and lists"
        return Call(transcript_id, day, cut.turns, (note,), time)
    return Call(transcript_id, day, turns, (str(Note.FILE_ORDER),) if is_unclear else (), time)


def _may_hold_labels(turns: Sequence[Turn]) -> bool:
    """Whether nothing says who speaks but perhaps the text: a call in one row, or in a row for each of its lines."""
    said = [turn for turn in turns if turn.speaker_name or turn.speaker_type]
    return bool(turns) and not said and (len(turns) == 1 or not any(turn.section for turn in turns))


def _speaker_type(row: dict[str, Any]) -> str | None:
    """As the source says; who is called Operator is one, without being called so twice."""
    name = row["speaker_name"]
    return normal_speaker_type(row["speaker_type"]) or ("Operator" if name and OPERATOR.fullmatch(name) else None)


def _in_file_order(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows whose positions are not unique: section by section where they start again in each, else as they stand."""
    rows = sorted(rows, key=lambda row: (row["row"], row["part"]))
    sections = list(dict.fromkeys(row["section"] for row in rows))
    places = {(row["section"], row["position"], row["part"]) for row in rows}
    if None in sections or len(places) < len(rows) or any(row["position"] is None for row in rows):
        return rows
    return sorted(rows, key=lambda row: (sections.index(row["section"]), row["position"], row["part"]))
