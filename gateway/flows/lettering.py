"""Texts in a drawing: how wide they probably are, what fits, and what may stand in XML.

No font is at hand where a drawing is made, so widths are those of a wide sans serif: a text rarely takes more room.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from html import escape
from typing import Final

ELLIPSIS: Final = "…"
MONOSPACE: Final = 0.61
"""Width of a character in a monospaced font, in ems."""

_NARROW: Final = frozenset("ijlI|!.,:;'`·’‘ftr()[]/\\- \u00a0")
_WIDE: Final = frozenset("mwMW@%&—…→")
_JOINERS: Final = "\u200d\ufe0e\ufe0f"
_NOT_XML: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_STEERING: Final = re.compile("[\u202a-\u202e\u2066-\u2069]")
"""Marks that turn the direction of what follows."""


def markup(text: str) -> str:
    """`text` as XML, in an element or an attribute; what XML cannot hold is replaced."""
    return escape(_STEERING.sub("", _NOT_XML.sub("\ufffd", text)))


def one_line(text: str) -> str:
    """`text` with every run of white space as one space."""
    return " ".join(text.split())


def width(text: str, size: float, *, monospace: bool = False) -> float:
    """The probable width of a text in a font of `size`, both in pixels."""
    return sum(_monospaced(character) if monospace else _em(character) for character in text) * size


def fit(text: str, room: float, size: float, *, monospace: bool = False) -> str:
    """As much of one line of text as there is room for, in pixels; an ellipsis for what is left out."""
    text = one_line(text[:2000])
    if width(text, size, monospace=monospace) <= room:
        return text
    room -= width(ELLIPSIS, size, monospace=monospace)
    end = 0
    for character in text:
        room -= (_monospaced(character) if monospace else _em(character)) * size
        if room < 0:
            break
        end += 1
    # A symbol of several code points is left out whole.
    while end and (text[end] in _JOINERS or text[end - 1] == "\u200d" or unicodedata.combining(text[end])):
        end -= 1
    return text[:end].rstrip() + ELLIPSIS


def wrap(text: str, room: float, size: float, lines: int) -> list[str]:
    """The first lines of a text, broken at spaces where there are any; the last one ends with what fits."""
    words = one_line(text[:2000]).split(" ")
    wrapped: list[str] = []
    while words and len(wrapped) < lines - 1:
        taken = 1
        while taken < len(words) and width(" ".join(words[: taken + 1]), size) <= room:
            taken += 1
        if width(words[0], size) > room:
            head = fit(words[0], room, size).removesuffix(ELLIPSIS) or words[0][:1]
            wrapped.append(head)
            words[0] = words[0][len(head) :]
            continue
        wrapped.append(" ".join(words[:taken]))
        words = words[taken:]
    if words:
        wrapped.append(fit(" ".join(words), room, size))
    return [line for line in wrapped if line]


@lru_cache(maxsize=4096)
def _em(character: str) -> float:
    if character in _NARROW:
        return 0.37
    if character in _WIDE:
        return 0.96
    if _weightless(character):
        return 0.0
    if unicodedata.east_asian_width(character) in "WF":
        return 1.28 if ord(character) >= 0x1F000 else 1.02
    return 0.7 if character.isupper() else 0.62


@lru_cache(maxsize=4096)
def _monospaced(character: str) -> float:
    if _weightless(character):
        return 0.0
    return 2 * MONOSPACE if unicodedata.east_asian_width(character) in "WF" else MONOSPACE


def _weightless(character: str) -> bool:
    return character in _JOINERS or unicodedata.category(character) in ("Mn", "Me", "Cf")
