"""What a Telegram message says, as an event body. One reader for each kind of content.

https://core.telegram.org/bots/api#message
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import msgspec

from adapters.reading import (
    MAX_INTEGER,
    Object,
    Unhandled,
    decode,
    degrees,
    identifier,
    integer,
    needed_object,
    needed_string,
    string,
)
from adapters.telegram.entities import read_entities
from adapters.telegram.members import joined_members, left_member
from adapters.telegram.names import ENVELOPE
from engine.events import (
    CommandReceived,
    ContactReceived,
    EventBody,
    FormSubmitted,
    IdentityChanged,
    LocationReceived,
    MediaReceived,
    TextReceived,
)
from engine.messages import MediaKind

MAX_NAMED = 3
"""Content names that a reason lists."""
MAX_BLOCKS = 500
MAX_DEPTH = 32
"""Blocks of a rich message that are read, and how deep."""

_COMMAND = re.compile(r"/([A-Za-z0-9_]{1,64})(?:@[A-Za-z0-9_]{1,64})?(?=\s|$)")
_RICH_TEXTS: Final = ("summary", "text", "expression", "alternative_text", "caption")
_RICH_BLOCKS: Final = ("blocks", "items", "cells")


def body_of(message: Object) -> EventBody:
    """The event body for a message. Raises `Unhandled`, naming the content that has no meaning for a bot."""
    text = message.get("text")
    if type(text) is str and text:
        marks = message.get("entities")
        command = _command(text, marks) if text[0] == "/" else None
        if command is not None:
            return command
        return (
            TextReceived(text=text, entities=read_entities(text, marks)) if marks else TextReceived(text=text)
        )
    for key, read in _READERS.items():
        content = message.get(key)
        if content is not None:
            return read(content, message)
    names = sorted(key for key, value in message.items() if key not in ENVELOPE and value is not None)
    raise Unhandled("message content not handled: " + (", ".join(names[:MAX_NAMED])[:200] or "none"))


def _command(text: str, entities: Any) -> CommandReceived | None:
    """A command is what Telegram marked as one at the very start; without any marking, what looks like one.

    Commands are lower case by Telegram's rules; customers type them as they like. Whether the bot named after @
    is this one, `adapters.telegram.context` looks at.
    """
    end = _marked_command(entities) if type(entities) is list else None
    if end is None:
        match = _COMMAND.match(text) if entities is None else None
        if match is None:
            return None
        end = match.end()
    name = text[1:end].partition("@")[0].lower()
    return CommandReceived(command=name, argument=text[end:].strip()) if name else None


def _marked_command(entities: list[Any]) -> int | None:
    """Where the command entity at offset 0 ends (UTF-16 units, which for a command are characters)."""
    for entity in entities:
        if type(entity) is dict and entity.get("type") == "bot_command" and entity.get("offset") == 0:
            length = integer(entity.get("length"))
            return length if length is not None and length > 1 else None
    return None


def _file(content: Object, kind: MediaKind, caption: str, what: str, album: str = "") -> MediaReceived:
    size, seconds = content.get("file_size"), content.get("duration")
    return MediaReceived(
        kind=kind,
        file=needed_string(content, "file_id", what),
        caption=caption,
        name=string(content, "file_name"),
        mime_type=string(content, "mime_type"),
        size=size if type(size) is int and 0 <= size <= MAX_INTEGER else None,
        seconds=seconds if type(seconds) is int and 0 <= seconds <= MAX_INTEGER else None,
        album=album,
    )


def _media(key: str, kind: MediaKind) -> Callable[[Any, Object], EventBody]:
    def read(content: Any, message: Object) -> EventBody:
        if type(content) is not dict:
            raise Unhandled(f"{key} is not an object")
        return _file(content, kind, string(message, "caption"), key, string(message, "media_group_id"))

    return read


def _photo(content: Any, message: Object) -> EventBody:
    """A photo comes in several sizes; the largest is the one that was sent."""
    sizes = [size for size in content if type(size) is dict] if type(content) is list else []
    if not sizes:
        raise Unhandled("photo without a readable size")
    largest = max(
        sizes, key=lambda size: (integer(size.get("width")) or 0) * (integer(size.get("height")) or 0)
    )
    return _file(largest, "image", string(message, "caption"), "photo", string(message, "media_group_id"))


def _sticker(content: Any, message: Object) -> EventBody:
    """A sticker has no caption; the emoji that it stands for is what it says."""
    if type(content) is not dict:
        raise Unhandled("sticker is not an object")
    return _file(content, "sticker", string(content, "emoji"), "sticker")


def _location(content: Any, message: Object) -> EventBody:
    """A bare place or a venue's; a venue is named by its title and address."""
    if type(content) is not dict:
        raise Unhandled("location is not an object")
    venue = message.get("venue")
    parts = (string(venue, "title"), string(venue, "address")) if type(venue) is dict else ()
    return LocationReceived(
        latitude=degrees(content, "latitude", 90.0),
        longitude=degrees(content, "longitude", 180.0),
        name=", ".join(part for part in parts if part),
    )


def _venue(content: Any, message: Object) -> EventBody:
    if type(content) is not dict:
        raise Unhandled("venue is not an object")
    return _location(needed_object(content, "location", "venue"), message)


def _contact(content: Any, message: Object) -> EventBody:
    if type(content) is not dict:
        raise Unhandled("contact is not an object")
    name = f"{string(content, 'first_name')} {string(content, 'last_name')}".strip()
    user, sender = integer(content.get("user_id")), message.get("from")
    return ContactReceived(
        phone=needed_string(content, "phone_number", "contact"),
        name=name,
        own=user is not None and type(sender) is dict and sender.get("id") == user,
    )


def _web_app_data(content: Any, message: Object) -> EventBody:
    """What a Mini App handed over by a keyboard button: a form if it is a JSON object, else a text.

    The customer can make it say anything: it is input like any other.
    """
    if type(content) is not dict:
        raise Unhandled("web_app_data is not an object")
    data = needed_string(content, "data", "web_app_data")
    try:
        values = decode(data.encode())
        storable = msgspec.json.decode(msgspec.json.encode(values)) == values  # false for an infinity
    except (ValueError, OverflowError, RecursionError):
        return TextReceived(text=data)
    if type(values) is not dict or not storable:
        return TextReceived(text=data)
    return FormSubmitted(form="web_app", values=values, title=string(content, "button_text"))


def _dice(content: Any, message: Object) -> EventBody:
    """An animated die, ball or slot machine: what it shows and its value, which is how it is told in words."""
    if type(content) is not dict:
        raise Unhandled("dice is not an object")
    return TextReceived(
        text=f"{needed_string(content, 'emoji', 'dice')} {identifier(content, 'value', 'dice')}"
    )


def _migration(content: Any, message: Object) -> EventBody:
    """The group became a supergroup: the chat has another id from now on."""
    chat = needed_object(message, "chat", "message")
    return IdentityChanged(
        old=identifier(chat, "id", "chat"), new=identifier(message, "migrate_to_chat_id", "migration")
    )


def _rich_message(content: Any, message: Object) -> EventBody:
    """A formatted message (headings, tables, lists): read for its words, one line a block."""
    blocks = content.get("blocks") if type(content) is dict else None
    lines = [" ".join(_texts(block, 0)) for block in blocks[:MAX_BLOCKS]] if type(blocks) is list else []
    text = "\n".join(line for line in lines if line)
    if not text:
        raise Unhandled("rich_message without readable text")
    return TextReceived(text=text)


def _texts(block: Any, depth: int) -> Iterator[str]:
    """The texts inside a block, in order: its own, and those of nested blocks, list items and cells."""
    if type(block) is list and depth < MAX_DEPTH:
        for item in block:
            yield from _texts(item, depth + 1)
    if type(block) is not dict or depth >= MAX_DEPTH:
        return
    for key in _RICH_TEXTS:
        if text := _flat(block.get(key), depth).strip():
            yield text
    for key in _RICH_BLOCKS:
        yield from _texts(block.get(key), depth + 1)


def _flat(text: Any, depth: int) -> str:
    """RichText without its formatting: a string, a list of RichText, or an object around one."""
    if type(text) is str:
        return text
    if depth >= MAX_DEPTH:
        return ""
    if type(text) is list:
        return "".join(_flat(part, depth + 1) for part in text)
    if type(text) is dict:
        return "".join(_flat(text.get(key), depth + 1) for key in _RICH_TEXTS)
    return ""


_READERS: Final[Mapping[str, Callable[[Any, Object], EventBody]]] = {
    "live_photo": _media("live_photo", "video"),  # comes with its still picture as `photo`
    "photo": _photo,
    "voice": _media("voice", "voice"),
    "audio": _media("audio", "audio"),
    "animation": _media("animation", "video"),  # comes with the same file as `document`
    "video_note": _media("video_note", "video"),
    "video": _media("video", "video"),
    "sticker": _sticker,
    "document": _media("document", "document"),
    "venue": _venue,  # comes with the same place as `location`
    "location": _location,
    "contact": _contact,
    "dice": _dice,
    "web_app_data": _web_app_data,
    "rich_message": _rich_message,
    "new_chat_members": joined_members,
    "left_chat_member": left_member,
    "migrate_to_chat_id": _migration,
}
