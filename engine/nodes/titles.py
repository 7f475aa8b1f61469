"""What can be typed instead of pressing a button."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from engine.folding import fold, plain

if TYPE_CHECKING:
    from engine.nodes.texts import Label
    from engine.turn import Turn


class Titles:
    """Names of choices: by their words where those tell them apart, else exactly ("C" and "C++")."""

    __slots__ = ("_by_words", "_exact")

    def __init__(self, names: Iterable[tuple[str, int]], numbered: int = 0) -> None:
        """`names`: (name, index of the choice). `numbered`: how many can also be named by their number, from 1."""
        owners: dict[str, set[int]] = {}
        exact: dict[str, int] = {}
        for name, index in names:
            owners.setdefault(fold(name), set()).add(index)
            exact.setdefault(plain(name), index)
        by_words = {words: min(indexes) for words, indexes in owners.items() if len(indexes) == 1 and words}
        for index in range(numbered):
            if str(index + 1) not in owners:
                by_words[str(index + 1)] = index
        exact.pop("", None)
        self._by_words = by_words
        self._exact = exact if any(len(indexes) > 1 for indexes in owners.values()) else {}

    def find(self, turn: Turn) -> int | None:
        """The choice that the customer's text names."""
        if self._exact:
            index = self._exact.get(plain(turn.text))
            if index is not None:
                return index
        return self._by_words.get(turn.folded) if self._by_words else None


def titles_of(labels: Sequence[Label]) -> list[tuple[str, int]]:
    """The labels in every language, each with its index."""
    return [(title, index) for index, label in enumerate(labels) for title in label.every]
