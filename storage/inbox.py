"""Events that were parked: authentic, stored with the reason, and without a turn.

Every function runs in the caller's transaction and never commits it.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.audit import Change, record
from storage.tables import AnyRow, channels, inbox


class ParkedEvent(msgspec.Struct, frozen=True, kw_only=True):
    """A parked event. `raw` is what there is of it: the platform's body, or the event as JSON."""

    id: UUID
    organization_id: UUID
    channel_id: UUID
    channel: str
    """The channel's type and name; empty when the channel is gone."""
    external_id: str
    error: str
    raw: bytes
    received_at: datetime
    expires_at: datetime

    def __repr__(self) -> str:
        return f"ParkedEvent(id={self.id})"


async def list_parked(connection: AsyncConnection, limit: int) -> list[ParkedEvent]:
    """The oldest parked events of the transaction's organizations, in order of arrival."""
    query = (
        select(inbox, channels.c.type.label("channel_type"), channels.c.name.label("channel_name"))
        .outerjoin(channels, channels.c.id == inbox.c.channel_id)
        .where(inbox.c.status == "parked")
        .order_by(inbox.c.received_at, inbox.c.id)
        .limit(limit)
    )
    return [_parked(row) for row in await connection.execute(query)]


async def forget_parked(connection: AsyncConnection, change: Change, event: ParkedEvent, why: str) -> bool:
    """Remove a parked event that was dealt with; False when somebody else has."""
    gone = await connection.execute(delete(inbox).where(inbox.c.id == event.id, inbox.c.status == "parked"))
    if gone.rowcount == 0:
        return False
    details = {"channel": str(event.channel_id), "external_id": event.external_id, "why": why}
    await record(connection, change, "forgotten", "parked_event", event.id, details)
    return True


def _parked(row: AnyRow) -> ParkedEvent:
    return ParkedEvent(
        id=row.id,
        organization_id=row.organization_id,
        channel_id=row.channel_id,
        channel=f"{row.channel_type} {row.channel_name}" if row.channel_type else "",
        external_id=row.external_id,
        error=row.error or "",
        raw=row.raw or b"",
        received_at=row.received_at,
        expires_at=row.expires_at,
    )
