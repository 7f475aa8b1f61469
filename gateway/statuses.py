"""The status lane: what platforms report on sent messages. It never runs a turn, and never waits for one.

Reports come several to a message and in any order, so what waits is written together, and a status only
ever rises.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

from adapters.protocol import StatusUpdate
from gateway import metrics
from gateway.away import AWAY
from gateway.channel import Channel
from gateway.connections import Connections
from gateway.errors import Unavailable
from gateway.logs import get_logger
from gateway.web.background import Background
from gateway.web.ports import SeenUpTo
from storage import deliveries, letters, reports
from storage.reports import Outcome, StatusChange

MAX_REPORTS = 1_000
"""Reports that one transaction takes at most."""
MAX_WAITING = 50_000
"""Reports that wait at most; more are refused, and the platform sends them again."""

REOPEN_SECONDS = (0.1, 0.4, 1.0, 2.0, 5.0)
"""When to look again for the note of a send that has failed already."""

Report: TypeAlias = StatusUpdate | SeenUpTo

_log = get_logger(__name__)


class StatusLane:
    """One worker's status lane. `report` resolves when the reports are committed."""

    def __init__(
        self,
        connections: Connections,
        clock: Callable[[], datetime],
        told: Callable[[Iterable[UUID]], None] = lambda sends: None,
    ) -> None:
        """`told` hears which sends that are under way something is known of now."""
        self._connections = connections
        self._clock = clock
        self._told = told
        self._waiting: list[tuple[Channel, Report, asyncio.Future[None]]] = []
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._background = Background()

    def start(self) -> None:
        """Start writing."""
        self._task = asyncio.create_task(self._run(), name="status-lane")

    async def stop(self) -> None:
        """End; what waits is refused and will be reported again."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._background.close()
        self._resolve(self._waiting, Unavailable())

    async def report(self, channel: Channel, updates: Sequence[Report]) -> None:
        """Write down what a platform reports. Raises `Unavailable` when it is not written."""
        if not updates:
            return
        if len(self._waiting) + len(updates) > MAX_WAITING:
            raise Unavailable("too many reports are waiting; try again shortly", retry_after=1)
        loop = asyncio.get_running_loop()
        written: asyncio.Future[None] = loop.create_future()
        ignored: asyncio.Future[None] = loop.create_future()
        last = len(updates) - 1
        for index, update in enumerate(updates):
            self._waiting.append((channel, update, written if index == last else ignored))
        metrics.statuses(channel.platform).inc(len(updates))
        self._wake.set()
        await written

    async def _run(self) -> None:
        while True:
            if not self._waiting:
                self._wake.clear()
                await self._wake.wait()
            batch, self._waiting = self._waiting[:MAX_REPORTS], self._waiting[MAX_REPORTS:]
            try:
                await self._write(batch)
            except AWAY as error:
                _log.warning("status reports refused", reports=len(batch), error=str(error))
                self._resolve(batch, Unavailable())
            except asyncio.CancelledError:
                self._resolve(batch, Unavailable())
                raise
            except Exception:  # refused by the database: told, and reported again by the platform
                _log.exception("status reports failed")
                self._resolve(batch, Unavailable())
            else:
                self._resolve(batch, None)

    async def _write(self, batch: Sequence[tuple[Channel, Report, asyncio.Future[None]]]) -> None:
        changes = [
            _change(channel, report) for channel, report, _ in batch if isinstance(report, StatusUpdate)
        ]
        seen: dict[str, list[tuple[UUID, int]]] = defaultdict(list)
        at: datetime | None = None
        for _, report, _ in batch:
            if isinstance(report, SeenUpTo):
                seen[report.state].append((report.conversation_id, report.seq))
                at = report.occurred_at
        organizations = {channel.organization_id for channel, _, _ in batch}
        outcome = Outcome()
        async with self._connections.raw() as connection:
            async with deliveries.transaction(connection, organizations):
                if changes:
                    outcome = await reports.raise_statuses(connection, changes)
                shut = _shut_out(outcome, _window_codes(batch)) if outcome.failed else set()
                shut -= await letters.reopen(connection, shut, self._clock()) if shut else set()
                for state, receipts in seen.items():
                    if at is not None:
                        await reports.raise_up_to(connection, state, receipts, at)
        self._told(outcome.told)
        if shut:
            self._background.spawn(self._reopen(shut, organizations))

    async def _reopen(self, shut: AbstractSet[UUID], organizations: AbstractSet[UUID]) -> None:
        """A report can be faster than our own note that the send is done: once that is written, it goes out anew.
        What is left then stays failed, for operators to see.
        """
        for seconds in REOPEN_SECONDS:
            await asyncio.sleep(seconds)
            async with self._connections.raw() as connection:
                async with deliveries.transaction(connection, organizations):
                    shut = shut - await letters.reopen(connection, shut, self._clock())
            if not shut:
                return

    def _resolve(
        self, batch: Sequence[tuple[Channel, Report, asyncio.Future[None]]], error: Unavailable | None
    ) -> None:
        for _, _, written in batch:
            if written.done():
                continue
            if error is None:
                written.set_result(None)
            else:
                written.set_exception(error)
                written.exception()  # many reports share a waiter or have none: retrieved here, never warned of


def _change(channel: Channel, report: StatusUpdate) -> StatusChange:
    return StatusChange(
        channel_id=channel.id,
        external_id=report.message,
        status=report.state,
        at=report.occurred_at,
        error=report.error,
        key=report.key,
        call=report.call,
    )


def _window_codes(batch: Sequence[tuple[Channel, Report, asyncio.Future[None]]]) -> set[str]:
    return {channel.adapter.capabilities.window_code for channel, _, _ in batch}


def _shut_out(outcome: Outcome, codes: Iterable[str]) -> set[UUID]:
    """Messages that failed because the customer's window was closed."""
    starts = tuple(code for code in codes if code)
    return {failed.id for failed in outcome.failed if starts and failed.error.startswith(starts)}
