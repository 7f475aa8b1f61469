"""Times of day: `14:30`, `2 pm`, `14h30`, `14 Uhr`, `下午2点半`, `noon`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, Literal, TypeAlias

from engine.answers.reading import UNKNOWN, Reading, tidy, unaccented

MAX_TIME = 50
"""Characters of a time."""

Period: TypeAlias = Literal["am", "pm", "night"]
"""The half of the day; at night, twelve is midnight and four is early."""

_NAMED: Final[Mapping[str, str]] = {
    "12:00": "noon|midday|mittag|mittags|mediodía|al mediodía|midi|à midi|meio-dia|ao meio-dia|mezzogiorno|"
    "a mezzogiorno|middag|południe|w południe|öğle|öğlen|полдень|в полдень|الظهر|正午|中午|दोपहर|정오",
    "00:00": "midnight|mitternacht|um mitternacht|medianoche|a medianoche|minuit|à minuit|meia-noite|à meia-noite|"
    "mezzanotte|a mezzanotte|middernacht|północ|o północy|gece yarısı|полночь|в полночь|منتصف الليل|午夜|真夜中|자정|"
    "आधी रात",
}
_TIMES: Final = {
    unaccented(phrase): time for time, phrases in _NAMED.items() for phrase in phrases.split("|")
}
_PERIOD_WORDS: Final[Mapping[Period, str]] = {
    "am": "am|a.m.|a. m.|a.m|in the morning|morgens|früh|vormittags|am morgen|de la mañana|por la mañana|du matin|"
    "da manhã|di mattina|del mattino|'s morgens|'s ochtends|rano|утра|sabah|öö|صباحا|ص|上午|早上|午前|오전|सुबह",
    "pm": "pm|p.m.|p. m.|p.m|in the afternoon|in the evening|nachmittags|abends|am nachmittag|am abend|de la tarde|"
    "por la tarde|de l'après-midi|du soir|da tarde|del pomeriggio|di pomeriggio|di sera|della sera|'s middags|"
    "'s avonds|po południu|wieczorem|дня|вечера|öğleden sonra|akşam|ös|مساء|م|下午|晚上|午後|오후|शाम",
    "night": "at night|nachts|de la noche|por la noche|da noite|de la nuit|di notte|'s nachts|w nocy|ночи|gece|रात",
}
_PERIODS: Final[Mapping[str, Period]] = {
    unaccented(phrase): period for period, phrases in _PERIOD_WORDS.items() for phrase in phrases.split("|")
}
_PERIOD = "|".join(map(re.escape, sorted(_PERIODS, key=len, reverse=True)))
_BEFORE = "at|by|um|gegen|ab|a las|a la|as|a|alle|alle ore|ore|om|o|w|we|в|saat|at about"
_AFTER = "uhr|hrs?|hs|horas?|heures?|uur|ore|часов|часа|час|o'clock"
_CLOCK = re.compile(
    rf"(?:(?:{_BEFORE}) )?(?P<before>{_PERIOD})? ?"
    rf"(?:(?P<hour>\d{{1,2}})(?:[:.](?P<minute>\d\d)(?::\d\d)? ?(?P<unit>{_AFTER}|h)?"
    rf"| ?(?P<word>{_AFTER}|h|ч)\.? ?(?P<past>\d\d)?(?: ?(?:m|min))?"
    r"| ?(?P<cjk>[时時点點]|시) ?(?:(?P<count>\d{1,2}) ?[分분]|(?P<half>半|반))?)?"
    r"|(?P<military>\d{4}) ?(?:h|hrs?|uhr)?)"
    rf"(?: ?(?P<after>{_PERIOD}))?",
    re.ASCII,
)


def read_time(text: str, reading: Reading = UNKNOWN) -> str | None:
    """The time as `HH:MM`; seconds are dropped, and a bare number is no time: "8" could be either."""
    text = unaccented(tidy(text, MAX_TIME)).replace("’", "'").strip(" !")
    if (named := _TIMES.get(text)) is not None:
        return named
    found = _CLOCK.fullmatch(text)
    if found is None or (found["before"] and found["after"]):
        return None
    period = _PERIODS.get(found["before"] or found["after"] or "")
    return _clock(found, period)


def _clock(found: re.Match[str], period: Period | None) -> str | None:
    if found["military"]:
        hour, minute = int(found["military"][:2]), int(found["military"][2:])
    else:
        hour = int(found["hour"])
        minute = 30 if found["half"] else int(found["minute"] or found["past"] or found["count"] or 0)
        if period is None and not (found["minute"] or found["word"] or found["cjk"]):
            return None
    in_day = _hour_of_day(hour, period)
    if (in_day, minute) == (24, 0):
        return "00:00"
    return f"{in_day:02}:{minute:02}" if in_day is not None and in_day < 24 and minute < 60 else None


def _hour_of_day(hour: int, period: Period | None) -> int | None:
    """The hour from 0, where "3 pm" is 15; None for hours such as "15 am"."""
    if period is None or (period != "am" and 12 < hour < 24):
        return hour
    if hour > 12 or (hour == 0 and period == "pm"):
        return None
    if period == "am" or (period == "night" and (hour == 12 or hour < 6)):
        return hour % 12
    return hour % 12 + 12
