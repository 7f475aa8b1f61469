"""Answers that are sent, not written: contact cards, places, files, forms and orders, as a variable keeps them.

Each function gives None when the customer sent something else; a number or a place may be written as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from engine.answers import Reading, read_location, read_phone
from engine.events import (
    AlbumReceived,
    ContactReceived,
    EventBody,
    FormSubmitted,
    LocationReceived,
    MediaReceived,
    OrderPlaced,
)

if TYPE_CHECKING:
    from engine.nodes.input import InputConfig
    from engine.turn import Turn

SENT_AS: Final[Mapping[str, type[EventBody]]] = {"form": FormSubmitted, "order": OrderPlaced}
"""What answers a question that no words answer, by the type of the answer."""


def sent_contact(turn: Turn, reading: Reading, config: InputConfig) -> dict[str, str] | None:
    """The card's number and name; a number that is written has no name."""
    event = turn.event
    if isinstance(event, ContactReceived):
        return {"phone": event.phone, "name": event.name}
    phone = read_phone(turn.text, reading)
    return None if phone is None else {"phone": phone, "name": ""}


def sent_location(turn: Turn, reading: Reading, config: InputConfig) -> dict[str, Any] | None:
    """Where it is; coordinates that are written have no name."""
    event = turn.event
    if isinstance(event, LocationReceived):
        return {"latitude": event.latitude, "longitude": event.longitude, "name": event.name}
    found = read_location(turn.text, reading)
    return None if found is None else {"latitude": found[0], "longitude": found[1], "name": ""}


def sent_file(turn: Turn, reading: Reading, config: InputConfig) -> Any:
    """The file, or all those of an album if several are wanted: those that are of the kind and size."""
    event = turn.event
    sent = event.items if isinstance(event, AlbumReceived) else (event,)
    files = [_file(one) for one in sent if isinstance(one, MediaReceived) and _will_do(one, config)]
    if not files:
        return None
    return files if config.multiple else files[0]


def _will_do(file: MediaReceived, config: InputConfig) -> bool:
    wanted = file.kind in config.accept if config.accept else file.kind != "sticker"
    return wanted and not (config.max_bytes and file.size is not None and file.size > config.max_bytes)


def _file(file: MediaReceived) -> dict[str, Any]:
    return {
        "kind": file.kind,
        "file": file.file,
        "name": file.name,
        "mime_type": file.mime_type,
        "size": file.size,
        "caption": file.caption,
        "media": file.media,
        "url": file.url,
    }


def sent_form(turn: Turn, reading: Reading, config: InputConfig) -> dict[str, Any] | None:
    """What was filled in, by field."""
    return turn.event.values if isinstance(turn.event, FormSubmitted) else None


def sent_order(turn: Turn, reading: Reading, config: InputConfig) -> dict[str, Any] | None:
    """What was ordered, from which catalog, and what was written with it."""
    event = turn.event
    if not isinstance(event, OrderPlaced):
        return None
    items = [
        {"product": item.product, "quantity": item.quantity, "price": item.price, "currency": item.currency}
        for item in event.items
    ]
    return {"items": items, "catalog": event.catalog, "text": event.text}
