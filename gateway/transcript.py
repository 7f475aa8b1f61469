"""The stored conversations as the widget's part of the server sees them."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar, cast
from uuid import UUID

import msgspec

from gateway.away import AWAY
from gateway.errors import Unavailable
from gateway.identity.filling import CodeFiller
from gateway.web.ports import Entry, Found, Position
from storage import transcripts
from storage.database import Database
from storage.transcripts import StoredMessage

T = TypeVar("T")


class StoredTranscript:
    """Reads transcripts from the database. Every method raises `Unavailable` while that is away."""

    def __init__(self, database: Database, codes: CodeFiller | None = None) -> None:
        """Without `codes` a message that carries a link code is shown without one."""
        self._database = database
        self._codes = codes or CodeFiller(database, None, lambda: datetime.now(UTC))

    async def find(self, organization_id: UUID, channel_id: UUID, contact_key: str) -> Found | None:
        """The open conversation of a contact, if there is one."""
        found = await _reach(transcripts.find(self._database, organization_id, channel_id, contact_key))
        return None if found is None else Found(conversation_id=found[0], last_seq=found[1])

    async def after(
        self, organization_id: UUID, conversation_id: UUID, seq: int, limit: int
    ) -> Sequence[Entry]:
        """The first `limit` visible messages numbered above `seq`, ascending."""
        position = Position(organization_id=organization_id, conversation_id=conversation_id, seq=seq)
        return await self.after_many([position], limit)

    async def after_many(self, positions: Sequence[Position], limit: int) -> Sequence[Entry]:
        """The same for many conversations; `limit` holds for each."""
        wanted = [(one.organization_id, one.conversation_id, one.seq) for one in positions]
        rows = await _reach(transcripts.after(self._database, wanted, limit))
        organizations = {one.conversation_id: one.organization_id for one in positions}
        return [_entry(row) for row in await _reach(self._codes.fill_rows(organizations, rows))]


async def _reach(reading: Awaitable[T]) -> T:
    try:
        return await reading
    except AWAY as error:
        raise Unavailable from error


def _entry(row: StoredMessage) -> Entry:
    payload: dict[str, Any] = msgspec.json.decode(row.payload) if row.payload else {}
    if row.edits:
        payload["edits"] = row.edits
    from_customer = row.sender_type == "customer"
    return Entry(
        conversation_id=row.conversation_id,
        seq=row.seq,
        id=row.id,
        sender_type=cast(Any, row.sender_type),
        content=row.content,
        payload=payload,
        created_at=row.created_at,
        client_id=(row.external_id or "") if from_customer else "",
    )
