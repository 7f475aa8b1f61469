"""What is said to a customer, in neutral terms; `adapters` turn it into each platform's own form."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec


class Choice(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One thing that the customer can pick. `{"id": "3kf9:1", "title": "AI Tools"}`

    `id` is short ASCII (at most 32 bytes, so that every platform carries it) and comes back in `ChoiceMade`.
    """

    id: str
    title: str
    description: str = ""


MediaKind: TypeAlias = Literal["image", "video", "audio", "document"]


class Media(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A picture, film, sound or document by its address. `{"kind": "image", "url": "https://…/a.png"}`

    `alt` says what it shows, for those who can't see it; `name` is a document's file name.
    """

    kind: MediaKind
    url: str
    alt: str = ""
    name: str = ""


class CardButton(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A button of a card: a choice by its `id`, or a link by its `url`."""

    title: str
    id: str = ""
    url: str = ""


class Card(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A card: a title, a picture, a text and buttons. Several of them are a carousel."""

    title: str
    subtitle: str = ""
    image: str = ""
    """Address of a picture."""
    url: str = ""
    """Where the card itself leads."""
    buttons: tuple[CardButton, ...] = ()


Request: TypeAlias = Literal["location", "contact"]


class OutboundMessage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A message to a customer. `{"text": "Which category?", "choices": [{"id": …, "title": …}]}`

    `text` is plain text, never markup: a platform that renders markup gets it escaped by its adapter. With `media`
    it is the caption. A message of several `cards` is a carousel.
    """

    text: str = ""
    choices: tuple[Choice, ...] = ()
    media: tuple[Media, ...] = ()
    cards: tuple[Card, ...] = ()
    request: Request | None = None
    """What the customer is asked to share, where the platform has a button for it."""
    language: str = ""
    """IETF tag of the text, when the flow speaks several languages."""
