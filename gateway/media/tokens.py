"""Signed names of files that expire: what a link ends in, and what a call's upload is named by.

`<key id>.<base64url(version, expiry, organization, file, tag)>`: 54 bytes, so that the 72 characters have no spare
bits. The tag is HMAC-SHA256 cut to 128 bits, under a key that is derived (HKDF) from the deployment's encryption key
of that id for one purpose: a name that was made for one is none for another, and names live on when keys are rotated.
"""

from __future__ import annotations

import base64
import hmac
import re
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

import msgspec

from storage.keyring import Keyring

VERSION: Final = 1
TAG_BYTES: Final = 16
PAYLOAD_BYTES: Final = 1 + 5 + 16 + 16
ENCODED_CHARACTERS: Final = (PAYLOAD_BYTES + TAG_BYTES) * 4 // 3

_ENCODED = re.compile(rf"[A-Za-z0-9_-]{{{ENCODED_CHARACTERS}}}\Z")

LINKS: Final = b"gateway: links to media, 1"
SOURCES: Final = b"gateway: sources of uploads, 1"


class Named(msgspec.Struct, frozen=True, kw_only=True):
    """What a token names."""

    organization_id: UUID
    media_id: UUID
    expires_at: datetime


class Tokens:
    """Makes and reads the tokens of one purpose (LINKS, SOURCES)."""

    def __init__(self, keyring: Keyring, purpose: bytes) -> None:
        self._keyring = keyring
        self._purpose = purpose

    def make(self, named: Named) -> str:
        """A token under the active key; the expiry is cut to seconds."""
        key_id, _ = self._keyring.active
        payload = b"".join(
            (
                bytes((VERSION,)),
                int(named.expires_at.timestamp()).to_bytes(5),
                named.organization_id.bytes,
                named.media_id.bytes,
            )
        )
        tag = self._tag(key_id, payload)
        assert tag is not None
        return f"{key_id}.{base64.urlsafe_b64encode(payload + tag).decode()}"

    def read(self, token: str, now: datetime) -> Named | None:
        """What `token` names; None when it is not ours, not for this purpose, or expired."""
        key_id, dot, encoded = token.rpartition(".")
        if not dot or not _ENCODED.match(encoded):
            return None
        sealed = base64.urlsafe_b64decode(encoded)
        payload, tag = sealed[:PAYLOAD_BYTES], sealed[PAYLOAD_BYTES:]
        expected = self._tag(key_id, payload)
        if expected is None or not hmac.compare_digest(tag, expected) or payload[0] != VERSION:
            return None
        expires_at = int.from_bytes(payload[1:6])
        if expires_at <= now.timestamp():
            return None
        return Named(
            organization_id=UUID(bytes=payload[6:22]),
            media_id=UUID(bytes=payload[22:38]),
            expires_at=datetime.fromtimestamp(expires_at, UTC),
        )

    def _tag(self, key_id: str, payload: bytes) -> bytes | None:
        key = self._keyring.derive(self._purpose, key_id)
        if key is None:
            return None
        return hmac.digest(key, key_id.encode() + b"." + payload, "sha256")[:TAG_BYTES]
