"""What a worker does by the clock: find orphaned and due work, hold on to its own, keep house."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Protocol

from gateway import metrics
from gateway.alarm import Alarm
from gateway.delivery.claims import Claims
from gateway.delivery.lanes import Lanes
from gateway.logs import get_logger
from gateway.work.runner import WorkRunner

SWEEP_SECONDS = 0.5
"""How soon after its due time a timer fires, and after its lease's end an orphan is found, at the latest. For
what is due within seconds of being written, an alarm ends the wait."""
AGES_SECONDS = 5.0
HOUSEKEEPING_SECONDS = 300.0
MAX_BACKOFF_SECONDS = 5.0

_log = get_logger(__name__)


class Housekeeping(Protocol):
    """The storage's slow chores."""

    async def run(self, now: datetime) -> None:
        """Make partitions ahead, forget what is over."""

    async def queue_ages(self, now: datetime) -> dict[str, float]:
        """Seconds since the oldest overdue work of each lane was due."""


class Sweeper:
    """The clock-driven tasks of one worker."""

    def __init__(
        self,
        claims: Claims,
        lanes: Lanes,
        work: WorkRunner,
        alarm: Alarm,
        housekeeping: Housekeeping,
        lease: timedelta,
        clock: Callable[[], datetime],
    ) -> None:
        self._claims = claims
        self._lanes = lanes
        self._work = work
        self._alarm = alarm
        self._housekeeping = housekeeping
        self._lease = lease
        self._clock = clock
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Start all of them."""
        chores: list[tuple[str, float, Callable[[], Awaitable[object]]]] = [
            ("work", SWEEP_SECONDS, self._work.sweep),
            ("renew work", self._lease.total_seconds() / 3, self._work.renew),
            ("renew", self._lease.total_seconds() / 3, self._renew),
            ("ages", AGES_SECONDS, self._ages),
            ("housekeeping", HOUSEKEEPING_SECONDS, self._housekeep),
            ("claims", 0.0, self._claims.pursue),
        ]
        self._tasks = [
            asyncio.create_task(_every(name, seconds, chore), name=f"sweeper-{name}")
            for name, seconds, chore in chores
        ]
        sweep = _every("sweep", SWEEP_SECONDS, self._claims.sweep, self._alarm.rest)
        self._tasks.append(asyncio.create_task(sweep, name="sweeper-sweep"))

    async def stop(self) -> None:
        """End all of them."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _renew(self) -> None:
        await self._claims.renew(self._lanes.held(), self._lease * 2 / 3)

    async def _ages(self) -> None:
        ages = await self._housekeeping.queue_ages(self._clock())
        for lane in ("delivery", "timer", "work"):
            metrics.queue_age(lane).set(ages.get(lane, 0.0))

    async def _housekeep(self) -> None:
        await self._housekeeping.run(self._clock())


async def _every(
    name: str,
    seconds: float,
    chore: Callable[[], Awaitable[object]],
    rest: Callable[[float], Awaitable[object]] = asyncio.sleep,
) -> None:
    """Run a chore for ever; one that fails is told, and tried again after a growing wait."""
    failures = 0
    while True:
        try:
            await chore()
            failures = 0
            await rest(seconds * random.uniform(0.8, 1.2))  # noqa: S311 - spreads the replicas, hides nothing
        except Exception as error:  # the database may be away; a sweeper that ended would lose work silently
            failures += 1
            _log.warning("chore failed", chore=name, error=f"{type(error).__name__}: {error}")
            await asyncio.sleep(min(MAX_BACKOFF_SECONDS, 0.1 * 2 ** min(failures, 10)))
