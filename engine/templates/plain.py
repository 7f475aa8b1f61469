"""The filters that are the same in every language."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Any, Final

from engine.expressions.errors import ExpressionError
from engine.expressions.text import utf16_length
from engine.expressions.values import UNDEFINED
from engine.templates.errors import ArgumentError, TemplateError
from engine.templates.limits import MAX_CLUSTER, MAX_OUTPUT
from engine.templates.printing import to_json, to_text, to_texts, too_long

_WORD_START: Final = re.compile(r"(?:^|(?<=[\s\-‐–—/(\[{\"“„«‘¿¡]))[^\W\d_]")
_JOINED: Final = frozenset({"Mn", "Mc", "Me"})
_JOINER: Final = "\u200d"


def default(value: Any, other: Any) -> Any:
    """`other` when the value is missing or an empty text."""
    return other if value is None or value is UNDEFINED or value == "" else value


def upper(value: Any) -> str:
    """All letters upper-case."""
    return to_text(value).upper()


def lower(value: Any) -> str:
    """All letters lower-case."""
    return to_text(value).lower()


def capitalize(value: Any) -> str:
    """The first letter upper-case, the others lower-case."""
    return to_text(value).capitalize()


def title(value: Any) -> str:
    """The first letter of each word upper-case, the others lower-case; an apostrophe starts no word."""
    return _WORD_START.sub(lambda letter: letter[0].title(), to_text(value).lower())


def trim(value: Any) -> str:
    """Without the white space at both ends."""
    return to_text(value).strip()


def truncate(value: Any, most: int, ending: str = "…") -> str:
    """At most `most` code points, `ending` included, which marks that something was cut off.

    The cut is never between a base and its combining marks, nor within a surrogate pair or a joined emoji,
    unless more than `MAX_CLUSTER` code points hang together, which no writing does.
    """
    text = to_text(value)
    if len(text) <= most:
        return text
    end = most - len(ending)
    for _ in range(MAX_CLUSTER):
        if end == 0 or not _belongs_together(text[end - 1], text[end]):
            break
        end -= 1
    return text[:end].rstrip() + ending


def _belongs_together(left: str, right: str) -> bool:
    return (
        unicodedata.category(right) in _JOINED
        or _JOINER in (left, right)
        or "🏻" <= right <= "🏿"
        or ("\ud800" <= left <= "\udbff" and "\udc00" <= right <= "\udfff")
    )


def check_truncate(most: Any, ending: Any = "…") -> None:
    """Raises `ArgumentError`."""
    if type(most) is not int or not 1 <= most <= MAX_OUTPUT or type(ending) is not str:
        raise ArgumentError(f'write truncate:20 or truncate:20,"…", with 1 to {MAX_OUTPUT} characters')
    if len(ending) > most:
        raise ArgumentError("the ending counts too: make it shorter, or the number greater")


def join(value: Any, separator: str = ", ") -> str:
    """A list's items with `separator` between them; anything else as it is."""
    if not isinstance(value, list | tuple):
        return to_text(value)
    return separator.join(to_texts(value, len(separator)))


def check_join(separator: Any = ", ") -> None:
    """Raises `ArgumentError`."""
    if type(separator) is not str:
        raise ArgumentError('write the separator in quotes: join:", "')


def first(value: Any) -> Any:
    """A list's first item, missing when it is empty; anything else as it is."""
    if not isinstance(value, list | tuple):
        return value
    return value[0] if value else UNDEFINED


def last(value: Any) -> Any:
    """A list's last item, missing when it is empty; anything else as it is."""
    if not isinstance(value, list | tuple):
        return value
    return value[-1] if value else UNDEFINED


def length(value: Any) -> int:
    """How many items a list has, keys an object, or else UTF-16 units the text, as `.length` counts."""
    if isinstance(value, list | tuple | Mapping):
        return len(value)
    return utf16_length(to_text(value))


def json(value: Any) -> str:
    """Compact JSON; a missing value is null. Bounded here, because JSON of JSON of JSON doubles each time."""
    try:
        text = to_json(value)
    except ExpressionError as error:
        raise TemplateError(str(error)) from None
    if len(text) > MAX_OUTPUT:
        raise too_long()
    return text
