"""Texts as JavaScript counts them: in UTF-16 units.

A text is a plain `str` of code points. Where positions matter it is spread into `units` (one code point
per UTF-16 unit, so an astral character becomes two surrogates) and afterwards brought together by `fold`.
A cut through an astral character leaves a lone surrogate, which no database and no platform accepts:
`well_formed` replaces it in what leaves an expression.
"""

from __future__ import annotations

import re
from typing import Any, Final

from engine.expressions.errors import ExpressionError
from engine.expressions.limits import MAX_DATA_DEPTH, MAX_TEXT

WHITESPACE: Final = (
    "\t\n\v\f\r \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000\ufeff"
)
"""ECMAScript WhiteSpace and LineTerminator; Python's own set differs (U+001C, U+0085, U+FEFF)."""

_ASTRAL = re.compile("[\U00010000-\U0010ffff]")
_PAIR = re.compile("[\ud800-\udbff][\udc00-\udfff]")
_SURROGATE = re.compile("[\ud800-\udfff]")


def units(text: str) -> str:
    """One code point per UTF-16 unit."""
    return text if text.isascii() else _ASTRAL.sub(_spread, text)


def fold(text: str) -> str:
    """The inverse of `units`: surrogate pairs become the characters that they stand for."""
    return text if text.isascii() else _PAIR.sub(_pair, text)


def utf16_length(text: str) -> int:
    """Length in UTF-16 units."""
    return len(text) if text.isascii() else len(text) + len(_ASTRAL.findall(text))


def utf16_order(text: str) -> bytes:
    """A key that sorts as JavaScript compares texts: by UTF-16 unit, not by code point."""
    return text.encode("utf-16-be", "surrogatepass")


def bounded(text: str) -> str:
    """`text`, unless it is too long to be built."""
    if len(text) > MAX_TEXT:
        raise too_long()
    return text


def too_long() -> ExpressionError:
    """The error for a text over `MAX_TEXT`."""
    return ExpressionError(f"a text would become longer than {MAX_TEXT} characters; build a shorter one")


def concatenate(left: str, right: str) -> str:
    """`left + right`, with a pair that was cut apart brought together again."""
    joined = bounded(left + right)
    return joined if joined.isascii() else fold(joined)


def well_formed(value: Any, depth: int = 0) -> Any:
    """`value` with every lone surrogate replaced by U+FFFD, as `String.prototype.toWellFormed` does."""
    if isinstance(value, str):
        return value if value.isascii() else _SURROGATE.sub("\ufffd", value)
    if depth < MAX_DATA_DEPTH:
        if type(value) is list:
            return [well_formed(item, depth + 1) for item in value]
        if type(value) is dict:
            return {well_formed(key): well_formed(item, depth + 1) for key, item in value.items()}
    return value


def has_surrogate(text: str) -> bool:
    """Whether a folded text holds a lone surrogate."""
    return _SURROGATE.search(text) is not None


def _spread(match: re.Match[str]) -> str:
    offset = ord(match[0]) - 0x10000
    return chr(0xD800 + (offset >> 10)) + chr(0xDC00 + (offset & 0x3FF))


def _pair(match: re.Match[str]) -> str:
    high, low = ord(match[0][0]), ord(match[0][1])
    return chr(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00))
