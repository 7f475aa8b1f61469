"""Files that customers and bots sent, as operators see them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from gateway.admin.bots import ACTOR
from gateway.errors import GatewayError, NotFound
from gateway.media.errors import MediaError
from gateway.media.store import MediaStore
from storage import deliveries
from storage import media as rows
from storage.audit import Change
from storage.database import Database
from storage.media import Media


async def list_media(database: Database, organization_id: UUID, limit: int) -> list[Media]:
    """The newest files of an organization."""
    async with database.raw() as connection, deliveries.transaction(connection, {organization_id}):
        return await rows.latest(connection, limit)


async def find_media(database: Database, organization_id: UUID, media_id: UUID) -> Media:
    """One of them. Raises NotFound."""
    async with database.raw() as connection, deliveries.transaction(connection, {organization_id}):
        found = await rows.find(connection, media_id)
    if found is None:
        raise NotFound(f"there is no file {media_id}; list them with: gateway media list")
    return found


async def forget_media(
    database: Database, store: MediaStore, media: Media, clock: Callable[[], datetime]
) -> None:
    """Delete a file for good: from the store, then its row; that it was is put on record. Raises GatewayError."""
    try:
        if media.place is not None:
            await store.delete(media.place)
    except MediaError as error:
        raise GatewayError(f"the file is not deleted: {error}") from error
    change = Change(organization_id=media.organization_id, actor=ACTOR, now=clock())
    async with database.transaction([media.organization_id]) as connection:
        await rows.forget_one(connection, change, media)
