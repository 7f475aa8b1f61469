"""Files that customers and bots sent, as rows: what they are, whose, and where their bytes lie.

Every function runs in the caller's transaction, which names the tenants, and never commits it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Literal, TypeAlias
from uuid import UUID

import msgspec
from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.audit import Change, record
from storage.queries import load
from storage.tables import media

_SQL = load("media")

Status: TypeAlias = Literal["pending", "stored", "refused", "gone"]

VISITOR = "visitor:"
"""How the `file` of an upload begins; the visitor's id follows."""


class Media(msgspec.Struct, frozen=True, kw_only=True):
    """One file. The repr shows neither the platform's reference nor the name."""

    id: UUID
    organization_id: UUID
    channel_id: UUID
    conversation_id: UUID | None
    direction: Literal["in", "out"]
    kind: str
    """As in `engine.messages.MediaKind`."""
    file: str
    """The platform's reference; `visitor:<id>` for what a visitor of a website uploaded."""
    name: str
    mime_type: str
    """What the sender says it is, until it is stored: then what it is."""
    size: int | None
    """Bytes."""
    sha256: str | None
    """In hexadecimal."""
    width: int | None
    height: int | None
    status: Status
    reason: str | None
    """Why it is refused or gone."""
    place: str | None
    """Where the store keeps it."""
    created_at: datetime
    stored_at: datetime | None
    expires_at: datetime | None

    def __repr__(self) -> str:
        return f"Media(id={self.id}, status={self.status})"


class StoredFile(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a file once it is in the store."""

    kind: str
    mime_type: str
    size: int
    sha256: str
    place: str
    width: int | None = None
    height: int | None = None


class Received(msgspec.Struct, frozen=True, kw_only=True):
    """A file that a turn has heard of, in the order of the columns."""

    id: UUID
    organization_id: UUID
    channel_id: UUID
    conversation_id: UUID
    direction: Literal["in", "out"]
    kind: str
    file: str
    name: str = ""
    mime_type: str = ""
    size: int | None = None


class Adopted(msgspec.Struct, frozen=True, kw_only=True):
    """A file that is stored already and now has a conversation, in the order of the columns."""

    id: UUID
    channel_id: UUID
    conversation_id: UUID


async def receive(
    connection: Any, files: Sequence[Received], now: datetime, expires_at: datetime | None
) -> None:
    """Note files that are to be fetched."""
    columns = zip(*(msgspec.structs.astuple(file) for file in files), strict=True)
    await connection.execute(_SQL["receive"], *columns, now, expires_at)


async def adopt(connection: Any, files: Sequence[Adopted], expires_at: datetime | None) -> None:
    """Give uploads to the conversations that name them; those of another channel stay as they are."""
    columns = zip(*(msgspec.structs.astuple(file) for file in files), strict=True)
    await connection.execute(_SQL["adopt"], *columns, expires_at)


async def add_upload(
    connection: Any,
    *,
    id: UUID,
    organization_id: UUID,
    channel_id: UUID,
    visitor: UUID,
    name: str,
    now: datetime,
    expires_at: datetime,
) -> None:
    """A visitor begins to upload a file."""
    file = f"{VISITOR}{visitor}"
    await connection.execute(
        _SQL["upload"], id, organization_id, channel_id, "document", file, name, "", now, expires_at
    )


async def find(connection: Any, id: UUID) -> Media | None:
    """A file of the transaction's organizations."""
    return _media(await connection.fetchrow(_SQL["find"], id))


async def find_upload(connection: Any, id: UUID, *, channel_id: UUID, visitor: UUID) -> Media | None:
    """A stored file that this visitor of this channel uploaded; None for anybody else's."""
    return _media(await connection.fetchrow(_SQL["find_upload"], id, channel_id, f"{VISITOR}{visitor}"))


async def latest(connection: Any, limit: int) -> list[Media]:
    """The newest files of the transaction's organizations."""
    return [Media(**record) for record in await connection.fetch(_SQL["latest"], limit)]


async def mark_stored(connection: Any, id: UUID, stored: StoredFile, name: str, now: datetime) -> None:
    """It is in the store; `name` is its name when it has none yet. Changes nothing when its fate was known already."""
    await connection.execute(
        _SQL["mark_stored"],
        id,
        stored.kind,
        stored.mime_type,
        stored.size,
        stored.sha256,
        stored.width,
        stored.height,
        stored.place,
        name,
        now,
    )


async def mark_lost(connection: Any, id: UUID, status: Literal["refused", "gone"], reason: str) -> None:
    """It is not kept, and why."""
    await connection.execute(_SQL["mark_lost"], id, status, reason)


async def expired(connection: Any, now: datetime, limit: int) -> list[tuple[UUID, str | None]]:
    """Files whose time is over, the oldest first: id and place."""
    records = await connection.fetch(_SQL["expired"], now, limit)
    return [(record["id"], record["place"]) for record in records]


async def forget(connection: Any, ids: Collection[UUID]) -> int:
    """Delete rows; their bytes are gone from the store already. Returns how many there were."""
    tag: str = await connection.execute(_SQL["forget"], list(ids))
    return int(tag.rpartition(" ")[2])


async def forget_one(connection: AsyncConnection, change: Change, file: Media) -> None:
    """Delete one row, on record. Its bytes are gone from the store already."""
    await connection.execute(delete(media).where(media.c.id == file.id))
    await record(
        connection, change, "forgotten", "media", file.id, {"kind": file.kind, "status": file.status}
    )


def _media(row: Any) -> Media | None:
    return None if row is None else Media(**row)
