"""What is said to a customer, in neutral terms; `adapters` turn it into each platform's own form."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec


class _Part(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Base of everything that a message is made of: immutable, serialised without what is empty."""


SpanKind: TypeAlias = Literal[
    "bold", "italic", "underline", "strike", "spoiler", "code", "pre", "quote", "link"
]


class Span(_Part, frozen=True):
    """How a stretch of a text looks. `{"kind": "bold", "start": 0, "end": 5}`

    `start` and `end` count code points of the text, `end` exclusive; spans may nest and never cross. `value` is the
    address of a link, or the language of a pre.
    """

    kind: SpanKind
    start: int
    end: int
    value: str = ""


class Choice(_Part, frozen=True):
    """One thing that the customer can pick. `{"id": "3kf9:1", "title": "AI Tools"}`

    `id` is short ASCII (at most 32 bytes, so that every platform carries it) and comes back in `ChoiceMade`.
    """

    id: str
    title: str
    description: str = ""


class Paging(_Part, frozen=True):
    """For a menu that may be longer than a platform's page: which page to show, and how to leaf on.

    A platform that shows only a part of the choices adds `more` (and, behind the first page, `back`) as a choice of
    its own with the id `key` followed by the page's number: `3kf9:p1`. It comes back in `ChoiceMade`.
    """

    key: str
    more: str
    back: str
    page: int = 0


MediaKind: TypeAlias = Literal["image", "video", "audio", "voice", "document", "sticker"]


class Media(_Part, frozen=True):
    """A picture, film, sound or document by its address. `{"kind": "image", "url": "https://…/a.png"}`

    `url` is http(s), or `media:<id>` for one that the gateway keeps itself. `alt` says what it shows, for those who
    can't see it; `name` is a document's file name.
    """

    kind: MediaKind
    url: str
    alt: str = ""
    name: str = ""


class CardButton(_Part, frozen=True):
    """A button of a card: a choice by its `id`, or a link by its `url`."""

    title: str
    id: str = ""
    url: str = ""


class Card(_Part, frozen=True):
    """A card: a title, a picture, a text and buttons. Several of them are a carousel."""

    title: str
    subtitle: str = ""
    image: str = ""
    """Address of a picture."""
    url: str = ""
    """Where the card itself leads."""
    buttons: tuple[CardButton, ...] = ()


LinkKind: TypeAlias = Literal["url", "web_app", "form"]


class Link(_Part, frozen=True):
    """A button that opens an address: a page, an app inside the chat (`web_app`), or a form.

    `form` is the id of the platform's own form (a WhatsApp Flow), opened where the platform has forms; elsewhere the
    button opens `url`.
    """

    title: str
    url: str = ""
    kind: LinkKind = "url"
    form: str = ""


class Place(_Part, frozen=True):
    """A place, in degrees. `{"latitude": 52.5, "longitude": 13.4, "name": "Office"}`"""

    latitude: float
    longitude: float
    name: str = ""
    address: str = ""


class ContactCard(_Part, frozen=True):
    """A contact to save. `phone` in international form."""

    name: str
    phone: str
    email: str = ""
    organization: str = ""


class TemplateCall(_Part, frozen=True):
    """A message that the platform approved beforehand, by its key in the channel's `message_templates`.

    `parameters` are (placeholder's name, value), such as `("customer_name", "Ana")`; `media` fills a header that is a
    picture, film or document. Where a platform has no templates the message's `text` is said instead.
    """

    key: str
    parameters: tuple[tuple[str, str], ...] = ()
    media: Media | None = None


class Reaction(_Part, frozen=True):
    """An emoji put to a message of the customer's; empty takes it back. `message` is the platform's id."""

    message: str
    emoji: str


class InlineResult(_Part, frozen=True):
    """One line of the answer to an inline query: what it shows, and the text that picking it sends."""

    id: str
    title: str
    text: str
    description: str = ""
    thumbnail: str = ""


class InlineAnswer(_Part, frozen=True):
    """The answer to an inline query, by the query's id."""

    query: str
    results: tuple[InlineResult, ...] = ()


Request: TypeAlias = Literal["location", "contact"]


class OutboundMessage(_Part, frozen=True):
    """A message to a customer. `{"text": "Which category?", "choices": [{"id": …, "title": …}]}`

    `text` is plain text, never markup: how it looks is in `spans`, and an adapter escapes what its platform would
    take for markup. With `media` it is the caption. A message of several `cards` is a carousel.
    """

    text: str = ""
    spans: tuple[Span, ...] = ()
    choices: tuple[Choice, ...] = ()
    paging: Paging | None = None
    media: tuple[Media, ...] = ()
    cards: tuple[Card, ...] = ()
    links: tuple[Link, ...] = ()
    location: Place | None = None
    contact: ContactCard | None = None
    template: TemplateCall | None = None
    reaction: Reaction | None = None
    inline: InlineAnswer | None = None
    request: Request | None = None
    """What the customer is asked to share, where the platform has a button for it."""
    edits: str = ""
    """The platform's id of an earlier message of ours that this one replaces, where the platform can."""
    reply_to: str = ""
    """The platform's id of the customer's message that this one quotes, such as in a group."""
    language: str = ""
    """IETF tag of the text, when the flow speaks several languages."""
