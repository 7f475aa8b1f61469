"""Which of the offered options a text means: its title or value, its number, its beginning, or one slip away."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TypeAlias

from engine.answers.reading import tidy
from engine.folding import fold, plain

MAX_CHOICE = 1_000
"""Code points of a text that can name an option."""
MIN_PREFIX_LETTERS = 3
MIN_TYPO_LETTERS = 5
"""Letters of a word in which one slip is forgiven: "card" and "cart" are two words."""

_NUMBER = re.compile(r"[#(]?(\d{1,4})[.):]?(?:\ufe0f?\u20e3)?", re.ASCII)
"""A number as it is written in a list, keycaps included."""

Option: TypeAlias = tuple[str, str]
"""(title, value)"""


def read_choice(text: str, options: Sequence[Option]) -> int | None:
    """The index of the option meant, or None when it is none or could be several.

    In this order: the title or value itself, the same words, the number of the option (from 1, unless titles
    are numbers), the beginning of one option only, and one slip in a word of at least MIN_TYPO_LETTERS letters.
    """
    if not text.strip() or len(text) > MAX_CHOICE:
        return None
    exact = plain(text)
    for position in (0, 1):
        for index, option in enumerate(options):
            if plain(option[position]) == exact:
                return index
    words = fold(text)
    folded = [(fold(title), fold(value)) for title, value in options]
    found = _only(folded, lambda name: name == words)
    if found is None:
        found = _numbered(text, folded)
    if found is None and sum(map(str.isalpha, words)) >= MIN_PREFIX_LETTERS:
        found = _only(folded, lambda name: name.startswith(words))
    return found if found is not None else _only(folded, lambda name: _one_slip(words, name))


def _only(options: Sequence[Option], fits: Callable[[str], bool]) -> int | None:
    """The index of the one option with a name that fits."""
    found = [index for index, names in enumerate(options) if any(map(fits, names))]
    return found[0] if len(found) == 1 else None


def _numbered(text: str, options: Sequence[Option]) -> int | None:
    found = _NUMBER.fullmatch(tidy(text, 10))
    if found is None or any(title.isdecimal() for title, _ in options):
        return None
    number = int(found[1])
    return number - 1 if 1 <= number <= len(options) else None


def _one_slip(said: str, name: str) -> bool:
    """Whether the texts differ in one word, by one letter more, less, other, or two exchanged."""
    pairs = list(zip(said.split(), name.split(), strict=False))
    if len(said.split()) != len(name.split()):
        return False
    different = [pair for pair in pairs if pair[0] != pair[1]]
    return len(different) == 1 and _slipped(*different[0])


def _slipped(said: str, word: str) -> bool:
    """Damerau's distance of 1 between words without digits: "plan2024" is no slip of "plan2025"."""
    if len(word) < MIN_TYPO_LETTERS or any(map(str.isdecimal, said + word)):
        return False
    start = 0
    while start < min(len(said), len(word)) and said[start] == word[start]:
        start += 1
    left, right = said[start:], word[start:]
    if left[:2] == right[1::-1] and len(left) >= 2 and left[2:] == right[2:]:
        return True
    return left[1:] == right[1:] or left[1:] == right or left == right[1:]
