"""The bus on a real Valkey: two hubs are two replicas, and Valkey may go at any time."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from redis.asyncio import Redis

from gateway.web.background import Background
from gateway.web.bus import ANSWER_SECONDS, Bus, connect
from gateway.web.hub import Hub, render
from gateway.web.notes import Here, Note, Said
from gateway.web.presence import TTL_SECONDS, Presence
from gateway.web.socket import Socket
from storage.embedded import EmbeddedValkey
from tests.unit.web_doubles import NOW, ORGANIZATION, MemoryTranscript, MemoryWire

PATIENCE = 8.0


async def until(done: Callable[[], bool]) -> None:
    """Wait until `done`, or fail."""
    async with asyncio.timeout(PATIENCE):
        while not done():  # noqa: ASYNC110 - what it waits for has no event
            await asyncio.sleep(0.01)


class Ears:
    """A listener that notes."""

    def __init__(self) -> None:
        self.heard: list[tuple[UUID, Note]] = []
        self.resyncs = 0

    def received(self, key: UUID, note: Note) -> None:
        self.heard.append((key, note))

    def resync(self) -> None:
        self.resyncs += 1


class Replica:
    """A hub with its bus, as one process has them."""

    def __init__(self, name: str, redis: Redis, transcript: MemoryTranscript) -> None:
        self.background = Background()
        self.redis = redis
        self.bus = Bus(redis, name, random.Random(name).random)
        self.hub = Hub(transcript, self.bus, self.background)
        self.bus.listen(self.hub)

    async def socket(
        self, conversation_id: UUID | None, visitor: UUID | None = None
    ) -> tuple[Socket, MemoryWire]:
        wire = MemoryWire()
        socket = Socket(
            wire, self.background, id=uuid4(), organization_id=ORGANIZATION, channel_id=uuid4(),
            visitor=visitor or uuid4(), conversation_id=conversation_id,
        )  # fmt: skip
        await self.hub.join(socket)
        return socket, wire


@asynccontextmanager
async def replica(name: str, url: str, transcript: MemoryTranscript) -> AsyncIterator[Replica]:
    """A running replica."""
    redis = connect(url)
    made = Replica(name, redis, transcript)
    made.background.spawn(made.bus.run())
    made.background.spawn(made.hub.run())
    yield made
    await made.background.close()
    await redis.aclose()


@asynccontextmanager
async def running_bus(name: str, url: str) -> AsyncIterator[tuple[Bus, Ears]]:
    """A bus with ears instead of a hub."""
    redis, ears, background = connect(url), Ears(), Background()
    bus = Bus(redis, name, random.Random(name).random)
    bus.listen(ears)
    background.spawn(bus.run())
    yield bus, ears
    await background.close()
    await redis.aclose()


@pytest.fixture
def own_valkey() -> Iterator[EmbeddedValkey]:
    """A Valkey that the test may kill."""
    with tempfile.TemporaryDirectory(prefix="gw-") as folder, EmbeddedValkey(Path(folder)) as server:
        yield server


def kill(server: EmbeddedValkey) -> None:
    """As a crash does: at once, its socket file left behind."""
    assert server.pid is not None
    os.kill(server.pid, signal.SIGKILL)


async def test_a_note_reaches_the_replica_that_holds_the_key(redis_url: str) -> None:
    key, other = uuid4(), uuid4()
    async with running_bus("a", redis_url) as (a, a_ears), running_bus("b", redis_url) as (b, b_ears):
        await until(lambda: a.healthy and b.healthy)
        await b.subscribe(key)
        a.publish(other, Said(origin="a", seq=1))
        a.publish(key, Said(origin="a", seq=2))
        await until(lambda: bool(b_ears.heard))
        assert b_ears.heard == [(key, Said(origin="a", seq=2))]
        assert a_ears.heard == []


async def test_a_key_that_is_left_is_heard_no_more(redis_url: str) -> None:
    key, kept = uuid4(), uuid4()
    async with running_bus("a", redis_url) as (a, _), running_bus("b", redis_url) as (b, ears):
        await until(lambda: a.healthy and b.healthy)
        await b.subscribe(key)
        await b.subscribe(kept)
        b.unsubscribe(key)
        async with Redis.from_url(redis_url) as redis:
            for _ in range(500):
                if not (await redis.pubsub_numsub(f"widget:{key}"))[0][1]:
                    break
                await asyncio.sleep(0.01)
        a.publish(key, Said(origin="a", seq=1))
        a.publish(kept, Said(origin="a", seq=2))
        await until(lambda: bool(ears.heard))
        assert ears.heard == [(kept, Said(origin="a", seq=2))]


async def test_leaving_and_coming_back_at_once_keeps_the_key(redis_url: str) -> None:
    key = uuid4()
    async with running_bus("a", redis_url) as (a, _), running_bus("b", redis_url) as (b, ears):
        await until(lambda: a.healthy and b.healthy)
        await b.subscribe(key)
        b.unsubscribe(key)
        await b.subscribe(key)
        a.publish(key, Said(origin="a", seq=1))
        await until(lambda: bool(ears.heard))
        assert ears.heard == [(key, Said(origin="a", seq=1))]


async def test_what_nobody_else_holds_is_not_published(redis_url: str) -> None:
    key = uuid4()
    async with Redis.from_url(redis_url) as redis, running_bus("a", redis_url) as (a, _):
        await until(lambda: a.healthy)
        pubsub = redis.pubsub()
        await pubsub.psubscribe("widget:*")
        await a.subscribe(key)
        spy = await next_data(pubsub)
        assert spy == b'{"note":"here","origin":"a"}'
        a.publish(key, Said(origin="a", seq=1))  # the spy counts as somebody, so this goes out
        assert await next_data(pubsub) == b'{"note":"said","origin":"a","seq":1}'
        await pubsub.aclose()  # type: ignore[no-untyped-call]
        lonely = uuid4()
        await a.subscribe(lonely)
        await asyncio.sleep(0.2)  # until its announcement was counted
        counted = await commands(redis, "publish")
        for seq in range(50):
            a.publish(lonely, Said(origin="a", seq=seq))
        await asyncio.sleep(0.2)
        assert await commands(redis, "publish") == counted
        async with running_bus("b", redis_url) as (b, ears):
            await until(lambda: b.healthy)
            await b.subscribe(lonely)  # now there is somebody
            await asyncio.sleep(0.1)
            a.publish(lonely, Said(origin="a", seq=77))
            await until(lambda: bool(ears.heard))
            assert ears.heard == [(lonely, Said(origin="a", seq=77))]


async def test_two_replicas_serve_one_conversation(redis_url: str) -> None:
    transcript, conversation = MemoryTranscript(), uuid4()
    async with (
        replica("one", redis_url, transcript) as one,
        replica("two", redis_url, transcript) as two,
    ):
        await until(lambda: one.bus.healthy and two.bus.healthy)
        _, first = await one.socket(conversation)
        _, second = await two.socket(conversation)
        for number in range(50):
            entry = transcript.add(conversation, f"m{number}")
            (one, two)[number % 2].hub.deliver(conversation, entry.seq, render(entry))
        await until(lambda: len(first.seqs) == len(second.seqs) == 50)
        assert first.seqs == second.seqs == list(range(1, 51))


async def test_the_other_tabs_on_other_replicas_see_what_the_visitor_says(redis_url: str) -> None:
    transcript, conversation, visitor = MemoryTranscript(), uuid4(), uuid4()
    async with (
        replica("one", redis_url, transcript) as one,
        replica("two", redis_url, transcript) as two,
    ):
        await until(lambda: one.bus.healthy and two.bus.healthy)
        mine, my_wire = await one.socket(None, visitor)
        _, other = await two.socket(None, visitor)
        entry = transcript.add(conversation, "hi", sender="customer", client_id="c1")
        await one.hub.adopt(mine, conversation)
        one.hub.said(mine, entry.seq)
        await until(lambda: other.seqs == [1])
        entry = transcript.add(conversation, "are you there", sender="customer", client_id="c2")
        one.hub.said(mine, entry.seq)
        await until(lambda: other.seqs == [1, 2])
        assert my_wire.seqs == []


async def test_nothing_is_lost_when_valkey_is_killed(own_valkey: EmbeddedValkey) -> None:
    transcript, conversation = MemoryTranscript(), uuid4()
    async with (
        replica("one", own_valkey.url, transcript) as one,
        replica("two", own_valkey.url, transcript) as two,
    ):
        await until(lambda: one.bus.healthy and two.bus.healthy)
        _, wire = await two.socket(conversation)

        def say(count: int) -> None:
            for _ in range(count):
                entry = transcript.add(conversation, "m")
                one.hub.deliver(conversation, entry.seq, render(entry))

        say(10)
        await until(lambda: len(wire.seqs) == 10)
        kill(own_valkey)
        say(10)
        await until(lambda: len(wire.seqs) == 20)
        assert not two.bus.healthy
        own_valkey.start()
        say(10)
        await until(lambda: len(wire.seqs) == 30)
        await until(lambda: one.bus.healthy and two.bus.healthy)
        say(10)
        await until(lambda: len(wire.seqs) == 40)
        assert wire.seqs == list(range(1, 41))


async def test_a_valkey_that_hangs_blocks_nobody(own_valkey: EmbeddedValkey) -> None:
    transcript, conversation = MemoryTranscript(), uuid4()
    async with replica("one", own_valkey.url, transcript) as one:
        await until(lambda: one.bus.healthy)
        _, wire = await one.socket(conversation)
        assert own_valkey.pid is not None
        os.kill(own_valkey.pid, signal.SIGSTOP)
        try:
            started = asyncio.get_running_loop().time()
            _, late = await one.socket(conversation)
            for _ in range(5):
                entry = transcript.add(conversation, "m")
                one.hub.deliver(conversation, entry.seq, render(entry))
            await until(lambda: len(wire.seqs) == len(late.seqs) == 5)
            assert asyncio.get_running_loop().time() - started < 2.0
            await until(lambda: not one.bus.healthy)
        finally:
            os.kill(own_valkey.pid, signal.SIGCONT)
        await until(lambda: one.bus.healthy)


async def test_who_lost_notes_makes_everybody_look(redis_url: str) -> None:
    key = uuid4()
    async with (
        running_bus("a", redis_url) as (a, a_ears),
        running_bus("b", redis_url) as (b, b_ears),
        Redis.from_url(redis_url) as redis,
    ):
        await until(lambda: a.healthy and b.healthy)
        await b.subscribe(key)
        before = (a_ears.resyncs, b_ears.resyncs)
        await redis.client_pause(int(ANSWER_SECONDS * 3000), all=False)  # PUBLISH waits, the rest goes on
        a.publish(key, Said(origin="a", seq=1))
        await until(lambda: a_ears.resyncs > before[0] and b_ears.resyncs > before[1])
        assert a.healthy
        assert b.healthy
        a.publish(key, Said(origin="a", seq=2))
        await until(lambda: (key, Said(origin="a", seq=2)) in b_ears.heard)


async def test_announcements_stay_with_the_bus(redis_url: str) -> None:
    key = uuid4()
    async with running_bus("a", redis_url) as (a, ears), running_bus("b", redis_url) as (b, _):
        await until(lambda: a.healthy and b.healthy)
        await a.subscribe(key)
        await b.subscribe(key)
        b.publish(key, Said(origin="b", seq=1))
        await until(lambda: bool(ears.heard))
        assert not any(isinstance(note, Here) for _, note in ears.heard)


async def test_presence_is_written_and_taken_back(redis_url: str) -> None:
    transcript, conversation = MemoryTranscript(), uuid4()
    async with (
        replica("one", redis_url, transcript) as one,
        Redis.from_url(redis_url) as redis,
    ):
        presence = Presence(one.redis, one.hub, "one", lambda: NOW)
        socket, _ = await one.socket(conversation)
        await presence.write()
        key = f"websocket:{socket.id}:info"
        sessions = f"organization:{ORGANIZATION}:active_sessions"
        assert str(conversation).encode() in (await redis.get(key) or b"")
        assert 0 < await redis.ttl(key) <= TTL_SECONDS
        assert await redis.zscore(sessions, str(conversation)) == NOW.timestamp()
        one.hub.leave(socket)
        await presence.write()
        assert await redis.get(key) is None
        assert await redis.zscore(sessions, str(conversation)) is None


async def test_presence_does_not_mind_that_valkey_is_away(own_valkey: EmbeddedValkey) -> None:
    transcript = MemoryTranscript()
    async with replica("one", own_valkey.url, transcript) as one:
        presence = Presence(one.redis, one.hub, "one", lambda: NOW)
        socket, _ = await one.socket(uuid4())
        kill(own_valkey)
        await presence.write()
        own_valkey.start()
        await presence.write()
        async with Redis.from_url(own_valkey.url) as redis:
            assert await redis.exists(f"websocket:{socket.id}:info") == 1


async def next_data(pubsub: object) -> bytes:
    """The data of the next message of a pattern subscription."""
    async with asyncio.timeout(PATIENCE):
        while True:
            message = await pubsub.get_message(ignore_subscribe_messages=True, timeout=1.0)  # type: ignore[attr-defined]
            if message is not None:
                data: bytes = message["data"]
                return data


async def commands(redis: Redis, name: str) -> int:
    """How often the server has carried out a command."""
    stats = await redis.info("commandstats")
    return int(stats.get(f"cmdstat_{name}", {}).get("calls", 0))
