"""Sends whose call may have been carried out, on platforms whose reports repeat our key: waits for the report.

The report may come to any replica; it is noted in the effect's row. The worker that holds the lane looks there each
second, and at once when it took the report itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from uuid import UUID

from gateway import metrics
from gateway.connections import Connections
from gateway.delivery.outgoing import Outgoing
from gateway.logs import get_logger
from storage import deliveries, reports
from storage.reports import Doubt

LOOK_SECONDS = 1.0

_log = get_logger(__name__)


class Doubts:
    """One worker's sends in doubt."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        self._waiting: dict[UUID, tuple[Outgoing, asyncio.Event]] = {}
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Start looking."""
        self._task = asyncio.create_task(self._run(), name="delivery-doubts")

    async def stop(self) -> None:
        """End."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def told(self, ids: Iterable[UUID]) -> None:
        """This worker took reports on these sends: look at once."""
        if any(id in self._waiting for id in ids):
            self._wake.set()

    async def settle(self, send: Outgoing, seconds: float) -> None:
        """Until the platform has said what became of a call, at most so long; notes it in the send."""
        settled = asyncio.Event()
        self._waiting[send.id] = (send, settled)
        self._wake.set()
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await settled.wait()
        finally:
            del self._waiting[send.id]

    async def _run(self) -> None:
        while True:  # as long as the worker serves
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_SECONDS if self._waiting else None):
                    await self._wake.wait()
            self._wake.clear()
            try:
                await self._look()
            except (
                Exception
            ) as error:  # the database may be away: the sends wait on, and are made again in the end
                metrics.database_errors("doubts").inc()
                _log.warning("sends in doubt not looked at", error=f"{type(error).__name__}: {error}")
                await asyncio.sleep(LOOK_SECONDS)

    async def _look(self) -> None:
        waiting = list(self._waiting.values())
        if not waiting:
            return
        async with self._connections.raw() as connection:
            organizations = {send.channel.organization_id for send, _ in waiting}
            async with deliveries.transaction(connection, organizations):
                known = await reports.in_doubt(connection, [send.id for send, _ in waiting])
        for send, settled in waiting:
            if _note(send, known.get(send.id)):
                settled.set()


def _note(send: Outgoing, doubt: Doubt | None) -> bool:
    """Write down what is known; whether that settles it."""
    if doubt is None:
        send.gone = True
        return True
    if doubt.failure:
        send.failure = doubt.failure
        return True
    if doubt.confirmed > send.calls_done:
        send.confirmed = doubt.confirmed
        send.receipt = doubt.receipt or send.receipt
        return True
    return False
