"""Forgets files whose time is over, and what broken writes have left. In batches, from the store first.

Whoever is interrupted between the two has rows whose file is gone; the next run forgets them.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final, Protocol
from uuid import UUID

from gateway.connections import Connections
from gateway.logs import get_logger
from gateway.media.errors import MediaError
from gateway.media.store import MediaStore
from storage import deliveries, routing
from storage import media as rows

BATCH: Final = 100
MAX_BATCHES: Final = 50
"""Of one organization in one run; the rest waits for the next."""
LEFT_BEHIND: Final = timedelta(days=1)
"""Age after which a write that did not end is taken for broken. None takes that long."""

_log = get_logger(__name__)


class Housekeeping(Protocol):
    """The storage's own chores."""

    async def run(self, now: datetime) -> None:
        """Do them."""

    async def queue_ages(self, now: datetime) -> dict[str, float]:
        """See `storage.housekeeping`."""


class MediaRetention:
    """Chores of the media store, run after those of the storage. Safe when every replica runs them."""

    def __init__(self, before: Housekeeping, connections: Connections, store: MediaStore) -> None:
        self._before = before
        self._connections = connections
        self._store = store

    async def queue_ages(self, now: datetime) -> dict[str, float]:
        """As the storage says."""
        return await self._before.queue_ages(now)

    async def run(self, now: datetime) -> None:
        """All chores. A store that is away is told, and tried again by the next run."""
        await self._before.run(now)
        async with self._connections.raw() as connection, deliveries.as_dispatcher(connection):
            organizations = await routing.organization_ids(connection)
        try:
            for organization in organizations:
                await self._expire(organization, now)
            if removed := await self._store.tidy(now - LEFT_BEHIND):
                _log.info("broken writes removed", count=removed)
        except MediaError as error:
            _log.warning("media not tidied", reason=str(error))

    async def _expire(self, organization: UUID, now: datetime) -> None:
        for _ in range(MAX_BATCHES):
            async with self._connections.raw() as connection:
                async with deliveries.transaction(connection, {organization}):
                    expired = await rows.expired(connection, now, BATCH)
            for _, place in expired:
                if place is not None:
                    await self._store.delete(place)
            if expired:
                async with self._connections.raw() as connection:
                    async with deliveries.transaction(connection, {organization}):
                        await rows.forget(connection, [id for id, _ in expired])
            if len(expired) < BATCH:
                return
