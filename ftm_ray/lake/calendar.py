"""Quarters of the calendar as numbers and days, and when a quarter's themes can be known."""

from datetime import UTC, date, datetime, time


def quarter_number(quarter: str) -> int:
    """Quarters since the year 0, so that differences are quarters."""
    return int(quarter[:4]) * 4 + int(quarter[5]) - 1


def quarter_name(number: int) -> str:
    """The quarter of a number, such as 2023Q1."""
    return f"{number // 4}Q{number % 4 + 1}"


def first_day(number: int) -> date:
    """The day on which the quarter of a number begins."""
    return date(number // 4, number % 4 * 3 + 1, 1)


def known_from(quarter: str) -> datetime:
    """The first moment after a quarter (UTC): before it, nobody can have found its themes."""
    return datetime.combine(first_day(quarter_number(quarter) + 1), time(), UTC)
