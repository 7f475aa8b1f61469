"""Times: business hours, dates, and what lies between.

There is no `now()`, because the same expression gives the same value for the same names: that is what lets a
conversation be replayed and tested. The present is the name `current_time`.
"""

from __future__ import annotations

from typing import Any, Final

from engine.expressions.functions.arguments import array, is_missing, whole_number
from engine.expressions.functions.function import FunctionTable, described
from engine.expressions.functions.moments import between, later, local, minute_of_day, moment, unit, zone
from engine.expressions.values import UNDEFINED

OPENS: Final = "09:00"
CLOSES: Final = "18:00"
"""A business day, as in the documents' `business_hours` condition: hours 9 to 17, both included."""
BUSINESS_DAYS: Final = (1, 2, 3, 4, 5)
"""Monday to Friday."""


def is_business_hours(
    time: Any,
    timezone: Any = UNDEFINED,
    opens: Any = UNDEFINED,
    closes: Any = UNDEFINED,
    days: Any = UNDEFINED,
) -> bool:
    """Whether it is open at `time`: from `opens` until before `closes`, on `days` (1 is Monday, 7 Sunday).

    Hours that end where they begin or earlier run over midnight and belong to the day on which they begin.
    """
    at = local(time, timezone)
    start = minute_of_day(OPENS if is_missing(opens) else opens)
    end = minute_of_day(CLOSES if is_missing(closes) else closes)
    open_days = BUSINESS_DAYS if is_missing(days) else tuple(map(_weekday, array(days)))
    minute, today = at.hour * 60 + at.minute, at.isoweekday()
    if start < end:
        return today in open_days and start <= minute < end
    yesterday = (today - 2) % 7 + 1
    return (minute >= start and today in open_days) or (minute < end and yesterday in open_days)


def _weekday(value: Any) -> int:
    return whole_number(value, 1, 7, "a day of the week")


def is_weekend(time: Any, timezone: Any = UNDEFINED) -> bool:
    """Whether it is Saturday or Sunday."""
    return local(time, timezone).isoweekday() >= 6


def date(time: Any, timezone: Any = UNDEFINED) -> str:
    """`2026-01-14`"""
    return local(time, timezone).date().isoformat()


def time_of_day(time: Any, timezone: Any = UNDEFINED) -> str:
    """`14:30`, on a clock of 24 hours."""
    return local(time, timezone).time().isoformat("minutes")


def hour_of(time: Any, timezone: Any = UNDEFINED) -> int:
    """0 to 23."""
    return local(time, timezone).hour


def weekday_of(time: Any, timezone: Any = UNDEFINED) -> int:
    """1 (Monday) to 7 (Sunday)."""
    return local(time, timezone).isoweekday()


def add_time(time: Any, amount: Any, units: Any, timezone: Any = UNDEFINED) -> str:
    """The later time (earlier, for a negative amount) as an RFC 3339 text.

    It keeps the offset that the time is given with, or has the one of `timezone`, whose clocks then count the days.
    """
    start = moment(time) if is_missing(timezone) else local(time, timezone)
    return later(start, amount, unit(units)).isoformat()


def time_between(start: Any, end: Any, units: Any) -> int | float:
    """How many of the unit lie from `start` to `end`: whole months and years, else with a fraction."""
    return between(moment(start), moment(end), unit(units))


def is_before(first: Any, second: Any) -> bool:
    """Whether the first time is earlier than the second."""
    return moment(first) < moment(second)


def is_after(first: Any, second: Any) -> bool:
    """Whether the first time is later than the second."""
    return moment(first) > moment(second)


def _check_clock(value: Any) -> None:
    if not is_missing(value):
        minute_of_day(value)


_LOCAL: Final = {0: moment, 1: zone}
_TWO_TIMES: Final = {0: moment, 1: moment}

FUNCTIONS: Final[FunctionTable] = dict(
    (
        described(
            "is_business_hours(time, timezone?, from?, to?, days?)",
            "Whether it is open then: by default from '09:00' to '18:00' on the days [1, 2, 3, 4, 5].",
            is_business_hours,
            {**_LOCAL, 2: _check_clock, 3: _check_clock},
        ),
        described("is_weekend(time, timezone?)", "Whether it is Saturday or Sunday.", is_weekend, _LOCAL),
        described("date(time, timezone?)", "The date, such as '2026-01-14'.", date, _LOCAL),
        described(
            "time_of_day(time, timezone?)", "The time on the clock, such as '14:30'.", time_of_day, _LOCAL
        ),
        described("hour_of(time, timezone?)", "The hour, from 0 to 23.", hour_of, _LOCAL),
        described(
            "weekday_of(time, timezone?)",
            "The day of the week, from 1 (Monday) to 7 (Sunday).",
            weekday_of,
            _LOCAL,
        ),
        described(
            "add_time(time, amount, unit, timezone?)",
            "The time that many seconds, minutes, hours, days, weeks, months or years later.",
            add_time,
            {0: moment, 2: unit, 3: zone},
        ),
        described(
            "time_between(start, end, unit)",
            "How many of the unit lie from start to end: whole months and years, else with a fraction.",
            time_between,
            {**_TWO_TIMES, 2: unit},
        ),
        described("is_before(first, second)", "Whether the first time is earlier.", is_before, _TWO_TIMES),
        described("is_after(first, second)", "Whether the first time is later.", is_after, _TWO_TIMES),
    )
)
