"""Dates: forms, languages, words for days, and what the calendar does not have. Today is Saturday, 31 January 2026."""

from __future__ import annotations

from datetime import date

import pytest

from engine.answers import Reading, read_date
from engine.answers.days import next_weekday, next_yearly, shifted
from engine.answers.numbers import NUMBER_WORDS

TODAY = date(2026, 1, 31)


@pytest.mark.parametrize(
    ("text", "language", "day"),
    [
        ("2026-01-31", "", "2026-01-31"),
        ("2026/1/5", "en-US", "2026-01-05"),
        ("31.1.2026", "de", "2026-01-31"),
        ("31. 1. 2026", "de", "2026-01-31"),
        ("31-12-2030", "nl", "2030-12-31"),
        ("٣١/١/٢٠٢٦", "ar", "2026-01-31"),
        ("３１／１／２０２６", "ja", "2026-01-31"),
        ("1/2/2026", "en-US", "2026-01-02"),
        ("1/2/2026", "en-GB", "2026-02-01"),
        ("1/2/2026", "en", "2026-02-01"),
        ("1/2/2026", "es-US", "2026-02-01"),
        ("1/2/2026", "", "2026-02-01"),
        ("1.2.2026", "en-US", "2026-02-01"),
        ("31/1/2026", "en-US", "2026-01-31"),
        ("1/31/2026", "fr", "2026-01-31"),
        ("1/31", "en-US", "2026-01-31"),
        ("31.1.", "de", "2026-01-31"),
        ("30.1.", "de", "2027-01-30"),
        ("29.2.", "de", "2028-02-29"),
        ("1.2.26", "de", "2026-02-01"),
        ("1/1/45", "", "2045-01-01"),
        ("1/1/46", "", "1946-01-01"),
        ("2026年1月31日", "ja", "2026-01-31"),
        ("2月3日", "zh", "2026-02-03"),
        ("08\u200f/03\u200f/2026", "ar", "2026-03-08"),
        ("2026년 1월 31일", "ko", "2026-01-31"),
    ],
)
def test_dates_in_digits(text: str, language: str, day: str) -> None:
    assert read_date(text, Reading(language=language, today=TODAY)) == day


@pytest.mark.parametrize(
    ("language", "text", "day"),
    [
        ("en", "31 January 2026", "2026-01-31"),
        ("hi", "8 जन॰ 2026", "2026-01-08"),
        ("hi", "8 जनवरी 2026", "2026-01-08"),
        ("hi", "8 जून 2026", "2026-06-08"),
        ("hi", "8 जुल॰ 2026", "2026-07-08"),
        ("en", "January 31st, 2026", "2026-01-31"),
        ("en", "the 1st of March", "2026-03-01"),
        ("en", "Jan 31", "2026-01-31"),
        ("en", "jan 30", "2027-01-30"),
        ("en", "Sept. 3", "2026-09-03"),
        ("en", "2026 March 5", "2026-03-05"),
        ("en", "Monday, 2 February 2026", "2026-02-02"),
        ("en", "Tuesday, 2 February 2026", None),
        ("de", "31. Januar", "2026-01-31"),
        ("de", "am 5. März 26", "2026-03-05"),
        ("de", "Mo., 2. Feb. 2026", "2026-02-02"),
        ("de-AT", "1. Jänner 2027", "2027-01-01"),
        ("de", "31 december", "2026-12-31"),
        ("es", "31 de enero de 2026", "2026-01-31"),
        ("es", "1 SEPTIEMBRE", "2026-09-01"),
        ("fr", "1er mars", "2026-03-01"),
        ("fr-CA", "3 fevrier 2027", "2027-02-03"),
        ("fr", "le 15 août 2026", "2026-08-15"),
        ("it", "l'11 agosto 2026", "2026-08-11"),
        ("it", "1º maggio", "2026-05-01"),
        ("pt-BR", "1º de maio", "2026-05-01"),
        ("pt", "20 de março de 2026", "2026-03-20"),
        ("nl", "5 maart 2026", "2026-03-05"),
        ("pl", "31 stycznia 2026 r.", "2026-01-31"),
        ("pl", "3 październik", "2026-10-03"),
        ("tr", "12 ŞUBAT 2026", "2026-02-12"),
        ("tr", "3 KASIM", "2026-11-03"),
        ("tr", "23 NİSAN 2026", "2026-04-23"),
        ("ru", "31 января 2026 г.", "2026-01-31"),
        ("ru", "9 мая", "2026-05-09"),
        ("ar", "٣١ يناير ٢٠٢٦", "2026-01-31"),
        ("ar-LB", "31 كانون الثاني 2026", "2026-01-31"),
        ("", "31 January 2026", "2026-01-31"),
        ("", "5 maja 2026", "2026-05-05"),
        ("tlh", "9 мая 2026", "2026-05-09"),
        ("de", "30. Februar 2026", None),
        ("en", "May", None),
        ("en", "3rd", None),
        ("en", "January 2026", None),
        ("en", "1 2 January 2026", None),
    ],
)
def test_dates_with_the_months_name(language: str, text: str, day: str | None) -> None:
    assert read_date(text, Reading(language=language, today=TODAY)) == day


@pytest.mark.parametrize(
    ("language", "text", "day"),
    [
        ("en", "Today", "2026-01-31"),
        ("en", "tomorrow!", "2026-02-01"),
        ("en", "the day after tomorrow", "2026-02-02"),
        ("en", "yesterday", "2026-01-30"),
        ("en", "in 3 days", "2026-02-03"),
        ("en", "in a week", "2026-02-07"),
        ("en", "two weeks from now", "2026-02-14"),
        ("en", "in 1 month", "2026-02-28"),
        ("en", "18 years ago", "2008-01-31"),
        ("de", "heute", "2026-01-31"),
        ("de", "Morgen", "2026-02-01"),
        ("de", "übermorgen", "2026-02-02"),
        ("de", "in einer Woche", "2026-02-07"),
        ("de", "vor drei Tagen", "2026-01-28"),
        ("es", "mañana", "2026-02-01"),
        ("es", "manana", "2026-02-01"),
        ("es", "pasado mañana", "2026-02-02"),
        ("es", "dentro de 3 días", "2026-02-03"),
        ("es", "hace dos semanas", "2026-01-17"),
        ("fr", "aujourd’hui", "2026-01-31"),
        ("fr", "après-demain", "2026-02-02"),
        ("fr", "dans une semaine", "2026-02-07"),
        ("fr", "il y a 3 jours", "2026-01-28"),
        ("pt", "amanhã", "2026-02-01"),
        ("pt", "daqui a 3 dias", "2026-02-03"),
        ("pt", "há 2 dias", "2026-01-29"),
        ("it", "dopodomani", "2026-02-02"),
        ("it", "tra una settimana", "2026-02-07"),
        ("it", "3 giorni fa", "2026-01-28"),
        ("nl", "overmorgen", "2026-02-02"),
        ("nl", "over 3 dagen", "2026-02-03"),
        ("nl", "3 dagen geleden", "2026-01-28"),
        ("pl", "za 3 dni", "2026-02-03"),
        ("ru", "через 3 дня", "2026-02-03"),
        ("tr", "3 gün sonra", "2026-02-03"),
        ("ar", "غدًا", "2026-02-01"),
        ("zh", "后天", "2026-02-02"),
        ("ja", "明日", "2026-02-01"),
        ("ko", "내일", "2026-02-01"),
        ("en", "next monday", "2026-02-02"),
        ("en", "on Friday", "2026-02-06"),
        ("en", "saturday", "2026-02-07"),
        ("de", "nächsten Montag", "2026-02-02"),
        ("es", "el lunes que viene", "2026-02-02"),
        ("es", "el próximo sábado", "2026-02-07"),
        ("fr", "lundi prochain", "2026-02-02"),
        ("pt", "próxima segunda-feira", "2026-02-02"),
        ("it", "lunedì prossimo", "2026-02-02"),
        ("nl", "volgende maandag", "2026-02-02"),
        ("pl", "w środę", "2026-02-04"),
        ("ru", "в пятницу", "2026-02-06"),
        ("", "Mittwoch", "2026-02-04"),
        ("en", "last monday", None),
        ("en", "in 3 parsecs", None),
        ("en", "in 99999 days", None),
        ("en", "next week", None),
    ],
)
def test_days_named_from_today(language: str, text: str, day: str | None) -> None:
    assert read_date(text, Reading(language=language, today=TODAY)) == day


@pytest.mark.parametrize("text", ["today", "in 3 days", "next monday", "31.1.", "31 January", "1月3日"])
def test_without_today_only_a_whole_date_is_one(text: str) -> None:
    assert read_date(text, Reading(language="en")) is None
    assert read_date("31 Jan 26", Reading(language="en")) == "2026-01-31"


@pytest.mark.parametrize(
    "text",
    [
        "30.2.2026", "31/2/2026", "29.2.2027", "2026-13-01", "2026-00-10", "0000-01-01", "32.1.2026", "0.1.2026",
        "13/13/2026", "31.4.", "2026", "20", "1.2.3.4", "1.2/2026", "31.1.226", "hello", "", "1" * 61, "-1.2.2026",
    ],
)  # fmt: skip
def test_what_is_no_date(text: str) -> None:
    assert read_date(text, Reading(language="en", today=TODAY)) is None


def test_the_calendars_ends_are_no_error() -> None:
    last = Reading(language="en", today=date.max)
    assert read_date("today", last) == "9999-12-31"
    assert [read_date(text, last) for text in ("tomorrow", "in 1 year", "monday", "1 Jan")] == [None] * 4
    assert read_date("yesterday", Reading(today=date.min)) is None


@pytest.mark.parametrize(
    ("amount", "unit", "day"),
    [
        (1, "m", date(2026, 2, 28)), (13, "m", date(2027, 2, 28)), (-2, "m", date(2025, 11, 30)),
        (1, "y", date(2027, 1, 31)), (-1, "w", date(2026, 1, 24)), (10**9, "d", None), (10**9, "y", None),
    ],
)  # fmt: skip
def test_shifting_keeps_within_the_month(amount: int, unit: str, day: date | None) -> None:
    assert unit in ("d", "w", "m", "y")
    assert shifted(TODAY, amount, unit) == day  # type: ignore[arg-type]


def test_the_next_of_its_kind() -> None:
    assert [next_weekday(TODAY, weekday) for weekday in (4, 5, 6)] == [
        date(2026, 2, 6),
        date(2026, 2, 7),
        date(2026, 2, 1),
    ]
    assert next_yearly(date(1897, 1, 1), 2, 29) == date(1904, 2, 29)
    assert next_yearly(TODAY, 1, 31) == TODAY
    assert next_yearly(TODAY, 4, 31) is None


def test_no_number_word_means_two_numbers() -> None:
    numbers: dict[str, set[int]] = {}
    for words in NUMBER_WORDS.values():
        for word, number in words.items():
            numbers.setdefault(word, set()).add(number)
    assert [word for word, meant in numbers.items() if len(meant) > 1] == []
