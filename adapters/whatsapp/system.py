"""System messages and echoes: what WhatsApp and the business's own people say in a conversation."""

from __future__ import annotations

from adapters.reading import Object, Unhandled, needed_object, string
from adapters.whatsapp.content import MAX_SHOWN, MEDIA_TYPES, media_of
from adapters.whatsapp.identity import Contacts, sender_of
from engine.events import HumanReplied, IdentityChanged, Sender

CHANGES = frozenset(
    {"user_changed_number", "customer_changed_number", "user_changed_user_id", "customer_identity_changed"}
)
"""The types of system message that tell of another id; `customer_…` are the names of older API versions."""


def identity_change(message: Object, contacts: Contacts) -> tuple[Sender, IdentityChanged]:
    """A system message that a customer's id is another one now, with who it is. Raises `Unhandled`.

    The old id is the sender's, whose conversation hears of it. A changed identity key (a new device) comes without
    another id and changes nothing that a bot knows.
    """
    system = needed_object(message, "system", "system message")
    kind = string(system, "type")
    if kind not in CHANGES:
        raise Unhandled(f"system message not handled: {kind[:MAX_SHOWN] or 'none'}")
    named = {**message, "from": string(system, "customer") or string(message, "from")}
    sender = sender_of(named, contacts)
    new = (
        string(system, "parent_user_id")
        or string(system, "user_id")
        or string(system, "wa_id")
        or string(system, "new_wa_id")
    )
    if not new:
        raise Unhandled(f"{kind}: the customer's identity key changed, the id did not")
    if new == sender.external_id or new in sender.aliases:
        raise Unhandled(f"{kind}: the customer is known under this id already")
    return sender, IdentityChanged(old=sender.external_id, new=new)


def human_reply(echo: Object) -> HumanReplied:
    """What somebody wrote to the customer in the WhatsApp Business app. Raises `Unhandled`."""
    kind = string(echo, "type") or next((name for name in ("text", *MEDIA_TYPES) if name in echo), "")
    content = echo.get(kind)
    if kind in MEDIA_TYPES:
        media = media_of(kind, content)
        return HumanReplied(text=media.caption, media=(media,))
    if type(content) is not dict:
        raise Unhandled(f"echo not handled: {kind[:MAX_SHOWN] or 'none'}")
    match kind:
        case "text":
            return HumanReplied(text=_needed(string(content, "body")))
        case "location":
            parts = (string(content, "name"), string(content, "address"))
            place = ", ".join(part for part in parts if part)
            return HumanReplied(text=place or f"{content.get('latitude')}, {content.get('longitude')}")
        case "interactive":
            body = content.get("body")
            return HumanReplied(text=_needed(string(body, "text") if type(body) is dict else ""))
    raise Unhandled(f"echo not handled: {kind[:MAX_SHOWN] or 'none'}")


def _needed(text: str) -> str:
    if not text:
        raise Unhandled("echo without a text")
    return text
