"""Channels: what is too long or too much for one, and what it has no form of its own for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, Protocol

from engine.fields import EACH, select
from engine.known import text
from engine.lint.flow import Flow, Remark
from engine.problems import Path, shortened


class Limit(Protocol):
    """At most so much of a unit."""

    @property
    def size(self) -> int:
        """How much."""

    @property
    def unit(self) -> str:
        """Of what: bytes, code_points, utf16."""

    def allows(self, text: str) -> bool:
        """Whether `text` fits."""


class Feature(Protocol):
    """How well a channel does one thing."""

    @property
    def level(self) -> str:
        """`native`, `fallback` or `dropped`."""

    @property
    def note(self) -> str:
        """What becomes of it."""


class Capabilities(Protocol):
    """What a channel can do, as far as the lint asks."""

    @property
    def text(self) -> Limit:
        """Of one message."""

    @property
    def choice_title(self) -> Limit:
        """Of one button."""

    @property
    def choice_page(self) -> int:
        """Choices of a page of a longer menu."""

    @property
    def link_count(self) -> int:
        """Link buttons of one message."""

    @property
    def sends(self) -> Mapping[Any, Feature]:
        """What can be said, as `adapters.capabilities.Outbound` names it."""


Channel = tuple[str, Capabilities]
"""A platform's name and what it can do."""
_NAMES: Final[Mapping[str, str]] = {
    "image": "a picture", "video": "a film", "audio": "a sound", "voice": "a voice message", "document": "a document",
    "sticker": "a sticker", "album": "an album", "card": "a card", "carousel": "a carousel", "location": "a place",
    "contact": "a contact", "web_app": "an app inside the chat", "form": "a form", "template": "an approved template",
    "reaction": "a reaction", "edit": "a message in place of another",
}  # fmt: skip
"""What a kind is called here."""


def remarks(flow: Flow, on: tuple[Channel, ...]) -> Iterator[Remark]:
    """All of them."""
    if not on:
        return
    labels = {value for path, kind, value in flow.texts if kind == "label" and path[-1] != "description"}
    spoken = {value for _, kind, value in flow.texts if kind == "text"}
    translated = list(_translated(flow))
    for name, capabilities in on:
        title, most = capabilities.choice_title, capabilities.text
        for path, value in [*_marked(flow, "label"), *((p, v) for p, s, v in translated if s in labels)]:
            if not title.allows(value):
                message = f'on {name} "{shortened(value)}" is longer than {title.size} {_unit(title)} and is cut off'
                yield Remark(path, message, "make it shorter")
        for path, value in [*_marked(flow, "text"), *((p, v) for p, s, v in translated if s in spoken)]:
            if not most.allows(value):
                message = f"on {name} the text is longer than {most.size} {_unit(most)} and is sent in parts"
                yield Remark(path, message, "make it shorter, or two messages")
        yield from _counts(flow, name, capabilities)
        yield from _forms(flow, name, capabilities)


def _marked(flow: Flow, wanted: str) -> Iterator[tuple[Path, str]]:
    for path, kind, value in flow.texts:
        if kind == wanted and path[-1] != "description":
            yield path, value


def _translated(flow: Flow) -> Iterator[tuple[Path, str, str]]:
    """Translations: (place, the text as it stands in the flow, translation)."""
    for path, value in select(flow.definition, ("translations", EACH, EACH)):
        if text(value):
            node, bar, rest = str(path[-1]).partition("|")
            yield path, rest if bar and node in flow.nodes else str(path[-1]), value


def _counts(flow: Flow, channel: str, capabilities: Capabilities) -> Iterator[Remark]:
    """More options than a page shows, more links than one message has."""
    for id, node in flow.nodes.items():
        config, place = flow.config_of(id), (*node.path, "config")
        options, most = config.get("options"), capabilities.choice_page
        if isinstance(options, list) and len(options) > most:
            how = f"paged, {most} at a time"
            if capabilities.sends["choices"].level != "native":
                how = "numbered in the text"
            message = f"on {channel} {len(options)} options are {how}"
            yield Remark((*place, "options"), message, "offer fewer, or ask in two steps")
        links, most = config.get("links"), capabilities.link_count
        if flow.type_of(id) == "message" and isinstance(links, list) and len(links) > most:
            message = (
                f"on {channel} only {most} of {len(links)} links are buttons; the others are written out"
            )
            yield Remark((*place, "links"), message, "have fewer, or several messages")


def _forms(flow: Flow, channel: str, capabilities: Capabilities) -> Iterator[Remark]:
    """What the channel shows in another form, or not at all."""
    for id in flow.nodes:
        config = flow.config_of(id)
        for path, kind in _kinds(flow, id):
            feature = capabilities.sends[kind]
            if feature.level == "native":
                continue
            if kind == "template" and not text(config.get("message")):
                message = f"on {channel} there are no approved templates, and the message has no text to say instead"
                yield Remark(path, message, 'add "message"')
            elif feature.level == "fallback":
                message = f"on {channel} {_NAMES[kind]} has no form of its own: {feature.note}"
                yield Remark(path, message, "look at it there, or let a condition ask for the channel")
            else:
                message = f"on {channel} {_NAMES[kind]} is left out: {feature.note}"
                yield Remark(
                    path, message, "let nothing depend on it, or let a condition ask for the channel"
                )


def _kinds(flow: Flow, id: str) -> Iterator[tuple[Path, str]]:
    """What a node says besides texts and choices: (place, kind as `Outbound` names it)."""
    config, place = flow.config_of(id), (*flow.nodes[id].path, "config")
    if flow.type_of(id) == "react":
        yield place, "reaction"
    if flow.type_of(id) != "message":
        return
    for path, item in select(config, ("media", EACH), place):
        kind = item.get("kind", "image") if isinstance(item, dict) else ""
        if kind in _NAMES:
            yield path, kind
    for path, item in select(config, ("links", EACH), place):
        kind = item.get("kind") if isinstance(item, dict) else ""
        if kind in ("web_app", "form"):
            yield path, kind
    for key, one, several in (("cards", "card", "carousel"), ("media", "", "album")):
        items = config.get(key)
        count = len(items) if isinstance(items, list) else 0
        if count > 1 or (count and one):
            yield (*place, key), several if count > 1 else one
    for key in ("location", "contact", "template"):
        if isinstance(config.get(key), dict):
            yield (*place, key), key
    if text(config.get("edit")):
        yield (*place, "edit"), "edit"


def _unit(limit: Limit) -> str:
    return {"utf16": "UTF-16 units", "code_points": "characters"}.get(limit.unit, limit.unit)
