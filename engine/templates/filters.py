"""The table of filters, with a line of documentation for each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple, TypeAlias

from engine.templates import plain
from engine.templates.limits import MAX_FORMS

Argument: TypeAlias = str | int | float
"""What stands after a filter's colon: a quoted text, or a number."""
Localized: TypeAlias = Callable[[Any, Mapping[str, Any]], str]
"""What a localized filter makes of (value, environment), which has `language` and `timezone`."""


class Filter(NamedTuple):
    """A filter: how many arguments it takes after its colon, and what it makes of a value and those.

    `check(*arguments)` raises `ArgumentError` for arguments that it cannot take.
    """

    least: int
    most: int
    apply: Callable[..., Any]
    signature: str = ""
    summary: str = ""
    check: Callable[..., None] | None = None


class LocalizedFilter(NamedTuple):
    """A filter whose result depends on the language or the time zone.

    `bind(*arguments)` makes the filter, or raises `ArgumentError` for arguments that it cannot take.
    """

    least: int
    most: int
    bind: Callable[..., Localized]
    signature: str
    summary: str


AnyFilter: TypeAlias = Filter | LocalizedFilter


def _localized(name: str) -> Callable[..., Localized]:
    """Binds the filter `name`. Babel takes long to import, so nothing does before a text needs it."""

    def bind(*arguments: Argument) -> Localized:
        from engine.templates.localized import BINDINGS

        return BINDINGS[name](*arguments)

    return bind


_WHERE: Final = '[,"zone"][,"locale"]'

FILTERS: Final[Mapping[str, AnyFilter]] = {
    "default": Filter(
        1,
        1,
        plain.default,
        'default:"text"',
        "The text instead of a missing or empty value; it can be a number.",
    ),
    "upper": Filter(0, 0, plain.upper, "upper", "All letters upper-case."),
    "lower": Filter(0, 0, plain.lower, "lower", "All letters lower-case."),
    "capitalize": Filter(
        0, 0, plain.capitalize, "capitalize", "The first letter upper-case, the others lower-case."
    ),
    "title": Filter(
        0, 0, plain.title, "title", "The first letter of each word upper-case, the others lower-case."
    ),
    "trim": Filter(0, 0, plain.trim, "trim", "Without the white space at both ends."),
    "truncate": Filter(
        1,
        2,
        plain.truncate,
        'truncate:n[,"ending"]',
        'At most n characters, the ending "…" included when something was cut off.',
        plain.check_truncate,
    ),
    "join": Filter(
        0,
        1,
        plain.join,
        'join[:"separator"]',
        "A list's items with the separator, or else a comma and a space, between them.",
        plain.check_join,
    ),
    "first": Filter(0, 0, plain.first, "first", "A list's first item."),
    "last": Filter(0, 0, plain.last, "last", "A list's last item."),
    "length": Filter(0, 0, plain.length, "length", "How many items a list has, or characters a text."),
    "json": Filter(0, 0, plain.json, "json", "The value as JSON, a text in quotes."),
    "number": LocalizedFilter(
        0,
        2,
        _localized("number"),
        'number[:digits[,"locale"]]',
        "The number as the language writes it, with that many digits after the point or else at most three.",
    ),
    "percent": LocalizedFilter(
        0,
        2,
        _localized("percent"),
        'percent[:digits[,"locale"]]',
        "The number, a hundred times as great, with the per cent sign: 0.25 is 25%.",
    ),
    "currency": LocalizedFilter(
        1,
        2,
        _localized("currency"),
        'currency:"code"[,"locale"]',
        "The number as an amount of the currency, which is a code such as EUR.",
    ),
    "date": LocalizedFilter(
        0,
        3,
        _localized("date"),
        f'date[:"style"{_WHERE}]',
        "The day of a time, in the style short, medium (as without one), long or full, or as a CLDR pattern.",
    ),
    "time": LocalizedFilter(
        0,
        3,
        _localized("time"),
        f'time[:"style"{_WHERE}]',
        "The time of day, in the style short (as without one), medium, long or full, or as a CLDR pattern.",
    ),
    "datetime": LocalizedFilter(
        0,
        3,
        _localized("datetime"),
        f'datetime[:"style"{_WHERE}]',
        "Day and time of day, in the style short, medium (as without one), long or full, or as a CLDR pattern.",
    ),
    "plural": LocalizedFilter(
        1,
        MAX_FORMS,
        _localized("plural"),
        'plural:"form"[,"form"]…',
        "The form that the language uses with the number, of forms in CLDR's order: zero, one, two, few, many, "
        "other; # prints the number.",
    ),
    "list": LocalizedFilter(
        0,
        2,
        _localized("list"),
        'list[:"and"[,"locale"]]',
        'A list as the language writes it: a, b and c; with "or" a, b or c.',
    ),
}


def reference() -> list[tuple[str, str]]:
    """The (signature, one-sentence summary) of each filter; what is in square brackets can be left out."""
    return [(one.signature, one.summary) for one in FILTERS.values()]
