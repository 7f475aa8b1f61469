"""The first and the last day allowed: `2026-01-31`, `today`, `today+30d`, `today-18y`."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from typing import Annotated, Final, TypeAlias, cast

from pydantic import AfterValidator, Field

from engine.answers.days import Unit, day, shifted

DayOf: TypeAlias = Callable[[date | None], date | None]
"""Today to the day meant; None when that cannot be told."""

_DAY: Final = re.compile(r"(\d{4})-(\d\d)-(\d\d)", re.ASCII)
_FROM_TODAY: Final = re.compile(r"today(?: ?([+-]) ?(\d{1,5})([dwmy]))?", re.ASCII)


def iso_day(text: str) -> date | None:
    """The date that `YYYY-MM-DD` is."""
    found = _DAY.fullmatch(text)
    return day(int(found[1]), int(found[2]), int(found[3])) if found else None


def compile_day(source: str) -> DayOf:
    """Raises ValueError for what is no such day."""
    fixed = iso_day(source)
    if fixed is not None:
        return lambda today: fixed
    found = _FROM_TODAY.fullmatch(source)
    if found is None:
        raise ValueError('this is no day; write it like "2026-01-31", "today" or "today+30d" (d, w, m or y)')
    amount, unit = int(found[2] or 0), cast(Unit, found[3] or "d")
    if found[1] == "-":
        amount = -amount
    return lambda today: None if today is None else shifted(today, amount, unit)


def _checked(source: str) -> str:
    compile_day(source)
    return source


Day: TypeAlias = Annotated[str, Field(max_length=20), AfterValidator(_checked)]
