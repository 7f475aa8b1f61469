"""What a customer chose in WhatsApp's own settings: no more marketing messages of this business, or again.

https://developers.facebook.com/docs/whatsapp/cloud-api/webhooks/reference/user_preferences
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from adapters.protocol import ConsentReported
from adapters.reading import Object, Unhandled, string
from adapters.whatsapp.identity import MAX_ID, Contacts
from adapters.whatsapp.statuses import time_of

MAX_SHOWN: Final = 64
MAX_WORDS: Final = 400

_PURPOSES: Final[Mapping[str, str]] = {"marketing_messages": "marketing"}
_GRANTED: Final[Mapping[str, bool]] = {"stop": False, "resume": True}
_IDS: Final = ("wa_id", "user_id", "parent_user_id")


def consent_of(
    preference: Object, contacts: Contacts, key: str, raw: bytes, now: datetime
) -> ConsentReported:
    """One choice. Raises `Unhandled` for a category or a value that is not known, and when nothing names who chose."""
    category, value = string(preference, "category"), string(preference, "value")
    purpose, granted = _PURPOSES.get(category), _GRANTED.get(value)
    if purpose is None or granted is None:
        raise Unhandled(
            f"preference not handled: {category[:MAX_SHOWN] or 'no category'} {value[:MAX_SHOWN] or 'no value'}"
        )
    own = _ids_of(preference)
    beside = _ids_of(contacts.of(*(string(preference, name) for name in _IDS)))
    # Nobody else's choice: a contact counts only where it is named by the choice itself.
    customer = tuple(dict.fromkeys((*own, *beside) if {*own} & {*beside} else own))
    if not customer:
        raise Unhandled("preference without a readable customer")
    return ConsentReported(
        external_id=key,
        customer=customer,
        purpose=purpose,
        granted=granted,
        text=string(preference, "detail")[:MAX_WORDS],
        occurred_at=min(time_of(preference, now), now),
        raw=raw,
    )


def _ids_of(where: Object) -> list[str]:
    return [id for name in _IDS if 0 < len(id := string(where, name)) <= MAX_ID]
