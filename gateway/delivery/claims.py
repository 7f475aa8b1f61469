"""Takes over work that nobody holds: lanes queued behind another worker, sends of a dead one, due timers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

import msgspec

from engine.events import InboundEvent, Sender, TimerFired
from gateway.channel import Channel
from gateway.checkpoints import reach
from gateway.connections import Connections
from gateway.delivery.lanes import Lanes
from gateway.delivery.outgoing import Outgoing, decode_payload
from gateway.errors import Unavailable
from gateway.logs import get_logger
from gateway.turns.arrival import Accepted
from storage import deliveries
from storage.deliveries import Dead, Due

CLAIM_WAITS = (0.0, 0.01, 0.02, 0.05, 0.1, 0.2)
"""When to ask for a lane that another worker holds, in seconds after the last try; then the sweeper's turn."""
MAX_DUE = 500
"""Pieces of due work that one sweep takes on."""


_log = get_logger(__name__)


class Channels(Protocol):
    """How claims find a channel."""

    async def by_id(self, channel_id: UUID, organization_id: UUID) -> Channel | None:
        """The channel, or None when it is disabled or gone."""


class AcceptEvent(Protocol):
    """The door to the turn."""

    def __call__(
        self, channel: Channel, event: InboundEvent, *, finishes: UUID | None = None
    ) -> Awaitable[list[Accepted]]: ...


class Claims:
    """Claims for one worker."""

    def __init__(
        self,
        connections: Connections,
        channels: Channels,
        accept: AcceptEvent,
        lanes: Lanes,
        *,
        owner: UUID,
        lease: timedelta,
        clock: Callable[[], datetime],
    ) -> None:
        self._connections = connections
        self._channels = channels
        self._accept = accept
        self._lanes = lanes
        self._owner = owner
        self._lease = lease
        self._clock = clock
        self._wanted: dict[UUID, tuple[UUID, int]] = {}
        self._wake = asyncio.Event()
        self._claiming = asyncio.Lock()

    def want(self, conversations: Mapping[UUID, UUID]) -> None:
        """Take these lanes (conversation → organization) as soon as nobody else holds them."""
        for conversation_id, organization_id in conversations.items():
            self._wanted[conversation_id] = (organization_id, 0)
        if conversations:
            self._wake.set()

    async def pursue(self) -> None:
        """Ask for wanted lanes, again after a while, then leave them to the sweeper. Runs until cancelled."""
        while True:
            while not self._wanted:
                self._wake.clear()
                await self._wake.wait()
            tries = min(count for _, count in self._wanted.values())
            await asyncio.sleep(CLAIM_WAITS[tries])
            now_wanted = dict(self._wanted)
            taken = await self.take_lanes({id: organization for id, (organization, _) in now_wanted.items()})
            for conversation_id, (organization_id, count) in now_wanted.items():
                if conversation_id in taken or count + 1 >= len(CLAIM_WAITS):
                    if self._wanted.get(conversation_id) == (organization_id, count):
                        del self._wanted[conversation_id]
                elif self._wanted.get(conversation_id) == (organization_id, count):
                    self._wanted[conversation_id] = (organization_id, count + 1)

    async def take_lanes(self, conversations: Mapping[UUID, UUID]) -> frozenset[UUID]:
        """Claim lanes and carry them out; returns the conversations that are this worker's now."""
        if not conversations or not self._lanes.room:
            return frozenset()
        async with (
            self._claiming
        ):  # a claim that is overtaken by another would bring back what is sent by now
            before = self._lanes.held_of(conversations)
            records = await self._claim(conversations)
            sends = [send for record in records if (send := await self._outgoing(record)) is not None]
            self._doubt(sends, {record["id"] for record in records if self._is_orphan(record)})
            return self._take(sends, before)

    def _is_orphan(self, record: Any) -> bool:
        """Whether another worker held it until its lease ran out, and may have been sending it just then."""
        return record["held_before"] not in (None, self._owner)

    def _doubt(self, sends: Sequence[Outgoing], orphans: Collection[UUID]) -> None:
        """Only the first of a lane can have been in flight. Where calls can be told, it is in doubt."""
        heads: dict[UUID, Outgoing] = {}
        for send in sorted(sends, key=lambda send: send.position):
            heads.setdefault(send.conversation_id, send)
        for send in heads.values():
            table = send.channel.adapter.capabilities
            if send.id in orphans and table.certainty in ("status", "lookup") and not send.doubtful:
                send.doubtful = True
                send.doubt_until = self._clock() + timedelta(seconds=table.confirm_seconds)

    async def _claim(self, conversations: Mapping[UUID, UUID]) -> list[Any]:
        async with self._connections.raw() as connection:
            async with deliveries.transaction(connection, set(conversations.values())):
                now = self._clock()
                records = await deliveries.claim_lanes(
                    connection, self._owner, conversations, now, self._lease
                )
        reach("sweep.claimed")
        await self._bury(records)
        return records

    def _take(self, sends: Sequence[Outgoing], before: frozenset[UUID]) -> frozenset[UUID]:
        """Hand claimed sends over. One that left our hands since `before` was sent, or let go: ask again."""
        held = self._lanes.held_of({send.conversation_id for send in sends})
        moved = {
            send.conversation_id: send.channel.organization_id
            for send in sends
            if send.id in before and send.id not in held
        }
        if moved:
            self.want(moved)
        ours = [send for send in sends if send.conversation_id not in moved]
        self._lanes.take(sorted(ours, key=lambda send: send.position))
        return frozenset(send.conversation_id for send in ours)

    async def _bury(self, records: list[Any]) -> None:
        """What can't be read will never be sent: it must not hold up its conversation, nor this sweep."""
        unreadable = [record for record in records if not _readable(record)]
        if not unreadable:
            return
        _log.error("effects can't be read", effects=[str(record["id"]) for record in unreadable])
        dead = [
            Dead(
                id=record["id"],
                created_at=record["created_at"],
                error="the stored effect can't be read",
                progress='{"trouble": "unreadable"}',
            )
            for record in unreadable
        ]
        organizations = {record["organization_id"] for record in unreadable}
        async with self._connections.raw() as connection:
            async with deliveries.transaction(connection, organizations):
                await deliveries.set_aside(connection, self._owner, dead)
        for record in unreadable:
            records.remove(record)

    async def sweep(self) -> int:
        """Find due work that nobody holds, and take it on. Returns how much was found."""
        async with self._connections.raw() as connection, deliveries.as_dispatcher(connection):
            due = await deliveries.find_due(connection, self._clock(), MAX_DUE)
        if not due:
            return 0
        reach("sweep.found")
        await self.take_lanes(
            {item.conversation_id: item.organization_id for item in due if item.lane == "delivery"}
        )
        await self._fire([item for item in due if item.lane == "timer"])
        return len(due)

    async def _fire(self, due: Sequence[Due]) -> None:
        """Due timers become events, by the same door as everything else."""
        if not due:
            return
        async with self._connections.raw() as connection:
            async with deliveries.transaction(connection, {item.organization_id for item in due}):
                records = await deliveries.claim_timers(
                    connection, self._owner, [item.id for item in due], self._clock(), self._lease
                )
        reach("sweep.claimed")
        answers = [await self._timer(record) for record in records]
        await asyncio.gather(*(answer for answer in answers if answer is not None), return_exceptions=True)
        reach("timer.accepted")

    async def _timer(self, record: Any) -> Awaitable[list[Accepted]] | None:
        channel = await self._channels.by_id(record["channel_id"], record["organization_id"])
        if channel is None:
            return None  # a disabled channel: its timers wait until it is back
        event = InboundEvent(
            external_id=f"timer:{record['id']}",
            conversation_key=record["contact_key"],
            sender=Sender(external_id=record["contact_key"]),
            body=TimerFired(timer=record["key"]),
            occurred_at=record["due_at"].astimezone(UTC),
        )
        try:
            return self._accept(channel, event, finishes=record["id"])
        except Unavailable:
            return None  # the lease runs out, and the timer is found again

    async def _outgoing(self, record: Any) -> Outgoing | None:
        channel = await self._channels.by_id(record["channel_id"], record["organization_id"])
        if channel is None:
            return None
        payload = decode_payload(record["payload"])
        send = Outgoing(
            id=record["id"],
            created_at=record["created_at"],
            conversation_id=record["conversation_id"],
            channel=channel,
            recipient=record["contact_key"],
            position=record["position"],
            seq=payload.seq,
            send=payload.send,
            due_at=record["due_at"],
            attempts=record["attempts"],
            lease_until=record["lease_until"],
            answers=payload.answers,
            heard_at=record["heard_at"],
        )
        send.resume(payload)
        return send

    async def renew(self, held: Iterable[Outgoing], horizon: timedelta) -> None:
        """Hold on to sends whose lease ends within `horizon`; forget those that are somebody else's by now."""
        now = self._clock()
        ending = [send for send in held if send.lease_until is not None and send.lease_until < now + horizon]
        if not ending:
            return
        async with self._connections.raw() as connection:
            async with deliveries.transaction(connection, _organizations(ending)):
                await deliveries.lock_lanes(connection, {send.conversation_id for send in ending})
                kept = await deliveries.renew(
                    connection, self._owner, [send.id for send in ending], now, self._lease
                )
        for send in ending:
            if send.id in kept:
                send.lease_until = max(send.due_at, now) + self._lease
        self._lanes.drop(send.id for send in ending if send.id not in kept)

    async def release(self, held: Sequence[Outgoing]) -> None:
        """Let go of sends, so that another worker takes them at once.

        One that was cut off in mid-call is kept where it can be told what became of it: its lease runs out, and
        whoever takes it over then knows that it is in doubt.
        """
        held = [send for send in held if not (send.in_flight and _tells(send))]
        if not held:
            return
        async with self._connections.raw() as connection:
            async with deliveries.transaction(connection, _organizations(held)):
                await deliveries.release(connection, self._owner, [send.id for send in held])


def _tells(send: Outgoing) -> bool:
    """Whether the platform lets us know of calls in doubt."""
    return send.channel.adapter.capabilities.certainty in ("status", "lookup")


def _readable(record: Any) -> bool:
    try:
        decode_payload(record["payload"])
    except msgspec.DecodeError:
        return False
    return True


def _organizations(sends: Collection[Outgoing]) -> set[UUID]:
    return {send.channel.organization_id for send in sends}
