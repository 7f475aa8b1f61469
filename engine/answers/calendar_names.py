"""The names of months and weekdays in the customer's language and English, from CLDR."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import msgspec

from engine.answers.reading import subtags, unaccented

if TYPE_CHECKING:
    from babel import Locale

WITHOUT_LANGUAGE: Final = ("en", "de", "es", "fr", "it", "pt", "nl", "pl", "tr", "ru", "ar")
"""Whose names are known when the customer's language is not."""

_WORD = re.compile(r"[^\W\d_]+")
# What CLDR does not list: short forms in wide use, and the case that follows "on".
_MORE_MONTHS: Final = {"en": {"sept": 9}, "de": {"mar": 3, "mrz": 3, "janner": 1, "feber": 2}}
_MORE_WEEKDAYS: Final = {
    "en": {"tues": 1, "thur": 3, "thurs": 3},
    "ru": {"среду": 2, "пятницу": 4, "субботу": 5},
    "pl": {"srode": 2, "sobote": 5, "niedziele": 6},
}


class Names(msgspec.Struct, frozen=True):
    """Names, as `worded` writes them, to months from 1 and weekdays from Monday, 0."""

    months: Mapping[str, int]
    weekdays: Mapping[str, int]


def worded(text: str) -> str:
    """The words of `text` without case, accents and punctuation: "Segunda-feira" is "segunda feira"."""
    return " ".join(_WORD.findall(unaccented(text)))


def calendar_names(language: str) -> Names:
    """The names in this language and in English; without a known language, in those of WITHOUT_LANGUAGE.

    A name that means one thing in the customer's language and another in English means the former; one that
    is disputed among languages, none of which is the customer's, means nothing.
    """
    known = _known_locale(subtags(language))
    return _names((known, "en") if known else WITHOUT_LANGUAGE)


@lru_cache(maxsize=512)
def _known_locale(tag: tuple[str, ...]) -> str:
    from babel import Locale, UnknownLocaleError

    for length in range(len(tag), 0, -1):
        try:
            return str(Locale.parse("_".join(tag[:length])))
        except (UnknownLocaleError, ValueError):
            continue
    return ""


@lru_cache(maxsize=64)
def _names(locales: tuple[str, ...]) -> Names:
    from babel import Locale

    parsed = [Locale.parse(name) for name in locales]
    own_wins = len(parsed) == 2
    return Names(
        months=_merged([_months(locale) for locale in parsed], own_wins),
        weekdays=_merged([_weekdays(locale) for locale in parsed], own_wins),
    )


def _merged(tables: Iterable[Mapping[str, int]], own_wins: bool) -> dict[str, int]:
    merged: dict[str, int] = {}
    disputed: set[str] = set()
    for table in tables:
        for name, number in table.items():
            if merged.setdefault(name, number) != number and not own_wins:
                disputed.add(name)
    return {name: number for name, number in merged.items() if name not in disputed}


def _months(locale: Locale) -> dict[str, int]:
    return {**_table(locale.months), **_MORE_MONTHS.get(locale.language, {})}


def _weekdays(locale: Locale) -> dict[str, int]:
    return {**_table(locale.days), **_MORE_WEEKDAYS.get(locale.language, {})}


def _table(forms: Mapping[str, Mapping[str, Mapping[int, str]]]) -> dict[str, int]:
    """Babel's names by context and width; letters that stand for several months name none."""
    return {
        worded(name): number
        for context in ("stand-alone", "format")
        for width in ("abbreviated", "wide")
        for number, name in forms[context][width].items()
        if worded(name)
    }
