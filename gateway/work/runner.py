"""Runs a worker's calls and e-mails: takes what is due, does it with nothing locked, enters what came of it.

A call's result enters the conversation by the turn loop, under an id that belongs to the call: however often it
was made (a crash, a lease that ran out), it causes one turn, and its row goes in that turn's transaction.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Final
from uuid import UUID

from engine.events import InboundEvent, Sender
from gateway import metrics
from gateway.away import AWAY
from gateway.channel import Channel
from gateway.checkpoints import reach
from gateway.delivery.claims import AcceptEvent, Channels
from gateway.errors import ShuttingDown, Unavailable
from gateway.logs import get_logger
from gateway.work.book import Book
from gateway.work.performer import Performer
from gateway.work.slots import Slots
from gateway.work.verdict import Answer, Done, GivenUp, Later, Verdict
from storage.deliveries import ClaimedWork, DueWork

MAX_OFFERED: Final = 1_000
"""Pieces of new work that are remembered between two claims; the sweeper finds the rest."""
RETRY_SECONDS: Final = (0.05, 0.1, 0.25, 0.5, 1.0)
"""Waits between tries to enter a result while the database is away; the last one repeats."""
MAX_RETRIES: Final = 300

_log = get_logger(__name__)


class _Held:
    """A piece of work in this worker's hands."""

    __slots__ = ("bot", "settling", "task", "work")

    def __init__(self, bot: UUID) -> None:
        self.bot = bot
        self.work: ClaimedWork | None = None
        self.task: asyncio.Task[None] | None = None
        self.settling = False
        """Whether it is done and only its result has to be entered: that is safe to try, whoever holds it."""


class WorkRunner:
    """All work of one worker."""

    def __init__(
        self,
        book: Book,
        channels: Channels,
        accept: AcceptEvent,
        performer: Performer,
        slots: Slots,
        clock: Callable[[], datetime],
    ) -> None:
        self._book = book
        self._channels = channels
        self._accept = accept
        self._performer = performer
        self._slots = slots
        self._clock = clock
        self._held: dict[UUID, _Held] = {}
        self._offered: list[DueWork] = []
        self._more = False
        """Whether work is known to wait for a slot."""
        self._wake = asyncio.Event()
        self._taking = asyncio.Lock()
        self._stopping = False
        self._task: asyncio.Task[None] | None = None

    @property
    def held(self) -> frozenset[UUID]:
        """What is in this worker's hands."""
        return frozenset(self._held)

    def start(self) -> None:
        """Start taking what is offered."""
        self._task = asyncio.create_task(self._run(), name="work")

    async def stop(self, seconds: float) -> None:
        """Take no more, finish what is under way within `seconds`, let go of the rest."""
        self._stopping = True
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds), self._taking:
                pass  # a claim that is under way ends, so that what it took is let go of below
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        tasks = {held.task for held in self._held.values() if held.task is not None}
        if not tasks:
            return
        await asyncio.wait(tasks, timeout=seconds)
        left = [held.work for held in self._held.values() if held.work is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if left:
            try:
                await self._book.release(left)
            except Exception as error:  # the leases run out by themselves
                _log.warning("work not released", left=len(left), error=str(error))

    def offer(self, due: Iterable[DueWork]) -> None:
        """A turn has left this behind: take it now rather than at the next sweep."""
        self._offered.extend(due)
        del self._offered[MAX_OFFERED:]
        if self._offered:
            self._wake.set()

    async def sweep(self) -> None:
        """Find due work that nobody holds, and take it on as far as there is room."""
        if self._stopping or self._slots.free <= 0:
            return
        due = await self._book.find(self._slots.of_one_bot, self._slots.total)
        self._more = len(due) >= self._slots.total
        await self._take(due)

    async def renew(self) -> None:
        """Hold on to what is under way; what is another worker's by now is dropped, unless it is done."""
        ours = {id: held for id, held in self._held.items() if held.work is not None}
        if not ours:
            return
        kept = await self._book.renew([held.work for held in ours.values() if held.work is not None])
        for id, held in ours.items():
            if id not in kept and self._held.get(id) is held and not held.settling and held.task is not None:
                _log.warning("work lost", effect=str(id))
                held.task.cancel()

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            offered, self._offered = self._offered, []
            try:
                await self._take(offered)
                if self._more:
                    await self.sweep()
            except Exception as error:  # the database may be away; the sweeper finds the work again
                _log.warning("work not taken", error=f"{type(error).__name__}: {error}")

    async def _take(self, due: Sequence[DueWork]) -> None:
        async with self._taking:
            await self._claim(due)

    async def _claim(self, due: Sequence[DueWork]) -> None:
        channels: dict[UUID, Channel] = {}
        reserved: list[DueWork] = []
        claimed: list[ClaimedWork] = []
        try:
            for item in due:
                channel = await self._channels.by_id(item.channel_id, item.organization_id)
                if channel is not None and self._reserve(item.id, channel.chatbot_id):
                    channels[item.id] = channel
                    reserved.append(item)
            if reserved:
                claimed = await self._book.claim(reserved)
        finally:
            for id in channels.keys() - {work.id for work in claimed}:
                self._drop(id)
        if claimed:
            reach("work.claimed")
        for work in claimed:
            held = self._held[work.id]
            held.work = work
            held.task = asyncio.create_task(self._work(held, work, channels[work.id]))

    def _reserve(self, id: UUID, bot: UUID) -> bool:
        if self._stopping or id in self._held:
            return False
        if not self._slots.take(bot):
            self._more = True
            return False
        self._held[id] = _Held(bot)
        return True

    def _drop(self, id: UUID) -> None:
        self._slots.give(self._held.pop(id).bot)
        if self._more and not self._stopping:
            self._wake.set()

    async def _work(self, held: _Held, work: ClaimedWork, channel: Channel) -> None:
        started = time.perf_counter()
        try:
            verdict = await self._performer.perform(work, channel)
            reach("work.done")
            held.settling = True
            await self._settle(work, channel, verdict)
        except ShuttingDown:
            return
        except AWAY as error:  # the lease runs out, and it is found again
            _log.warning("work waits", effect=str(work.id), error=type(error).__name__)
        except Exception:
            _log.exception("work failed", effect=str(work.id), kind=work.kind)
        else:
            _count(work, verdict, time.perf_counter() - started)
        finally:
            self._drop(work.id)

    async def _settle(self, work: ClaimedWork, channel: Channel, verdict: Verdict) -> None:
        """Enter the result, however long the database is away: doing the work again would do it twice."""
        for attempt in range(MAX_RETRIES):
            try:
                if isinstance(verdict, Answer):
                    await self._accept(channel, self._event(work, verdict), finishes=work.id)
                else:
                    await self._book.write(work, verdict)
                return
            except ShuttingDown:
                raise
            except (Unavailable, *AWAY):
                await asyncio.sleep(RETRY_SECONDS[min(attempt, len(RETRY_SECONDS) - 1)])
        _log.error("result not entered", effect=str(work.id))

    def _event(self, work: ClaimedWork, answer: Answer) -> InboundEvent:
        return InboundEvent(
            external_id=f"{work.kind}:{work.id}",
            conversation_key=work.contact_key,
            sender=Sender(external_id=work.contact_key),
            body=answer.result,
            occurred_at=self._clock(),
        )


def _count(work: ClaimedWork, verdict: Verdict, seconds: float) -> None:
    outcome = _outcome(verdict)
    metrics.effects(work.kind, outcome).inc()
    metrics.work_seconds(work.kind, outcome).observe(seconds)
    match verdict:
        case GivenUp(reason=reason):
            _log.warning("work given up", effect=str(work.id), kind=work.kind, reason=reason)
        case Done(doubt=doubt) if doubt:
            _log.warning("work done in part", effect=str(work.id), kind=work.kind, reason=doubt)
        case _:
            pass


def _outcome(verdict: Verdict) -> metrics.EffectOutcome:
    match verdict:
        case Answer(result=result):
            return "failed" if result.error else "done"
        case Done():
            return "done"
        case Later():
            return "retried"
        case GivenUp():
            return "failed"
