"""Numbers as people write them: `12`, `-3.5`, `1,250.00`, `1 250`, `€ 12,50`, `١٢`, and zero to twelve in words.

A point or comma can group thousands or begin the decimals. Most texts say which by their form; for "1.234" and
"1,234" the language decides, and without one a point is decimal and a comma groups.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from engine.answers.reading import UNKNOWN, Reading, base_language, subtags, tidy, unaccented
from engine.variables import MAX_INTEGER

MAX_NUMBER = 40
"""Characters of a number."""

_PLAIN = re.compile(r"(?:\d+(?:\.\d+)?|\.\d+)", re.ASCII)
_GROUPED = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?", re.ASCII)
_GROUPED_IN_INDIA = re.compile(r"\d{1,2}(?:,\d{2})+,\d{3}(?:\.\d+)?", re.ASCII)
_AMBIGUOUS = re.compile(r"[1-9]\d{0,2}[.,]\d{3}", re.ASCII)
_SPACED_GROUPS = re.compile(r"(?<=\d)[ '’_](?=\d{3}(?!\d))", re.ASCII)
_NO_CENTS = re.compile(r"(?<=\d)[.,]-+$", re.ASCII)
_MARKS = str.maketrans({"−": "-", "–": "-", "—": "-", "٬": None, "٫": ".", "،": ","})

_CURRENCY: Final = (
    r"(?:(?:aed|ars|aud|bdt|bgn|brl|cad|chf|clp|cny|cop|czk|dkk|egp|eur|gbp|hkd|huf|idr|ils|inr|jpy|kes|krw|mad|mxn|"
    r"myr|ngn|nok|nzd|pen|php|pkr|pln|ron|rsd|rub|sar|sek|sgd|thb|try|tnd|twd|uah|usd|vnd|zar|euros?|dollars?|pounds?|"
    r"pesos?|reais|real|rupees|złotych|zł|kč|kr|lei|лв|руб|рублей|грн|tl|rs|fr|sfr|ft|rm|rp|ksh|"
    r"(?:us|ca|au|nz|hk|mx|r|a|c|s)?\$|[€£¥₹₽₩₺₴₪₫₦₱₡₲₵₸₼₾฿¢¤円元원]|درهم|ريال|جنيه)\.?)"
)
_AMOUNT = re.compile(rf"([+-]?) ?(?:{_CURRENCY})? ?([+-]?) ?([\d.,]+) ?(?:{_CURRENCY})?", re.IGNORECASE)

_NUMBER_WORDS: Final = {
    "en": "zero one two three four five six seven eight nine ten eleven twelve",
    "de": "null eins zwei drei vier fünf sechs sieben acht neun zehn elf zwölf",
    "es": "cero uno dos tres cuatro cinco seis siete ocho nueve diez once doce",
    "fr": "zéro un deux trois quatre cinq six sept huit neuf dix onze douze",
    "it": "zero uno due tre quattro cinque sei sette otto nove dieci undici dodici",
    "pt": "zero um dois três quatro cinco seis sete oito nove dez onze doze",
    "nl": "nul een twee drie vier vijf zes zeven acht negen tien elf twaalf",
}
NUMBER_WORDS: Final[Mapping[str, Mapping[str, int]]] = {
    language: {word: number for number, word in enumerate(unaccented(words).split())}
    for language, words in _NUMBER_WORDS.items()
}
"""Zero to twelve by language, as `unaccented` writes them."""


def read_number(text: str, reading: Reading = UNKNOWN) -> int | float | None:
    """The number that the whole text is; a currency beside it is passed over. Whole numbers are `int`."""
    text = tidy(text, MAX_NUMBER).translate(_MARKS)
    if text.isalpha():
        return NUMBER_WORDS.get(base_language(reading.language), {}).get(unaccented(text))
    found = _AMOUNT.fullmatch(_NO_CENTS.sub("", _SPACED_GROUPS.sub("", text)))
    if found is None or (found[1] and found[2]):
        return None
    digits = _unambiguous(found[3], reading.language)
    return None if digits is None else _value(digits, negative="-" in (found[1], found[2]))


def read_integer(text: str, reading: Reading = UNKNOWN) -> int | None:
    """A whole number: `12`, `1,250`, `12.0`."""
    number = read_number(text, reading)
    return number if isinstance(number, int) else None


def _unambiguous(text: str, language: str) -> str | None:
    """`text` with a decimal point and nothing else between the digits."""
    marks = [mark for mark in text if mark in ".,"]
    decimal = "."
    if _AMBIGUOUS.fullmatch(text):
        decimal = _decimal_mark(language)
    elif len(marks) == 1 or len(set(marks)) == 2:
        decimal = marks[-1]
    elif marks and marks[0] == ".":
        decimal = ","
    if decimal == ",":
        text = text.translate({ord("."): ",", ord(","): "."})
    if _GROUPED.fullmatch(text) or _GROUPED_IN_INDIA.fullmatch(text):
        return text.replace(",", "")
    return text if _PLAIN.fullmatch(text) else None


def _value(digits: str, *, negative: bool) -> int | float | None:
    number = -float(digits) if negative else float(digits)
    if not number.is_integer():
        return number
    return int(number) if abs(number) <= MAX_INTEGER else None


@lru_cache(maxsize=512)
def _decimal_mark(language: str) -> str:
    """What begins the decimals in this language, from CLDR; a point when it is unknown."""
    tag = subtags(language)
    if not tag:
        return "."
    from babel import Locale, UnknownLocaleError

    try:
        symbols = Locale.parse("_".join(tag)).number_symbols["latn"]
    except (UnknownLocaleError, ValueError, KeyError):
        return _decimal_mark("-".join(tag[:-1]))
    return "," if symbols.get("decimal") == "," else "."
