"""`plural`: the form of a word that a language uses with a number."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Context, Decimal
from functools import lru_cache
from typing import Any, Final

from babel.core import Locale

from engine.templates.decimals import format_decimal, read_decimal
from engine.templates.errors import ArgumentError
from engine.templates.filters import Localized
from engine.templates.limits import MAX_OUTPUT
from engine.templates.locales import Place
from engine.templates.printing import to_text, too_long

CATEGORIES: Final = ("zero", "one", "two", "few", "many", "other")
"""CLDR's order; each language has some of them, and every language has `other`."""

_PRINTED: Final = Decimal("0.001")
_EXACT: Final = Context(prec=80, rounding=ROUND_HALF_UP)


def plural(*forms: object) -> Localized:
    """Chooses among `forms`, which are in the order of the categories that the language has.

    English and German have one, other: `"item","items"`. Russian has one, few, many, other (other is for
    fractions), French, Portuguese and Spanish one, many, other (many is for whole millions), Arabic all six,
    Japanese other only. With fewer forms than categories the last form serves for the rest; further forms
    are never used. The number is taken as `number` prints it: 1.0 is 1. What is no number takes the last
    category. Every `#` in the chosen form prints the number as `number` does, or what stands for it.
    """
    texts = tuple(form for form in forms if isinstance(form, str))
    if len(texts) < len(forms):
        raise ArgumentError('write the forms in quotes: plural:"item","items"')
    place = Place()

    def apply(value: Any, env: Mapping[str, Any]) -> str:
        locale = place.locale(env)
        number = read_decimal(value)
        categories = categories_of(locale)
        category = "other" if number is None else locale.plural_form(_as_printed(number))
        form = texts[min(categories.index(category), len(texts) - 1)]
        if "#" not in form:
            return form
        shown = to_text(value) if number is None else format_decimal(number, locale)
        if form.count("#") * len(shown) > MAX_OUTPUT:
            raise too_long()
        return form.replace("#", shown)

    return apply


@lru_cache(maxsize=256)
def categories_of(locale: Locale) -> tuple[str, ...]:
    """The categories that `locale` has, in CLDR's order."""
    tags = {*locale.plural_form.tags, "other"}
    return tuple(category for category in CATEGORIES if category in tags)


def _as_printed(number: Decimal) -> int | Decimal:
    rounded = number.quantize(_PRINTED, context=_EXACT)
    return int(rounded) if rounded == int(rounded) else rounded.normalize(_EXACT)
