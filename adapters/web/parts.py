"""From neutral messages to frames: what a widget shows of what was said to a visitor, and by one."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final, Literal, TypeAlias
from uuid import UUID

import msgspec
from msgspec import structs

from adapters.capabilities import fallback
from adapters.fit import fit
from adapters.text import shorten
from adapters.web import frames
from adapters.web.capabilities import CAPABILITIES, TEXT
from engine.events import AlbumReceived, ContactReceived, LocationReceived, MediaReceived
from engine.messages import Card, ContactCard, Media, OutboundMessage, Place

LinkTo: TypeAlias = Callable[[UUID], str]
"""A link to a file that the gateway keeps, good for a while; empty when there is none."""
Sender: TypeAlias = Literal["bot", "agent", "system", "customer"]

KEPT: Final = "media:"
"""How the address of a file begins that the gateway keeps itself."""
_LEAF: Final = re.compile(r"(.+:p)\d{1,4}")
"""The id of a choice that leafs on: see `engine.messages.Paging`."""
_PLAIN: Final = structs.replace(
    CAPABILITIES,
    sends={
        kind: feature if kind in ("text", "choices", "typing") else fallback("words")
        for kind, feature in CAPABILITIES.sends.items()
    },
)
"""What a widget can show that knows of no parts."""
_NUMBERED: Final = structs.replace(_PLAIN, sends={**_PLAIN.sends, "choices": fallback("words")})

Heard: TypeAlias = MediaReceived | AlbumReceived | LocationReceived | ContactReceived


def no_link(media: UUID) -> str:
    """For a gateway that keeps no files."""
    return ""


def told(
    message: OutboundMessage,
    *,
    seq: int,
    id: str,
    at: datetime,
    sender: Sender = "bot",
    link: LinkTo = no_link,
) -> frames.Message:
    """The frame that shows `message`, which has been through `fit`."""
    return _frame(message, _files(message.media, link), seq=seq, id=id, at=at, sender=sender, link=link)


def heard(
    text: str,
    payload: Mapping[str, Any],
    *,
    seq: int,
    id: str,
    at: datetime,
    client_id: str,
    link: LinkTo = no_link,
) -> frames.Message:
    """The frame that shows the visitor what they said: `text` and `payload` as the transcript has them."""
    files: tuple[frames.File, ...] = ()
    message = OutboundMessage(text=text)
    match _body(payload):
        case MediaReceived() as one:
            files = (_own(one, link),)
        case AlbumReceived(items=items):
            files = tuple(_own(one, link) for one in items)
        case LocationReceived() as place:
            where = Place(latitude=place.latitude, longitude=place.longitude, name=place.name)
            message = OutboundMessage(location=where)
        case ContactReceived() as contact:
            message = OutboundMessage(contact=ContactCard(name=contact.name, phone=contact.phone))
        case None:
            pass
    frame = _frame(message, files, seq=seq, id=id, at=at, sender="customer", link=link)
    picked = payload.get("choice")
    return structs.replace(frame, client_id=client_id, choice=picked if isinstance(picked, str) else "")


def _frame(
    message: OutboundMessage,
    files: tuple[frames.File, ...],
    *,
    seq: int,
    id: str,
    at: datetime,
    sender: Sender,
    link: LinkTo,
) -> frames.Message:
    text = shorten(message.text, TEXT.size)
    message = structs.replace(message, cards=tuple(_card(card, link) for card in message.cards))
    plain = _plain(message, files)
    return frames.Message(
        seq=seq,
        id=id,
        sender=sender,
        text=text if plain is None else shorten(plain, TEXT.size),
        words=None if plain is None or plain == text else text,
        spans=tuple(span for span in message.spans if span.end <= len(text)),
        choices=tuple(
            frames.Option(id=choice.id, title=choice.title, description=choice.description)
            for choice in message.choices
        ),
        menu=_menu(message),
        media=files,
        cards=message.cards,
        links=message.links,
        location=message.location,
        contact=message.contact,
        request=message.request,
        reaction=message.reaction,
        replaces=message.edits,
        reply=message.reply_to,
        at=at,
    )


def _plain(message: OutboundMessage, files: tuple[frames.File, ...]) -> str | None:
    """All of `message` in words; None when its text is all of it."""
    parts = files or message.cards or message.links or message.reaction or message.location or message.contact
    if not parts:
        return None
    media = tuple(Media(kind=file.kind, url=file.url, alt=file.alt, name=file.name) for file in files)
    pressed = any(button.id for card in message.cards for button in card.buttons)
    said = fit(structs.replace(message, media=media, template=None), _NUMBERED if pressed else _PLAIN)
    return said.text if said is not None else ""


def _menu(message: OutboundMessage) -> str:
    for choice in message.choices:
        if leaf := _LEAF.fullmatch(choice.id):
            return leaf[1]
    return ""


def _files(media: tuple[Media, ...], link: LinkTo) -> tuple[frames.File, ...]:
    return tuple(
        frames.File(kind=one.kind, url=_address(one.url, link), alt=one.alt, name=one.name) for one in media
    )


def _card(card: Card, link: LinkTo) -> Card:
    return structs.replace(card, image=_address(card.image, link)) if card.image.startswith(KEPT) else card


def _address(url: str, link: LinkTo) -> str:
    if not url.startswith(KEPT):
        return url
    try:
        return link(UUID(url.removeprefix(KEPT)))
    except ValueError:
        return ""


def _own(one: MediaReceived, link: LinkTo) -> frames.File:
    """The visitor's own file, whose link is issued anew."""
    return frames.File(
        kind=one.kind,
        url=_address(KEPT + one.media, link) if one.media else "",
        name=one.name,
        mime=one.mime_type,
        size=one.size,
        seconds=one.seconds,
    )


def _body(payload: Mapping[str, Any]) -> Heard | None:
    """What the transcript keeps of an event beside its words; None when that is not shown."""
    try:
        body: Heard = msgspec.convert(payload, Heard)
    except msgspec.ValidationError:
        return None
    return body
