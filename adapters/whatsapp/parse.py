"""A webhook body of WhatsApp as neutral pieces, split whole: every entry, change, message and status.

Tolerant: whatever is no readable event is parked with its reason, as a body of its own that could be posted again.

https://developers.facebook.com/docs/whatsapp/cloud-api/webhooks
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, Final

import msgspec

from adapters.protocol import ConsentReported, Parked, Parsed, StatusUpdate, TemplateChanged
from adapters.reading import Object, Unhandled, decode, needed_string, string
from adapters.whatsapp.content import MAX_SHOWN, bodies_of
from adapters.whatsapp.context import context_of
from adapters.whatsapp.failures import describe_error
from adapters.whatsapp.identity import MAX_ID, Contacts, recipient_of, sender_of
from adapters.whatsapp.names import unhandled
from adapters.whatsapp.preferences import consent_of
from adapters.whatsapp.statuses import status_of, template_of, time_of
from adapters.whatsapp.system import human_reply, identity_change
from engine.events import HumanReplied, IdentityChanged, InboundEvent, Sender

OBJECT: Final = "whatsapp_business_account"
ECHOES: Final = frozenset({"smb_message_echoes", "message_echoes"})
PREFERENCES: Final = "user_preferences"
"""What customers chose about marketing: the name of the field, and of the list in it."""
PIECES: Final = ("messages", "message_echoes", "statuses", "errors", PREFERENCES)
"""The lists in a change's value that are split."""
MAX_KEY: Final = 512
"""Characters of a message id that serve as a key; a longer one is hashed."""

_encode = msgspec.json.Encoder().encode


def parse_body(body: bytes, own_number: str, now: datetime) -> Parsed:
    """The pieces of one body, in its order; never raises.

    `own_number` is the channel's phone number id: what is for another number of the same account is parked. The
    dedupe key of a message is its id; what has none is keyed by its own hash, so that Meta's repeats are one.
    """
    try:
        root = decode(body)
    except Exception as error:  # the decoders' own errors, and RecursionError on hostile nesting
        return _unreadable(body, f"not JSON ({type(error).__name__})")
    if type(root) is not dict:
        return _unreadable(body, "not a JSON object")
    if root.get("object") != OBJECT:
        return _unreadable(body, f"not about WhatsApp: object {str(root.get('object'))[:MAX_SHOWN]!r}")
    split = _Split(body, own_number, now)
    for entry, change in _changes(root):
        split.change(entry, change)
    return split.parsed()


def _unreadable(body: bytes, reason: str) -> Parsed:
    return Parsed(parked=(Parked(external_id=f"unreadable:{_hash(body)}", reason=_shown(reason), raw=body),))


def _changes(root: Object) -> Iterator[tuple[Object, Object]]:
    entries = root.get("entry")
    for entry in entries if type(entries) is list else ():
        changes = entry.get("changes") if type(entry) is dict else None
        for change in changes if type(changes) is list else ():
            if type(change) is dict:
                yield entry, change


class _Split:
    """What was found in one body so far."""

    def __init__(self, body: bytes, own_number: str, now: datetime) -> None:
        self._body = body
        self._own_number = own_number
        self._now = now
        self._events: list[InboundEvent] = []
        self._statuses: list[StatusUpdate] = []
        self._templates: list[TemplateChanged] = []
        self._consents: list[ConsentReported] = []
        self._parked: list[Parked] = []
        self._keys: dict[str, Object | None] = {}

    def parsed(self) -> Parsed:
        """All of it; a body in which nothing was found is parked."""
        if not (self._events or self._statuses or self._templates or self._consents or self._parked):
            return _unreadable(self._body, "nothing in it: no entry with a readable change")
        return Parsed(
            events=tuple(self._events),
            statuses=tuple(self._statuses),
            templates=tuple(self._templates),
            consents=tuple(self._consents),
            parked=tuple(self._parked),
        )

    def change(self, entry: Object, change: Object) -> None:
        """Split one change."""
        field = string(change, "field")
        value = change.get("value")
        place = _Place(entry, change)
        if type(value) is not dict:
            self._park(place, "", None, "", f"change without a readable value: {field[:MAX_SHOWN] or 'none'}")
        elif field == "message_template_status_update":
            self._try(place, "", value, "", lambda: self._templates.append(template_of(value)))
        elif field not in ECHOES and field not in ("messages", PREFERENCES, ""):
            self._park(place, "", None, "", unhandled(field))
        else:
            self._messages(place, value)

    def _messages(self, place: _Place, value: Object) -> None:
        foreign = self._foreign(value)
        contacts = Contacts(value.get("contacts"), value.get("messages") or value.get("message_echoes"))
        readers: dict[str, Callable[[Object, str], None]] = {
            "messages": lambda piece, key: self._message(piece, key, contacts),
            "message_echoes": lambda piece, key: self._echo(piece, key, contacts),
            "statuses": lambda piece, key: self._statuses.append(status_of(piece, self._now)),
            "errors": lambda piece, key: _refuse(f"error report: {describe_error(piece)}"),
            PREFERENCES: lambda piece, key: self._preference(place, piece, contacts),
        }
        found = False
        for name in PIECES:
            pieces = value.get(name)
            if type(pieces) is not list or not pieces:
                continue
            found = True
            if foreign and name == "statuses":  # all of them as one: they are many and concern nobody here
                self._park(place, name, pieces, "", foreign)
                continue
            for piece in pieces:
                self._piece(place, name, piece, foreign, readers[name])
        if not found:
            self._park(place, "", None, "", foreign or "change without messages or statuses")

    def _foreign(self, value: Object) -> str:
        """Why the change is not this channel's; empty when it is."""
        metadata = value.get("metadata")
        number = string(metadata, "phone_number_id") if type(metadata) is dict else ""
        if not self._own_number or not number or number == self._own_number:
            return ""
        return f"for another phone number of the account: id {number[:MAX_SHOWN]}"

    def _piece(
        self, place: _Place, name: str, piece: Any, foreign: str, read: Callable[[Object, str], None]
    ) -> None:
        if type(piece) is not dict:
            self._park(place, name, [piece], "", f"{name} with an unreadable piece")
            return
        id = string(piece, "id") if name in ("messages", "message_echoes") else ""
        key = self._key(id, piece) if id else ""
        if key is None:
            return  # the same piece, word for word, a second time in one body
        if foreign:
            self._park(place, name, [piece], key, foreign)
        else:
            self._try(place, name, piece, key, lambda: read(piece, key))

    def _try(self, place: _Place, name: str, piece: Object, key: str, read: Callable[[], None]) -> None:
        """Read a piece, or park it with the reason why it can't be read."""
        pieces = [piece] if name else None
        try:
            read()
        except Unhandled as reason:
            self._park(place, name, pieces, key, str(reason))
        except Exception as error:  # a shape that nobody thought of must not turn into a 5xx
            self._park(place, name, pieces, key, f"unexpected shape ({type(error).__name__})")

    def _key(self, id: str, piece: Object) -> str | None:
        """The dedupe key for an id; None for a repeat. Another piece under a known id gets a key of its own."""
        key = id if len(id) <= MAX_KEY else f"long:{_hash(id.encode())}"
        if key not in self._keys:
            self._keys[key] = piece
            return key
        if self._keys[key] == piece:
            return None
        return self._key(f"{key[: MAX_KEY - 40]}:{_hash(_stable(piece))}", piece)

    def _park(self, place: _Place, name: str, pieces: list[Any] | None, key: str, reason: str) -> None:
        raw = place.alone(name, pieces, self._body)
        if not key:
            key = f"{name or 'change'}:{_hash(raw)}"
            if key in self._keys:
                return
            self._keys[key] = None
        self._parked.append(Parked(external_id=key, reason=_shown(reason), raw=raw))

    def _message(self, message: Object, key: str, contacts: Contacts) -> None:
        id = needed_string(message, "id", "message")
        if string(message, "type") == "system":
            sender, change = identity_change(message, contacts)
            self._add(key, id, message, sender, change)
            return
        sender = sender_of(message, contacts)
        group = string(message, "group_id")
        conversation = group if 0 < len(group) <= MAX_ID else sender.external_id
        context = context_of(message)
        for index, body in enumerate(bodies_of(message, sender)):
            self._events.append(
                InboundEvent(
                    external_id=f"{key}:{index}" if index else key,
                    conversation_key=conversation,
                    sender=sender,
                    body=body,
                    occurred_at=time_of(message, self._now),
                    message=id,
                    context=context,
                )
            )

    def _preference(self, place: _Place, preference: Object, contacts: Contacts) -> None:
        key = f"{PREFERENCES}:{_hash(_stable(preference))}"
        raw = place.alone(PREFERENCES, [preference], self._body)
        self._consents.append(consent_of(preference, contacts, key, raw, self._now))

    def _echo(self, echo: Object, key: str, contacts: Contacts) -> None:
        id = needed_string(echo, "id", "echo")
        customer = recipient_of(echo, contacts)
        self._add(key, id, echo, customer, human_reply(echo))

    def _add(
        self, key: str, id: str, piece: Object, sender: Sender, body: IdentityChanged | HumanReplied
    ) -> None:
        self._events.append(
            InboundEvent(
                external_id=key,
                conversation_key=sender.external_id,
                sender=sender,
                body=body,
                occurred_at=time_of(piece, self._now),
                message=id,
            )
        )


class _Place:
    """Where in a body a piece stands: enough to put it into a body of its own."""

    def __init__(self, entry: Object, change: Object) -> None:
        self._entry = entry
        self._change = change

    def alone(self, name: str, pieces: list[Any] | None, body: bytes) -> bytes:
        """A body with nothing but `pieces` of the change's list `name`, or but this change when they are None."""
        value = self._change.get("value")
        if pieces is not None and type(value) is dict:
            value = {**{key: one for key, one in value.items() if key not in PIECES}, name: pieces}
        change = {**self._change, "value": value}
        entry = {**self._entry, "changes": [change]}
        try:
            return _encode({"object": OBJECT, "entry": [entry]})
        except (
            ValueError,
            TypeError,
            RecursionError,
        ):  # a number or a depth that JSON can't be made of again
            return body


def _refuse(reason: str) -> None:
    raise Unhandled(reason)


def _stable(piece: Object) -> bytes:
    """A piece as bytes that are the same whenever it is."""
    try:
        return _encode(piece)
    except (ValueError, TypeError, RecursionError):  # a number or a depth that JSON can't be made of again
        return repr(piece).encode("utf-8", "replace")


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:32]


def _shown(reason: str) -> str:
    """A reason on one line, without what can't be stored or seen."""
    return "".join(character if character.isprintable() else " " for character in reason)[:400]
