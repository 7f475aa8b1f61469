"""An alarm clock: a rest that ends early when something is due before its end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from heapq import heappop, heappush
from typing import Final

HORIZON_SECONDS: Final = 5.0
"""What is due later is found by looking now and then: alarms are for what people wait for."""
MAX_ALARMS: Final = 10_000
LEAST_REST_SECONDS: Final = 0.02
"""However many alarms there are, so often is looked at most."""


class Alarm:
    """The alarms of one task."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._due: list[datetime] = []
        self._sooner = asyncio.Event()

    @property
    def waiting(self) -> int:
        """Alarms that have not rung."""
        return len(self._due)

    def set(self, due_at: datetime) -> None:
        """Ring at `due_at`, when that is soon."""
        if len(self._due) >= MAX_ALARMS or (due_at - self._clock()).total_seconds() > HORIZON_SECONDS:
            return
        heappush(self._due, due_at)
        if self._due[0] is due_at:
            self._sooner.set()

    async def rest(self, seconds: float) -> None:
        """Rest for `seconds`, or until an alarm rings."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        await asyncio.sleep(min(seconds, LEAST_REST_SECONDS))
        while (left := seconds - (loop.time() - began)) > 0:
            self._sooner.clear()
            until = self._until_next()
            if until <= 0:
                break
            with suppress(TimeoutError):
                async with asyncio.timeout(min(left, until)):
                    await self._sooner.wait()
        now = self._clock()
        while self._due and self._due[0] <= now:
            heappop(self._due)

    def _until_next(self) -> float:
        if not self._due:
            return float("inf")
        return (self._due[0] - self._clock()).total_seconds()
