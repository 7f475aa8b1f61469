"""Folding: what makes "🚀 AI Tools!" and "ai tools" the same words.

NFKC and casefold; letters, digits and the marks on them stay, all else separates words. Scripts that write
no spaces (Chinese, Japanese, Thai, …) fold to one character a word, so that words are found inside their texts.
"""

from __future__ import annotations

import unicodedata

MAX_FOLDED = 4_000
"""Code points of a text that are looked at; what follows is not compared with anything."""
MAX_CACHED = 8_192
"""Code points whose folding is remembered."""

_JOINED_UP = (
    (0x0E00, 0x0EFF),  # Thai, Lao
    (0x1000, 0x109F),  # Myanmar
    (0x1780, 0x17FF),  # Khmer
    (0x3040, 0x30FF),  # Hiragana, Katakana
    (0x3400, 0x4DBF),  # CJK extension A
    (0x4E00, 0x9FFF),  # CJK
    (0xF900, 0xFAFF),  # CJK compatibility
    (0x20000, 0x3FFFF),  # CJK extensions
)
_DECORATION = ((0xFE00, 0xFE0F), (0x20D0, 0x20FF), (0xE0100, 0xE01EF))
"""Marks that dress a symbol rather than spell a word: variation selectors, keycaps."""


class _Table(dict[int, str]):
    """What each code point folds to, found when first met."""

    def __missing__(self, code: int) -> str:
        folded = _fold_code_point(code)
        if len(self) < MAX_CACHED:
            self[code] = folded
        return folded


def fold(text: str) -> str:
    """The words of `text`, folded, with single spaces between them; a text of symbols only keeps its symbols."""
    text = text[:MAX_FOLDED]
    if text.isascii():
        return " ".join(text.lower().translate(_ASCII).split()) or " ".join(text.split())
    text = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(text.translate(_TABLE).split()) or " ".join(text.replace("\ufe0f", "").split())


def plain(text: str) -> str:
    """`text` with case, width and spacing evened out, but every symbol kept: "C++" and "c#" stay apart."""
    return " ".join(unicodedata.normalize("NFKC", text[:MAX_FOLDED]).casefold().split())


def readable(text: str) -> str:
    """`text` as every database and platform takes it: no NUL and no lone surrogate."""
    if "\0" in text:
        text = text.replace("\0", "\ufffd")
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def _fold_code_point(code: int) -> str:
    character = chr(code)
    category = unicodedata.category(character)
    if category == "Cf" or _within(code, _DECORATION):
        return ""
    if category[0] not in "LNM":
        return " "
    return f" {character} " if _within(code, _JOINED_UP) else character


def _within(code: int, ranges: tuple[tuple[int, int], ...]) -> bool:
    return any(first <= code <= last for first, last in ranges)


_TABLE = _Table()
_ASCII = "".join(_fold_code_point(code) or " " for code in range(128))
