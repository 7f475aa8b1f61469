"""Link codes: whoever shows one on another channel is the same person.

48 characters of base64url: version and expiry (6 bytes), customer (16), tag (14). The tag is HMAC-SHA256 cut to 112
bits, over these and the organization, under a key that is derived (HKDF) from the deployment's encryption keys; each of
them is tried, so that codes live on when keys are rotated. With `link_` before it, a code fits into the 64
characters of Telegram's deep links (https://core.telegram.org/bots/features#deep-linking).
"""

from __future__ import annotations

import base64
import hmac
import re
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from msgspec import structs

from engine.events import CommandReceived, InboundEvent, TextReceived
from storage.keyring import Keyring

VERSION: Final = 1
TAG_BYTES: Final = 14
PAYLOAD_BYTES: Final = 1 + 5 + 16
CHARACTERS: Final = (PAYLOAD_BYTES + TAG_BYTES) * 4 // 3
LIFETIME: Final = timedelta(hours=24)
START_PREFIX: Final = "link_"
"""Before a code in the argument of `/start`."""
MAX_TEXT: Final = 100
"""Characters of a text that may be a code and nothing else."""
WORD: Final = "link"
"""What a customer writes before a code, and what is left of it in the transcript."""

_PURPOSE: Final = b"gateway: link codes, 1"
_CODE: Final = rf"([A-Za-z0-9_-]{{{CHARACTERS}}})"
_START: Final = re.compile(rf"link_{_CODE}\Z")
_TEXT: Final = re.compile(rf"\s*link\s+{_CODE}\s*\Z", re.IGNORECASE)


class LinkCodes:
    """Makes and reads the codes of one deployment."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring

    def make(self, organization_id: UUID, customer_id: UUID, now: datetime) -> str:
        """A code that stands for a customer for `LIFETIME`; the expiry is cut to seconds."""
        key_id, _ = self._keyring.active
        expires_at = int((now + LIFETIME).timestamp())
        payload = bytes((VERSION,)) + expires_at.to_bytes(5) + customer_id.bytes
        tag = self._tag(key_id, organization_id, payload)
        assert tag is not None
        return base64.urlsafe_b64encode(payload + tag).decode()

    def read(self, organization_id: UUID, code: str, now: datetime) -> UUID | None:
        """The customer of a code; None when it is forged, another organization's, or expired."""
        if len(code) != CHARACTERS or not re.fullmatch(_CODE, code):
            return None
        sealed = base64.urlsafe_b64decode(code)
        payload, tag = sealed[:PAYLOAD_BYTES], sealed[PAYLOAD_BYTES:]
        if payload[0] != VERSION or int.from_bytes(payload[1:6]) <= now.timestamp():
            return None
        for key_id in self._keyring.ids:
            expected = self._tag(key_id, organization_id, payload)
            if expected is not None and hmac.compare_digest(tag, expected):
                return UUID(bytes=payload[6:])
        return None

    def take(
        self, organization_id: UUID, event: InboundEvent, now: datetime
    ) -> tuple[InboundEvent, UUID | None]:
        """Take a valid code out of an event: the event without it, and the customer whom it stands for. The engine, the
        transcript and the inbox never see it. What is no valid code stays where it is.
        """
        code = _code_in(event)
        customer_id = None if code is None else self.read(organization_id, code, now)
        return (event, None) if customer_id is None else (_without_code(event), customer_id)

    def _tag(self, key_id: str, organization_id: UUID, payload: bytes) -> bytes | None:
        key = self._keyring.derive(_PURPOSE, key_id)
        return (
            None if key is None else hmac.digest(key, organization_id.bytes + payload, "sha256")[:TAG_BYTES]
        )


def _code_in(event: InboundEvent) -> str | None:
    body = event.body
    found = None
    if isinstance(body, TextReceived):
        found = _TEXT.match(body.text) if CHARACTERS < len(body.text) < MAX_TEXT else None
    elif isinstance(body, CommandReceived) and body.command == "start":
        found = _START.match(body.argument)
    return None if found is None else found[1]


def _without_code(event: InboundEvent) -> InboundEvent:
    body: CommandReceived | TextReceived = TextReceived(text=WORD)
    if isinstance(event.body, CommandReceived):
        body = structs.replace(event.body, argument="")
    context = event.context
    if context is not None and context.referral is not None:
        context = structs.replace(context, referral=None)
    return structs.replace(event, body=body, context=context)
