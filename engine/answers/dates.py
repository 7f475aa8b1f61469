"""Calendar dates: `31.1.2026`, `1/2/2026`, `31 January`, `2026年1月31日`, `tomorrow`, `next monday`."""

from __future__ import annotations

import re
from datetime import date
from typing import Final

from engine.answers.calendar_names import Names, calendar_names, worded
from engine.answers.days import day, next_weekday, next_yearly
from engine.answers.reading import UNKNOWN, Reading, base_language, territory, tidy, unaccented
from engine.answers.relative_days import relative_day

MAX_DATE = 60
"""Characters of a date."""
YEARS_AHEAD = 19
"""A year of two digits is at most so far ahead, and otherwise in the past: in 2026, "45" is 2045 and "46" is 1946."""
PIVOT_WITHOUT_TODAY = 2049
"""The last year that two digits can mean when today is not known."""

_YEAR_FIRST = re.compile(r"(\d{4})([-/.])(\d{1,2})\2(\d{1,2})", re.ASCII)
_YEAR_LAST = re.compile(r"(\d{1,2})([-/.]) ?(\d{1,2})(?:\2 ?(\d{4}|\d{2})?)?", re.ASCII)
_CJK = re.compile(r"(?:(\d{4})[年년] ?)?(\d{1,2})[月월] ?(\d{1,2})[日号號일]", re.ASCII)
_NUMBER = re.compile(r"\d+", re.ASCII)

_FILLERS: Final = frozenset(
    unaccented(
        "st nd rd th er re ro o a e ter ten de l d of the le la el il den der dem am on um em no na do du del di op "
        "w we в во на г го года год r roku الموافق يوم في gunu"
    ).split()
)
_NEXT: Final = frozenset(
    unaccented(
        "next this coming upcoming nächsten nächster nächste kommenden kommender diesen dieser próximo próxima este "
        "esta que viene prochain prochaine ce cette prossimo prossima questo questa volgende komende aanstaande deze "
        "następny następną przyszły przyszłą najbliższy следующий следующую следующее ближайший ближайшую gelecek "
        "önümüzdeki القادم القادمة"
    ).split()
)


def read_date(text: str, reading: Reading = UNKNOWN) -> str | None:
    """The date as `YYYY-MM-DD`. Without a year it is the next such date, which needs `reading.today`.

    Between slashes or hyphens the day comes first, in American English the month, unless only the other
    order is a date. A weekday alone, or with "next", is the first such day after today.
    """
    text = tidy(text, MAX_DATE)
    if not text:
        return None
    found = _numeric(text, reading)
    if found is None:
        bare = unaccented(text).rstrip(".!")
        found = relative_day(bare, reading) or _named(bare, reading)
    return None if found is None else found.isoformat()


def _numeric(text: str, reading: Reading) -> date | None:
    if found := _YEAR_FIRST.fullmatch(text):
        return day(int(found[1]), int(found[3]), int(found[4]))
    if found := _CJK.fullmatch(text):
        return _dated(found[1] or "", int(found[2]), int(found[3]), reading)
    if not (found := _YEAR_LAST.fullmatch(text)):
        return None
    first, second, year = int(found[1]), int(found[3]), found[4] or ""
    day_first = _dated(year, second, first, reading)
    if found[2] == ".":
        return day_first
    month_first = _dated(year, first, second, reading)
    return month_first or day_first if _is_month_first(reading) else day_first or month_first


def _named(text: str, reading: Reading) -> date | None:
    """A date with a month's or a weekday's name in it."""
    numbers = _NUMBER.findall(text)
    words = [word for word in worded(text).split() if word not in _FILLERS]
    if len(numbers) > 2 or not 0 < len(words) <= 6:
        return None
    names = calendar_names(reading.language)
    if not numbers:
        weekday = names.weekdays.get(" ".join(word for word in words if word not in _NEXT))
        return None if weekday is None or reading.today is None else next_weekday(reading.today, weekday)
    number, year = numbers[0], "".join(numbers[1:])
    if len(number) == 4:
        number, year = year, number
    if len(number) not in (1, 2) or len(year) not in (0, 2, 4):
        return None
    return _with_month(words, int(number), year, reading, names)


def _with_month(words: list[str], number: int, year: str, reading: Reading, names: Names) -> date | None:
    """The date whose month, perhaps after its weekday, the words name; None when the weekday is another."""
    for split in range(len(words)):
        weekday = names.weekdays.get(" ".join(words[:split]))
        month = names.months.get(" ".join(words[split:]))
        if month is not None and (weekday is not None or split == 0):
            found = _dated(year, month, number, reading)
            agrees = found is not None and weekday in (None, found.weekday())
            return found if agrees else None
    return None


def _dated(year: str, month: int, number: int, reading: Reading) -> date | None:
    if year:
        return day(int(year) if len(year) == 4 else _century(int(year), reading.today), month, number)
    return None if reading.today is None else next_yearly(reading.today, month, number)


def _century(year: int, today: date | None) -> int:
    last = today.year + YEARS_AHEAD if today is not None else PIVOT_WITHOUT_TODAY
    return last - (last - year) % 100


def _is_month_first(reading: Reading) -> bool:
    return base_language(reading.language) in ("en", "") and territory(reading) == "US"
