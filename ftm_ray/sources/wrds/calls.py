"""Which calls of a quarter are read from WRDS, and which are left out and why.

WRDS first gives the list of all calls (a few thousand rows without text, calls.sql). It is decided here, before
any text is fetched, and written down; so a prefetch that is interrupted goes on with the same versions and links,
whatever WRDS adds in between.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum
from importlib.resources import files
from itertools import groupby
from pathlib import Path
from typing import Any

import pyarrow as pa

from ftm_ray.errors import ConfigError
from ftm_ray.schemas.wrds import WRDS_CALLS
from ftm_ray.sources.values import gvkey_value

CALLS_SQL = files("ftm_ray.sources.wrds").joinpath("calls.sql").read_text(encoding="utf-8")
TURNS_SQL = files("ftm_ray.sources.wrds").joinpath("turns.sql").read_text(encoding="utf-8")

#: Where the tables lie at WRDS, unless --schema says otherwise.
SCHEMAS: Mapping[str, str] = {"transcripts": "ciq", "gvkey": "ciq", "links": "crsp", "titles": "ciq"}

#: Firms in one file of text; about 20,000 rows and 20 MB: what a kill may cost to fetch again.
FIRMS_PER_PART = 200


class LeftOut(StrEnum):
    """Why the text of a call is not fetched."""

    NOT_ASKED = "not_asked"  # not in the list of --firms
    OVER_LIMIT = "over_limit"  # behind the first firms of --limit
    NO_GVKEY = "no_gvkey"  # no gvkey holds on the day of the call
    NO_PERMNO = "no_permno"  # a gvkey holds, but no PERMNO of it
    OTHER_PERMNO = "other_permno"  # another stock than the firm's last linked call of the quarter


@dataclass(frozen=True, slots=True)
class ListedCall:
    """One call as calls.sql lists it, and whether it is read. The fields are the columns of schemas.WRDS_CALLS."""

    companyid: int
    companyname: str | None
    keydevid: int
    transcriptid: int
    headline: str | None
    call_date: date
    call_time_utc: str | None
    collection_type: str | None
    presentation_type: str | None
    version_date: date | None
    gvkey: str | None
    permno: int | None
    linktype: str | None
    linkprim: str | None
    n_link: int
    left_out: str | None = None

    @property
    def firm_id(self) -> str:
        """The firm's key everywhere in ftm-ray."""
        return str(self.companyid)


@dataclass(frozen=True, slots=True)
class FirmList:
    """The firms that are asked for: values of one kind of key."""

    key: str  # 'companyid', 'gvkey' or 'permno'
    values: frozenset[str]

    def holds(self, call: ListedCall) -> bool:
        """Whether a call's firm is on the list."""
        return str(getattr(call, self.key)) in self.values


@dataclass(frozen=True, slots=True)
class WrdsSettings:
    """What is asked of WRDS.

    Attributes:
        as_of: Versions of a later day are not looked at; null = the newest at the time of fetching.
        keep_unlinked: Also fetch firms without PERMNO.
        firms: Only these firms; null = all.
        limit: Only so many firms, the first by firm_id; null = all.
        schemas: Where the tables lie: 'transcripts', 'gvkey', 'links' and 'titles' to the name of a schema.
    """

    as_of: date | None = None
    keep_unlinked: bool = False
    firms: FirmList | None = None
    limit: int | None = None
    schemas: Mapping[str, str] = field(default_factory=lambda: SCHEMAS)

    def request(self, quarter: str) -> dict[str, Any]:
        """Everything that decides what is fetched, as JSON: two equal requests are the same work."""
        return {
            "quarter": quarter,
            "as_of": self.as_of.isoformat() if self.as_of else None,
            "keep_unlinked": self.keep_unlinked,
            "firms": [self.firms.key, sorted(self.firms.values)] if self.firms else None,
            "limit": self.limit,
            "schemas": {name: self.schemas[name] for name in SCHEMAS},
            "firms_per_part": FIRMS_PER_PART,
            "queries": hashlib.sha256((CALLS_SQL + TURNS_SQL).encode()).hexdigest(),
        }

    def fingerprint(self, quarter: str) -> str:
        """Hash of the request."""
        return hashlib.sha256(json.dumps(self.request(quarter)).encode()).hexdigest()


def read_firm_list(path: str) -> FirmList:
    """Read a list of firms: a header (companyid, gvkey or permno), then one value a line.

    Raises:
        ConfigError: The file cannot be read, has another header, or no value.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8-sig").split()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read the list of firms {path}: {error}") from error
    key, values = lines[0].lower() if lines else "", lines[1:]
    if key not in ("companyid", "gvkey", "permno") or not values:
        raise ConfigError(
            f"--firms {path}: expected a first line companyid, gvkey or permno and then one value a line, "
            f"got {len(values)} values under {key!r}"
        )
    return FirmList(key, frozenset(str(gvkey_value(value)) if key == "gvkey" else value for value in values))


def decide_calls(calls: Iterable[ListedCall], settings: WrdsSettings) -> list[ListedCall]:
    """Say of each call whether it is read, in the order in which they are read: firm_id, day, call."""
    ordered = sorted(calls, key=lambda call: (call.firm_id, call.call_date, call.keydevid))
    decided: list[ListedCall] = []
    n_firms = 0
    for _, group in groupby(ordered, key=lambda call: call.firm_id):
        firm = _decide_firm(list(group), settings)
        if any(call.left_out is None for call in firm):
            n_firms += 1
            if settings.limit is not None and n_firms > settings.limit:
                firm = [replace(call, left_out=call.left_out or LeftOut.OVER_LIMIT) for call in firm]
        decided += firm
    return decided


def _decide_firm(calls: Sequence[ListedCall], settings: WrdsSettings) -> list[ListedCall]:
    """A firm has one PERMNO a quarter, that of its last linked call: a call on the wrong stock is worse than none."""
    if settings.firms is not None and not any(settings.firms.holds(call) for call in calls):
        return [replace(call, left_out=LeftOut.NOT_ASKED) for call in calls]
    permno = next((call.permno for call in reversed(calls) if call.permno is not None), None)
    return [replace(call, left_out=_why_left_out(call, permno, settings.keep_unlinked)) for call in calls]


def _why_left_out(call: ListedCall, permno: int | None, keep_unlinked: bool) -> LeftOut | None:
    if call.permno == permno and (permno is not None or keep_unlinked):
        return None
    if call.permno is not None:
        return LeftOut.OTHER_PERMNO
    return LeftOut.NO_GVKEY if call.gvkey is None else LeftOut.NO_PERMNO


def calls_table(calls: Sequence[ListedCall]) -> pa.Table:
    """The list of calls as a table of schemas.WRDS_CALLS."""
    return pa.table([[getattr(call, name) for call in calls] for name in WRDS_CALLS.names], schema=WRDS_CALLS)


def listed_calls(table: pa.Table) -> list[ListedCall]:
    """The list of calls from its table."""
    return [ListedCall(*row) for row in zip(*(column.to_pylist() for column in table.columns), strict=True)]


@dataclass(frozen=True, slots=True)
class CallSummary:
    """What WRDS lists for a quarter.

    Attributes:
        n_firms: Firms with an earnings call.
        n_calls: Their calls.
        n_firms_read: Firms of which a call is read.
        n_calls_read: Calls whose text is read.
        left_out: Calls that are not, by reason.
        n_several_links: Calls read for which more than one link holds (n_link > 1); one is chosen by rule.
        n_not_final: Calls read of which WRDS has no Final version.
        unlinked_firms: Firms left out because no call of theirs has a PERMNO: id to name.
    """

    n_firms: int
    n_calls: int
    n_firms_read: int
    n_calls_read: int
    left_out: Mapping[str, int]
    n_several_links: int
    n_not_final: int
    unlinked_firms: Mapping[str, str | None]


def summarise_calls(calls: Sequence[ListedCall]) -> CallSummary:
    """Count what is read and what is left out."""
    read = [call for call in calls if call.left_out is None]
    read_firms = {call.firm_id for call in read}
    counts = {str(reason): sum(call.left_out == reason for call in calls) for reason in LeftOut}
    unlinked = {
        call.firm_id: call.companyname
        for call in calls
        if call.left_out in (LeftOut.NO_GVKEY, LeftOut.NO_PERMNO) and call.firm_id not in read_firms
    }
    return CallSummary(
        n_firms=len({call.firm_id for call in calls}),
        n_calls=len(calls),
        n_firms_read=len(read_firms),
        n_calls_read=len(read),
        left_out={reason: n for reason, n in counts.items() if n},
        n_several_links=sum(call.n_link > 1 for call in read),
        n_not_final=sum(call.presentation_type != "Final" for call in read),
        unlinked_firms=unlinked,
    )
