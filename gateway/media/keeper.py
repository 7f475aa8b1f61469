"""Keeps customers' files: fetches them from their platform, through the checks, into the store. Once at a time each.

A crash between the store and the row leaves a file that nobody knows of; the next fetch writes the same place again.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

import aiohttp

from adapters.errors import SendFailed, TryLater
from adapters.protocol import Content
from gateway.channel import Channel
from gateway.connections import Connections
from gateway.logs import get_logger
from gateway.media.checks import Checked
from gateway.media.errors import MediaError, NotAllowed, StoreAway, StoreMisconfigured
from gateway.media.rules import rules_of
from gateway.media.store import MediaStore
from storage import deliveries
from storage import media as rows
from storage.media import Media, StoredFile

FETCH_SECONDS: Final = 900.0
"""How long one fetch may take in all."""
MAX_RESTING: Final = 1_000
"""Files whose next try is remembered to be later; the oldest are forgotten first."""
REST_SECONDS: Final = 5.0
"""How long a file rests after a try that failed, when the platform has not said."""

_log = get_logger(__name__)


class FetchLater(MediaError):
    """The file could not be fetched now. `retry_after`: seconds that the platform asked to wait, or None."""

    def __init__(self, reason: str, retry_after: float | None = None) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


class _Flight:
    """A fetch under way, and how many wait for it."""

    __slots__ = ("task", "waiting")

    def __init__(self, task: asyncio.Task[Media]) -> None:
        self.task = task
        self.waiting = 0


class Keeper:
    """Fetches for one worker. `max_bytes` is the deployment's bound for a file."""

    def __init__(
        self, connections: Connections, store: MediaStore, max_bytes: int, clock: Callable[[], datetime]
    ) -> None:
        self._connections = connections
        self._store = store
        self._max_bytes = max_bytes
        self._clock = clock
        self._flights: dict[UUID, _Flight] = {}
        self._resting: OrderedDict[UUID, float] = OrderedDict()
        """By file: until when it is not tried again by those who only look (monotonic seconds)."""

    async def find(self, organization_id: UUID, media_id: UUID) -> Media | None:
        """A file of the organization; None when there is none, or it is another's. Raises as the database does."""
        async with self._connections.raw() as connection:
            async with deliveries.transaction(connection, {organization_id}):
                return await rows.find(connection, media_id)

    def rest_of(self, media_id: UUID) -> float:
        """For how many seconds more the file rests after a try that failed."""
        return max(0.0, self._resting.get(media_id, 0.0) - time.monotonic())

    async def fetch(self, channel: Channel, media: Media) -> Media:
        """Fetch a pending file; returns what became of it. Whoever asks meanwhile waits for the same fetch.

        Raises `FetchLater`, and what the database raises.
        """
        flight = self._flights.get(media.id)
        if flight is None:
            flight = _Flight(asyncio.create_task(self._fetch(channel, media), name=f"media-{media.id}"))
            self._flights[media.id] = flight
            flight.task.add_done_callback(lambda task: self._landed(media.id, task))
        flight.waiting += 1
        try:
            return await asyncio.shield(flight.task)
        finally:
            flight.waiting -= 1
            if not flight.waiting:
                flight.task.cancel()  # nobody waits any more; the work lane takes it up again

    async def lose(self, media: Media, status: Literal["refused", "gone"], reason: str) -> None:
        """Note that the file is not kept, and why."""
        async with self._connections.raw() as connection:
            async with deliveries.transaction(connection, {media.organization_id}):
                await rows.mark_lost(connection, media.id, status, reason)

    async def _fetch(self, channel: Channel, media: Media) -> Media:
        try:
            stored, name = await self._store_it(channel, media)
        except NotAllowed as error:
            await self.lose(media, "refused", str(error))
        except SendFailed as error:
            reason = f"{error.code}: {error.reason}" if error.code else error.reason
            if error.retryable:
                raise self._later(media, reason, getattr(error, "retry_after", None)) from None
            await self.lose(media, "gone", reason)
        except (StoreAway, StoreMisconfigured) as error:
            _log.error("media store refuses a file", media=str(media.id), reason=str(error))
            raise self._later(media, str(error)) from None
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise self._later(media, f"the file broke off: {type(error).__name__}") from None
        else:
            await self._mark(media, stored, name)
        found = await self.find(media.organization_id, media.id)
        return media if found is None else found

    def _landed(self, media_id: UUID, task: asyncio.Task[Media]) -> None:
        self._flights.pop(media_id, None)
        if not task.cancelled():
            task.exception()  # whoever waited has heard of it; that nobody did is no news

    async def _store_it(self, channel: Channel, media: Media) -> tuple[StoredFile, str]:
        rules = rules_of(channel.settings, self._max_bytes)
        async with (
            asyncio.timeout(FETCH_SECONDS),
            channel.adapter.fetch(media.file, channel.access) as content,
        ):
            if content.size is not None:
                rules.check_size(content.size)
            name = media.name or content.name
            declared = content.mime_type or media.mime_type
            checked = Checked(rules, kind=media.kind, declared=declared, name=name)
            stored = await self._store.put(media.id, checked.stream(_whole(content)))
        return checked.stored(stored), name

    async def _mark(self, media: Media, stored: StoredFile, name: str) -> None:
        async with self._connections.raw() as connection:
            async with deliveries.transaction(connection, {media.organization_id}):
                await rows.mark_stored(connection, media.id, stored, name, self._clock())

    def _later(self, media: Media, reason: str, retry_after: float | None = None) -> FetchLater:
        self._resting[media.id] = time.monotonic() + (retry_after or REST_SECONDS)
        self._resting.move_to_end(media.id)
        while len(self._resting) > MAX_RESTING:
            self._resting.popitem(last=False)
        return FetchLater(reason, retry_after)


async def _whole(content: Content) -> AsyncIterator[bytes]:
    """The file's bytes. Raises `TryLater` when there are other than as many as were announced."""
    count = 0
    async for chunk in content.chunks:
        count += len(chunk)
        yield chunk
    if content.size is not None and count != content.size:
        raise TryLater(f"{count} of the file's {content.size} bytes came")
