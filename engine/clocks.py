"""Times of day, also on the days when the clocks are changed."""

from __future__ import annotations

from datetime import UTC, date, datetime, time


def clock_time(day: date, clock: time, now: datetime) -> datetime:
    """When the clocks of `now`'s time zone show `clock` on that day, in UTC.

    Of a time that they show twice, the first that is not over at `now`; one that they skip is as long after midnight
    as if they did not.
    """
    first = datetime.combine(day, clock, tzinfo=now.tzinfo).astimezone(UTC)
    if first > now.astimezone(UTC):
        return first
    return datetime.combine(day, clock.replace(fold=1), tzinfo=now.tzinfo).astimezone(UTC)
