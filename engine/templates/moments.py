"""Dates and times as a language writes them: `date`, `time` and `datetime`.

A time is an RFC 3339 text, a number of milliseconds since 1970, or a `datetime`; without an offset it is
UTC, as in expressions. A day without a time stays that day in every zone. What is none of these, or no day
that there is, prints as it is.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Any, Final, Literal, TypeAlias

from babel import dates
from babel.core import Locale

from engine.templates.errors import ArgumentError
from engine.templates.filters import Localized
from engine.templates.limits import MAX_PATTERN
from engine.templates.locales import ENGLISH, place_of
from engine.templates.printing import to_text

Part: TypeAlias = Literal["date", "time", "datetime"]
_Write: TypeAlias = Callable[[datetime, Locale, bool], str | None]

STYLES: Final = ("short", "medium", "long", "full")

_RFC_3339: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?P<time>[Tt ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,9})?)?"
    r"(?:[Zz]|[+-][0-9]{2}:?[0-9]{2})?)?"
)
_LITERAL: Final = re.compile(r"'[^']*'")
_LETTERS: Final = re.compile(r"([A-Za-z])\1*")
"""A field of a pattern; CLDR reserves every ASCII letter, where Babel would print those it does not know."""
_LONGEST: Final = 40
"""Characters of a text that is read as a time."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SAMPLE: Final = datetime(2024, 2, 29, 13, 5, 7, 250_000, tzinfo=UTC)
_UNWRITABLE: Final = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""What is raised for a field that a locale has no words for (English has), or at the calendar's ends."""


def date_filter(style: object = "medium", *where: object) -> Localized:
    """5 March 2026 is "Mar 5, 2026" in English."""
    return _bound("date", style, where)


def time_filter(style: object = "short", *where: object) -> Localized:
    """Half past two in the afternoon is "2:30 PM" in English. A day without a time prints as it is."""
    return _bound("time", style, where)


def datetime_filter(style: object = "medium", *where: object) -> Localized:
    """Both: "Mar 5, 2026, 2:30:07 PM" in English. A day without a time is written as `date` does."""
    return _bound("datetime", style, where)


def read_moment(value: Any) -> datetime | date | None:
    """The time that `value` is, with its offset, or the day when it has no time; None when it is neither."""
    if isinstance(value, datetime):
        return value if value.tzinfo is not None else value.replace(tzinfo=UTC)
    if isinstance(value, date):
        return value
    if isinstance(value, str):
        return _read_text(value.strip()) if len(value) <= _LONGEST else None
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(_double(value)):
        try:
            return _EPOCH + timedelta(milliseconds=value)
        except OverflowError:
            return None
    return None


def _double(value: float) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf


def _read_text(text: str) -> datetime | date | None:
    match = _RFC_3339.fullmatch(text)
    if match is None:
        return None
    try:
        if not match["time"]:
            return date.fromisoformat(text)
        read = datetime.fromisoformat(text.upper())
    except ValueError:
        return None
    return read if read.tzinfo is not None else read.replace(tzinfo=UTC)


def _bound(part: Part, style: object, where: tuple[object, ...]) -> Localized:
    write = _styled(part, style) if style in STYLES else _patterned(_checked(part, style))
    place = place_of(where)

    def apply(value: Any, env: Mapping[str, Any]) -> str:
        moment = read_moment(value)
        if moment is None:
            return to_text(value)
        for locale in (place.locale(env), ENGLISH):
            try:
                text = write(_local(moment, place.zone(env)), locale, isinstance(moment, datetime))
            except _UNWRITABLE:
                continue
            return text if text is not None else _as_it_is(value)
        return _as_it_is(value)

    return apply


def _local(moment: datetime | date, zone: tzinfo) -> datetime:
    """`moment` in `zone`; a day is its midnight there."""
    if isinstance(moment, datetime):
        return moment.astimezone(zone)
    return datetime(moment.year, moment.month, moment.day, tzinfo=zone)


def _as_it_is(value: Any) -> str:
    return value.isoformat() if isinstance(value, date) else to_text(value)


def _styled(part: Part, style: object) -> _Write:
    named: Any = style

    def write(local: datetime, locale: Locale, timed: bool) -> str | None:
        if not timed:
            return None if part == "time" else dates.format_date(local, named, locale)
        match part:
            case "date":
                return dates.format_date(local, named, locale)
            case "time":
                return dates.format_time(local, named, tzinfo=local.tzinfo, locale=locale)
            case "datetime":
                return dates.format_datetime(local, named, tzinfo=local.tzinfo, locale=locale)

    return write


def _patterned(pattern: dates.DateTimePattern) -> _Write:
    return lambda local, locale, _: pattern.apply(local, locale)


def _checked(part: Part, pattern: object) -> dates.DateTimePattern:
    """The parsed CLDR pattern. Raises `ArgumentError` where a field is unknown or a quote is not closed."""
    if not isinstance(pattern, str) or not pattern or len(pattern) > MAX_PATTERN:
        styles = ", ".join(STYLES)
        raise ArgumentError(
            f'write {part}:"long", with {styles} or a pattern of up to {MAX_PATTERN} characters'
        )
    if pattern.count("'") % 2:
        raise ArgumentError("close the ' in the pattern, or double it where it is meant")
    for run in _LETTERS.finditer(_LITERAL.sub(" ", pattern)):
        if not _is_field(run[0]):
            raise ArgumentError(
                f"{run[0]!r} is no field of a date; a text in a pattern stands in '…', "
                f"and the styles are {', '.join(STYLES)}"
            )
    return dates.parse_pattern(pattern)


@lru_cache(maxsize=512)
def _is_field(field: str) -> bool:
    try:
        dates.parse_pattern(field)
        return dates.DateTimeFormat(_SAMPLE, ENGLISH)[field] is not None
    except _UNWRITABLE:
        return False
