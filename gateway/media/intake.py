"""Visitors' uploads in the store and in the database. What no conversation names within a day is forgotten."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID, uuid4

from adapters.protocol import Content
from gateway.away import AWAY
from gateway.channel import Channel
from gateway.connections import Connections
from gateway.errors import Unavailable
from gateway.logs import get_logger
from gateway.media.checks import Checked
from gateway.media.errors import NotAllowed, StoreAway, StoreMisconfigured
from gateway.media.rules import Rules
from gateway.media.store import MediaStore
from storage import deliveries
from storage import media as rows
from storage.media import StoredFile

UNADOPTED: Final = timedelta(days=1)

_log = get_logger(__name__)


class Intake:
    """Uploads of one worker. Its methods raise `Unavailable` when the database or the store is away."""

    def __init__(
        self,
        connections: Connections,
        store: MediaStore,
        organization_of: Callable[[UUID], UUID | None],
        clock: Callable[[], datetime],
    ) -> None:
        """`organization_of`: whose a channel is that this worker has in use, by its id."""
        self._connections = connections
        self._store = store
        self._organization_of = organization_of
        self._clock = clock

    async def owns(self, media_id: UUID, channel_id: UUID, visitor: UUID) -> bool:
        """Whether the file is stored, and was uploaded on this channel by this visitor."""
        organization = self._organization_of(channel_id)
        if organization is None:
            return False
        try:
            async with self._connections.raw() as connection:
                async with deliveries.transaction(connection, {organization}):
                    found = await rows.find_upload(
                        connection, media_id, channel_id=channel_id, visitor=visitor
                    )
        except AWAY as error:
            raise Unavailable from error
        return found is not None

    async def take(
        self, channel: Channel, visitor: UUID, rules: Rules, content: Content
    ) -> tuple[UUID, StoredFile]:
        """Check and keep a file; returns its id and what it is. Raises `NotAllowed`, and what the chunks raise.

        Its row is there first, so that nothing lies in the store that no row names.
        """
        if content.size is not None:
            rules.check_size(content.size)
        id = uuid4()  # a name that nobody guesses
        checked = Checked(rules, declared=content.mime_type, name=content.name)
        try:
            await self._begin(id, channel, visitor, content.name)
            try:
                stored = checked.stored(await self._store.put(id, checked.stream(content.chunks)))
            except NotAllowed as error:
                await self._refuse(id, channel, str(error))
                raise
            async with self._connections.raw() as connection:
                async with deliveries.transaction(connection, {channel.organization_id}):
                    await rows.mark_stored(connection, id, stored, content.name, self._clock())
        except (StoreAway, StoreMisconfigured) as error:
            _log.error("media store refuses an upload", reason=str(error))
            raise Unavailable from error
        except AWAY as error:
            raise Unavailable from error
        return id, stored

    async def _begin(self, id: UUID, channel: Channel, visitor: UUID, name: str) -> None:
        now = self._clock()
        async with self._connections.raw() as connection:
            async with deliveries.transaction(connection, {channel.organization_id}):
                await rows.add_upload(
                    connection,
                    id=id,
                    organization_id=channel.organization_id,
                    channel_id=channel.id,
                    visitor=visitor,
                    name=name,
                    now=now,
                    expires_at=now + UNADOPTED,
                )

    async def _refuse(self, id: UUID, channel: Channel, reason: str) -> None:
        async with self._connections.raw() as connection:
            async with deliveries.transaction(connection, {channel.organization_id}):
                await rows.mark_lost(connection, id, "refused", reason)
