"""Reads conversations for the widget: what a visitor has said and been told, in order."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from storage.database import Database
from storage.deliveries import transaction
from storage.queries import load

_SQL = load("transcripts")


class StoredMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A visible message; `payload` is JSON, `external_id` the platform's (for a customer's, the client's) id."""

    conversation_id: UUID
    seq: int
    id: UUID
    sender_type: str
    message_type: str
    content: str
    payload: str | None
    external_id: str | None
    created_at: datetime
    edits: str | None = None
    """The platform's id of the earlier message that it replaces."""


async def find(
    database: Database, organization_id: UUID, channel_id: UUID, contact_key: str
) -> tuple[UUID, int] | None:
    """The open conversation of a contact and the last sequence number given out in it."""
    async with database.raw() as connection, transaction(connection, {organization_id}):
        record = await connection.fetchrow(_SQL["find"], channel_id, contact_key)
    return None if record is None else (record["id"], record["message_count"])


async def after(
    database: Database, positions: Sequence[tuple[UUID, UUID, int]], limit: int
) -> list[StoredMessage]:
    """Visible messages above each position (organization, conversation, seq), at most `limit` for each."""
    if not positions:
        return []
    organizations = {organization for organization, _, _ in positions}
    async with database.raw() as connection, transaction(connection, organizations):
        records: list[Any] = await connection.fetch(
            _SQL["after"], [id for _, id, _ in positions], [seq for _, _, seq in positions], limit
        )
    return [StoredMessage(**record) for record in records]
