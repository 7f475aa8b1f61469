"""What a person wrote, as text and entities: from `rich_text` blocks, which Slack's own clients send, else from mrkdwn.

https://docs.slack.dev/reference/block-kit/blocks/rich-text-block
https://docs.slack.dev/messaging/formatting-message-text
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from adapters.reading import Object, integer, string
from adapters.slack.emojis import emoji_of
from engine.events import Entity

MAX_ENTITIES: Final = 200
"""Entities of one text; what is marked beyond them is text like any other."""
MAX_DEPTH: Final = 8
"""How deep a rich text is read."""
MAX_ELEMENTS: Final = 5_000

_MARK = re.compile(r"<([^<>\n]{1,3100})>")
_NAME = re.compile(r"(?<![A-Za-z0-9]):([a-z0-9_+'-]{1,60}(?:::skin-tone-[2-6])?):(?![A-Za-z0-9])")
_STYLES: Final = ("bold", "italic", "strike", "underline", "code")
_ESCAPES: Final = (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&"))


def unescape(text: str) -> str:
    """mrkdwn's three escapes as the characters that they stand for."""
    if "&" not in text:
        return text
    for escaped, character in _ESCAPES:
        text = text.replace(escaped, character)
    return text


class Words:
    """A text that grows, with what is marked in it."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._length = 0
        self._entities: list[Entity] = []

    def add(self, text: str, *marks: tuple[str, str]) -> None:
        """Append a text; each mark is (kind, value)."""
        if not text:
            return
        start = self._length
        self._parts.append(text)
        self._length += len(text)
        for kind, value in marks:
            self._mark(kind, start, value)

    def _mark(self, kind: str, start: int, value: str) -> None:
        last = self._entities[-1] if self._entities else None
        if last is not None and (last.kind, last.value, last.end) == (kind, value, start) and kind in _STYLES:
            self._entities[-1] = Entity(kind=kind, start=last.start, end=self._length, value=value)
        elif len(self._entities) < MAX_ENTITIES:
            self._entities.append(Entity(kind=kind, start=start, end=self._length, value=value))

    def mark_since(self, kind: str, start: int) -> None:
        """Mark everything that was added since the text was `start` long."""
        if self._length > start:
            self._mark(kind, start, "")

    def new_line(self) -> None:
        """Go on with a new line, unless this one is empty."""
        if self._parts and not self._parts[-1].endswith("\n"):
            self.add("\n")

    @property
    def length(self) -> int:
        """Code points so far."""
        return self._length

    def result(self) -> tuple[str, tuple[Entity, ...]]:
        """The text without the white space around it, and the entities that are left within it."""
        whole = "".join(self._parts)
        text = whole.strip()
        if not self._entities:
            return text, ()
        shift = len(whole) - len(whole.lstrip())
        moved = (
            Entity(
                kind=one.kind,
                start=max(one.start - shift, 0),
                end=min(one.end - shift, len(text)),
                value=one.value,
            )
            for one in self._entities
        )
        return text, tuple(one for one in moved if one.start < one.end)


def read_words(message: Object) -> tuple[str, tuple[Entity, ...]]:
    """The text of a message and what is marked in it."""
    blocks = message.get("blocks")
    if type(blocks) is list:
        rich = [block for block in blocks if type(block) is dict and block.get("type") == "rich_text"]
        if rich and len(rich) == len(blocks):
            words = Words()
            for block in rich:
                _read_parts(block.get("elements"), words, 0)
            text, entities = words.result()
            if text:
                return text, entities
    return read_mrkdwn(string(message, "text"))


def without_mention(text: str, entities: tuple[Entity, ...], user: str) -> tuple[str, tuple[Entity, ...]]:
    """The text without the mention of `user` that it begins with: `@app help` asks for `help`."""
    first = entities[0] if entities else None
    if first is None or first.start != 0 or first.kind != "mention" or first.value != user or not user:
        return text, entities
    rest = text[first.end :].lstrip(" \t\n,:\u2013\u2014\u00a0-")
    shift = len(text) - len(rest)
    left = (
        Entity(kind=one.kind, start=max(one.start - shift, 0), end=one.end - shift, value=one.value)
        for one in entities[1:]
    )
    return rest, tuple(one for one in left if one.start < one.end)


def read_mrkdwn(text: str) -> tuple[str, tuple[Entity, ...]]:
    """Slack's markup as text: mentions and links become entities, `*bold*` stays as it was typed."""
    words = Words()
    last = 0
    for match in _MARK.finditer(text):
        _add_plain(text[last : match.start()], words)
        _add_mark(match[1], words)
        last = match.end()
    _add_plain(text[last:], words)
    return words.result()


def _add_plain(text: str, words: Words) -> None:
    last = 0
    for match in _NAME.finditer(text):
        words.add(unescape(text[last : match.start()]))
        words.add(emoji_of(match[1]), ("emoji", match[1]))
        last = match.end()
    words.add(unescape(text[last:]))


def _add_mark(inside: str, words: Words) -> None:
    """What stands between < and >: a mention, a channel, a group, a date, or a link with its label."""
    target, _, label = inside.partition("|")
    target, label = unescape(target), unescape(label)
    match target[:1]:
        case "@":
            words.add("@" + (label.removeprefix("@") or target[1:]), ("mention", target[1:]))
        case "#":
            words.add("#" + (label.removeprefix("#") or target[1:]), ("mention", target[1:]))
        case "!":
            name = target[1:].partition("^")[0]
            if name in ("here", "channel", "everyone", "subteam"):
                words.add(label or f"@{name}", ("mention", target[1:].partition("^")[2] or name))
            else:  # a date, written out for clients that can't
                words.add(label or target[1:])
        case _:
            _add_link(target, label, words)


def _add_link(url: str, label: str, words: Words, *marks: tuple[str, str]) -> None:
    """An address that stands for itself, or a text that leads to one."""
    bare = url.removeprefix("mailto:").removeprefix("tel:")
    kind = "email" if url.startswith("mailto:") else "phone" if url.startswith("tel:") else "url"
    words.add(label or bare, (kind if label in ("", url, bare) else "link", url), *marks)


def _read_parts(elements: Any, words: Words, depth: int) -> None:
    """Sections, lists, quotes and code, each beginning on a line of its own."""
    for element in elements[:MAX_ELEMENTS] if type(elements) is list and depth < MAX_DEPTH else ():
        if type(element) is not dict:
            continue
        kind = element.get("type")
        if kind == "rich_text_list":
            _read_list(element, words, depth)
        elif kind in ("rich_text_section", "rich_text_quote", "rich_text_preformatted"):
            words.new_line()
            start = words.length
            for part in _objects(element.get("elements")):
                _read_part(part, words)
            if kind != "rich_text_section":
                words.mark_since("quote" if kind == "rich_text_quote" else "pre", start)


def _read_list(element: Object, words: Words, depth: int) -> None:
    indent = min(integer(element.get("indent")) or 0, MAX_DEPTH) if depth < MAX_DEPTH else 0
    number = (integer(element.get("offset")) or 0) + 1
    for section in _objects(element.get("elements")):
        words.new_line()
        bullet = f"{number}. " if element.get("style") == "ordered" else "• "
        words.add("  " * max(indent, 0) + bullet)
        for part in _objects(section.get("elements")):
            _read_part(part, words)
        number += 1


def _objects(elements: Any) -> Iterator[Object]:
    for element in elements[:MAX_ELEMENTS] if type(elements) is list else ():
        if type(element) is dict:
            yield element


def _read_part(part: Object, words: Words) -> None:
    style = part.get("style")
    marks = [(name, "") for name in _STYLES if type(style) is dict and style.get(name) is True]
    match part.get("type"):
        case "text":
            words.add(string(part, "text"), *marks)
        case "link":
            _add_link(string(part, "url"), string(part, "text"), words, *marks)
        case "user":
            user = string(part, "user_id")
            words.add(f"@{user}", ("mention", user), *marks)
        case "channel":
            channel = string(part, "channel_id")
            words.add(f"#{channel}", ("mention", channel), *marks)
        case "usergroup":
            group = string(part, "usergroup_id")
            words.add(f"@{group}", ("mention", group), *marks)
        case "broadcast":
            reach = string(part, "range")
            words.add(f"@{reach}", ("mention", reach), *marks)
        case "emoji":
            _read_emoji(part, words)
        case "date":
            words.add(string(part, "fallback") or string(part, "format"), *marks)
        case "color":
            words.add(string(part, "value"), *marks)


def _read_emoji(part: Object, words: Words) -> None:
    """`unicode` has the code points in hexadecimal, joined by dashes; a workspace's own emoji has none."""
    name, points = string(part, "name"), string(part, "unicode")
    try:
        character = "".join(chr(int(point, 16)) for point in points.split("-")) if points else emoji_of(name)
        character.encode()
    except (ValueError, OverflowError):  # surrogates and what is no code point
        character = emoji_of(name)
    words.add(character if "\x00" not in character else emoji_of(name), ("emoji", name))
