"""Our reading of WhatsApp's webhooks against another one: pywa's.

pywa reads the first message of a body and wants a business-scoped id of everybody. So each payload is handed to it
piece by piece, with such an id put in where there is none; wherever it can read one, it has to agree with our parse
about who, when and what. A payload that it can't read is listed here, so that the list stays honest.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pywa.client import WhatsApp
from pywa.types.base_update import RawUpdate

from adapters.whatsapp.parse import parse_body
from engine.events import (
    ChoiceMade,
    CommandReceived,
    ContactReceived,
    ConversationOpened,
    FormSubmitted,
    HumanReplied,
    IdentityChanged,
    InboundEvent,
    LocationReceived,
    MediaReceived,
    MessageDeleted,
    MessageEdited,
    OrderPlaced,
    ReactionReceived,
    TextReceived,
)

FOLDER = Path(__file__).parents[1] / "payloads" / "whatsapp"
NOW = datetime(2026, 12, 1, tzinfo=UTC)
LISTS = ("messages", "message_echoes", "statuses")
SCOPED = "DE.1"

UNREADABLE = {
    "contacts_two",
    "edit_caption",
    "lone_surrogate_and_nul",
    "no_type",
    "status_failed_unknown_code",
    "welcome",
    "wrong_types",
}
"""Payloads of ours with a piece that we read and pywa does not, or not the same."""

UNKNOWN = {"echo_image"}
"""Fields that pywa has no handler for (`message_echoes`)."""


@pytest.fixture(scope="module")
def wa() -> Iterator[WhatsApp]:
    yield WhatsApp(phone_id="510000000000001", token="EAAGx", filter_updates=False, validate_updates=False)


def pieces(name: str) -> list[dict[str, Any]]:
    """A payload as bodies of one piece each."""
    body = json.loads((FOLDER / f"{name}.json").read_bytes())
    found = []
    for entry in body.get("entry", []):
        for change in entry.get("changes", []):
            value = change.get("value") if isinstance(change, dict) else None
            if not isinstance(value, dict):
                continue
            for key in LISTS:
                for piece in value.get(key, []):
                    alone = {**{k: v for k, v in value.items() if k not in LISTS}, key: [piece]}
                    one = {**entry, "changes": [{**change, "value": alone}]}
                    found.append({"object": body["object"], "entry": [one]})
    return found


def for_pywa(body: dict[str, Any]) -> bytes:
    """With a business-scoped id for the one contact, and only the contact of the piece's author."""
    body = copy.deepcopy(body)
    value = body["entry"][0]["changes"][0]["value"]
    (piece,) = next(value[key] for key in LISTS if key in value)
    contacts = value.get("contacts") or [{"profile": {"name": "?"}}]
    number = piece.get("from") if isinstance(piece, dict) else None
    mine = [one for one in contacts if one.get("wa_id") == number] or contacts
    value["contacts"] = [{"user_id": SCOPED, **mine[0]}]
    return json.dumps(body).encode()


def theirs(wa: WhatsApp, body: dict[str, Any]) -> Any:
    """pywa's update object for a body of one piece; None for one that it knows no handler for."""
    raw = RawUpdate(for_pywa(body), hmac_header=None, update_hash="x")
    handler = wa._get_handler_type(raw)
    if handler is None or handler not in wa._handlers_to_updates:
        return None
    return wa._handlers_to_updates[handler].from_update(client=wa, update=raw)


def ours_said(event: InboundEvent) -> str:
    match event.body:
        case TextReceived(text=text):
            return f"text {text}"
        case CommandReceived(command=command, argument=argument):
            return f"text /{command} {argument}"
        case MediaReceived(kind=kind, file=file, caption=caption, mime_type=mime_type, name=name):
            return f"{kind} {file} {caption} {mime_type} {name}"
        case LocationReceived(latitude=latitude, longitude=longitude):
            return f"place {latitude} {longitude}"
        case ConversationOpened():
            return "opened"
        case ContactReceived(name=name):
            return f"contact {name}"
        case ReactionReceived(emoji=emoji, message=message):
            return f"reaction {''.join(emoji)} {message}"
        case ChoiceMade(choice=choice, title=title):
            return f"choice {choice} {title}"
        case FormSubmitted(form=form, values=values):
            return f"form {form} {json.dumps(values, sort_keys=True)}"
        case OrderPlaced(items=items, catalog=catalog, text=text):
            return f"order {catalog} {text} {[(item.product, item.quantity, float(item.price)) for item in items]}"
        case MessageEdited(message=message, text=text):
            return f"edit {message} {text}"
        case MessageDeleted(message=message):
            return f"deletion {message}"
        case IdentityChanged(new=new):
            return f"identity {new}"
        case HumanReplied(text=text):
            return f"human {text}"
    raise AssertionError(event.body)


def they_said(update: Any) -> str:
    match type(update).__name__:
        case "Message":
            return _their_message(update)
        case "CallbackButton" if update.is_quick_reply and ":" not in update.data:
            return f"text {update.title}"
        case "CallbackButton" | "CallbackSelection":
            return f"choice {update.data} {update.title}"
        case "FlowCompletion":
            return f"form {update.token or ''} {json.dumps(update.response, sort_keys=True)}"
        case "EditedMessage":
            return f"edit {update.original_message_id} {update.message.text}"
        case "DeletedMessage":
            return f"deletion {update.original_message_id}"
        case "PhoneNumberChange":
            return f"identity {update.new_parent_id or update.new_user_id or update.new_wa_id}"
        case "OutgoingMessage":
            return f"human {update.text or update.caption or ''}"
    raise AssertionError(type(update))


def _their_message(message: Any) -> str:
    if message.text is not None:
        return f"text {message.text}"
    if media := message.media:
        kind = "voice" if message.voice else message.type.value
        return f"{kind} {media.id} {message.caption or ''} {media.mime_type} {getattr(media, 'filename', None) or ''}"
    if message.location:
        return f"place {float(message.location.latitude)} {float(message.location.longitude)}"
    if message.reaction:
        return f"reaction {message.reaction.emoji or ''} {message.reaction.message_id}"
    if message.contacts:
        name = message.contacts[0].name
        return f"contact {name.formatted_name if name else ''}"
    if message.order:
        order = message.order
        items = [(item.sku, int(item.quantity), float(item.price)) for item in order.products]
        return f"order {order.catalog_id} {order.text or ''} {items}"
    raise AssertionError(message)


NAMES = sorted(path.stem for path in FOLDER.glob("*.json"))


@pytest.mark.parametrize("name", [name for name in NAMES if name not in UNREADABLE])
def test_pywa_reads_the_same(wa: WhatsApp, name: str) -> None:
    for body in pieces(name):
        parsed = parse_body(json.dumps(body).encode(), "", NOW)
        if parsed.statuses:
            (status,) = parsed.statuses
            update = theirs(wa, body)
            state = {"played": "read"}.get(update.status.value, update.status.value)
            assert (status.message, status.state) == (update.id, state)
            assert status.occurred_at == update.timestamp
            if update.error is not None:
                assert status.error.startswith(f"{update.error.code}: ")
        for event in parsed.events[:1]:
            update = theirs(wa, body)
            if update is None:
                assert name in UNKNOWN
                continue
            assert (event.message, ours_said(event)) == (update.id, they_said(update))
            if event.occurred_at != NOW:
                assert event.occurred_at == update.timestamp
            known = {event.sender.external_id, *event.sender.aliases, SCOPED}
            assert update.from_user.bsuid in known or update.from_user.wa_id in known


@pytest.mark.parametrize("name", sorted(UNREADABLE))
def test_what_pywa_can_not_read_is_read_here(wa: WhatsApp, name: str) -> None:
    failures = 0
    for body in pieces(name):
        parsed = parse_body(json.dumps(body).encode(), "", NOW)
        assert parsed.events or parsed.parked or parsed.statuses
        try:
            update = theirs(wa, body)
            agreed = update is not None and [ours_said(event) for event in parsed.events] == [
                they_said(update)
            ]
        except (KeyError, ValueError, TypeError, AttributeError, AssertionError):
            agreed = False
        failures += not agreed
    assert failures
