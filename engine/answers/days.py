"""Arithmetic with calendar days; a day that the calendar does not have is None."""

from __future__ import annotations

from calendar import monthrange
from datetime import MAXYEAR, MINYEAR, date, timedelta
from typing import Literal, TypeAlias

Unit: TypeAlias = Literal["d", "w", "m", "y"]
"""Days, weeks, months, years."""

_YEARS_UNTIL_LEAP_DAY = 8
"""From one 29 February to the next, at most: 1896 to 1904."""


def day(year: int, month: int, number: int) -> date | None:
    """The day, if there is such a day."""
    try:
        return date(year, month, number)
    except (ValueError, OverflowError):
        return None


def shifted(start: date, amount: int, unit: Unit) -> date | None:
    """`start` moved by so many units; the 31st becomes a shorter month's last day."""
    if unit in ("d", "w"):
        try:
            return start + timedelta(days=amount * (7 if unit == "w" else 1))
        except OverflowError:
            return None
    months = start.year * 12 + start.month - 1 + amount * (12 if unit == "y" else 1)
    year, month = divmod(months, 12)
    if not MINYEAR <= year <= MAXYEAR:
        return None
    return date(year, month + 1, min(start.day, monthrange(year, month + 1)[1]))


def next_weekday(today: date, weekday: int) -> date | None:
    """The first such weekday (Monday is 0) after today."""
    return shifted(today, (weekday - today.weekday() - 1) % 7 + 1, "d")


def next_yearly(today: date, month: int, number: int) -> date | None:
    """The first such day of a year, today or later."""
    for year in range(today.year, min(today.year + _YEARS_UNTIL_LEAP_DAY, MAXYEAR) + 1):
        found = day(year, month, number)
        if found is not None and found >= today:
            return found
    return None
