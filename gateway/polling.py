"""Long polling, for machines without a public address: updates enter by the same door as a webhook's.

One replica polls a channel at a time (`gateway.leases`). An update is confirmed to the
platform by asking for the next one, and only after its turn is committed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Protocol
from uuid import UUID

from adapters.errors import SendFailed
from adapters.protocol import Call, ChannelAccess, Envelope, Parsed
from gateway.channel import Channel
from gateway.delivery.claims import Channels
from gateway.errors import Unavailable
from gateway.leases import Leases, wait_after
from gateway.logs import get_logger
from gateway.turns.arrival import Accepted
from storage.database import Database
from storage.ids import new_id
from storage.routing import Place

POLL_SECONDS = 20
"""How long one question waits for an update."""

_log = get_logger(__name__)


class Source(Protocol):
    """A platform that can be polled."""

    async def get_updates(self, access: ChannelAccess, offset: int, timeout_seconds: int) -> list[bytes]:
        """Raw update bodies from `offset` on. Raises `SendFailed`."""

    def next_offset(self, updates: Sequence[bytes], offset: int) -> int:
        """The offset that confirms these updates."""

    def answer_call(self, answer: bytes) -> Call:
        """`Parsed.answer` as a call of its own: a polled update has no webhook to answer."""


class Poller:
    """Polls one platform's channels, as many as this replica can get the lease of."""

    def __init__(
        self,
        database: Database,
        channels: Channels,
        accept: Callable[[Channel, Parsed], Awaitable[list[Accepted]]],
        source: Source,
        *,
        platform: str,
        owner: UUID,
        clock: Callable[[], datetime],
    ) -> None:
        self._leases = Leases(database, platform, self._poll, owner=owner, clock=clock)
        self._channels = channels
        self._accept = accept
        self._source = source
        self._clock = clock

    async def run(self) -> None:
        """Look for channels and poll them, until cancelled; then let go of them."""
        await self._leases.run()

    async def _poll(self, place: Place) -> None:
        failures = 0
        while (offset := await self._leases.take(place)) is not None:
            channel = await self._channels.by_id(place.id, place.organization_id)
            if channel is None:
                return
            try:
                await self._once(place, channel, offset)
                failures = 0
            except (SendFailed, Unavailable) as error:
                failures += 1
                _log.warning("polling failed", channel=str(place.id), error=str(error))
                await asyncio.sleep(wait_after(error, failures))

    async def _once(self, place: Place, channel: Channel, offset: int) -> None:
        updates = await self._source.get_updates(channel.access, offset, POLL_SECONDS)
        now = self._clock()
        parsed = [channel.adapter.parse(body, channel.access, now) for body in updates]
        # All are queued before any is awaited, in the platform's order; a conversation's stay in one lane.
        await asyncio.gather(*(self._accept(channel, body) for body in parsed))
        await self._answer(channel, [body.answer for body in parsed if body.answer is not None])
        if updates:
            following = self._source.next_offset(updates, offset)
            await self._leases.save(place, following, now)

    async def _answer(self, channel: Channel, answers: Sequence[bytes]) -> None:
        """Stop the spinners of pressed buttons. An ornament: one that fails is not tried again."""
        for answer in answers:
            envelope = Envelope(key=new_id(), conversation_id=channel.id, seq=0, at=self._clock())
            with suppress(SendFailed):
                await channel.adapter.send(self._source.answer_call(answer), channel.access, envelope)
