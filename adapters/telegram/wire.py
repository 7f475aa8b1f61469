"""A call while it is made: parameters that can still be added to, then bytes."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from adapters.protocol import Call, Upload

BLANK: Final = "…"
"""What is sent in place of a text that has nothing to see; Telegram refuses an empty message."""

encode = msgspec.json.Encoder().encode


class Draft:
    """One call of a message, before its keyboard, its address and its manner are added."""

    __slots__ = ("body", "method", "uploads")

    def __init__(self, method: str, body: dict[str, Any], uploads: tuple[Upload, ...] = ()) -> None:
        self.method = method
        self.body = body
        self.uploads = uploads

    def call(self) -> Call:
        """The call as it goes out."""
        return Call(method=self.method, body=encode(self.body), uploads=self.uploads)
