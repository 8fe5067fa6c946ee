"""The links file: which stock (PERMNO) a firm of your own files is, perhaps only from one day to another.

Rules as for WRDS: the link that holds on the day of the call counts; a firm has one PERMNO a quarter, that of its last
linked call, and its other calls are left out, because a call on the wrong stock is worse than none.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from ftm_ray.errors import ConfigError, SourceError
from ftm_ray.sources.days import date_value
from ftm_ray.sources.files.columns import match_columns
from ftm_ray.sources.files.names import COLUMN_NAMES, first_known, normal_name
from ftm_ray.sources.files.paths import InputFile
from ftm_ray.sources.files.rows import column_names, read_rows
from ftm_ray.sources.values import gvkey_value, id_value, integer_value

#: Columns that name a firm in a links file, best first. A PERMNO is what the file has to give, never its key.
KEY_NAMES = tuple(name for name in COLUMN_NAMES["firm_id"] if name != "permno")
_DATES = {
    "first_day": ("linkdt", "link_start", "start_date", "namedt"),
    "last_day": ("linkenddt", "link_end", "end_date", "nameenddt", "nameendt"),
}
_OPEN_END = ("E", ".E", ".", "C", ".C", ".B", "")  # as CRSP and SAS write that there is no end, or no beginning
_OF_LINKS = (
    "Rename the column in the links file, or add it (a links file gives firms their PERMNO); --column is for the calls"
)


@dataclass(frozen=True, slots=True)
class Link:
    """The stock of a firm, the day on which the link was looked up, and the days on which it holds (null = open)."""

    permno: int | None
    gvkey: str | None
    link_date: date | None
    first_day: date | None = None
    last_day: date | None = None
    rank: int = 0  # of links that hold on one day the least counts: primary share, researched link

    def holds_on(self, day: date) -> bool:
        """Whether it is the link of a call on this day."""
        return (self.first_day is None or self.first_day <= day) and (self.last_day is None or day <= self.last_day)


class Links:
    """The links of a file.

    Args:
        file: CSV, Parquet or another kind that is read.
        key_of_calls: The column of the calls that names the firm; the links' column of the same name is preferred.
        ignore_case: Compare ids without upper and lower case.
    """

    def __init__(self, file: InputFile, key_of_calls: str, ignore_case: bool = False) -> None:
        self.path = file.path
        self._ignore_case = ignore_case
        found = column_names(file)
        self.keys = tuple(dict.fromkeys(str(name) for known in KEY_NAMES if (name := first_known(found, [known]))))
        same = [name for name in self.keys if normal_name(name) == normal_name(key_of_calls)]
        if not self.keys:
            raise ConfigError(
                f"{file.path} has no column that names the firm: looked for {', '.join(KEY_NAMES)}; it has "
                f"{', '.join(found) or 'nothing'}. {_OF_LINKS}"
            )
        chosen = {"firm_id": (same or list(self.keys))[0]}
        columns = match_columns(file.path, found, chosen, ("firm_id", "permno"), _OF_LINKS).by_ours
        self.key = columns["firm_id"]
        others = {name: name for name in self.keys if name != self.key}
        extra = {ours: str(name) for ours, names in _DATES.items() if (name := first_known(found, names))}
        extra |= {ours: str(name) for ours in ("linkprim", "linktype") if (name := first_known(found, [ours]))}
        self.ids_of: dict[str, list[str]] = {name: [] for name in self.keys}
        self._links: defaultdict[str, list[Link]] = defaultdict(list)
        for number, raw in read_rows(file, {**columns, **extra, **others}):
            self._add(raw, f"{file.path}, row {number}")

    def of(self, firm_id: str) -> Sequence[Link]:
        """All links of a firm."""
        return self._links.get(self.compared(firm_id, self.key), ())

    def on(self, firm_id: str, day: date) -> Link | None:
        """The link of a firm on the day of a call."""
        return min((link for link in self.of(firm_id) if link.holds_on(day)), key=lambda link: link.rank, default=None)

    def compared(self, value: str, kind: str, ignore_case: bool = False) -> str:
        """The normal form in which ids of calls and links are compared: 1690, 001690 and 1690.0 are one gvkey."""
        text = value.strip()
        if normal_name(kind) == "cusip" and len(text) == 9:
            text = text[:8]  # without the check digit, which CRSP does not have
        if text.isdecimal():
            text = text.lstrip("0") or "0"
        return text.casefold() if ignore_case or self._ignore_case else text

    def _add(self, raw: Mapping[str, Any], where: str) -> None:
        for name in self.keys:
            if other := id_value(raw.get("firm_id" if name == self.key else name), where, name):
                self.ids_of[name].append(other)
        firm_id = id_value(raw.get("firm_id"), where, "firm_id")
        kind, primary = (
            str(raw.get(name) or default).strip() for name, default in (("linktype", "LC"), ("linkprim", "P"))
        )
        if firm_id is None or kind not in ("LC", "LU") or primary not in ("P", "C"):  # as the query of WRDS
            return
        link = Link(
            permno=integer_value(raw.get("permno"), where, "permno"),
            gvkey=gvkey_value(raw.get("gvkey"), where),
            link_date=date_value(raw.get("link_date"), where, "link_date"),
            first_day=_limit(raw.get("first_day"), where),
            last_day=_limit(raw.get("last_day"), where),
            rank=2 * (primary != "P") + (kind != "LC"),
        )
        others = self._links[self.compared(firm_id, self.key)]
        if link in others:
            return
        if clash := next((other for other in others if _are_both_true(link, other)), None):
            holds = " that holds on the same days" if link.first_day or clash.first_day else ""
            raise SourceError(
                f"{where}: another link for firm {firm_id} than in a row before{holds}; keep one row per firm, or give "
                "each link its days in the columns linkdt and linkenddt"
            )
        others.append(link)


def _limit(value: Any, where: str) -> date | None:
    is_open = isinstance(value, str) and value.strip() in _OPEN_END
    return None if is_open else date_value(value, where, "linkdt or linkenddt")


def _are_both_true(one: Link, two: Link) -> bool:
    """Whether two links that differ hold on one day, and no rule says which of them counts."""
    first = max(one.first_day or date.min, two.first_day or date.min)
    last = min(one.last_day or date.max, two.last_day or date.max)
    return first <= last and one.rank == two.rank


def no_link_found(links: Links, firm_ids: Sequence[str], others: Mapping[str, Sequence[str]], key: str) -> SourceError:
    """What to say where no firm finds its link: the two files name firms in different ways.

    Args:
        links: What the links file holds.
        firm_ids: The firms of the quarter.
        others: Other columns of the calls that may name the firm, with their values.
        key: The column of the calls that does.

    Returns:
        The error: what either side has, and which --column would match.
    """
    theirs = {name: {links.compared(value, name) for value in values} for name, values in links.ids_of.items()}

    def n_matching(values: Sequence[str], name: str, change: Callable[[str], str] = str) -> int:
        return len(
            {value for value in values if links.compared(change(value), name) in {change(v) for v in theirs[name]}}
        )

    advice = []
    for name in links.keys:
        for column, values in others.items():
            if n := n_matching(values, name):
                advice.append(f"--column firm_id={column} would match {n} with the links' {name}")
        if name != links.key and (n := n_matching(firm_ids, name)):
            advice.append(f"the links' {name} would match {n}: rename {links.key} in the links file")
    if n := n_matching(firm_ids, links.key, str.casefold):
        advice.append(f"--ignore-case would match {n}")
    return SourceError(
        f"no firm of the calls is in the links file {links.path}: its {links.key} has "
        f"{_three(links.ids_of[links.key])}; "
        f"the calls' {key} has {_three(firm_ids)}. "
        + ("; ".join(advice) or "Both must name firms in the same way: repair one of the files, or leave --links away")
    )


def _three(values: Sequence[str]) -> str:
    distinct = list(dict.fromkeys(values))
    return ", ".join(distinct[:3]) + (", ..." if len(distinct) > 3 else "") if distinct else "no value"
