"""Quiet hours: whether it is quiet now, and until when."""

from __future__ import annotations

from datetime import datetime, timedelta

from engine.bot import QuietHours
from engine.clocks import clock_time


def end_of_quiet(quiet: QuietHours, local: datetime) -> datetime | None:
    """When the quiet hours that hold at `local` end; None when it is not quiet. They may go past midnight."""
    now = local.time().replace(tzinfo=None)
    if quiet.start == quiet.end:
        return None
    over_midnight = quiet.start > quiet.end
    if over_midnight:
        if quiet.end <= now < quiet.start:
            return None
    elif not quiet.start <= now < quiet.end:
        return None
    day = local.date() + timedelta(days=1) if over_midnight and now >= quiet.start else local.date()
    return clock_time(day, quiet.end, local).astimezone(local.tzinfo)
