"""Channels: what is too long or too much for one, and how it will look there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

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


class Capabilities(Protocol):
    """What a channel can do, as far as the lint asks."""

    @property
    def text(self) -> Limit:
        """Of one message."""

    @property
    def choice_title(self) -> Limit:
        """Of one button."""

    @property
    def choice_count(self) -> int:
        """Buttons of one message."""


Channel = tuple[str, Capabilities]
"""A platform's name and what it can do."""


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
        yield from _counts(flow, name, capabilities.choice_count)


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


def _counts(flow: Flow, channel: str, most: int) -> Iterator[Remark]:
    for id, node in flow.nodes.items():
        options = flow.config_of(id).get("options")
        if isinstance(options, list) and len(options) > most:
            message = (
                f"on {channel} only {most} of {len(options)} options are buttons; the others are written out"
            )
            yield Remark((*node.path, "config", "options"), message, "offer fewer, or ask in two steps")


def _unit(limit: Limit) -> str:
    return {"utf16": "UTF-16 units", "code_points": "characters"}.get(limit.unit, limit.unit)
