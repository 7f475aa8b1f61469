"""What the web channel needs of the rest of the gateway, as it sees it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, Protocol, TypeAlias
from uuid import UUID

import msgspec

from adapters.protocol import Parsed
from gateway.channel import Channel
from gateway.turns.arrival import Accepted

Clock: TypeAlias = Callable[[], datetime]
"""The time, UTC."""

Accept: TypeAlias = Callable[[Channel, Parsed], Awaitable[Sequence[Accepted]]]
"""Commits a turn for each event, in order. Raises `gateway.errors.Unavailable`: nothing was accepted."""

Owns: TypeAlias = Callable[[UUID, UUID, UUID], Awaitable[bool]]
"""Whether a file that the gateway keeps (its id) was uploaded on a channel (its id) by a visitor (theirs).
Raises `gateway.errors.Unavailable`."""

Link: TypeAlias = Callable[[UUID, UUID], str]
"""The address of a file that the gateway keeps, good for a while: of an organization (its id), the file (its id)."""

FindChannel: TypeAlias = Callable[[str], Awaitable[Channel | None]]
"""The active web channel of a route, or None. Raises `gateway.errors.Unavailable`."""


def no_file(organization_id: UUID, media_id: UUID) -> str:
    """The `Link` of a gateway that keeps no files."""
    return ""


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One message of a transcript."""

    conversation_id: UUID
    seq: int
    id: UUID
    sender_type: Literal["bot", "agent", "system", "customer"]
    content: str
    payload: Mapping[str, Any]
    """What the message has beside its words: parts of an `OutboundMessage`, or a customer's event."""
    created_at: datetime
    client_id: str = ""
    """The widget's own id, for the customer's messages."""


class Position(msgspec.Struct, frozen=True, kw_only=True):
    """How far somebody is in a conversation: everything up to `seq` is known."""

    organization_id: UUID
    conversation_id: UUID
    seq: int


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """A visitor's open conversation."""

    conversation_id: UUID
    last_seq: int
    """The highest number given out, whether or not its message has been sent yet."""


class Transcript(Protocol):
    """Reads conversations. Every method raises `gateway.errors.Unavailable` when the database is away.

    Visible are the customer's messages and every other message that is no longer on its way (sent or given
    up). A message that becomes visible late appears late: readers hold back what is numbered above it.
    """

    async def find(self, organization_id: UUID, channel_id: UUID, contact_key: str) -> Found | None:
        """The open conversation of a contact, if there is one."""

    async def after(
        self, organization_id: UUID, conversation_id: UUID, seq: int, limit: int
    ) -> Sequence[Entry]:
        """The first `limit` visible messages numbered above `seq`, ascending."""

    async def after_many(self, positions: Sequence[Position], limit: int) -> Sequence[Entry]:
        """The same for many conversations in one query; `limit` holds for each, ascending within each."""


class SeenUpTo(msgspec.Struct, frozen=True, kw_only=True):
    """Everything said to the customer up to `seq` has arrived, or was read."""

    conversation_id: UUID
    seq: int
    state: Literal["delivered", "read"]
    occurred_at: datetime


class StatusLane(Protocol):
    """Takes delivery statuses; never waits for a turn."""

    async def report(self, channel: Channel, updates: Sequence[SeenUpTo]) -> None:
        """Note the updates. Raises `gateway.errors.Unavailable`."""
