"""Notes in the database what became of sends, and what waits together is noted together.

A note that can't be written is tried until it can: forgetting that a send went out would send it twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, TypeAlias
from uuid import UUID

from gateway import metrics
from gateway.checkpoints import reach
from gateway.connections import Connections
from gateway.delivery.outgoing import Outgoing
from gateway.logs import get_logger
from storage import deliveries
from storage.deliveries import Dead, Held, Postponed, Sent

MAX_NOTES = 256
"""Notes that one transaction takes at most."""
RETRY_SECONDS = (0.05, 0.1, 0.25, 0.5, 1.0)
"""Waits between tries while the database is away; the last one repeats."""

_log = get_logger(__name__)

Verdict: TypeAlias = Sent | Dead | Held | Postponed


class Marker:
    """One worker's notes. `note` resolves when the note is committed: to False when a send that was to be tried
    again is another worker's by now."""

    def __init__(self, connections: Connections, owner: UUID, lease: timedelta) -> None:
        self._connections = connections
        self._owner = owner
        self.lease = lease
        self._waiting: list[tuple[UUID, Verdict, asyncio.Future[bool]]] = []
        self._wake = asyncio.Event()
        self._closed = False
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Start writing."""
        self._task = asyncio.create_task(self._run(), name="delivery-marker")

    async def stop(self, seconds: float) -> None:
        """Write what waits, for at most this long, and end."""
        self._closed = True
        self._wake.set()
        if self._task is not None:
            await asyncio.wait({self._task}, timeout=seconds)
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def note(self, send: Outgoing, verdict: Verdict) -> asyncio.Future[bool]:
        """Write down what became of a send."""
        written: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append((send.channel.organization_id, verdict, written))
        self._wake.set()
        return written

    async def _run(self) -> None:
        failures = 0
        while not (self._closed and not self._waiting):
            if not self._waiting:
                self._wake.clear()
                await self._wake.wait()
                continue
            try:
                async with self._connections.raw() as connection:
                    while self._waiting and not connection.is_closed():
                        await self._write(connection)
                        failures = 0
            except Exception as error:  # whatever the database says, the notes must not be lost
                metrics.database_errors("marker").inc()
                _log.warning("notes of delivery wait", waiting=len(self._waiting), error=str(error))
                await asyncio.sleep(RETRY_SECONDS[min(failures, len(RETRY_SECONDS) - 1)])
                failures += 1

    async def _write(self, connection: Any) -> None:
        notes = self._waiting[:MAX_NOTES]
        async with deliveries.transaction(connection, {organization for organization, _, _ in notes}):
            verdicts = [verdict for _, verdict, _ in notes]
            lost = await self._statements(connection, verdicts)
        del self._waiting[: len(notes)]
        reach("delivery.marked")
        for _, verdict, written in notes:
            if not written.done():
                written.set_result(verdict.id not in lost)

    async def _statements(self, connection: Any, verdicts: Sequence[Verdict]) -> frozenset[UUID]:
        """Returns the sends that were not this worker's any more."""
        sent = [verdict for verdict in verdicts if isinstance(verdict, Sent)]
        aside = [verdict for verdict in verdicts if isinstance(verdict, Dead | Held)]
        postponed = [verdict for verdict in verdicts if isinstance(verdict, Postponed)]
        ours: set[UUID] = set()
        if postponed:  # first: it locks conversations, as a turn does, before it touches effects
            ours |= await deliveries.postpone(connection, self._owner, postponed, self.lease)
        if sent:
            ours |= await deliveries.mark_sent(connection, self._owner, sent)
        if aside:
            ours |= await deliveries.set_aside(connection, self._owner, aside)
        return frozenset(verdict.id for verdict in verdicts) - ours
