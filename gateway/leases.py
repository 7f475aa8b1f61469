"""Channels without a webhook, by lease: one replica listens to such a channel at a time.

The lease stands in the channel's row. It runs out by itself when its replica dies, and is given back when it stops.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from uuid import UUID

from adapters.errors import TryLater
from gateway.away import AWAY
from gateway.logs import get_logger
from storage import routing
from storage.database import Database
from storage.routing import Place

LEASE = timedelta(seconds=45)
"""How long a channel stays this replica's without a sign of life; longer than one question of polling."""
SEARCH_SECONDS = 2.0
"""How often to look for channels that nobody listens to."""
MAX_BACKOFF_SECONDS = 30.0

_log = get_logger(__name__)


class Leases:
    """Finds one platform's free channels and runs `listen` on each, as many as this replica can get the lease of.

    `listen` takes the lease, and takes it again for as long as it goes on. It is given back when `listen` ends,
    whatever it ends with.
    """

    def __init__(
        self,
        database: Database,
        platform: str,
        listen: Callable[[Place], Awaitable[None]],
        *,
        owner: UUID,
        clock: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._platform = platform
        self._listen = listen
        self._owner = owner
        self._clock = clock
        self._tasks: dict[UUID, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Look for channels and listen to them, until cancelled; then let go of them."""
        try:
            while True:
                try:
                    await self._search()
                except AWAY as error:
                    _log.warning("no search for channels", platform=self._platform, error=_told(error))
                await asyncio.sleep(SEARCH_SECONDS)
        finally:
            for task in self._tasks.values():
                task.cancel()
            await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def take(self, place: Place) -> int | None:
        """Become the one replica that listens to a channel, or go on being it: its offset. None when another is."""
        return await routing.lease_polling(self._database, place, self._owner, self._clock(), LEASE)

    async def save(self, place: Place, offset: int, now: datetime) -> None:
        """Everything before `offset` is committed; a sign of life as well."""
        await routing.save_polling(self._database, place, self._owner, offset, now + LEASE)

    async def _search(self) -> None:
        self._tasks = {id: task for id, task in self._tasks.items() if not task.done()}
        for place in await routing.find_pollable(self._database, self._platform, self._clock()):
            if place.id not in self._tasks:
                self._tasks[place.id] = asyncio.create_task(self._hold(place), name=f"{self._platform}-lease")

    async def _hold(self, place: Place) -> None:
        try:
            await self._listen(place)
        except AWAY as error:
            _log.warning("channel let go", channel=str(place.id), error=_told(error))
        finally:
            await self._release(place)

    async def _release(self, place: Place) -> None:
        try:
            await asyncio.shield(routing.release_polling(self._database, place, self._owner))
        except AWAY:
            return  # the lease runs out by itself


def backoff(failures: int) -> float:
    """Seconds to wait after so many failures in a row."""
    return min(MAX_BACKOFF_SECONDS, 0.5 * 2.0 ** min(failures, 10))


def wait_after(error: Exception, failures: int) -> float:
    """Seconds to wait after this failure, the last of so many: as long as the platform asked, where it did."""
    asked = error.retry_after if isinstance(error, TryLater) else None
    return asked or backoff(failures)


def _told(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"
