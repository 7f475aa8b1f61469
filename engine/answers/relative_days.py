"""Days named from today: "tomorrow", "in 3 days", "vor einer Woche"."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from itertools import pairwise
from typing import Final

from engine.answers.days import Unit, shifted
from engine.answers.numbers import NUMBER_WORDS
from engine.answers.reading import Reading, unaccented

MAX_AMOUNT = 9_999
"""Units from today."""

_OFFSETS: Final[Mapping[int, str]] = {
    -2: "day before yesterday|the day before yesterday|vorgestern|anteayer|antes de ayer|avant-hier|anteontem|"
    "l'altro ieri|eergisteren|przedwczoraj|позавчера|前天|一昨日|おととい|그저께",
    -1: "yesterday|gestern|ayer|hier|ontem|ieri|gisteren|wczoraj|dün|вчера|أمس|昨天|昨日|きのう|어제",
    0: "today|now|heute|jetzt|hoy|ahora|aujourd'hui|maintenant|hoje|agora|oggi|adesso|vandaag|nu|dzisiaj|dziś|teraz|"
    "bugün|сегодня|сейчас|اليوم|今天|今日|きょう|आज|오늘",
    1: "tomorrow|tmrw|tmr|morgen|mañana|demain|amanhã|domani|jutro|yarın|завтра|غدا|غدًا|明天|明日|あした|내일",
    2: "day after tomorrow|the day after tomorrow|übermorgen|pasado mañana|après-demain|depois de amanhã|"
    "dopodomani|overmorgen|pojutrze|послезавтра|بعد غد|后天|後天|明後日|あさって|모레",
}
_DAYS: Final = {
    unaccented(phrase): offset for offset, phrases in _OFFSETS.items() for phrase in phrases.split("|")
}
_UNIT_WORDS: Final[Mapping[Unit, str]] = {
    "d": "day days tag tage tagen día días jour jours dia dias giorno giorni dag dagen dzień dni gün день дня дней",
    "w": "week weeks woche wochen semana semanas semaine semaines settimana settimane weken "
    "tydzień tygodnie tygodni hafta неделю недели недель",
    "m": "month months monat monate monaten mes meses mois mês mese mesi maand maanden "
    "miesiąc miesiące miesięcy ay месяц месяца месяцев",
    "y": "year years jahr jahre jahren año años an ans année ano anos anno anni jaar jaren "
    "rok lata lat yıl год года лет",
}
_UNITS: Final[Mapping[str, Unit]] = {
    unaccented(word): unit for unit, words in _UNIT_WORDS.items() for word in words.split()
}
_AMOUNTS: Final[Mapping[str, int]] = {
    **{word: number for words in NUMBER_WORDS.values() for word, number in words.items()},
    **dict.fromkeys(unaccented("a an ein eine einen einem einer un una une uma één").split(), 1),
}
"""Number words of every language; none means two numbers."""
# (words before the amount, words after the unit)
_AHEAD: Final = frozenset(
    (unaccented(before), unaccented(after))
    for before, after in (
        ("in", ""), ("en", ""), ("dentro de", ""), ("dans", ""), ("em", ""), ("daqui a", ""), ("tra", ""),
        ("fra", ""), ("over", ""), ("za", ""), ("через", ""), ("", "sonra"), ("", "from now"), ("", "from today"),
    )
)  # fmt: skip
_AGO: Final = frozenset(
    (unaccented(before), unaccented(after))
    for before, after in (
        ("", "ago"), ("vor", ""), ("hace", ""), ("il y a", ""), ("há", ""), ("", "atrás"), ("", "fa"),
        ("", "geleden"), ("", "temu"), ("", "назад"), ("", "önce"),
    )
)  # fmt: skip


def relative_day(text: str, reading: Reading) -> date | None:
    """The day that `text`, tidied and unaccented, names from `reading.today`."""
    if reading.today is None:
        return None
    text = text.replace("’", "'")
    if text in _DAYS:
        return shifted(reading.today, _DAYS[text], "d")
    words = text.split()
    for place, (word, unit_word) in enumerate(pairwise(words)):
        unit = _UNITS.get(unit_word)
        if unit is None or (amount := _amount(word)) is None:
            continue
        around = (" ".join(words[:place]), " ".join(words[place + 2 :]))
        if around in _AHEAD or around in _AGO:
            return shifted(reading.today, amount if around in _AHEAD else -amount, unit)
    return None


def _amount(word: str) -> int | None:
    if not word.isdecimal():
        return _AMOUNTS.get(word)
    amount = int(word)
    return amount if amount <= MAX_AMOUNT else None
