"""How much of a worker's work is under way, and how much of it is one bot's: a slow bot holds up no other."""

from __future__ import annotations

from collections import Counter
from typing import Final
from uuid import UUID

OF_ONE_BOT: Final = 16
"""Pieces of work that one bot has under way in one worker at most."""


class Slots:
    """Counts. `total` is the most of all bots together."""

    def __init__(self, total: int, of_one_bot: int = OF_ONE_BOT) -> None:
        self.total = total
        self.of_one_bot = of_one_bot
        self._taken: Counter[UUID] = Counter()

    @property
    def free(self) -> int:
        """How many are left for bots that have room."""
        return self.total - self._taken.total()

    def take(self, bot: UUID) -> bool:
        """Take one, if there is one for this bot."""
        if self.free <= 0 or self._taken[bot] >= self.of_one_bot:
            return False
        self._taken[bot] += 1
        return True

    def give(self, bot: UUID) -> None:
        """Give one back."""
        self._taken[bot] -= 1
        if not self._taken[bot]:
            del self._taken[bot]
