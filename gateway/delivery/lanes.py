"""Delivery lanes: one a conversation, first in, first out, one send in flight at a time.

A send is noted as done before the next one of its conversation leaves, so that a crash can repeat at most
the one send that was in flight. Conversations do not wait for each other.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from types import MappingProxyType
from uuid import UUID

from adapters.errors import SendFailed, TryLater
from gateway.checkpoints import reach
from gateway.delivery.attempt import attempt, envelope_of, failed, sent
from gateway.delivery.marker import Marker
from gateway.delivery.outgoing import Outgoing
from gateway.logs import get_logger
from storage.deliveries import Dead, Postponed

MAX_HELD = 20_000
"""Sends that one worker holds in memory at most; the rest waits in the table for whoever has room."""
MAX_IN_FLIGHT = 200
"""Calls to platforms that one worker has open at most."""
LEASE_MARGIN = timedelta(seconds=2)
"""A send whose lease ends within this is not started any more."""
STOP_PATIENCE = timedelta(seconds=2)
"""What is due later than this is left to others when this worker stops."""
MAX_TYPING_SECONDS = 5.0
"""How long a platform shows its typing indicator for one call."""

_NOTHING: Mapping[UUID, frozenset[UUID]] = MappingProxyType({})

_log = get_logger(__name__)


class _Lost(Exception):
    """The lane is another worker's, or may be by now."""


class Lane:
    """One conversation's sends in this worker's hands, in order."""

    __slots__ = ("queue", "resting", "task")

    def __init__(self) -> None:
        self.queue: deque[Outgoing] = deque()
        self.task: asyncio.Task[None] | None = None
        self.resting = False
        """Whether its head only waits for its time."""


class Lanes:
    """All lanes of one worker."""

    def __init__(
        self,
        marker: Marker,
        clock: Callable[[], datetime],
    ) -> None:
        self._marker = marker
        self._clock = clock
        self._lanes: dict[UUID, Lane] = {}
        self._in_flight = asyncio.Semaphore(MAX_IN_FLIGHT)
        self._paused: dict[UUID, datetime] = {}
        self._held: set[UUID] = set()
        self._stopping = False

    @property
    def room(self) -> int:
        """How many more sends this worker should take on."""
        return 0 if self._stopping else max(0, MAX_HELD - len(self._held))

    def held(self) -> list[Outgoing]:
        """Every send in this worker's hands."""
        return [send for lane in self._lanes.values() for send in lane.queue]

    def held_of(self, conversations: Iterable[UUID]) -> frozenset[UUID]:
        """The sends of these conversations in this worker's hands."""
        lanes = (self._lanes.get(conversation_id) for conversation_id in conversations)
        return frozenset(send.id for lane in lanes if lane is not None for send in lane.queue)

    def take(
        self, sends: Sequence[Outgoing], ahead: Mapping[UUID, frozenset[UUID]] = _NOTHING
    ) -> Mapping[UUID, UUID]:
        """Carry out sends that this worker holds the lease of; those that it has already are left as they are.

        `ahead` are earlier sends that the table says this worker holds. Where one is not in its hands, nothing
        is taken; those conversations are returned (with their organization), to be claimed as a whole.
        """
        behind: dict[UUID, UUID] = {}
        for send in sends:
            if send.id in self._held:
                continue
            if not self._held.issuperset(ahead.get(send.conversation_id, ())):
                behind[send.conversation_id] = send.channel.organization_id
                continue
            self._held.add(send.id)
            lane = self._lanes.setdefault(send.conversation_id, Lane())
            _insert(lane.queue, send)
            if lane.task is None:
                lane.task = asyncio.create_task(self._drain(send.conversation_id, lane))
        return behind

    def drop(self, ids: Iterable[UUID]) -> None:
        """These are somebody else's now: forget them, unless they are in flight already."""
        lost = set(ids)
        for lane in self._lanes.values():
            for send in list(lane.queue)[1:]:
                if send.id in lost:
                    lane.queue.remove(send)
                    self._held.discard(send.id)

    async def stop(self, seconds: float) -> list[Outgoing]:
        """Send what is due within `seconds`, then stop; returns what is left, to be released."""
        self._stopping = True
        soon = self._clock() + STOP_PATIENCE
        for lane in self._lanes.values():
            if lane.task is not None and lane.resting and lane.queue[0].due_at > soon:
                lane.task.cancel()  # it only waits for its time: another worker can do that
        tasks = {lane.task for lane in self._lanes.values() if lane.task is not None}
        if tasks:
            _, pending = await asyncio.wait(tasks, timeout=seconds)
            for task in pending:
                task.cancel()
            await asyncio.gather(*pending, return_exceptions=True)
        return self.held()

    async def _drain(self, conversation_id: UUID, lane: Lane) -> None:
        """Work through a lane until it is empty or this worker has lost it."""
        try:
            while lane.queue:
                send = lane.queue[0]
                await self._wait(lane, send)
                async with self._in_flight:
                    if send.lease_until is None or self._clock() > send.lease_until - LEASE_MARGIN:
                        raise _Lost
                    done = await self._deliver(send)
                if done:
                    self._held.discard(send.id)
                    lane.queue.popleft()
        except _Lost:
            self._forget(lane)
        except asyncio.CancelledError:
            raise
        except Exception:  # a bug in an adapter must not stop the worker: the sweeper takes the lane up again
            _log.exception("delivery lane failed", conversation=str(conversation_id))
            self._forget(lane)
        if self._lanes.get(conversation_id) is lane:
            del self._lanes[conversation_id]

    def _forget(self, lane: Lane) -> None:
        self._held.difference_update(send.id for send in lane.queue)
        lane.queue.clear()

    async def _wait(self, lane: Lane, send: Outgoing) -> None:
        """Until the send is due and its channel is not paused; typing shows meanwhile, when wanted."""
        typing = send.send.typing and send.attempts == 0
        for _ in range(100_000):  # bounded by time: each round waits for what is left
            now = self._clock()
            until = max(send.due_at, self._paused.get(send.channel.id, send.due_at))
            seconds = (until - now).total_seconds()
            if seconds <= 0:
                self._paused.pop(send.channel.id, None)
                return
            if self._stopping and until > now + STOP_PATIENCE:
                raise asyncio.CancelledError
            if typing:
                await self._type(send)
                seconds = min((until - self._clock()).total_seconds(), MAX_TYPING_SECONDS)
            lane.resting = True
            await asyncio.sleep(max(0.0, min(seconds, 60.0)))
            lane.resting = False

    async def _type(self, send: Outgoing) -> None:
        channel = send.channel
        call = channel.adapter.announce(send.recipient, send.answers, channel.access, typing=True)
        if call is None:
            return
        with suppress(SendFailed):  # an ornament: nobody misses one
            await channel.adapter.send(call, channel.access, envelope_of(send))

    async def _deliver(self, send: Outgoing) -> bool:
        """One try. True when the send is out of our hands, False when it stays at the head of its lane.

        Raises `_Lost` when another worker has taken it over meanwhile.
        """
        reach("delivery.taken")
        try:
            await attempt(send)
        except SendFailed as error:
            verdict = failed(send, error, self._clock())
            if isinstance(error, TryLater) and error.whole_channel:
                self._paused[send.channel.id] = send.due_at
            if isinstance(verdict, Dead):
                _log.warning(
                    "send failed", channel=str(send.channel.id), effect=str(send.id), reason=verdict.error
                )
        except Exception as error:  # a bug in an adapter: tried again later, and given up in the end
            _log.exception("adapter failed", channel=str(send.channel.id), effect=str(send.id))
            verdict = failed(send, TryLater(f"{type(error).__name__} in the adapter"), self._clock())
        else:
            verdict = sent(send, self._clock())
            reach("delivery.sent")
        if not await self._marker.note(send, verdict):
            raise _Lost
        if isinstance(verdict, Postponed):
            send.lease_until = send.due_at + self._marker.lease
            return False
        return True


def _insert(queue: deque[Outgoing], send: Outgoing) -> None:
    """Keep the lane in order of position; nearly always at its end, never before one that may be in flight."""
    index = len(queue)
    while index > 1 and queue[index - 1].position > send.position:
        index -= 1
    queue.insert(index, send)
