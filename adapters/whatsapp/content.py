"""What a WhatsApp message says, as event bodies. One reader for each type of message.

https://developers.facebook.com/docs/whatsapp/cloud-api/webhooks/reference/messages
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from adapters.reading import Object, Unhandled, decode, degrees, integer, needed_object, needed_string, string
from adapters.whatsapp.failures import describe_error
from adapters.whatsapp.identity import phone_of
from engine.events import (
    ChoiceMade,
    CommandReceived,
    ContactReceived,
    ConversationOpened,
    EventBody,
    FormSubmitted,
    LocationReceived,
    MediaReceived,
    MessageDeleted,
    MessageEdited,
    OrderItem,
    OrderPlaced,
    ReactionReceived,
    Sender,
    TextReceived,
)
from engine.messages import MediaKind

Reader: TypeAlias = Callable[[Any, Object, Sender], list[EventBody]]

MAX_SHOWN: Final = 64
"""Characters of a name from the payload that a reason repeats."""
MAX_CONTACTS: Final = 257
"""Contacts in one message; WhatsApp allows no more."""
MAX_ITEMS: Final = 1_000
"""Lines of an order that are read."""
MAX_FORM: Final = 262_144
"""Characters of a form's answers."""
FLOW_TOKEN: Final = "flow_token"  # noqa: S105 - a field's name
"""Comes back with a form's answers as we sent it: the form's id."""

_COMMAND = re.compile(r"/([A-Za-z0-9_]{1,64})(?=\s|$)")
_OUR_CHOICE = re.compile(r"[0-9a-f]{1,8}:p?[0-9]{1,6}")
"""`Choice.id` as the engine makes them (`engine.nodes.base.choice_id`), and its paging keys."""


def bodies_of(message: Object, sender: Sender) -> list[EventBody]:
    """The event bodies of a message, nearly always one. Raises `Unhandled`, naming what has no meaning for a bot.

    A message without a type is read by what it holds; real payloads leave the type out at times.
    """
    kind = string(message, "type") or next((name for name in _READERS if name in message), "")
    read = _READERS.get(kind)
    if read is None:
        raise Unhandled(_unread(kind, message))
    return read(message.get(kind), message, sender)


def media_of(kind: str, content: Any, album: str = "") -> MediaReceived:
    """A media object (`image`, `audio`, `video`, `document`, `sticker`) as media. Raises `Unhandled`."""
    if type(content) is not dict:
        raise Unhandled(f"{kind} is not an object")
    found: MediaKind = _MEDIA[kind]
    if found == "audio" and content.get("voice") is True:
        found = "voice"
    return MediaReceived(
        kind=found,
        file=needed_string(content, "id", kind),
        caption=string(content, "caption"),
        name=string(content, "filename"),
        mime_type=string(content, "mime_type"),
        album=album if found in ("image", "video") else "",
    )


def _unread(kind: str, message: Object) -> str:
    """Why a message runs no turn: its type, and the error that WhatsApp gives for it."""
    errors = message.get("errors")
    detail = f" ({describe_error(errors[0])})" if type(errors) is list and errors else ""
    if kind in ("unsupported", "unknown"):
        inner = message.get("unsupported")
        named = f": {string(inner, 'type')[:MAX_SHOWN]}" if type(inner) is dict else ""
        return f"message of a type that WhatsApp hands on to no business{named}{detail}"
    return f"message type not handled: {kind[:MAX_SHOWN] or 'none'}{detail}"


def _text(content: Any, message: Object, sender: Sender) -> list[EventBody]:
    if type(content) is not dict:
        raise Unhandled("text is not an object")
    return [_said(needed_string(content, "body", "text"))]


def _said(text: str) -> EventBody:
    """Commands are texts on WhatsApp, also those that a business offers in the chat's menu."""
    command = _COMMAND.match(text)
    if command is None:
        return TextReceived(text=text)
    return CommandReceived(command=command[1].lower(), argument=text[command.end() :].strip())


def _media(kind: str) -> Reader:
    def read(content: Any, message: Object, sender: Sender) -> list[EventBody]:
        # There is no album id: what one customer sends together is gathered by the customer.
        return [media_of(kind, content, sender.external_id)]

    return read


def _location(content: Any, message: Object, sender: Sender) -> list[EventBody]:
    if type(content) is not dict:
        raise Unhandled("location is not an object")
    parts = (string(content, "name"), string(content, "address"))
    return [
        LocationReceived(
            latitude=degrees(content, "latitude", 90.0),
            longitude=degrees(content, "longitude", 180.0),
            name=", ".join(part for part in parts if part),
        )
    ]


def _contacts(content: Any, message: Object, sender: Sender) -> list[EventBody]:
    """One event for each card. WhatsApp vouches for the customer's own number, or for one that was asked for."""
    cards = [card for card in content if type(card) is dict] if type(content) is list else []
    asked = string(message, "origin") == "contact_request"
    found: list[EventBody] = [
        ContactReceived(phone=phone, name=name, own=asked or bool(phone_id and phone_id in _ids(sender)))
        for card in cards[:MAX_CONTACTS]
        for phone, phone_id, name in [_card(card)]
        if phone
    ]
    if not found:
        raise Unhandled("contacts without a phone number")
    return found


def _ids(sender: Sender) -> tuple[str, ...]:
    return (sender.external_id, *sender.aliases)


def _card(card: Object) -> tuple[str, str, str]:
    """The first phone number of a contact card, that number's WhatsApp id, and the card's name."""
    named = card.get("name")
    name = named if type(named) is dict else {}
    shown = (
        string(name, "formatted_name") or f"{string(name, 'first_name')} {string(name, 'last_name')}".strip()
    )
    phones = card.get("phones")
    for phone in phones if type(phones) is list else ():
        if type(phone) is dict:
            wa_id = string(phone, "wa_id")
            number = string(phone, "phone") or phone_of(wa_id)
            if number:
                return number, wa_id, shown
    return "", "", shown


def _reaction(content: Any, message: Object, sender: Sender) -> list[EventBody]:
    """A reaction without an emoji takes the earlier one back."""
    if type(content) is not dict:
        raise Unhandled("reaction is not an object")
    emoji = string(content, "emoji")
    reacted = needed_string(content, "message_id", "reaction")
    return [ReactionReceived(emoji=(emoji,) if emoji else (), message=reacted)]


def _interactive(content: Any, message: Object, sender: Sender) -> list[EventBody]:
    """An answer to an interactive message: a button, a row of a list, a form."""
    if type(content) is not dict:
        raise Unhandled("interactive is not an object")
    for kind in ("button_reply", "list_reply"):
        reply = content.get(kind)
        if type(reply) is dict:
            return [ChoiceMade(choice=needed_string(reply, "id", kind), title=string(reply, "title"))]
    form = content.get("nfm_reply")
    if type(form) is dict:
        return [_form(form)]
    raise Unhandled(f"interactive reply not handled: {string(content, 'type')[:MAX_SHOWN] or 'none'}")


def _form(form: Object) -> EventBody:
    """A Flow's answers: JSON in a string. The token that we sent names the form; some devices leave it out."""
    text = needed_string(form, "response_json", "form")
    if len(text) > MAX_FORM:
        raise Unhandled("form whose answers are too long")
    try:
        values = decode(text.encode())
    except (ValueError, RecursionError):
        raise Unhandled("form whose answers are no JSON") from None
    if type(values) is not dict:
        raise Unhandled("form whose answers are no object")
    token = values.pop(FLOW_TOKEN, "")
    return FormSubmitted(
        form=token if type(token) is str else "",
        values=values,
        title=string(form, "body"),
    )


def _button(content: Any, message: Object, sender: Sender) -> list[EventBody]:
    """A template's quick reply: a choice where the bot put its own id into it, else the words on it."""
    if type(content) is not dict:
        raise Unhandled("button is not an object")
    text, payload = string(content, "text"), string(content, "payload")
    if _OUR_CHOICE.fullmatch(payload):
        return [ChoiceMade(choice=payload, title=text)]
    if text or payload:
        return [_said(text or payload)]
    raise Unhandled("button without a text")


def _order(content: Any, message: Object, sender: Sender) -> list[EventBody]:
    if type(content) is not dict:
        raise Unhandled("order is not an object")
    given = content.get("product_items")
    items = [_item(item) for item in given[:MAX_ITEMS] if type(item) is dict] if type(given) is list else []
    if not items:
        raise Unhandled("order without readable product_items")
    return [
        OrderPlaced(items=tuple(items), catalog=string(content, "catalog_id"), text=string(content, "text"))
    ]


def _item(item: Object) -> OrderItem:
    price = item.get("item_price")
    return OrderItem(
        product=needed_string(item, "product_retailer_id", "order item"),
        quantity=_count(item.get("quantity")),
        price=format(price, "f").rstrip("0").rstrip(".") if _is_price(price) else string(item, "item_price"),
        currency=string(item, "currency"),
    )


def _is_price(price: Any) -> bool:
    return (type(price) is int or type(price) is float) and abs(price) < 1e15


def _count(quantity: Any) -> int:
    """A quantity comes as a number or in digits."""
    if type(quantity) is str and quantity.isascii() and quantity.isdigit() and len(quantity) < 10:
        return int(quantity)
    return integer(quantity) or 1


def _edit(content: Any, message: Object, sender: Sender) -> list[EventBody]:
    """A message with other words than before; `edit.message` is the message as it is now."""
    if type(content) is not dict:
        raise Unhandled("edit is not an object")
    edited = needed_string(content, "original_message_id", "edit")
    inner = needed_object(content, "message", "edit")
    kind = string(inner, "type")
    said = inner.get(kind)
    text = (string(said, "body") or string(said, "caption")) if type(said) is dict else ""
    if not text:
        raise Unhandled("edit without a text or caption")
    return [MessageEdited(message=edited, text=text)]


def _revoke(content: Any, message: Object, sender: Sender) -> list[EventBody]:
    if type(content) is not dict:
        raise Unhandled("revoke is not an object")
    return [MessageDeleted(message=needed_string(content, "original_message_id", "revoke"))]


def _welcome(content: Any, message: Object, sender: Sender) -> list[EventBody]:
    return [ConversationOpened()]


_MEDIA: Final[Mapping[str, MediaKind]] = {
    "image": "image",
    "audio": "audio",
    "voice": "voice",
    "video": "video",
    "document": "document",
    "sticker": "sticker",
}
MEDIA_TYPES: Final = frozenset(_MEDIA)
_READERS: Final[Mapping[str, Reader]] = {
    "text": _text,
    **{kind: _media(kind) for kind in _MEDIA},
    "location": _location,
    "contacts": _contacts,
    "reaction": _reaction,
    "interactive": _interactive,
    "button": _button,
    "order": _order,
    "edit": _edit,
    "revoke": _revoke,
    "request_welcome": _welcome,
}
