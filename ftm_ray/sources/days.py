"""The day of a call and its time: whatever form has one meaning is read, what has two is refused with both.

A time is kept as ISO 8601 text, with its distance to UTC where the source says a zone ("2020-08-27T21:00:00-04:00"),
and without where it does not: an event study must know whether a call came before or after the close, and may not
have to guess where. Midnight means that only the day is known.
"""

import re
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from ftm_ray.errors import SourceError
from ftm_ray.sources.values import id_value, kind_name

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = (
    r"(?P<month>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?"
    r"|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?"
)
_DAY, _YEAR, _GAP = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?", r"(?P<year>\d{4}|\d{2})", r"[-/., ]+(?:of )?"
_WITH_MONTH_NAME = tuple(
    re.compile(form, re.IGNORECASE)
    for form in (
        rf"{_MONTH}{_GAP}{_DAY}{_GAP}{_YEAR}",
        rf"{_DAY}{_GAP}{_MONTH}{_GAP}{_YEAR}",
        rf"(?P<day>\d{{1,2}}){_MONTH}(?P<year>\d{{4}})",  # 20NOV2020, as SAS writes
        rf"(?P<year>\d{{4}}){_GAP}{_MONTH}{_GAP}{_DAY}",
    )
)
_NUMBERS = re.compile(r"(\d{1,4})([-/.])(\d{1,2})\2(\d{1,4})")
_WEEKDAY = re.compile(
    r"^(?:mon|tue|tues|wed|weds|thu|thur|thurs|fri|sat|sun)(?:day|sday|nesday|rsday|urday)?\.?,? +", re.I
)
_HALF = r"(?P<half>[ap]\.? ?m\b\.?)"
_ZONE = (
    r"(?P<zone>Z|(?:GMT|UTC)[+-]\d{1,2}(?::?\d{2})?|[+-]\d{2}(?::?\d{2})?"
    r"|(?:Eastern|Central|Mountain|Pacific)(?: (?:Standard |Daylight )?Time)?"
    r"|[A-Za-z]{2,4}|[A-Z][a-z]+/[A-Za-z_]+)"
)
_TIME = re.compile(
    r"(?:(?:^|[ ,T(@|:]+|\bat +)(?P<hour>\d{1,2}))(?:[:.](?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,]\d+)?)?)?"
    rf" ?{_HALF}?(?: ?\(?{_ZONE}\)?)?$",
    re.IGNORECASE,
)
_CLOCK = r"\d{1,2}[:.]\d{2}(?::\d{2})?"
#: The time before the day: 4:30 PM ET, Nov 20, 2020.
_TIME_FIRST = re.compile(rf"({_CLOCK}(?: ?[ap]\.? ?m\b\.?)?(?: \(?[a-z]{{2,4}}\b\)?)?),?(?: on)? (.+)", re.IGNORECASE)
#: The time before the year, as Unix prints a date: Nov 20 16:30:00 EST 2020.
_TIME_BEFORE_YEAR = re.compile(rf"([a-z]{{3,9}}\.? \d{{1,2}},?) ({_CLOCK}(?: [a-z]{{2,4}})?) (\d{{4}})", re.IGNORECASE)
#: As people write zones. EST in August is New York's time to them, not one hour beside it.
_ZONES = {
    **dict.fromkeys(("ET", "EST", "EDT", "EASTERN"), "America/New_York"),
    **dict.fromkeys(("CT", "CST", "CDT", "CENTRAL"), "America/Chicago"),
    **dict.fromkeys(("MT", "MST", "MDT", "MOUNTAIN"), "America/Denver"),
    **dict.fromkeys(("PT", "PST", "PDT", "PACIFIC"), "America/Los_Angeles"),
    **dict.fromkeys(("CET", "CEST"), "Europe/Paris"),
    "BST": "Europe/London",
    "JST": "Asia/Tokyo",
    "HKT": "Asia/Hong_Kong",
}
_FIRST_YEAR, _LAST_YEAR = 1980, 2100  # an earnings call is within; a number beyond is no day
#: Days since 1899-12-30, as spreadsheets count: 1982 to 2064.
_SERIALS = (30_000.0, 60_000.0)
_EPOCH_UNITS = {10: 1, 13: 1_000, 16: 1_000_000, 19: 1_000_000_000}  # digits of a Unix time -> its parts a second


def date_value(value: Any, where: str, column: str) -> date | None:
    """The day of a date or time stamp, in the zone in which it is written.

    Raises:
        SourceError: There is a value and it is none, or it is two different days (02/03/2023).
    """
    return moment_value(value, where, column)[0]


def moment_value(value: Any, where: str, column: str) -> tuple[date | None, str | None]:
    """The day of a date or time stamp, and its time where one is given.

    Args:
        value: A date, a time stamp, text in any form of one meaning, a Unix time (seconds to nanoseconds), or a day as
            spreadsheets count.
        where: File and row, for the message.
        column: Likewise.

    Returns:
        The day in the zone in which it is written, and ISO 8601 text with zone if it is known; both may be null.

    Raises:
        SourceError: There is a value and it is no day, or it is two different days (02/03/2023).
    """
    if isinstance(value, datetime):
        return value.date(), _moment_text(value)
    if isinstance(value, date):
        return value, None
    if isinstance(value, list | dict | tuple | bool):
        raise SourceError(f"{where}: {column} holds {kind_name(value)}, expected a date such as 2023-02-28")
    text = id_value(value, where, column)
    if text is None or text == "NA":
        return None, None
    readings = _readings(text)
    days = sorted({moment[0] for moment in readings})
    if len(days) == 1:
        return readings[0]
    if days:
        meanings = " or ".join(f"{day.day} {day:%B %Y}" for day in days)
        rewritten = " or ".join(str(day) for day in days)
        raise SourceError(f"{where}: {column} is {text!r}, which may be {meanings}; rewrite it as {rewritten}")
    raise SourceError(f"{where}: {column} is {text!r}, expected a date such as 2023-02-28; rewrite it so")


def time_value(value: Any, day: date, is_utc: bool) -> str | None:
    """The time of a call from a column of its own, as ISO 8601 text; null where it holds something else.

    Args:
        value: 16:30, 4:30 p.m. ET, a time or a time stamp.
        day: The day of the call.
        is_utc: Whether the column says by its name that its times are UTC.
    """
    if isinstance(value, datetime):
        value = value.timetz()
    if isinstance(value, time):
        moment = datetime.combine(day, value)
    else:
        found = _TIME.search(str(value).strip()) if isinstance(value, str) else None
        if found is None or found.start() != 0 or not (found["minute"] or found["half"]):
            return None
        known = _with_time(day, found)
        if known is None:
            return None
        moment = known
    return _moment_text(moment.replace(tzinfo=UTC) if is_utc and moment.tzinfo is None else moment)


def _moment_text(moment: datetime) -> str | None:
    return None if moment.time() == time() else moment.replace(microsecond=0).isoformat()


@lru_cache(maxsize=4096)  # a call has one date and hundreds of rows
def _readings(text: str) -> list[tuple[date, str | None]]:
    """Every day that the text may mean, with its time."""
    if re.fullmatch(r"\d+(?:\.\d+)?", text):
        return _of_number(text)
    text = _WEEKDAY.sub("", " ".join(text.split()))
    if found := _TIME_BEFORE_YEAR.fullmatch(text):
        text = f"{found[1]} {found[3]} {found[2]}"
    elif (found := _TIME_FIRST.fullmatch(text)) and _days_of(found[2]):
        text = f"{found[2]} {found[1]}"
    days = _days_of(text)
    if days:
        return [(day, None) for day in days]
    for found in _TIME.finditer(text):
        if not (found["minute"] or found["half"]) or not found.start():
            continue
        days = _days_of(text[: found.start()].strip(" ,T(@|:"))
        moments = [(day, _with_time(day, found)) for day in days]
        if moments and _is_time(found):
            return [(day, None if moment is None else _moment_text(moment)) for day, moment in moments]
    return []


def _days_of(text: str) -> list[date]:
    for form in _WITH_MONTH_NAME:
        if found := form.fullmatch(text):
            return _real_days([(found["year"], _MONTHS.index(found["month"][:3].lower()) + 1, found["day"])])
    found = _NUMBERS.fullmatch(text)
    if not found:
        return _real_days([(text[:4], text[4:6], text[6:])]) if re.fullmatch(r"\d{8}", text) else []
    one, _, two, three = found.groups()
    if len(one) == 4:
        return _real_days([(one, two, three)])
    orders = [(three, two, one), (three, one, two)]  # 28/02/2023 and 02/28/2023
    return _real_days(orders if len(three) == 4 else [*orders, (one, two, three)])


def _real_days(orders: list[tuple[str, Any, Any]]) -> list[date]:
    days = []
    for year, month, day in orders:
        if len(year) not in (2, 4):
            continue
        try:
            days.append(date(int(year) + (2000 if len(year) == 2 else 0), int(month), int(day)))
        except ValueError:  # no such day: not what is meant
            continue
    return [day for day in days if _FIRST_YEAR <= day.year <= _LAST_YEAR]


def _of_number(text: str) -> list[tuple[date, str | None]]:
    """20230228; a Unix time by its number of digits; else a spreadsheet's day with its part of a day."""
    whole = text.partition(".")[0]
    if "." not in text and len(whole) == 8:
        return [(day, None) for day in _days_of(whole)]
    if "." not in text and len(whole) == 14:  # 20201120163000
        return _readings(f"{whole[:8]} {whole[8:10]}:{whole[10:12]}:{whole[12:]}")
    if len(whole) in _EPOCH_UNITS:
        moment = datetime.fromtimestamp(int(whole) // _EPOCH_UNITS[len(whole)], UTC)
    elif _SERIALS[0] <= float(text) < _SERIALS[1]:
        moment = datetime(1899, 12, 30) + timedelta(seconds=round(float(text) * 86_400))  # noqa: DTZ001 (no zone said)
    else:
        return []
    return [(moment.date(), _moment_text(moment))] if _FIRST_YEAR <= moment.year <= _LAST_YEAR else []


def _is_time(found: re.Match[str]) -> bool:
    hour, minute, second = (int(found[name] or 0) for name in ("hour", "minute", "second"))
    return (1 <= hour <= 12 if found["half"] else hour < 24) and minute < 60 and second < 60


def _with_time(day: date, found: re.Match[str]) -> datetime | None:
    """The day with the time that was found; null where its zone is not known, or it is no time."""
    if not _is_time(found):
        return None
    hour = int(found["hour"])
    if found["half"]:
        hour = hour % 12 + (12 if found["half"].lower().startswith("p") else 0)
    moment = datetime.combine(day, time(hour, int(found["minute"] or 0), int(found["second"] or 0)))
    if found["zone"] is None:
        return moment
    zone = _zone(found["zone"])
    return None if zone is None else moment.replace(tzinfo=zone)


def _zone(name: str) -> tzinfo | None:
    name = re.sub(r"^(?:GMT|UTC)(?=[+-])", "", name, flags=re.IGNORECASE)
    if name[0] in "+-":
        shift = re.fullmatch(r".(\d{1,2}):?(\d{2})?", name)
        if shift is None:
            return None
        hours, minutes = (int(part or 0) for part in shift.groups())
        minutes += 60 * hours
        return timezone(timedelta(minutes=-minutes if name[0] == "-" else minutes)) if minutes < 1440 else None
    if name.upper() in ("Z", "UTC", "GMT"):
        return UTC
    if "/" in name:
        return ZoneInfo(name) if name in available_timezones() else None
    place = _ZONES.get(name.upper().partition(" ")[0])
    return ZoneInfo(place) if place else None
