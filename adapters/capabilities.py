"""What a platform can do, as data: for each feature a level, for each limit its unit."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

Level: TypeAlias = Literal["native", "fallback", "dropped"]
Unit: TypeAlias = Literal["bytes", "code_points", "utf16"]


class Limit(msgspec.Struct, frozen=True):
    """At most `size` of `unit`."""

    size: int
    unit: Unit

    def measure(self, text: str) -> int:
        """The length of `text` in this limit's unit."""
        match self.unit:
            case "bytes":
                return len(text.encode())
            case "code_points":
                return len(text)
            case "utf16":
                return len(text) + sum(1 for character in text if character > "\uffff")

    def allows(self, text: str) -> bool:
        """Whether `text` fits."""
        return len(text) * 4 <= self.size or self.measure(text) <= self.size


class Capabilities(msgspec.Struct, frozen=True, kw_only=True):
    """One platform's table."""

    text: Limit
    choices: Level
    choice_title: Limit
    choice_count: int
    """How many choices one message carries natively."""
    typing: Level
