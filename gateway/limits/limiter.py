"""One worker's way to the buckets: what waits asks together, and who has to wait waits for its own slot.

Requests of one turn of the event loop, and those that come while Valkey answers, go in one script call. A channel
whose slots are given away for the next second has a line in the worker: its head asks again when there is room, the
rest does not ask at all. While Valkey is away the worker keeps the buckets by itself.
"""

from __future__ import annotations

import asyncio
import math
import random
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Final, Protocol
from uuid import UUID

from redis.asyncio import Redis

from gateway import metrics
from gateway.channel import Channel
from gateway.limits.bucket import HORIZON_SECONDS, Answer, Ask, LocalBuckets, Outcome
from gateway.limits.rates import Limits, limits_of
from gateway.limits.shared import SharedBuckets
from gateway.logs import get_logger
from gateway.web.background import heed_cancel

MAX_ASKS: Final = 500
"""Requests of one script call."""
MAX_ROUNDS: Final = 1_000
"""How often one request may be told to come later."""
STOP_SECONDS: Final = 2.0
"""How long the end waits for a call that is under way; longer than the client's own time-outs."""
PROBE_SECONDS: Final = 1.0
"""How often a worker that keeps the buckets by itself looks whether Valkey is back."""

_log = get_logger(__name__)


class Resting(Protocol):
    """Who waits; `wakes` says until when it only waits (the loop's seconds), None while it is at work."""

    wakes: float | None


class _Line:
    """A channel's requests that wait for room, first in, first out."""

    __slots__ = ("seconds", "task", "waiting")

    def __init__(self) -> None:
        self.waiting: deque[tuple[Ask, asyncio.Future[Answer]]] = deque()
        self.seconds = 0.0
        self.task: asyncio.Task[None] | None = None


class Limiter:
    """The rate limits of one worker's sends."""

    def __init__(self, redis: Redis) -> None:
        self._shared = SharedBuckets(redis)
        self._local = LocalBuckets()
        self._asking: list[tuple[Ask, asyncio.Future[Answer]]] = []
        self._pausing: dict[str, float] = {}
        self._lines: dict[UUID, _Line] = {}
        self._limits: dict[UUID, tuple[Mapping[str, Any], Limits | None]] = {}
        self._wake = asyncio.Event()
        self._closed = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self.away = False
        """Whether the buckets are this worker's own for now."""

    def start(self) -> None:
        """Start asking."""
        metrics.limits_shared().set(1)
        self._tasks = [asyncio.create_task(self._run(), name="limiter")]

    async def stop(self) -> None:
        """End; whoever still waits is cancelled by its owner. The client cleans up after a time-out, not after a
        cancellation, so a call that is under way comes to its end.
        """
        lines = [line.task for line in self._lines.values() if line.task is not None]
        for task in lines:
            task.cancel()
        self._closed.set()
        self._wake.set()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=STOP_SECONDS)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, *lines, return_exceptions=True)

    def limits_of(self, channel: Channel) -> Limits | None:
        """The channel's limits; None on a platform that has none."""
        known = self._limits.get(channel.id)
        if known is not None and known[0] is channel.settings:
            return known[1]
        limits, problems = limits_of(channel.id, channel.adapter, channel.settings)
        for problem in problems:
            _log.warning("rate limit not understood", channel=str(channel.id), problem=problem)
        self._limits[channel.id] = (channel.settings, limits)
        return limits

    async def acquire(self, limits: Limits, recipient: str, resting: Resting) -> float:
        """Wait for the slot of one call to `recipient`. Returns how long that took by the limits, in seconds."""
        ask = limits.ask(recipient)
        waited = 0.0
        for _ in range(MAX_ROUNDS):
            line = self._lines.get(limits.id)
            if line is None:
                answer = await self._ask(ask)
            else:
                answer = await self._stand_in_line(line, ask, resting)
            if answer.outcome is Outcome.LATER:
                self._line_of(limits, answer.seconds)
                continue
            if answer.seconds > 0:
                waited += answer.seconds
                await _rest(resting, answer.seconds)
            if answer.outcome is Outcome.GO:
                break
            ask.reserved = True
        return waited

    def pause(self, channel: Channel, seconds: float) -> None:
        """The platform wants nothing from this channel for so long: no replica sends on it."""
        limits = self.limits_of(channel)
        if limits is None:
            return
        self._local.pause(limits.pause, seconds, asyncio.get_running_loop().time())
        self._pausing[limits.pause] = max(seconds, self._pausing.get(limits.pause, 0.0))
        self._wake.set()

    # Asking

    def _ask(self, ask: Ask) -> asyncio.Future[Answer]:
        answered: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._asking.append((ask, answered))
        self._wake.set()
        return answered

    async def _run(self) -> None:
        while not self._closed.is_set():
            await self._wake.wait()
            self._wake.clear()
            if self._pausing:
                await self._pause()
            while self._asking:
                batch, self._asking = self._asking[:MAX_ASKS], self._asking[MAX_ASKS:]
                batch = [entry for entry in batch if not entry[1].done()]
                answers = await self._answers([ask for ask, _ in batch]) if batch else []
                for (_, answered), answer in zip(batch, answers, strict=True):
                    if not answered.done():
                        answered.set_result(answer)

    async def _answers(self, asks: Sequence[Ask]) -> list[Answer]:
        if not self.away:
            try:
                return await self._shared.ask(asks)
            except Exception as error:  # whatever it is: nobody may wait for an answer that never comes
                self._keep_alone(error)
            heed_cancel()
        return self._local.ask(asks, asyncio.get_running_loop().time())

    async def _pause(self) -> None:
        pausing, self._pausing = self._pausing, {}
        if self.away:
            return
        try:
            for name, seconds in pausing.items():
                await self._shared.pause(name, seconds)
        except Exception as error:  # as above
            self._keep_alone(error)
        heed_cancel()

    # Valkey away

    def _keep_alone(self, error: Exception) -> None:
        if self.away:
            return
        self.away = True
        metrics.limits_shared().set(0)
        _log.warning("rate limits are kept by each worker alone: Valkey is away", error=type(error).__name__)
        self._tasks = [task for task in self._tasks if not task.done()]  # a former probe
        self._tasks.append(asyncio.create_task(self._probe(), name="limiter-probe"))

    async def _probe(self) -> None:
        while self.away and not self._closed.is_set():  # until it is back
            seconds = PROBE_SECONDS * random.uniform(0.8, 1.2)  # noqa: S311 - spreads, hides nothing
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._closed.wait()
            if self._closed.is_set():
                return
            try:
                await self._shared.probe()
            except Exception:  # as above
                heed_cancel()
                continue
            self.away = False
            self._local.clear()
            metrics.limits_shared().set(1)
            _log.info("rate limits are shared again: Valkey is back")

    # Standing in line

    def _line_of(self, limits: Limits, seconds: float) -> None:
        line = self._lines.get(limits.id)
        if line is None:
            line = self._lines[limits.id] = _Line()
            line.seconds = seconds
            line.task = asyncio.create_task(self._serve(limits, line), name="limiter-line")

    async def _stand_in_line(self, line: _Line, ask: Ask, resting: Resting) -> Answer:
        answered: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        entry = (ask, answered)
        if ask.reserved:  # it has waited for its recipient already
            line.waiting.appendleft(entry)
        else:
            line.waiting.append(entry)
        resting.wakes = math.inf
        try:
            return await answered
        finally:
            resting.wakes = None

    async def _serve(self, limits: Limits, line: _Line) -> None:
        """Ask for the head of the line whenever there is room, until nobody stands in it."""
        share = min(MAX_ASKS, math.ceil(limits.per_second * HORIZON_SECONDS) + 1)
        try:
            await asyncio.sleep(line.seconds)
            while line.waiting:
                entries = [line.waiting.popleft() for _ in range(min(share, len(line.waiting)))]
                entries = [entry for entry in entries if not entry[1].done()]
                answers = await asyncio.gather(*(self._ask(ask) for ask, _ in entries))
                late = [
                    entry
                    for entry, answer in zip(entries, answers, strict=True)
                    if answer.outcome is Outcome.LATER
                ]
                line.waiting.extendleft(reversed(late))
                for (_, answered), answer in zip(entries, answers, strict=True):
                    if answer.outcome is not Outcome.LATER and not answered.done():
                        answered.set_result(answer)
                if late:
                    await asyncio.sleep(
                        min(answer.seconds for answer in answers if answer.outcome is Outcome.LATER)
                    )
        finally:
            del self._lines[limits.id]


async def _rest(resting: Resting, seconds: float) -> None:
    resting.wakes = asyncio.get_running_loop().time() + seconds
    try:
        await asyncio.sleep(seconds)
    finally:
        resting.wakes = None
