"""`list`: several things in one sentence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from babel.core import Locale

from engine.templates.errors import ArgumentError
from engine.templates.filters import Localized
from engine.templates.locales import place_in
from engine.templates.printing import to_text, to_texts

_STYLES: Final = {"and": "standard", "or": "or"}


def sentence_list(word: object = "and", locale: object = None) -> Localized:
    """["a", "b", "c"] is "a, b, and c" in English and "a, b und c" in German; what is no list prints as it is."""
    if word not in _STYLES:
        raise ArgumentError('write list, list:"and" or list:"or"')
    style = _STYLES[str(word)]
    place = place_in(locale)

    def apply(value: Any, env: Mapping[str, Any]) -> str:
        if not isinstance(value, list | tuple):
            return to_text(value)
        return _joined(to_texts(value), style, place.locale(env))

    return apply


def _joined(texts: Sequence[str], style: str, locale: Locale) -> str:
    """As `babel.lists.format_list`, whose time grows with the square of the items."""
    if len(texts) < 2:
        return "".join(texts)
    patterns: Mapping[str, str] = locale.list_patterns[style]
    if len(texts) == 2:
        return patterns["2"].format(*texts)
    start, middle = (patterns[part].removeprefix("{0}").removesuffix("{1}") for part in ("start", "middle"))
    head = texts[0] + start + middle.join(texts[1:-1])
    return patterns["end"].format(head, texts[-1])
