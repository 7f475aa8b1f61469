"""The bus between replicas: Valkey pub/sub, one channel `widget:{key}` for each key with a socket here.

Losing Valkey loses nothing: sockets of this replica are served directly, and while notes of others do not
arrive the hub polls the transcript. Whoever failed to publish makes everybody resync as soon as it can.

A conversation's sockets are nearly always on one replica. Each replica announces the keys that it holds
(`Here`); as long as nobody else answers for a key, its notes are not published at all.

The count that PUBLISH returns is right for a single server (with replicas), not for a Redis Cluster.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Any, Final
from uuid import UUID

import msgspec
import structlog
from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from gateway import metrics
from gateway.web.background import heed_cancel
from gateway.web.notes import Here, Listener, Note, decode, encode

PREFIX: Final = "widget:"
RESYNC: Final = "widget:resync"

ANSWER_SECONDS: Final = 0.5
"""How long Valkey may take to accept a connection, or to answer."""
SUBSCRIBE_SECONDS: Final = 0.5
"""How long a new socket waits for its subscription at most."""
SILENCE_SECONDS: Final = 2.0
"""After this long without a word Valkey is pinged; after as long again it counts as gone."""
MAX_WAITING: Final = 10_000
"""Notes that wait to be published; one more is dropped, and ends in a resync."""
CHUNK: Final = 500
"""Names in one SUBSCRIBE, notes in one pipeline."""
MIN_BACKOFF_SECONDS: Final = 0.1
MAX_BACKOFF_SECONDS: Final = 5.0

_log = structlog.get_logger(__name__)


def connect(url: str) -> Redis:
    """A client that fails fast and never retries by itself: this module decides when to try again.

    The time-outs are the client's own, because it cleans up after those, and not after a cancellation.
    """
    client: Redis = Redis.from_url(
        url,
        socket_connect_timeout=ANSWER_SECONDS,
        socket_timeout=ANSWER_SECONDS,
        retry=Retry(NoBackoff(), 0),
    )
    return client


class _Subscription:
    """What is known of one key: whether we hear of it, and whether anybody else holds it."""

    __slots__ = ("confirmed", "counted", "met", "waiter")

    def __init__(self) -> None:
        self.confirmed = False
        self.counted = False
        self.met = False
        self.waiter: asyncio.Future[None] | None = None

    @property
    def ours_alone(self) -> bool:
        """Nobody else holds the key: we announced it, only we heard that, and nobody came since."""
        return self.confirmed and self.counted and not self.met

    def confirm(self) -> None:
        """Valkey has the subscription."""
        self.confirmed = True
        if self.waiter is not None and not self.waiter.done():
            self.waiter.set_result(None)
        self.waiter = None

    def forget(self) -> None:
        """The connection is gone, and what it told with it."""
        self.confirmed = self.counted = self.met = False


class Bus:
    """Publishes and hears notes. `run` does the work; everything else returns at once or soon."""

    def __init__(self, redis: Redis, origin: str, random: Callable[[], float]) -> None:
        self._redis = redis
        self._random = random
        self._listener: Listener | None = None
        self._subscriptions: dict[UUID, _Subscription] = {}
        self._changed: set[UUID] = set()
        self._change = asyncio.Event()
        self._waiting: list[tuple[UUID, Note]] = []
        self._wake = asyncio.Event()
        self._paused = False
        self._lost = False
        self._up = False
        self.origin = origin

    @property
    def healthy(self) -> bool:
        """Whether notes of others arrive."""
        return self._up

    def listen(self, listener: Listener) -> None:
        """Say who hears the notes of others; before `run`."""
        self._listener = listener

    def publish(self, key: UUID, note: Note) -> None:
        """Tell the other replicas that hold `key`."""
        subscription = self._subscriptions.get(key)
        if subscription is not None and subscription.ours_alone and self._up:
            return
        self._queue(key, note)

    async def subscribe(self, key: UUID) -> None:
        """Hear about `key`; waits for Valkey's word at most SUBSCRIBE_SECONDS."""
        subscription = self._subscriptions.get(key)
        if subscription is None:
            subscription = self._subscriptions[key] = _Subscription()
            self._change_of(key)
        if subscription.confirmed or not self._up:
            return
        if subscription.waiter is None:
            subscription.waiter = asyncio.get_running_loop().create_future()
        with suppress(TimeoutError):
            async with asyncio.timeout(SUBSCRIBE_SECONDS):
                await asyncio.shield(subscription.waiter)

    def unsubscribe(self, key: UUID) -> None:
        """Hear no more of `key`."""
        if self._subscriptions.pop(key, None) is not None:
            self._change_of(key)

    async def run(self) -> None:
        """Publish and listen until cancelled."""
        tasks = [asyncio.create_task(self._publish_forever()), asyncio.create_task(self._listen_forever())]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            self._down()  # whatever ended it, the hub polls from now on

    # Publishing

    def _queue(self, key: UUID, note: Note) -> None:
        if self._paused or len(self._waiting) >= MAX_WAITING:
            self._lost = True
            return
        self._waiting.append((key, note))
        self._wake.set()

    async def _publish_forever(self) -> None:
        failures = 0
        while True:  # as long as the process serves
            await self._wake.wait()
            self._wake.clear()
            published = await self._publish_waiting()
            heed_cancel()
            if published:
                failures = 0
                continue
            failures += 1
            self._paused = True
            await asyncio.sleep(self._backoff(failures))
            self._paused = False
            self._wake.set()

    async def _publish_waiting(self) -> bool:
        """Publish what waits together. False when Valkey did not take it."""
        batch, self._waiting = self._waiting[:CHUNK], self._waiting[CHUNK:]
        if self._waiting:
            self._wake.set()
        mend = self._lost
        try:
            counts = await self._send(batch, mend)
        except (RedisError, OSError, TimeoutError) as error:
            if not mend:
                _log.warning("bus does not take notes", error=type(error).__name__)
            self._lost = True
            return False
        for (key, note), count in zip(batch, counts, strict=False):
            if isinstance(note, Here) and (subscription := self._subscriptions.get(key)) is not None:
                subscription.counted = True
                subscription.met = subscription.met or count > 1
        if mend:
            self._lost = False
            self._resync()
        return True

    async def _send(self, batch: Sequence[tuple[UUID, Note]], mend: bool) -> list[int]:
        async with self._redis.pipeline(transaction=False) as pipeline:
            for key, note in batch:
                pipeline.publish(f"{PREFIX}{key}", encode(note))
            if mend:
                pipeline.publish(RESYNC, self.origin)
            counts: list[int] = await pipeline.execute()
        return counts

    # Listening

    async def _listen_forever(self) -> None:
        failures = 0
        while True:  # as long as the process serves
            try:
                await self._listen()
            except (RedisError, OSError, TimeoutError) as error:
                failures = 1 if self._up else failures + 1
                if failures == 1:
                    metrics.bus_up().set(0)
                    _log.warning("bus is away", error=type(error).__name__)
            self._down()
            heed_cancel()
            await asyncio.sleep(self._backoff(failures))

    async def _listen(self) -> None:
        """One connection's life. Raises when it ends."""
        pubsub: PubSub = self._redis.pubsub()
        try:
            active = set(self._subscriptions)
            self._changed.clear()
            for names in _chunks(active):
                await pubsub.subscribe(*names)
            await pubsub.subscribe(RESYNC)  # last: its confirmation means that all are there
            following = asyncio.create_task(self._follow_changes(pubsub, active))
            try:
                await self._read(pubsub, following)
            finally:
                following.cancel()
                await asyncio.gather(following, return_exceptions=True)
        finally:
            await pubsub.aclose()  # type: ignore[no-untyped-call]

    async def _read(self, pubsub: PubSub, following: asyncio.Task[None]) -> None:
        pinged = False
        while not following.done():  # until the connection breaks
            message = await pubsub.get_message(timeout=SILENCE_SECONDS)
            heed_cancel()
            if message is not None:
                pinged = False
                self._take(message)
            elif pinged:
                raise TimeoutError("Valkey does not answer.")
            else:
                pinged = True
                await pubsub.ping()
        await following  # raises what ended it

    async def _follow_changes(self, pubsub: PubSub, active: set[UUID]) -> None:
        while True:  # until the connection breaks
            await self._change.wait()
            self._change.clear()
            changed, self._changed = self._changed, set()
            added = {key for key in changed if key in self._subscriptions and key not in active}
            removed = {key for key in changed if key not in self._subscriptions and key in active}
            for key in changed - added - removed:
                self._confirm(key)  # left and joined again in between: Valkey has it
            for names in _chunks(added):
                await pubsub.subscribe(*names)
            for names in _chunks(removed):
                await pubsub.unsubscribe(*names)
            heed_cancel()
            active |= added
            active -= removed

    def _take(self, message: dict[str, Any]) -> None:
        name = message["channel"]
        if message["type"] == "subscribe":
            if name == RESYNC.encode():
                self._came_up()
            else:
                self._confirm(_key(name))
        elif message["type"] == "message":
            if name == RESYNC.encode():
                if message["data"] != self.origin.encode():
                    self._others_lost_notes()
            else:
                self._hear(_key(name), message["data"])

    def _hear(self, key: UUID, data: bytes) -> None:
        try:
            note = decode(data)
        except msgspec.DecodeError:
            _log.warning("bus carries what is no note", key=str(key))  # a replica of another version
            self._resync()
            return
        subscription = self._subscriptions.get(key)
        if note.origin == self.origin or subscription is None:
            return
        subscription.met = True
        if not isinstance(note, Here) and self._listener is not None:
            self._listener.received(key, note)

    def _others_lost_notes(self) -> None:
        for subscription in self._subscriptions.values():
            subscription.met = True  # what was lost may have been somebody's `Here`
        self._resync()

    def _confirm(self, key: UUID) -> None:
        subscription = self._subscriptions.get(key)
        if subscription is not None and not subscription.confirmed:
            subscription.confirm()
            self._queue(key, Here(origin=self.origin))

    def _came_up(self) -> None:
        self._up = True
        metrics.bus_up().set(1)
        _log.info("bus is up")
        self._resync()

    def _down(self) -> None:
        self._up = False
        for subscription in self._subscriptions.values():
            subscription.forget()

    def _resync(self) -> None:
        if self._listener is not None:
            self._listener.resync()

    def _change_of(self, key: UUID) -> None:
        self._changed.add(key)
        self._change.set()

    def _backoff(self, failures: int) -> float:
        most = min(MAX_BACKOFF_SECONDS, MIN_BACKOFF_SECONDS * 2.0 ** min(failures, 10))
        return most * (0.5 + self._random() / 2)


def _chunks(keys: Iterable[UUID]) -> list[list[str]]:
    names = [f"{PREFIX}{key}" for key in keys]
    return [names[start : start + CHUNK] for start in range(0, len(names), CHUNK)]


def _key(name: bytes) -> UUID:
    return UUID(name[len(PREFIX) :].decode())
