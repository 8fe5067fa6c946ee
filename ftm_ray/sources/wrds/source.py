"""Earnings calls from WRDS (S&P Capital IQ transcripts, linked to Compustat and CRSP), as they lie in the lake.

`fetch.py` brought them there; this module reads them and never connects. One thousand rows and one firm are in
memory at a time, whatever the size of the quarter.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from itertools import groupby
from typing import Any

from ftm_ray.errors import SourceError
from ftm_ray.lake.storage import Lake
from ftm_ray.sources.calls import Call, Firm, Passage, Turn, UnreadCall, normal_speaker_type
from ftm_ray.sources.days import time_value
from ftm_ray.sources.values import text_value
from ftm_ray.sources.wrds.calls import LeftOut, ListedCall, WrdsSettings
from ftm_ray.sources.wrds.fetch import read_calls, read_turns

#: "Presentation Operator Message" and "Question and Answer Operator Message"; known also where no person is.
_OPERATOR_COMPONENTS = (1, 7)

#: "Jane Roe - Chief Financial Officer", "Jane Roe, CFO", "Jane Roe (CEO)"; a hyphen inside a name is not one.
_NAME_AND_TITLE = re.compile(r"(?P<name>.+?)(?:,\s*|\s+[-\u2013]\s+|\s*\()(?P<title>.+)")


class WrdsSource:
    """The calls that were fetched from WRDS. Implements `calls.Source`."""

    name = "wrds"
    linked = True

    def __init__(self, lake: Lake, settings: WrdsSettings) -> None:
        self._lake = lake
        self._settings = settings
        self._counts: Counter[str] = Counter()

    def fingerprint(self, quarter: str) -> str:
        """Hash of what was asked for. Asked without `as_of`, the newest versions are those of the day of fetching."""
        return self._settings.fingerprint(quarter)

    def input_counts(self) -> Mapping[str, int]:
        """Rows of the quarter, and calls left out by reason."""
        return dict(self._counts)

    def firms(self, quarter: str) -> Iterator[Firm]:
        """Firms with a call that is read, ordered by firm_id.

        Raises:
            SourceError: What was said belongs to another list of calls.
        """
        calls = read_calls(self._lake, quarter)
        self._counts = Counter(call.left_out for call in calls if call.left_out is not None)
        turns = self._turns(quarter, calls)
        read = [(number, call) for number, call in enumerate(calls) if call.left_out is None]
        ahead = next(turns, None)
        for _, members in groupby(read, key=lambda member: member[1].firm_id):
            firm = []
            for number, listed in members:
                if ahead is not None and ahead[0] < number:
                    raise self._mixed(quarter)
                spoken: tuple[Turn, ...] = ()
                if ahead is not None and ahead[0] == number:
                    spoken, ahead = ahead[1], next(turns, None)
                firm.append((listed, spoken))  # a call without a row has no text, and is reported as such
            yield _firm(firm)
        if ahead is not None:
            raise self._mixed(quarter)

    def _mixed(self, quarter: str) -> SourceError:
        """Turns of a call that is not read: two fetches wrote into one folder, or a person did."""
        folder = self._lake.full_path(Lake.wrds_dir(quarter))
        return SourceError(
            f"the turns in {folder} do not fit its calls.parquet; delete that folder and run `ftm prefetch {quarter} "
            "--from wrds` again"
        )

    def neighbours(self, quarter: str, firm_ids: Collection[str]) -> Iterator[Passage]:
        """None: other quarters are not fetched for a comparison."""
        return iter(())

    def unread_calls(self, quarter: str) -> list[UnreadCall]:
        """Calls without a PERMNO that fits. Those that were not asked for (--firms, --limit) are not missed."""
        return [
            UnreadCall(
                firm_id=call.firm_id,
                firm_name=text_value(call.companyname),
                transcript_id=str(call.transcriptid),
                call_date=call.call_date,
                permno=call.permno,
                gvkey=call.gvkey,
                reason=call.left_out,
            )
            for call in read_calls(self._lake, quarter)
            if call.left_out is not None and call.left_out not in (LeftOut.NOT_ASKED, LeftOut.OVER_LIMIT)
        ]

    def _turns(self, quarter: str, calls: list[ListedCall]) -> Iterator[tuple[int, tuple[Turn, ...]]]:
        """The turns of each call that has any, with its row in the list of calls."""
        for number, rows in groupby(self._rows(quarter, calls), key=lambda row: row["call"]):
            turns = [_turn(row) for row in rows]
            yield number, tuple(turn for turn in turns if turn is not None)

    def _rows(self, quarter: str, calls: list[ListedCall]) -> Iterator[dict[str, Any]]:
        for table in read_turns(self._lake, quarter, calls):
            self._counts["rows of the quarter"] += table.num_rows
            self._counts["rows with a title"] += table.num_rows - table.column("title").null_count
            yield from table.to_pylist()


def _firm(calls: list[tuple[ListedCall, tuple[Turn, ...]]]) -> Firm:
    """A firm as its last call of the quarter has it; all its calls that are read have one PERMNO."""
    last = calls[-1][0]
    return Firm(
        firm_id=last.firm_id,
        firm_name=text_value(last.companyname),
        ticker=None,
        permno=last.permno,
        gvkey=last.gvkey,
        link_date=None if last.permno is None else last.call_date,
        calls=tuple(
            Call(str(listed.transcriptid), listed.call_date, turns, call_time=_call_time(listed))
            for listed, turns in calls
        ),
    )


def _call_time(call: ListedCall) -> str | None:
    """Capital IQ gives UTC; 00:00:00 stands where only the day is known."""
    return time_value(call.call_time_utc, call.call_date, is_utc=True) if call.call_time_utc else None


def _turn(row: Mapping[str, Any]) -> Turn | None:
    """A turn; null where nothing was said."""
    text = text_value(row["text"])
    if text is None:
        return None
    name, title = _name_and_title(text_value(row["person"]))
    title = text_value(row["title"]) or title
    is_operator = row["component_type_id"] in _OPERATOR_COMPONENTS
    kind = "Operator" if is_operator else speaker_type(row["speaker_type"], title)
    return Turn(text, name, kind, text_value(row["component_type"]))


def speaker_type(value: str | None, title: str | None) -> str | None:
    """One of `calls.SPEAKER_TYPES`; Capital IQ's "Executives" is CEO or CFO where a title says so."""
    kind = normal_speaker_type(value)
    refined = normal_speaker_type(title) if kind == "Executive" else None
    return refined if refined in ("CEO", "CFO") else kind


def _name_and_title(person: str | None) -> tuple[str | None, str | None]:
    """A person's name without the title that some entries carry behind it."""
    parts = _NAME_AND_TITLE.fullmatch(person) if person else None
    if parts is None or normal_speaker_type(parts["title"]) in (None, "Other"):
        return person, None
    return parts["name"], parts["title"]
