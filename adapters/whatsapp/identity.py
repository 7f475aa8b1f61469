"""Who wrote: a customer has a business-scoped id, a phone number, or both, and is known by the first.

https://developers.facebook.com/documentation/business-messaging/whatsapp/business-scoped-user-ids
"""

from __future__ import annotations

from typing import Any, Final

from adapters.reading import Object, Unhandled, string
from engine.events import Sender

MAX_ID: Final = 256
"""Characters of a customer's or a group's id."""


class Contacts:
    """The `contacts` of one change, looked up for the messages beside them."""

    def __init__(self, contacts: Any, messages: Any) -> None:
        self._known = [one for one in contacts if type(one) is dict] if type(contacts) is list else []
        authors = {_author(one) for one in messages if type(one) is dict} if type(messages) is list else set()
        self._is_sole = len(self._known) == 1 and len(authors) <= 1

    def of(self, number: str, user: str, parent: str) -> Object:
        """The contact with one of these ids; {} when there is none.

        A phone number and the id of its account are not always the same digits (Argentina, Brazil, Mexico), so one
        contact beside messages of one author is that author's whatever it says.
        """
        if self._is_sole:
            return self._known[0]
        wanted = {number, user, parent} - {""}
        for contact in self._known:
            if wanted & {string(contact, key) for key in ("wa_id", "user_id", "parent_user_id")}:
                return contact
        return {}


def _author(message: Object) -> tuple[str, str]:
    return string(message, "from") or string(message, "to"), string(message, "from_user_id")


def sender_of(message: Object, contacts: Contacts) -> Sender:
    """The author of a message. Raises `Unhandled` when nothing names one."""
    return _known(
        string(message, "from"),
        string(message, "from_user_id"),
        string(message, "from_parent_user_id"),
        contacts,
        "message without a readable sender",
    )


def recipient_of(echo: Object, contacts: Contacts) -> Sender:
    """The customer that the business wrote to by hand. Raises `Unhandled` when nothing names one."""
    return _known(
        string(echo, "to"),
        string(echo, "to_user_id"),
        string(echo, "to_parent_user_id"),
        contacts,
        "echo without a readable recipient",
    )


def _known(number: str, user: str, parent: str, contacts: Contacts, missing: str) -> Sender:
    contact = contacts.of(number, user, parent)
    wa_id = string(contact, "wa_id")
    ids = dict.fromkeys(
        (
            string(contact, "parent_user_id") or parent,
            string(contact, "user_id") or user,
            wa_id,
            number,
        )
    )
    known = [id for id in ids if 0 < len(id) <= MAX_ID]
    if not known:
        raise Unhandled(missing)
    profile = contact.get("profile")
    named = profile if type(profile) is dict else {}
    return Sender(
        external_id=known[0],
        first_name=string(named, "name"),
        username=string(named, "username") or string(contact, "username"),
        phone=phone_of(wa_id) or phone_of(number),
        aliases=tuple(known[1:]),
    )


def phone_of(number: str) -> str:
    """A phone number in international form, from WhatsApp's digits; empty for anything else."""
    return f"+{number}" if number.isascii() and number.isdigit() else ""
