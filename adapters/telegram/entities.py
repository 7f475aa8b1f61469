"""What is marked in a text. Telegram counts UTF-16 units, everything on our side counts code points.

https://core.telegram.org/bots/api#messageentity
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from typing import Any, Final

from adapters.reading import Object, integer, string
from engine.events import Entity
from engine.messages import Span, SpanKind

MAX_ENTITIES: Final = 100
"""Entities of one message that are read, and that are sent; Telegram ignores more."""

_HEARD: Final[Mapping[str, str]] = {
    "mention": "mention",
    "text_mention": "mention",
    "hashtag": "hashtag",
    "cashtag": "hashtag",
    "bot_command": "command",
    "url": "url",
    "email": "email",
    "phone_number": "phone",
    "custom_emoji": "emoji",
    "bold": "bold",
    "italic": "italic",
    "underline": "underline",
    "strikethrough": "strike",
    "spoiler": "spoiler",
    "code": "code",
    "pre": "pre",
    "blockquote": "quote",
    "expandable_blockquote": "quote",
    "text_link": "link",
}
"""Telegram's types as `Entity.kind`; others, such as a date, are words like any."""
_SAID: Final[Mapping[SpanKind, str]] = {
    "bold": "bold",
    "italic": "italic",
    "underline": "underline",
    "strike": "strikethrough",
    "spoiler": "spoiler",
    "code": "code",
    "pre": "pre",
    "quote": "blockquote",
    "link": "text_link",
}
_WIDE = re.compile("[\U00010000-\U0010ffff]")
_LINKABLE = re.compile(r"(?:https?|tg)://\S+", re.IGNORECASE)


def read_entities(text: str, marks: Any) -> tuple[Entity, ...]:
    """The entities of `text` that can be read and lie within it; never raises."""
    if type(marks) is not list:
        return ()
    wide = _wide(text)
    starts = [point + index for index, point in enumerate(wide)]
    found: list[Entity] = []
    for mark in marks[:MAX_ENTITIES]:
        if type(mark) is not dict:
            continue
        kind, offset, length = _HEARD.get(string(mark, "type")), mark.get("offset"), mark.get("length")
        if kind is None or type(offset) is not int or type(length) is not int or offset < 0:
            continue
        start = offset - bisect_left(starts, offset)
        end = min(offset + length - bisect_left(starts, offset + length), len(text))
        if start < end:
            found.append(Entity(kind=kind, start=start, end=end, value=_value(mark)))
    return tuple(found)


def _value(mark: Object) -> str:
    """A link's address, a mentioned user's id, a custom emoji's id, the language of code."""
    user = mark.get("user")
    if type(user) is dict:
        number = integer(user.get("id"))
        return "" if number is None else str(number)
    return string(mark, "url") or string(mark, "custom_emoji_id") or string(mark, "language")


def write_entities(text: str, spans: Sequence[Span]) -> list[dict[str, int | str]]:
    """`spans` as MessageEntity objects; those that lie outside of `text` or link nowhere are left out."""
    wide = _wide(text)
    size = len(text)
    entities: list[dict[str, int | str]] = []
    for span in spans[:MAX_ENTITIES]:
        start, end = max(span.start, 0), min(span.end, size)
        if start >= end or (span.kind == "link" and not is_linkable(span.value)):
            continue
        offset = start + bisect_left(wide, start)
        entity: dict[str, int | str] = {
            "type": _SAID[span.kind],
            "offset": offset,
            "length": end + bisect_left(wide, end) - offset,
        }
        if span.value and span.kind == "link":
            entity["url"] = span.value
        elif span.value and span.kind == "pre":
            entity["language"] = span.value
        entities.append(entity)
    return entities


def is_linkable(address: str) -> bool:
    """Whether Telegram takes `address` for a link; a mail address or a path it refuses."""
    return _LINKABLE.fullmatch(address) is not None


def _wide(text: str) -> list[int]:
    """Where the characters stand that take two UTF-16 units, in code points."""
    return [] if text.isascii() else [match.start() for match in _WIDE.finditer(text)]
