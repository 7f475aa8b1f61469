"""Finding keywords in what customers write: whole words, phrases, and, if allowed, one slip of the finger."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, Generic, TypeVar

import msgspec

from engine.folding import fold

MIN_TYPO_LETTERS: Final = 5
"""A shorter word has too many neighbours that mean something else."""
MAX_TYPO_WORDS: Final = 8
"""In a longer text a near miss is more likely a word of its own."""

_ORDER: Final = (0, -1, 1)
"""How much longer the word that was meant may be, the likeliest first."""

T = TypeVar("T")


class Keyword(msgspec.Struct, Generic[T], frozen=True):
    """A keyword and what it stands for. The lower the rank, the sooner it wins."""

    words: list[str]
    text: str
    rank: tuple[int, int, int]
    value: T


class Keywords(Generic[T]):
    """A matcher: one look-up a word of the text, and a comparison where a keyword begins so."""

    __slots__ = ("_by_first_word", "_first_words", "_longest", "_near")

    def __init__(self, entries: Iterable[tuple[str, T, int]], *, typos: bool) -> None:
        """`entries`: (keyword, what it stands for, class: the lowest wins); then the longest, then the first."""
        found: dict[str, list[Keyword[T]]] = {}
        for position, (text, value, rank) in enumerate(entries):
            folded = fold(text)
            if not folded:
                continue
            words = folded.split(" ")
            keyword = Keyword(words, text, (rank, -len(folded), position), value)
            found.setdefault(words[0], []).append(keyword)
        for keywords in found.values():
            keywords.sort(key=lambda keyword: keyword.rank)
        self._by_first_word = found
        self._first_words = frozenset(found)
        self._near = _long_words(found) if typos else {}
        self._longest = max(map(len, self._near), default=0)

    def find(self, folded: str) -> Iterator[tuple[Keyword[T], bool]]:
        """The keywords in a folded text, best first, each with whether it is the whole text."""
        words = folded.split(" ")
        exact = [] if self._first_words.isdisjoint(words) else self._among(words)
        if exact or not self._near or len(words) > MAX_TYPO_WORDS:
            yield from exact
            return
        mended = self._mended(words)
        if mended is not None:
            yield from self._among(mended)

    def _among(self, words: list[str]) -> list[tuple[Keyword[T], bool]]:
        found = [
            (keyword, len(keyword.words) == len(words))
            for start, word in enumerate(words)
            for keyword in self._by_first_word.get(word, ())
            if words[start : start + len(keyword.words)] == keyword.words
        ]
        found.sort(key=lambda match: match[0].rank)
        return found

    def _mended(self, words: list[str]) -> list[str] | None:
        """The words with each near miss of a keyword's word in its place; None when there is none."""
        mended = None
        for index, word in enumerate(words):
            meant = self._nearest(word) if len(word) >= MIN_TYPO_LETTERS - 1 else None
            if meant is not None:
                mended = mended or list(words)
                mended[index] = meant
        return mended

    def _nearest(self, word: str) -> str | None:
        if len(word) > self._longest + 1:
            return None
        variants = (known for variant in _variants(word) for known in self._near.get(variant, ()))
        near = {known for known in variants if known[0] == word[0] and one_slip(word, known)}
        return min(near, key=lambda known: (_ORDER.index(len(known) - len(word)), known), default=None)


def one_slip(a: str, b: str) -> bool:
    """Whether a letter was left out, added, replaced, or exchanged with its neighbour. Equal words have none."""
    if a == b or abs(len(a) - len(b)) > 1:
        return False
    start = 0
    while start < min(len(a), len(b)) and a[start] == b[start]:
        start += 1
    rest_a, rest_b = a[start:], b[start:]
    if len(a) == len(b):
        swapped = rest_a[1:2] + rest_a[:1] + rest_a[2:]
        return rest_a[1:] == rest_b[1:] or swapped == rest_b
    return rest_a[1:] == rest_b or rest_a == rest_b[1:]


def _long_words(found: dict[str, list[Keyword[T]]]) -> dict[str, tuple[str, ...]]:
    """The keywords' longer words by their variants: words a slip apart have one in common."""
    near: dict[str, list[str]] = {}
    words = {word for keywords in found.values() for keyword in keywords for word in keyword.words}
    for word in sorted(words):
        if len(word) >= MIN_TYPO_LETTERS:
            for variant in _variants(word):
                near.setdefault(variant, []).append(word)
    return {variant: tuple(known) for variant, known in near.items()}


def _variants(word: str) -> set[str]:
    """The word, and what is left of it without one of its letters; the first stays, a slip seldom hits it."""
    return {word, *(word[:index] + word[index + 1 :] for index in range(1, len(word)))}
