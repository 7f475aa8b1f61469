"""The work lane's side of fetching: what is written down about a try, and when the next one is."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from gateway.channel import Channel
from gateway.logs import get_logger
from gateway.media.effect import FetchMedia
from gateway.media.keeper import FetchLater, Keeper
from gateway.work.verdict import Done, GivenUp, Later
from storage.deliveries import ClaimedWork
from storage.media import Media

FIRST_BACKOFF_SECONDS: Final = 2.0
MAX_BACKOFF_SECONDS: Final = 3_600.0
GIVE_UP_AFTER: Final = timedelta(hours=24)
MAX_TRIES: Final = 60
"""A file that was taken up this often has ended its workers, or will."""

_log = get_logger(__name__)


class Fetching:
    """Performs `FetchMedia` effects. Raises only what the database raises, and for a bug."""

    def __init__(self, keeper: Keeper, clock: Callable[[], datetime]) -> None:
        self._keeper = keeper
        self._clock = clock

    async def perform(
        self, effect: FetchMedia, work: ClaimedWork, channel: Channel
    ) -> Done | Later | GivenUp:
        """Fetch the file, unless that was done already."""
        media = await self._keeper.find(work.organization_id, effect.media)
        if media is None:
            return Done("the file was forgotten")
        if media.status != "pending":
            return Done(media.reason or "")
        if work.attempts > MAX_TRIES:
            return await self._give_up(media, f"given up after {MAX_TRIES} tries")
        try:
            fetched = await self._keeper.fetch(channel, media)
        except FetchLater as error:
            return await self._later(media, work, error)
        if fetched.status != "stored":
            _log.warning("file not kept", media=str(media.id), channel=str(channel.id), reason=fetched.reason)
        return Done(fetched.reason or "")

    async def _later(self, media: Media, work: ClaimedWork, error: FetchLater) -> Later | GivenUp:
        now = self._clock()
        if now - work.created_at > GIVE_UP_AFTER:
            return await self._give_up(media, str(error))
        exponential = FIRST_BACKOFF_SECONDS * float(2 ** min(work.attempts - 1, 20))
        seconds = min(exponential, MAX_BACKOFF_SECONDS) * random.uniform(0.8, 1.2)  # noqa: S311 - spreads, hides nothing
        wait = timedelta(seconds=max(seconds, error.retry_after or 0.0))
        return Later(due_at=now + wait, reason=str(error), changes={})

    async def _give_up(self, media: Media, reason: str) -> GivenUp:
        await self._keeper.lose(media, "gone", reason)
        return GivenUp(reason)
