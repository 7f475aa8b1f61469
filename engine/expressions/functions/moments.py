"""Points in time: how they are given, where they are local, and the calendar's arithmetic."""

from __future__ import annotations

import math
import re
from calendar import monthrange
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Final
from zoneinfo import ZoneInfo

from engine.expressions.errors import ExpressionError
from engine.expressions.functions.arguments import is_missing, plain_number
from engine.expressions.values import kind, to_number, to_string

EXACT_SECONDS: Final = {"second": 1, "minute": 60, "hour": 3_600}
"""Units that are the same length everywhere."""
DAYS: Final = {"day": 1, "week": 7}
"""Units that are as long as the local calendar makes them."""
MONTHS: Final = {"month": 1, "year": 12}
MINUTES_A_DAY: Final = 24 * 60
_UNITS: Final = (*EXACT_SECONDS, *DAYS, *MONTHS)
_MAX_ZONE: Final = 64
_LONGEST_TIME: Final = 64
_CLOCK: Final = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])|24:00")


def moment(value: Any) -> datetime:
    """The point in time that an RFC 3339 text, milliseconds since 1970 or a `datetime` give; UTC without an offset."""
    try:
        if isinstance(value, datetime):
            found = value
        elif kind(value) == "string" and len(value) <= _LONGEST_TIME:
            found = datetime.fromisoformat(value)
        elif kind(value) == "number":
            found = datetime.fromtimestamp(to_number(value) / 1000, UTC)
        else:
            raise ValueError
    except (ValueError, OverflowError, OSError):
        raise ExpressionError("this is no time; give one such as '2024-01-15T10:30:00Z'") from None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def local(value: Any, timezone: Any) -> datetime:
    """The time as the clocks of `timezone` show it; UTC when that is missing or empty."""
    return _moved_to(moment(value), zone(timezone))


def zone(value: Any) -> ZoneInfo:
    """The IANA time zone of that name; UTC when it is missing or empty."""
    name = "" if is_missing(value) else to_string(value)
    if len(name) > _MAX_ZONE:
        raise _no_zone(name)
    return _zone(name or "UTC")


@lru_cache(maxsize=512)
def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise _no_zone(name) from None


def _no_zone(name: str) -> ExpressionError:
    return ExpressionError(f"there is no timezone {name[:_MAX_ZONE]!r}; name one as in 'Europe/Berlin'")


def minute_of_day(value: Any) -> int:
    """The minutes since midnight of a clock's time such as `"09:30"`; `"24:00"` is the end of the day."""
    written = to_string(value)
    match = _CLOCK.fullmatch(written)
    if match is None:
        raise ExpressionError(f"{written[:_MAX_ZONE]!r} is no time of day; write one such as '09:30'")
    return int(match[1]) * 60 + int(match[2]) if match[1] else MINUTES_A_DAY


def unit(value: Any) -> str:
    """The unit, in the singular. Raises `ExpressionError`."""
    name = to_string(value).removesuffix("s")
    if name not in _UNITS:
        raise ExpressionError(f"there is no unit {name[:_MAX_ZONE]!r}; use {', '.join(_UNITS)}")
    return name


def later(start: datetime, amount: Any, of: str) -> datetime:
    """`start` and that many of the unit. Seconds to hours are exact, and may have a fraction. Days and longer keep
    the time on the clock, even where the clocks change, and a month that is too short ends on its last day.
    """
    number = to_number(amount)
    if not math.isfinite(number):
        raise ExpressionError("the amount is no number; give one such as 3")
    try:
        if of in EXACT_SECONDS:
            moved = start.astimezone(UTC) + timedelta(seconds=number * EXACT_SECONDS[of])
            return moved.astimezone(start.tzinfo)
        if number != int(number):
            raise ExpressionError(f"{of}s are added whole; give a whole number, or use hours")
        if of in DAYS:
            moved = start + timedelta(days=int(number) * DAYS[of])
        else:
            moved = _months_later(start, int(number) * MONTHS[of])
        return moved.astimezone(UTC).astimezone(start.tzinfo)
    except (ValueError, OverflowError):
        raise _beyond() from None


def between(start: datetime, end: datetime, of: str) -> int | float:
    """How many of the unit lie from `start` to `end`, negative when `end` is earlier. Days have 24 hours; months and
    years are whole ones of the calendar where `start` is.
    """
    if of in MONTHS:
        months = _whole_months(start, _moved_to(end, start.tzinfo))
        return int(months / MONTHS[of])
    seconds = EXACT_SECONDS[of] if of in EXACT_SECONDS else DAYS[of] * 24 * 3_600
    return plain_number((end - start).total_seconds() / seconds)


def _whole_months(start: datetime, end: datetime) -> int:
    months = (end.year - start.year) * 12 + end.month - start.month
    reached = _months_later(start, months)
    if months > 0 and reached > end:
        return months - 1
    return months + 1 if months < 0 and reached < end else months


def _months_later(start: datetime, months: int) -> datetime:
    """The same day that many months later, or the last one of its month. Raises ValueError or OverflowError."""
    years, month = divmod(start.month - 1 + months, 12)
    year = start.year + years
    if not 1 <= year <= 9_999:
        raise OverflowError
    return start.replace(year=year, month=month + 1, day=min(start.day, monthrange(year, month + 1)[1]))


def _moved_to(time: datetime, timezone: Any) -> datetime:
    try:
        return time.astimezone(timezone)
    except (ValueError, OverflowError):
        raise _beyond() from None


def _beyond() -> ExpressionError:
    return ExpressionError("the time is beyond the years 1 to 9999; give one within")
