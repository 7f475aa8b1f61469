"""Numbers as a language writes them: `number`, `percent` and `currency`.

Digits are the Western ones in every language. A half is rounded away from zero. What is no number, or is
10^21 or more, prints as it is, as JavaScript writes it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Context, Decimal, localcontext
from functools import lru_cache
from typing import Any, Final, Literal, TypeAlias

from babel.core import Locale
from babel.numbers import NumberPattern, format_currency, parse_pattern

from engine.templates.errors import ArgumentError
from engine.templates.filters import Localized
from engine.templates.limits import MAX_DIGITS
from engine.templates.locales import place_in
from engine.templates.printing import to_text

Style: TypeAlias = Literal["decimal", "percent"]

MAX_MAGNITUDE: Final = 10**21
"""From here on JavaScript writes numbers with an exponent, and so do we."""
MAX_NUMERAL: Final = 40
"""Characters of a text that is read as a number."""

_NUMERAL: Final = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)")
_EXACT: Final = Context(prec=MAX_NUMERAL * 2, rounding=ROUND_HALF_UP)
_CODE: Final = re.compile(r"[A-Za-z][A-Za-z0-9]{2,9}")
_TOUCHING: Final = re.compile(r"(?<=[^\W\d_])(?=\d)|(?<=\d)(?=[^\W\d_])")
"""A currency's letters next to a digit, where CLDR's spacing rule wants a space that does not break."""


def number(digits: object = None, locale: object = None) -> Localized:
    """12345.678 is 12,345.678 in English, 12.345,678 in German."""
    return _formatted("decimal", "number", digits, locale)


def percent(digits: object = 0, locale: object = None) -> Localized:
    """0.25 is 25% in English, 25 % in German."""
    return _formatted("percent", "percent", digits, locale)


def currency(code: object, locale: object = None) -> Localized:
    """1234.5 in EUR is €1,234.50 in English. A code that is not known prints as it is, with two digits."""
    if not isinstance(code, str) or not _CODE.fullmatch(code):
        raise ArgumentError('write the code of the currency: currency:"EUR"')
    place = place_in(locale)
    upper = code.upper()

    def apply(value: Any, env: Mapping[str, Any]) -> str:
        amount = read_decimal(value)
        if amount is None:
            return to_text(value)
        with localcontext(_EXACT):
            text: str = format_currency(amount, upper, locale=place.locale(env))
        return _TOUCHING.sub("\u00a0", text)

    return apply


def read_decimal(value: Any) -> Decimal | None:
    """The number that `value` is or that its whole text spells with digits; None when it is none or too great."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        found = Decimal(value) if -MAX_MAGNITUDE < value < MAX_MAGNITUDE else None
    elif isinstance(value, float):
        found = Decimal(float.__repr__(value)) if math.isfinite(value) else None
    elif isinstance(value, str) and len(value) <= MAX_NUMERAL and _NUMERAL.fullmatch(value.strip()):
        found = Decimal(value.strip())
    else:
        found = None
    if found is None or abs(found) >= MAX_MAGNITUDE:
        return None
    return found or Decimal(0)


def format_decimal(
    value: Decimal, locale: Locale, style: Style = "decimal", digits: int | None = None
) -> str:
    """`value` in `locale`, with exactly `digits` after the point, or as many as the locale's pattern has."""
    with localcontext(_EXACT):
        text: str = _pattern(locale, style, digits).apply(value, locale)
    return text


def _formatted(style: Style, name: str, digits: object, locale: object) -> Localized:
    if digits is not None and (type(digits) is not int or not 0 <= digits <= MAX_DIGITS):
        raise ArgumentError(f"write how many digits, 0 to {MAX_DIGITS}: {name}:2")
    exact = digits
    place = place_in(locale)

    def apply(value: Any, env: Mapping[str, Any]) -> str:
        found = read_decimal(value)
        if found is None:
            return to_text(value)
        return format_decimal(found, place.locale(env), style, exact)

    return apply


@lru_cache(maxsize=512)
def _pattern(locale: Locale, style: Style, digits: int | None) -> NumberPattern:
    formats = locale.decimal_formats if style == "decimal" else locale.percent_formats
    pattern: NumberPattern = formats[None]
    if digits is None:
        return pattern
    exact = parse_pattern(pattern.pattern)
    exact.frac_prec = (digits, digits)
    return exact
