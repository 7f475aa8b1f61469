"""The filters that depend on the language and the time zone."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime
from typing import Any

import pytest
from babel.core import Locale
from babel.lists import format_list
from babel.localedata import locale_identifiers
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.templates import MAX_PATTERN, TemplateSyntaxError, compile_template
from engine.templates.locales import find_locale

LANGUAGES = ("en", "de", "ar", "ru", "ja", "pt-BR")
MOMENT = "2026-03-05T14:30:07Z"
NBSP, NNBSP, RLM = "\u00a0", "\u202f", "\u200f"


def filtered(value: Any, filters: str, language: Any = "en", timezone: Any = "UTC") -> str:
    env = {"x": value, "language": language, "timezone": timezone}
    return compile_template(f"{{{{x | {filters}}}}}")(env)


def in_languages(cases: dict[str, tuple[Any, tuple[str, ...]]]) -> list[Any]:
    return [
        pytest.param(filters, value, language, text, id=f"{filters} in {language}")
        for filters, (value, texts) in cases.items()
        for language, text in zip(LANGUAGES, texts, strict=True)
    ]


@pytest.mark.parametrize(
    ("filters", "value", "language", "text"),
    in_languages(
        {
            "number": (
                12345.678,
                ("12,345.678", "12.345,678", "12,345.678", f"12{NBSP}345,678", "12,345.678", "12.345,678"),
            ),
            "number:2": (
                1234.5,
                ("1,234.50", "1.234,50", "1,234.50", f"1{NBSP}234,50", "1,234.50", "1.234,50"),
            ),
            "percent": (0.256, ("26%", f"26{NBSP}%", "26%", f"26{NBSP}%", "26%", "26%")),
            "currency:'EUR'": (
                -1234.5,
                (
                    "-€1,234.50",
                    f"-1.234,50{NBSP}€",
                    f"{RLM}-1,234.50{NBSP}€",
                    f"-1{NBSP}234,50{NBSP}€",
                    "-€1,234.50",
                    f"-€{NBSP}1.234,50",
                ),
            ),
            "currency:'jpy'": (
                1234.5,
                (
                    "¥1,235",
                    f"1.235{NBSP}¥",
                    f"{RLM}1,235{NBSP}JP¥",
                    f"1{NBSP}235{NBSP}¥",
                    "￥1,235",
                    f"JP¥{NBSP}1.235",
                ),
            ),
            "date:'short'": (
                MOMENT,
                ("3/5/26", "05.03.26", f"5{RLM}/3{RLM}/2026", "05.03.2026", "2026/03/05", "05/03/2026"),
            ),
            "date": (
                MOMENT,
                (
                    "Mar 5, 2026",
                    "05.03.2026",
                    f"05{RLM}/03{RLM}/2026",
                    f"5 мар. 2026{NNBSP}г.",
                    "2026/03/05",
                    "5 de mar. de 2026",
                ),
            ),
            "date:'long'": (
                MOMENT,
                (
                    "March 5, 2026",
                    "5. März 2026",
                    "5 مارس 2026",
                    f"5 марта 2026{NNBSP}г.",
                    "2026年3月5日",
                    "5 de março de 2026",
                ),
            ),
            "date:'full'": (
                MOMENT,
                (
                    "Thursday, March 5, 2026",
                    "Donnerstag, 5. März 2026",
                    "الخميس، 5 مارس 2026",
                    f"четверг, 5 марта 2026{NNBSP}г.",
                    "2026年3月5日木曜日",
                    "quinta-feira, 5 de março de 2026",
                ),
            ),
            "date:'EEE d MMM'": (
                MOMENT,
                ("Thu 5 Mar", "Do. 5 März", "الخميس 5 مارس", "чт 5 мар.", "木 5 3月", "qui. 5 mar."),
            ),
            "time": (MOMENT, (f"2:30{NNBSP}PM", "14:30", "2:30 م", "14:30", "14:30", "14:30")),
            "datetime:'short'": (
                MOMENT,
                (
                    f"3/5/26, 2:30{NNBSP}PM",
                    "05.03.26, 14:30",
                    f"5{RLM}/3{RLM}/2026، 2:30 م",
                    "05.03.2026, 14:30",
                    "2026/03/05 14:30",
                    "05/03/2026 14:30",
                ),
            ),
            "list": (
                ["a", "b", "c"],
                ("a, b, and c", "a, b und c", "a وb وc", "a, b и c", "a、b、c", "a, b e c"),
            ),
            "list:'or'": (
                ["a", "b", "c"],
                ("a, b, or c", "a, b oder c", "a أو b أو c", "a, b или c", "a、b、またはc", "a, b ou c"),
            ),
        }
    ),
)
def test_in_each_language(filters: str, value: Any, language: str, text: str) -> None:
    assert filtered(value, filters, language) == text


@pytest.mark.parametrize(
    ("language", "forms", "numbers"),
    [
        (
            "en",
            "one other",
            {0: "other", 1.0: "one", "1": "one", "1.0": "one", 1.5: "other", -1: "one"},
        ),
        ("de", "one other", {0: "other", 1: "one", 2: "other"}),
        (
            "ru",
            "one few many other",
            {1: "one", 21: "one", 2: "few", 23: "few", 5: "many", 11: "many", 0: "many", 1.5: "other"},
        ),
        (
            "ar",
            "zero one two few many other",
            {0: "zero", 1: "one", 2: "two", 3: "few", 10: "few", 11: "many", 99: "many", 100: "other"},
        ),
        ("ja", "other", {0: "other", 1: "other", 2: "other"}),
        ("pt-BR", "one many other", {0: "one", 1: "one", 2: "other", 1_000_000: "many"}),
    ],
)
def test_plural_forms_are_in_cldr_order(language: str, forms: str, numbers: dict[Any, str]) -> None:
    given_forms = ",".join(f"'{form}'" for form in forms.split())
    for number, form in numbers.items():
        assert filtered(number, f"plural:{given_forms}", language) == form


@pytest.mark.parametrize(
    ("value", "filters", "language", "text"),
    [
        (5, "plural:'товар','товара'", "ru", "товара"),
        (1, "plural:'item'", "en", "item"),
        (7, "plural:'item','items','never'", "en", "items"),
        (1, "plural:'item','items'", "ja", "item"),
        (2, "plural:'# item','# of # items'", "en", "2 of 2 items"),
        (12345.6789, "plural:'# Stück','# Stücke'", "de", "12.345,679 Stücke"),
        (1.0001, "plural:'# item','# items'", "en", "1 item"),
        ("many", "plural:'# item','# items'", "en", "many items"),
        (None, "plural:'# item','# items'", "en", " items"),
        (math.inf, "plural:'# item','# items'", "en", "Infinity items"),
        (True, "plural:'# item','# items'", "en", "true items"),
        (3, "plural:'# item','# items' | upper", "en", "3 ITEMS"),
    ],
)
def test_plural_with_fewer_forms_and_a_number_sign(
    value: Any, filters: str, language: str, text: str
) -> None:
    assert filtered(value, filters, language) == text


@pytest.mark.parametrize(
    ("value", "filters", "text"),
    [
        ("1234.5", "number", "1,234.5"),
        (" -.5 ", "number", "-0.5"),
        (2.5, "number:0", "3"),
        (-2.5, "number:0", "-3"),
        (1.005, "number:2", "1.01"),
        (-0.0, "number:1", "0.0"),
        ("12345678901234567890.123", "number", "12,345,678,901,234,567,890.123"),
        (999_999_999_999_999_999_999, "number:10", "999,999,999,999,999,999,999.0000000000"),
        (0.1234, "percent:1", "12.3%"),
        (0.1235, "percent:1", "12.4%"),
        (1.005, "currency:'EUR'", "€1.01"),
        (1.0005, "currency:'KWD'", f"KWD{NBSP}1.001"),
        (12, "currency:'xyz'", f"XYZ{NBSP}12.00"),
        (12, "currency:'USDT'", f"USDT{NBSP}12.00"),
        (12.5, "number:1,'de'", "12,5"),
        (12.5, "percent:0,'de'", f"1.250{NBSP}%"),
        (12.5, "currency:'EUR','de-AT'", f"€{NBSP}12,50"),
    ],
)
def test_numbers(value: Any, filters: str, text: str) -> None:
    assert filtered(value, filters) == text


@pytest.mark.parametrize("filters", ["number", "number:2", "percent", "currency:'EUR'", "currency:'XYZ'"])
@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("abc", "abc"),
        ("", ""),
        (None, ""),
        ("1,5", "1,5"),
        ("1e5", "1e5"),
        ("0x10", "0x10"),
        ("١٢", "١٢"),
        ("0" * 40 + "1", "0" * 40 + "1"),
        (True, "true"),
        ([1], "[1]"),
        (math.nan, "NaN"),
        (-math.inf, "-Infinity"),
        (1e308, "1e+308"),
        (-1e21, "-1e+21"),
        (10**400, "Infinity"),
    ],
)
def test_what_is_no_number_prints_as_it_is(value: Any, text: str, filters: str) -> None:
    assert filtered(value, filters) == text


@pytest.mark.parametrize(
    ("value", "timezone", "filters", "text"),
    [
        ("2026-03-05T23:30:00Z", "Asia/Tokyo", "date", "Mar 6, 2026"),
        ("2026-03-05T23:30:00-05:00", "Europe/Berlin", "datetime:'yyyy-MM-dd HH:mm'", "2026-03-06 05:30"),
        ("2026-03-05t23:30:00.1234567z", "UTC", "time:'HH:mm:ss.SSS'", "23:30:00.123"),
        ("2026-03-05 23:30", "Europe/Berlin", "datetime:'dd HH:mm'", "06 00:30"),
        ("2026-07-05T12:00:00+00:00", "Europe/Berlin", "time:'HH:mm'", "14:00"),
        ("2026-03-05", "Pacific/Auckland", "date", "Mar 5, 2026"),
        ("2026-03-05", "America/Los_Angeles", "datetime", "Mar 5, 2026"),
        ("2026-03-05", "America/Los_Angeles", "datetime:'d HH:mm'", "5 00:00"),
        ("2026-03-05", "America/Los_Angeles", "time", "2026-03-05"),
        (0, "UTC", "datetime:'yyyy-MM-dd HH:mm'", "1970-01-01 00:00"),
        (1772721007000.0, "UTC", "datetime:'yyyy-MM-dd HH:mm:ss'", "2026-03-05 14:30:07"),
        (-1, "UTC", "datetime:'yyyy ss.SSS'", "1969 59.999"),
        (datetime(2026, 3, 5, 14, tzinfo=UTC), "Asia/Tokyo", "time:'HH'", "23"),
        (datetime(2026, 3, 5, 14), "Asia/Tokyo", "time:'HH'", "23"),  # noqa: DTZ001
        (date(2026, 3, 5), "Asia/Tokyo", "date:'d MMMM'", "5 March"),
        (MOMENT, "Europe/Berlin", "time:'HH:mm','Asia/Tokyo'", "23:30"),
        (MOMENT, "Europe/Berlin", "date:'long','de'", "5. März 2026"),
        (MOMENT, "Europe/Berlin", "time:'short','UTC','de'", "14:30"),
        (MOMENT, "Europe/Berlin", "time:'short','de','UTC'", "14:30"),
        (MOMENT, "Europe/Berlin", "date:\"d 'de' MMMM ''yy 100%\"", "5 de March '26 100%"),
        (MOMENT, "Europe/Berlin", "date:\"d 'not' M\"", "5 not 3"),
        (MOMENT, "Europe/Berlin", "time:'full'", f"3:30:07{NNBSP}PM Central European Standard Time"),
    ],
)
def test_times(value: Any, timezone: str, filters: str, text: str) -> None:
    assert filtered(value, filters, "en", timezone) == text


@pytest.mark.parametrize("filters", ["date", "time:'full'", "datetime", "date:'w Y'"])
@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("soon", "soon"),
        ("", ""),
        (None, ""),
        (True, "true"),
        ("2026-02-30", "2026-02-30"),
        ("2026-03-05T25:00Z", "2026-03-05T25:00Z"),
        ("20260305", "20260305"),
        ("2026-W10-4", "2026-W10-4"),
        ("1772721007000", "1772721007000"),
        ("٢٠٢٦-٠٣-٠٥", "٢٠٢٦-٠٣-٠٥"),
        (math.nan, "NaN"),
        (math.inf, "Infinity"),
        (1e308, "1e+308"),
        (8.64e15, "8640000000000000"),
        ("0001-01-01T00:00:00+14:00", "0001-01-01T00:00:00+14:00"),
        ("9999-12-31T23:59:00Z", "9999-12-31T23:59:00Z"),
        (datetime.max.replace(tzinfo=UTC), "9999-12-31T23:59:59.999999+00:00"),
        (["2026-03-05"], '["2026-03-05"]'),
    ],
)
def test_what_is_no_time_prints_as_it_is(value: Any, text: str, filters: str) -> None:
    assert filtered(value, filters, "en", "Asia/Tokyo") == text


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("de", "12,5"),
        ("de-DE", "12,5"),
        ("DE_de", "12,5"),
        ("de-CH", "12.5"),
        ("de-XX", "12,5"),
        ("de-DE-u-nu-latn", "12,5"),
        ("de-x-private", "12,5"),
        ("de" + "-abcd" * 20, "12.5"),
        *((unknown, "12.5") for unknown in ("", "xx", "tlh", "root", "../de", "de@x", "d" * 70, "de-\u0660")),
        *((no_text, "12.5") for no_text in (None, 5, ["de"], {"a": "de"}, True)),
    ],
)
def test_the_language_is_a_known_beginning_of_the_tag_or_english(language: Any, text: str) -> None:
    assert filtered(12.5, "number", language) == text


@pytest.mark.parametrize(
    "timezone", ["", "Nowhere/City", "../etc", "Europe", "\x00", "\ud800", None, 5, [], "x" * 999]
)
def test_an_unknown_time_zone_is_utc(timezone: Any) -> None:
    assert filtered(MOMENT, "time:'HH:mm'", "en", timezone) == "14:30"


def test_language_and_time_zone_can_be_missing() -> None:
    template = compile_template("{{12.5}}{{x.due | datetime:'short'}} {{'2.5' | number}}")
    assert template.names == {"12", "x", "language", "timezone"}
    assert template({"x": {"due": MOMENT}}) == f"3/5/26, 2:30{NNBSP}PM 2.5"
    assert compile_template("{{x | upper}}").names == {"x"}


@pytest.mark.parametrize(
    ("filters", "mend"),
    [
        ("number:'2'", "write how many digits, 0 to 10: number:2"),
        ("number:11", "write how many digits, 0 to 10: number:2"),
        ("percent:-1", "write how many digits, 0 to 10: percent:2"),
        ("number:1.5", "write how many digits, 0 to 10: number:2"),
        ("number:2,'Europe/Berlin'", 'name a language such as "de" or "pt-BR"'),
        ("number:2,3", 'name a language such as "de" or "pt-BR"'),
        ("currency", 'write currency:"code"[,"locale"], without what is in [ ] if you like'),
        ("currency:'€'", 'write the code of the currency: currency:"EUR"'),
        ("currency:5", 'write the code of the currency: currency:"EUR"'),
        ("date:''", 'write date:"long", with short, medium, long, full or a pattern of up to 100 characters'),
        (f"date:'{'d' * (MAX_PATTERN + 1)}'", 'write date:"long"'),
        ("time:5", 'write time:"long"'),
        ("date:'lang'", "'l' is no field of a date"),
        ("date:'d n'", "'n' is no field of a date"),
        ("date:'dddd'", "'dddd' is no field of a date"),
        ("time:'O'", "'O' is no field of a date"),
        ('date:"d \'of"', "close the ' in the pattern, or double it where it is meant"),
        ("date:'long','Nowhere/City'", "there is no such time zone"),
        ("date:'long','xx'", 'name a language such as "de" or "pt-BR"'),
        ("date:'long',5", 'name a language such as "de" or "pt-BR"'),
        ("plural:'a',2", 'write the forms in quotes: plural:"item","items"'),
        ("plural", 'write plural:"form"'),
        ("list:'nor'", 'write list, list:"and" or list:"or"'),
        ("list:3", 'write list, list:"and" or list:"or"'),
    ],
)
def test_arguments_that_do_not_fit_are_refused(filters: str, mend: str) -> None:
    with pytest.raises(TemplateSyntaxError) as caught:
        filtered("x", filters)
    assert caught.value.position == 6
    assert caught.value.mend.startswith(mend)


def test_every_locale_can_write_everything() -> None:
    sources = ["number:3", "percent", "currency:'CHF'", "plural:'#'"]
    moments = [
        f"datetime:'{style}'" for style in ("short", "medium", "long", "full", "B h EEEE MMMM", "VVVV zzzz")
    ]
    numbers = [compile_template(f"{{{{n | {filters}}}}}") for filters in sources]
    times = [compile_template(f"{{{{t | {filters}}}}}") for filters in moments]
    lists = compile_template("{{l | list}}")
    for identifier in ("en", *locale_identifiers()[::20]):
        env = {
            "n": -12345.678,
            "t": MOMENT,
            "l": list("abcd"),
            "language": identifier,
            "timezone": "America/Bogota",
        }
        assert all(template(env) not in ("", "-12345.678") for template in numbers), identifier
        assert {"a", "b", "c", "d"} <= set(lists(env)), identifier
        assert all(template(env) not in ("", MOMENT) for template in times), identifier


@settings(deadline=None)
@given(
    items=st.lists(st.text(st.sampled_from("ab{}01,"), max_size=4), max_size=6),
    language=st.sampled_from([*LANGUAGES, "en-GB", "es", "he", "th"]),
    style=st.sampled_from(["and", "or"]),
)
def test_lists_are_as_babel_writes_them(items: list[str], language: str, style: str) -> None:
    locale = Locale.parse(language, sep="-")
    expected = format_list(items, "standard" if style == "and" else "or", locale)
    assert filtered(items, f"list:'{style}'", language) == expected


def test_lists_print_what_is_no_list_as_it_is() -> None:
    assert filtered("a", "list") == "a"
    assert filtered([1.0, None], "list:'or','de'") == "1 oder "


@settings(deadline=None)
@given(
    moment=st.datetimes(timezones=st.timezones()),
    pattern=st.text(st.sampled_from("yMdEHhmsSawWzvVxXZGQ '/"), max_size=8),
)
def test_any_moment_in_any_pattern_is_written(moment: datetime, pattern: str) -> None:
    for language in ("en", "ja"):
        try:
            text = filtered(moment, f'date:"{pattern}"', language, "Asia/Tokyo")
        except TemplateSyntaxError:
            return
        assert "None" not in text


def test_a_locale_is_parsed_once() -> None:
    assert find_locale("pt-BR") is find_locale("pt-BR")


def test_the_data_that_locales_inherit_from_is_no_language() -> None:
    assert find_locale("root") is None
