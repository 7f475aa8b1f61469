"""What a platform can do, as data: for each feature a level, for each limit its unit.

`gateway channel capabilities` prints these tables, `docs/channels.md` is made from them and from the tests that
hold them to what the adapters really do, and `adapters.fit` degrades messages by them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias

import msgspec

Level: TypeAlias = Literal["native", "fallback", "dropped"]
Unit: TypeAlias = Literal["bytes", "code_points", "utf16"]

Outbound: TypeAlias = Literal[
    "text", "formatting", "choices", "image", "video", "audio", "voice", "document", "sticker", "album", "card",
    "carousel", "location", "contact", "request_location", "request_contact", "link", "web_app", "form", "template",
    "reaction", "edit", "reply", "inline_answer", "typing", "mark_as_read",
]  # fmt: skip
"""What can be said."""
Inbound: TypeAlias = Literal[
    "text", "formatting", "command", "deep_link", "choice", "image", "audio", "voice", "video", "document", "sticker",
    "album", "location", "contact", "reaction", "reply", "forward", "edit", "deletion", "poll_answer", "form", "order",
    "group_message", "topic", "mention", "members", "blocked", "opened", "inline_query", "echo", "identity_change",
    "status",
]  # fmt: skip
"""What can be heard."""
Certainty: TypeAlias = Literal["none", "status", "lookup", "idempotent"]
"""How it can be known whether a call whose answer was lost was carried out: not at all; from the platform's status
report, which repeats our key; by looking for our key before sending again; because the same key never counts twice."""


class Limit(msgspec.Struct, frozen=True):
    """At most `size` of `unit`."""

    size: int
    unit: Unit

    def measure(self, text: str) -> int:
        """The length of `text` in this limit's unit."""
        match self.unit:
            case "bytes":
                return len(text.encode("utf-8", "surrogatepass"))
            case "code_points":
                return len(text)
            case "utf16":
                return len(text) + sum(1 for character in text if character > "\uffff")

    def allows(self, text: str) -> bool:
        """Whether `text` fits."""
        return len(text) * 4 <= self.size or self.measure(text) <= self.size


class Feature(msgspec.Struct, frozen=True):
    """How well a platform does one thing; `note` says in what form, or what becomes of it."""

    level: Level
    note: str = ""


class Rate(msgspec.Struct, frozen=True, kw_only=True):
    """At most `per_second` calls in the long run, `burst` of them at once, of one channel or to one recipient."""

    scope: Literal["channel", "recipient"]
    per_second: float
    burst: int


def native(note: str = "") -> Feature:
    """The platform's own form."""
    return Feature("native", note)


def fallback(note: str) -> Feature:
    """Another form that loses nothing that matters; `note` says which."""
    return Feature("fallback", note)


def dropped(note: str) -> Feature:
    """Not there; `note` says what happens instead, or why it can't be."""
    return Feature("dropped", note)


class Capabilities(msgspec.Struct, frozen=True, kw_only=True):
    """One platform's table."""

    platform: str
    sends: Mapping[Outbound, Feature]
    """Every kind of `Outbound` is there."""
    hears: Mapping[Inbound, Feature]
    """Every kind of `Inbound` is there."""
    text: Limit
    """One message's text; a longer one is sent in parts."""
    caption: Limit
    """The text that goes with media."""
    choice_title: Limit
    choice_id: Limit
    choice_count: int
    """How many choices one message carries natively."""
    choice_page: int
    """How many choices a page of a longer menu shows, leafing included."""
    link_count: int = 1
    """Link buttons of one message; more are written out."""
    media_bytes: Mapping[str, int] = {}
    """The largest file of each kind that can be sent, in bytes."""
    by_link: frozenset[Outbound] = frozenset()
    """What is sent by an address that somebody else reads (a browser, the platform): a file of our own gets a signed
    link there. Everywhere else it comes as `media:…`, for the adapter to upload."""
    album: tuple[int, int] = (0, 0)
    """The least and the most pieces of an album; (0, 0) where there are none."""
    rates: tuple[Rate, ...] = ()
    """What the platform lets through; `settings.rate_limits` of a channel may say otherwise."""
    window_hours: int = 0
    """How long after the customer's last message one may write freely; 0 for always."""
    window_code: str = ""
    """The code with which a `failed` status says that the window was closed: `StatusUpdate.error` begins with it."""
    certainty: Certainty = "none"
    confirm_seconds: float = 0.0
    """With `status`: how long a call in doubt waits for its report before it is made again."""

    def sends_natively(self, kind: Outbound) -> bool:
        """Whether the platform has a form of its own for it."""
        return self.sends[kind].level == "native"
