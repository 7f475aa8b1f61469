"""The turn loop: lanes that take everything that waits, and commit it together.

A lane never lingers for more. Bodies are spread over the lanes by their conversation, so that a
conversation's events stay in one lane and in order; across processes, the conversation's lock orders them.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Protocol, TypeAlias
from uuid import UUID

import asyncpg
import msgspec

from adapters.protocol import Parked, Parsed
from engine.events import InboundEvent
from gateway import metrics
from gateway.away import AGAIN, AWAY
from gateway.channel import Channel
from gateway.checkpoints import reach
from gateway.connections import Connections
from gateway.delivery.outgoing import Outgoing
from gateway.errors import ShuttingDown, Unavailable
from gateway.logs import get_logger
from gateway.turns.arrival import Accepted, Arrival
from gateway.turns.batch import Batch, BatchRunner
from storage.turns import StaleTurn

MAX_BATCH_ARRIVALS = 128
"""Bodies that one transaction takes at most."""
MAX_WAITING_ARRIVALS = 5_000
"""Bodies that wait in a lane at most; more are refused with 503, and the platform sends them again."""
MAX_TRIES = 4
"""How often a batch is tried when the database asks to try again (deadlock, duplicate met half-way)."""

LeftBehind: TypeAlias = Callable[[Sequence[tuple[Any, ...]]], None]
"""Takes rows of `storage.turns.TurnRows.effects`."""

_log = get_logger(__name__)


class Delivery(Protocol):
    """Where sends go after their commit."""

    def take(self, sends: Sequence[Outgoing], ahead: Mapping[UUID, frozenset[UUID]]) -> Mapping[UUID, UUID]:
        """Carry out sends that this worker holds the lease of; see `gateway.delivery.lanes.Lanes.take`."""

    def readdress(self, conversation_id: UUID, recipient: str) -> None:
        """What waits in a conversation goes to another id from now on."""


class _ConnectionLost(Exception):
    """A batch's connection broke; its bodies are refused, or wait for the next one."""


class TurnLoop:
    """All lanes of one worker."""

    def __init__(self, connections: Connections, runner: BatchRunner, delivery: Delivery, lanes: int) -> None:
        self._lanes = [_Lane(connections, runner, delivery) for _ in range(lanes)]
        self._tasks: list[asyncio.Task[None]] = []
        self._closed = False

    def start(self, want: Callable[[Mapping[UUID, UUID]], None], left_behind: LeftBehind) -> None:
        """Start the lanes. `want` takes conversations (with their organization) whose sends others still hold,
        `left_behind` the effects of every batch that is committed."""
        self._tasks = [
            asyncio.create_task(lane.run(want, left_behind), name="turn-lane") for lane in self._lanes
        ]

    async def stop(self) -> None:
        """Accept no more, finish what waits, and end."""
        self._closed = True
        for lane in self._lanes:
            lane.close()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def accept(self, channel: Channel, parsed: Parsed) -> Awaitable[list[Accepted]]:
        """Queue a body's events; resolves when they are committed. Raises `Unavailable` when they are not."""
        return self._queue(channel, parsed.events, parsed.parked, None)

    def accept_event(
        self, channel: Channel, event: InboundEvent, *, finishes: UUID | None = None
    ) -> Awaitable[list[Accepted]]:
        """Queue one event of our own, such as a timer's; `finishes` is the effect that it answers."""
        return self._queue(channel, (event,), (), finishes)

    def _queue(
        self,
        channel: Channel,
        events: tuple[InboundEvent, ...],
        parked: tuple[Parked, ...],
        finishes: UUID | None,
    ) -> asyncio.Future[list[Accepted]]:
        if self._closed:
            raise ShuttingDown
        outcome: asyncio.Future[list[Accepted]] = asyncio.get_running_loop().create_future()
        arrival = Arrival(
            channel, events, parked=parked, finishes=finishes, outcome=outcome, queued_at=time.perf_counter()
        )
        key = events[0].conversation_key if events else ""
        self._lanes[hash((channel.id, key)) % len(self._lanes)].put(arrival)
        reach("turn.queued")
        return outcome


class _Lane:
    """One connection, one batch at a time."""

    def __init__(self, connections: Connections, runner: BatchRunner, delivery: Delivery) -> None:
        self._connections = connections
        self._runner = runner
        self._delivery = delivery
        self._waiting: deque[Arrival] = deque()
        self._wake = asyncio.Event()
        self._want: Callable[[Mapping[UUID, UUID]], None] = _leave
        self._left_behind: LeftBehind = _leave
        self._closed = False

    def put(self, arrival: Arrival) -> None:
        if len(self._waiting) >= MAX_WAITING_ARRIVALS:
            raise Unavailable("too much is waiting; try again shortly", retry_after=1)
        self._waiting.append(arrival)
        self._wake.set()

    def close(self) -> None:
        self._closed = True
        self._wake.set()

    async def run(self, want: Callable[[Mapping[UUID, UUID]], None], left_behind: LeftBehind) -> None:
        """Hold a connection and run batches; a connection that breaks is replaced when the next body waits."""
        self._want, self._left_behind = want, left_behind
        while not (self._closed and not self._waiting):
            if not self._waiting:
                self._wake.clear()
                await self._wake.wait()
                continue
            try:
                async with self._connections.raw() as connection:
                    metrics.database_up().set(1)
                    await self._with_connection(connection)
            except _ConnectionLost:
                continue
            except Exception as error:  # a lane that ended would leave every body of its customers waiting
                if not isinstance(error, AWAY):
                    _log.exception("turn lane failed")
                taken = self._take()
                self._refuse([arrival for arrival in taken if arrival.retried], error)
                self._put_back([arrival for arrival in taken if not arrival.retried])

    async def _with_connection(self, connection: Any) -> None:
        while not connection.is_closed():
            if not self._waiting:
                if self._closed:
                    return
                self._wake.clear()
                await self._wake.wait()
                continue
            taken = self._take()
            try:
                await self._commit(connection, taken)
            except _ConnectionLost:
                raise
            except Exception as error:  # a bug; whoever waits for these bodies is told, and offers them again
                _log.exception("turn failed")
                self._refuse(taken, error)
                return

    def _take(self) -> list[Arrival]:
        waiting = self._waiting
        taken = []
        for _ in range(min(len(waiting), MAX_BATCH_ARRIVALS)):
            arrival = waiting.popleft()
            if not arrival.outcome.cancelled():
                taken.append(arrival)
        return taken

    def _put_back(self, arrivals: list[Arrival]) -> None:
        """A connection broke under them. They get another; whatever was committed after all is a duplicate."""
        for arrival in reversed(arrivals):
            arrival.retried = True
            self._waiting.appendleft(arrival)

    async def _commit(self, connection: Any, arrivals: list[Arrival], rest: Sequence[Arrival] = ()) -> None:
        """Commit the batch; one that the database refuses is tried again, body by body if it must be.

        `rest` comes after it and waits on when the connection breaks, which raises `_ConnectionLost`.
        """
        if not arrivals:
            return
        started = time.perf_counter()
        metrics.turn_seconds("queue").observe(started - arrivals[0].queued_at)
        try:
            batch = await self._try(connection, arrivals)
        except AWAY as error:
            self._refuse([arrival for arrival in arrivals if arrival.retried], error)
            self._put_back([*(arrival for arrival in arrivals if not arrival.retried), *rest])
            raise _ConnectionLost from error
        except Exception as error:  # refused by the database: find the body that it refuses
            if len(arrivals) == 1 and isinstance(error, (*AGAIN, StaleTurn)):
                self._refuse(arrivals, error)  # others were in the way for too long: no fault of the body
                return
            if len(arrivals) == 1:
                await self._park(connection, arrivals[0], error)
                return
            metrics.turns("retried").inc()
            for index, arrival in enumerate(arrivals, 1):
                await self._commit(connection, [arrival], arrivals[index:])
            return
        metrics.turn_seconds("transaction").observe(time.perf_counter() - started)
        metrics.turn_batch().observe(batch.decider.turns)
        self._tell(arrivals, batch)

    async def _try(self, connection: Any, arrivals: list[Arrival]) -> Batch:
        for attempt in range(1, MAX_TRIES + 1):
            try:
                return await self._runner.run(connection, arrivals)
            except (*AGAIN, StaleTurn):
                await _rollback(connection)
                metrics.turns("retried").inc()
                if attempt == MAX_TRIES:
                    raise
            except BaseException:
                await _rollback(connection)
                raise
        raise AssertionError("the loop above returns or raises")

    def _tell(self, arrivals: list[Arrival], batch: Batch) -> None:
        metrics.turns("committed").inc(batch.decider.turns)
        for arrival, accepted in zip(arrivals, batch.accepted, strict=True):
            if not arrival.outcome.done():
                arrival.outcome.set_result(accepted)
            _count(arrival.channel, accepted)
        for renamed in batch.decider.ledger.rows.renamed:
            if renamed.moves:
                self._delivery.readdress(renamed.conversation_id, renamed.new)
        behind = self._delivery.take(batch.outgoing, batch.ahead)
        queued = {**batch.queued, **behind, **_orphaned(arrivals, batch)}
        if queued:
            self._want(queued)
        self._left_behind(batch.decider.ledger.rows.effects)
        for inbox_id, error in batch.decider.failures:
            metrics.turns("parked").inc()
            _log.error("event parked", inbox=str(inbox_id), exc_info=error)
        for conversation_id, outcome in batch.decider.troubles:
            errors = [f"{entry.at}: {entry.detail}" for entry in outcome.trace if entry.kind == "error"]
            _log.warning("flow error", conversation=str(conversation_id), errors=errors)

    async def _park(self, connection: Any, arrival: Arrival, error: Exception) -> None:
        """The database refuses this body whatever it is with: keep its raw form and the reason."""
        reason = f"{type(error).__name__}: {error}"
        _log.error("body parked", channel=str(arrival.channel.id), exc_info=error)
        parked = tuple(
            Parked(external_id=event.external_id, reason=reason, raw=_raw(event)) for event in arrival.events
        )
        instead = Arrival(
            arrival.channel,
            (),
            parked=(*parked, *arrival.parked),
            finishes=arrival.finishes,
            outcome=arrival.outcome,
            queued_at=arrival.queued_at,
        )
        try:
            batch = await self._try(connection, [instead])
        except Exception as second:
            self._refuse([arrival], second)
            return
        self._tell([instead], batch)

    def _refuse(self, arrivals: list[Arrival], error: BaseException) -> None:
        metrics.database_errors("connection").inc()
        metrics.database_up().set(0)
        metrics.turns("failed").inc(len(arrivals))
        if arrivals:
            _log.warning("turns refused", bodies=len(arrivals), error=f"{type(error).__name__}: {error}")
        for arrival in arrivals:
            if not arrival.outcome.done():
                arrival.outcome.set_exception(Unavailable())


def _orphaned(arrivals: list[Arrival], batch: Batch) -> dict[UUID, UUID]:
    """Conversations whose turn was committed after all, by a connection that broke before it could say so: their
    sends are leased to this worker and in nobody's hands."""
    return {
        item.conversation_id: arrival.channel.organization_id
        for arrival, accepted in zip(arrivals, batch.accepted, strict=True)
        if arrival.retried
        for item in accepted
        if item.duplicate and item.conversation_id is not None
    }


def _raw(event: InboundEvent) -> bytes:
    try:
        return msgspec.json.encode(event)
    except UnicodeEncodeError:
        return repr(event).encode("ascii", "backslashreplace")


def _leave(what: object) -> None:
    """Nobody pursues these: the sweeper finds them."""


async def _rollback(connection: Any) -> None:
    if not connection.is_closed():
        with suppress(*AWAY, asyncpg.PostgresError):
            await connection.execute("ROLLBACK")


def _count(channel: Channel, accepted: list[Accepted]) -> None:
    for item in accepted:
        outcome = "duplicate" if item.duplicate else "parked" if item.parked else "accepted"
        metrics.events(channel.platform, outcome).inc()
