"""Delivery lanes: one a conversation, first in, first out, one send in flight at a time.

A send is noted as done before the next one of its conversation leaves, so that a crash can repeat at most
the one send that was in flight. Conversations do not wait for each other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType
from uuid import UUID

from adapters.errors import Refused, SendFailed, TryLater, WindowClosed
from gateway import metrics
from gateway.checkpoints import reach
from gateway.delivery.announce import Announcer
from gateway.delivery.attempt import dead, failed, held, make_call, sent
from gateway.delivery.doubts import Doubts
from gateway.delivery.lane import Lane, insert
from gateway.delivery.marker import Marker, Verdict
from gateway.delivery.outgoing import Outgoing
from gateway.delivery.prepare import Preparer
from gateway.limits.limiter import Limiter
from gateway.logs import get_logger
from storage.deliveries import Dead, Postponed

MAX_HELD = 20_000
"""Sends that one worker holds in memory at most; the rest waits in the table for whoever has room."""
MAX_IN_FLIGHT = 200
"""Calls to platforms that one worker has open at most."""
LEASE_MARGIN = timedelta(seconds=2)
"""A send whose lease ends within this is not started any more."""
STOP_PATIENCE = 2.0
"""What rests for longer than so many seconds is left to others when this worker stops."""
STOP_LOOK_SECONDS = 0.25
"""How often a worker that stops looks which lanes have come to rest."""
MAX_TYPING_SECONDS = 5.0
"""How long a platform shows its typing indicator for one call."""

_NOTHING: Mapping[UUID, frozenset[UUID]] = MappingProxyType({})

_log = get_logger(__name__)


class _Lost(Exception):
    """The lane is another worker's, or may be by now."""


class Lanes:
    """All lanes of one worker. Without a limiter nothing is limited; without doubts a call in doubt is made again."""

    def __init__(
        self,
        marker: Marker,
        preparer: Preparer,
        clock: Callable[[], datetime],
        *,
        limiter: Limiter | None = None,
        doubts: Doubts | None = None,
    ) -> None:
        self._marker = marker
        self._preparer = preparer
        self._clock = clock
        self._limiter = limiter
        self._doubts = doubts
        self._announcer = Announcer()
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
            insert(lane.queue, send)
            if lane.task is None:
                lane.task = asyncio.create_task(self._drain(send.conversation_id, lane))
        return behind

    def readdress(self, conversation_id: UUID, recipient: str) -> None:
        """The platform knows the customer under another id from now on: what waits goes there. What has left,
        has left; workers that claim sends later read the id anew.
        """
        lane = self._lanes.get(conversation_id)
        for send in lane.queue if lane is not None else ():
            send.recipient = recipient

    def drop(self, ids: Iterable[UUID]) -> None:
        """These are somebody else's now: forget them, unless they are in flight already."""
        lost = set(ids)
        for lane in self._lanes.values():
            for send in list(lane.queue)[1:]:
                if send.id in lost:
                    lane.queue.remove(send)
                    self._held.discard(send.id)

    async def stop(self, seconds: float) -> list[Outgoing]:
        """Send what is due soon, for at most `seconds`, then stop; returns what is left, to be released."""
        self._stopping = True
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        while tasks := {lane.task for lane in self._lanes.values() if lane.task is not None}:
            for lane in self._lanes.values():
                if lane.task is not None and (lane.wakes or 0.0) > loop.time() + STOP_PATIENCE:
                    lane.task.cancel()  # it only waits for its time: another worker can do that
            left = deadline - loop.time()
            if left <= 0:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
                break
            await asyncio.wait(tasks, timeout=min(left, STOP_LOOK_SECONDS))
            for lane in self._lanes.values():
                if lane.task is not None and lane.task.done():
                    lane.task = None
        await self._announcer.stop()
        return self.held()

    async def _drain(self, conversation_id: UUID, lane: Lane) -> None:
        """Work through a lane until it is empty or this worker has lost it."""
        try:
            while lane.queue:
                send = lane.queue[0]
                if await self._advance(lane, send):
                    self._held.discard(send.id)
                    lane.queue.popleft()
        except _Lost:
            self._forget(lane)
        except asyncio.CancelledError:
            raise
        except (
            Exception
        ):  # a bug in our own code must not stop the worker: the sweeper takes the lane up again
            _log.exception("delivery lane failed", conversation=str(conversation_id))
            self._forget(lane)
        if self._lanes.get(conversation_id) is lane:
            del self._lanes[conversation_id]

    def _forget(self, lane: Lane) -> None:
        self._held.difference_update(send.id for send in lane.queue)
        lane.queue.clear()

    async def _advance(self, lane: Lane, send: Outgoing) -> bool:
        """One step: whatever it takes to make the next call. True when the send is out of our hands, False when it
        stays at the head of its lane. Raises `_Lost` when another worker has taken it over meanwhile.
        """
        try:
            verdict = await self._try(lane, send)
        except _Lost:
            raise
        except SendFailed as error:
            verdict = self._failed(send, error)
        except Exception as error:  # a bug in an adapter: tried again later, and given up in the end
            _log.exception("adapter failed", channel=str(send.channel.id), effect=str(send.id))
            verdict = failed(send, TryLater(f"{type(error).__name__} in the adapter"), self._clock())
        if send.gone:
            return True
        if verdict is None:
            return False
        if isinstance(verdict, Dead):
            _log.warning(
                "send failed", channel=str(send.channel.id), effect=str(send.id), reason=verdict.error
            )
        if not await self._marker.note(send, verdict):
            raise _Lost
        if isinstance(verdict, Postponed):
            send.lease_until = send.due_at + self._marker.lease
            return False
        return True

    async def _try(self, lane: Lane, send: Outgoing) -> Verdict | None:
        """Wait for the send's time, make it ready, make its next call. None when there is more to do."""
        await self._settle_doubt(lane, send)
        if send.gone:
            return None
        if send.failure:
            return self._reported(send)
        if 0 < send.total <= send.calls_done:  # all of it was carried out, and nobody had noted it
            return sent(send, self._clock())
        await self._wait(lane, send)
        obstacle = await self._preparer.prepare(send)
        if obstacle is not None:
            return held(send, obstacle.trouble, obstacle.reason)
        self._announcer.mark_read(send)
        if send.calls:
            await self._wait_for_slot(lane, send)
        async with self._in_flight:
            if send.lease_until is None or self._clock() > send.lease_until - LEASE_MARGIN:
                raise _Lost
            reach("delivery.taken")
            if not await make_call(send):
                return None
        verdict = sent(send, self._clock())
        reach("delivery.sent")
        return verdict

    def _failed(self, send: Outgoing, error: SendFailed) -> Verdict | None:
        """What follows from an error. None when the send goes on at once, in another form."""
        if send.calls_done == 0 and isinstance(error, Refused) and send.message.edits:
            send.new, send.calls = True, None
            send.remark(f"said anew: {error.reason}")
            return None
        if isinstance(error, WindowClosed) and send.message.template is None and not send.closed:
            send.closed, send.calls = True, None
            return None
        verdict = failed(send, error, self._clock())
        if isinstance(error, TryLater) and error.whole_channel and isinstance(verdict, Postponed):
            self._pause(send)
        return verdict

    def _pause(self, send: Outgoing) -> None:
        """The channel's limit is met: nothing leaves on it before this send's next try."""
        channel = send.channel
        self._paused[channel.id] = max(send.due_at, self._paused.get(channel.id, send.due_at))
        if self._limiter is not None:
            self._limiter.pause(channel, (send.due_at - self._clock()).total_seconds())

    def _reported(self, send: Outgoing) -> Verdict | None:
        """The platform took a call in doubt, and reported that it failed."""
        reason, send.failure = send.failure, ""
        send.doubtful = False
        code = send.channel.adapter.capabilities.window_code
        if code and reason.startswith(code) and send.message.template is None and not send.closed:
            send.closed, send.calls = True, None
            return None
        metrics.effects("send", "failed").inc()
        return dead(send, "reported", reason)

    async def _settle_doubt(self, lane: Lane, send: Outgoing) -> None:
        """Where the platform reports on calls by our key, wait for what it says of the call in doubt."""
        if send.doubtful and send.channel.adapter.capabilities.certainty == "status":
            seconds = (send.doubt_until - self._clock()).total_seconds()
            if seconds > 0 and self._doubts is not None:
                lane.wakes = asyncio.get_running_loop().time() + seconds
                try:
                    await self._doubts.settle(send, seconds)
                finally:
                    lane.wakes = None
            send.doubtful = False
            if send.confirmed > send.calls_done or send.failure:
                metrics.effects("send", "uncertain").inc()
                send.due_at = min(send.due_at, self._clock())
        send.calls_done = max(send.calls_done, send.confirmed)

    async def _wait(self, lane: Lane, send: Outgoing) -> None:
        """Until the send is due and its channel is not paused; typing shows meanwhile, when wanted."""
        for _ in range(100_000):  # bounded by time: each round waits for what is left
            now = self._clock()
            until = max(send.due_at, self._paused.get(send.channel.id, send.due_at))
            seconds = (until - now).total_seconds()
            if seconds <= 0:
                self._paused.pop(send.channel.id, None)
                return
            if self._announcer.types(send):
                await self._announcer.type(send)
                seconds = min((until - self._clock()).total_seconds(), MAX_TYPING_SECONDS)
            lane.wakes = asyncio.get_running_loop().time() + (until - now).total_seconds()
            try:
                await asyncio.sleep(max(0.0, min(seconds, 60.0)))
            finally:
                lane.wakes = None

    async def _wait_for_slot(self, lane: Lane, send: Outgoing) -> None:
        """Until the rate limits let the next call go. A pause that was told meanwhile comes first."""
        limits = self._limiter.limits_of(send.channel) if self._limiter is not None else None
        if limits is None or self._limiter is None:
            return
        for _ in range(100_000):  # bounded by time, as above
            waited = await self._limiter.acquire(limits, send.recipient, lane)
            if waited > 0:
                metrics.limit_waits(send.channel.platform).observe(waited)
            if send.channel.id not in self._paused:
                return
            await self._wait(lane, send)
