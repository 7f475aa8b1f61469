"""What a platform's adapter is: verify (pure), parse (pure), render (pure), send (thin I/O).

An adapter translates, it never decides. It knows no server, no database and no other platform.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal, Protocol, TypeAlias
from uuid import UUID

import msgspec

from adapters.capabilities import Capabilities
from engine.events import InboundEvent
from engine.messages import OutboundMessage

DeliveryState: TypeAlias = Literal["sent", "delivered", "read", "failed"]


class ChannelAccess(msgspec.Struct, frozen=True, kw_only=True):
    """What an adapter needs of one channel: its id, its decrypted secrets and its settings.

    The repr shows no secret.
    """

    channel_id: UUID
    secrets: Mapping[str, str]
    settings: Mapping[str, Any]

    def __repr__(self) -> str:
        return f"ChannelAccess(channel_id={self.channel_id})"


class StatusUpdate(msgspec.Struct, frozen=True, kw_only=True):
    """A platform's report on a message that was sent: its status lane never runs a turn."""

    message: str
    """The platform's message id, as in `Receipt.message`."""
    state: DeliveryState
    occurred_at: datetime
    error: str = ""


class Parked(msgspec.Struct, frozen=True, kw_only=True):
    """An authentic piece of a body that is stored with its reason and runs no turn."""

    external_id: str
    reason: str
    raw: bytes


class Parsed(msgspec.Struct, frozen=True, kw_only=True):
    """A body split whole: what runs a turn, what only changes a status, what is parked."""

    events: tuple[InboundEvent, ...] = ()
    statuses: tuple[StatusUpdate, ...] = ()
    parked: tuple[Parked, ...] = ()
    answer: bytes | None = None
    """JSON to answer the webhook with, when the platform lets the answer carry a call; None for an empty 200."""


class Call(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One API call, rendered and ready: `method` is the platform's name for it, `body` is JSON."""

    method: str
    body: bytes


class Envelope(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What goes with a call: which effect it carries out, and where that stands in its conversation."""

    key: UUID
    """The effect's id: the same at every try, for platforms that take an idempotency key."""
    conversation_id: UUID
    seq: int
    """The message's number in its conversation, from 1, without gaps."""
    at: datetime
    """When the message was decided on (UTC)."""


class Receipt(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The platform took a call; `message` is its id for the message (empty when it gave none)."""

    message: str = ""


class Adapter(Protocol):
    """A platform. A fifth one is one folder, one folder of payloads and one line in the composition root."""

    platform: str
    capabilities: Capabilities

    def verify(self, body: bytes, headers: Mapping[str, str], access: ChannelAccess, now: datetime) -> None:
        """Check that `body` (raw bytes, unparsed) comes from the platform. Raises `Unverified`."""

    def parse(self, body: bytes, now: datetime) -> Parsed:
        """Split a verified body into neutral pieces. Never raises: what can't be read comes back parked."""

    def render(self, recipient: str, message: OutboundMessage) -> list[Call]:
        """The API calls that say `message` to `recipient` (the conversation key), in order; never empty."""

    def typing(self, recipient: str) -> Call | None:
        """The call that shows the typing indicator, or None where the platform has none."""

    async def send(self, call: Call, access: ChannelAccess, envelope: Envelope) -> Receipt:
        """Carry out one call. Raises `SendFailed`."""

    async def close(self) -> None:
        """Release connections."""
