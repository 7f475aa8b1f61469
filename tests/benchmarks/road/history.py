"""What a turn costs when the table is nearly empty, and when it holds five million old messages.

The same process runs real turns (`BatchRunner` on a real connection) against two databases of one server, in
alternating rounds, so that the machine's noise falls on both; the figure is the ratio of the medians.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg

from adapters.protocol import ChannelAccess
from adapters.telegram.adapter import TelegramAdapter
from engine.compile import Bot, compile_flow
from engine.events import InboundEvent, Sender, TextReceived
from gateway.channel import Channel
from gateway.turns.arrival import Arrival
from gateway.turns.batch import BatchRunner
from storage import deliveries
from storage.database import Database
from storage.ids import new_id
from storage.keyring import Keyring
from storage.partitions import ensure_partitions
from tests.benchmarks.road.place import ECHO, Place, provision

OLD_MESSAGES = 5_000_000
CHATS = 500
BATCH = 32
ROUNDS = 40
TURNS_A_ROUND = 320
TURNS_ALONE = 80

FILL = """
INSERT INTO messages (id, organization_id, conversation_id, channel_id, seq, sender_type, content, payload, status,
                      external_id, created_at)
SELECT gen_random_uuid(), c.organization_id, c.id, c.channel_id, 3 + n / $3::int, 'bot', 'an old message, number ' || n,
       '{}', 'read', n::text, now() - make_interval(secs => 40 * 86400.0 * ($4::float8 - n) / $4::float8)
FROM generate_series($1::int, $2::int) AS n
JOIN (SELECT *, row_number() OVER (ORDER BY id) - 1 AS number FROM conversations) AS c ON c.number = n % $3::int
"""
"""Each conversation's past, the oldest first, over the last 40 days; numbers go on where the first turns ended."""


class _OneBot:
    """The echo bot, compiled once."""

    def __init__(self, flow: UUID) -> None:
        self._bots = {flow: compile_flow(ECHO, flow_id=str(flow))}

    async def load(self, flows: Mapping[UUID, UUID]) -> Mapping[UUID, Bot]:
        """What is asked for is always the same."""
        return self._bots


class _Subject:
    """One database and the means to run turns on it."""

    def __init__(self, database: Database, channel: Channel, flow: UUID) -> None:
        self.database = database
        self.channel = channel
        self.owner = new_id()
        self.lease = timedelta(seconds=30)
        self.runner = BatchRunner(_OneBot(flow), self.owner, self.lease, lambda: datetime.now(UTC))
        self._number = 0

    async def round(self, turns: int, batch: int, clock: Callable[[], float] = time.perf_counter) -> float:
        """Microseconds a turn, its send's note included, by that clock."""
        async with self.database.raw() as connection:
            started = clock()
            for _ in range(turns // batch):
                done = await self.runner.run(connection, [self._arrival() for _ in range(batch)])
                async with deliveries.transaction(connection, {self.channel.organization_id}):
                    notes = [
                        deliveries.Sent(id=send.id, created_at=send.created_at, external_id=str(send.seq))
                        for send in done.outgoing
                    ]
                    await deliveries.mark_sent(connection, self.owner, notes)
            return (clock() - started) / turns * 1e6

    def _arrival(self) -> Arrival:
        self._number += 1
        chat = str(self._number % CHATS)
        event = InboundEvent(
            external_id=str(self._number),
            conversation_key=chat,
            sender=Sender(external_id=chat, first_name="Ana"),
            body=TextReceived(text=f"message number {self._number}"),
            occurred_at=datetime.now(UTC),
        )
        loop = asyncio.get_running_loop()
        return Arrival(self.channel, (event,), outcome=loop.create_future(), queued_at=0.0)


async def _subject(url: str, keyring: Keyring) -> _Subject:
    organization, channel_id = await provision(url, keyring)
    database = Database(url, pool_size=2)
    async with database.raw() as connection, deliveries.transaction(connection, {organization}):
        row = await connection.fetchrow(
            "SELECT c.chatbot_id, b.active_flow_id FROM channels c JOIN chatbots b ON b.id = c.chatbot_id "
            "WHERE c.id = $1",
            channel_id,
        )
    channel = Channel(
        id=channel_id,
        organization_id=organization,
        chatbot_id=row["chatbot_id"],
        platform="telegram",
        route="r",
        name="t",
        bot_name="b",
        flow_id=row["active_flow_id"],
        adapter=TelegramAdapter(),
        access=ChannelAccess(channel_id=channel_id, secrets={}, settings={}),
    )
    subject = _Subject(database, channel, row["active_flow_id"])
    await subject.round(CHATS, 50)
    return subject


async def _fill(url: str, messages: int) -> float:
    started = time.perf_counter()
    connection = await asyncpg.connect(url)
    await ensure_partitions(connection, datetime.now(UTC) - timedelta(days=62))
    await connection.execute("SET synchronous_commit = off")
    part = messages // 10
    for number in range(10):
        await connection.execute(FILL, number * part, (number + 1) * part - 1, CHATS, float(messages))
    await connection.execute("UPDATE conversations SET message_count = $1", messages // CHATS + 10)
    await connection.execute("VACUUM ANALYZE messages")
    await connection.execute("CHECKPOINT")
    await connection.close()
    return time.perf_counter() - started


async def _run(place: Place, messages: int) -> None:
    keyring = Keyring.open(place.folder / "encryption.keys")
    urls = []
    for name in ("few", "many"):
        connection = await asyncpg.connect(place.database_url)
        await connection.execute(f"DROP DATABASE IF EXISTS {name}")
        await connection.execute(f"CREATE DATABASE {name}")
        await connection.close()
        urls.append(place.database_url.replace("/gateway?", f"/{name}?"))
    few, many = [await _subject(url, keyring) for url in urls]
    seconds = await _fill(urls[1], messages)
    print(f"filled {messages:,} old messages in {seconds:.0f} s", flush=True)
    for batch in (1, BATCH):
        pairs = []
        for number in range(ROUNDS + 2):
            turns = TURNS_A_ROUND if batch > 1 else TURNS_ALONE
            subjects = (few, many) if number % 2 else (many, few)
            results = {id(subject): await subject.round(turns, batch) for subject in subjects}
            if number >= 2:
                pairs.append((results[id(few)], results[id(many)]))
        small, large = (statistics.median(column) for column in zip(*pairs, strict=True))
        ratio = statistics.median(b / a for a, b in pairs)
        verdict = "reached" if ratio <= 1.1 else "missed"
        print(
            f"turn in batches of {batch}: {small:.0f} µs with few messages, {large:.0f} µs with {messages:,}; "
            f"ratio {ratio:.3f}  goal <= 1.1  {verdict}"
        )
    cpu = min([await few.round(TURNS_A_ROUND, BATCH, time.process_time) for _ in range(8)])
    print(
        f"our process's CPU in a turn and its send's note, in batches of {BATCH}: {cpu:.0f} µs (least of 8)"
    )
    await few.database.dispose()
    await many.database.dispose()


def run(place: Place, messages: int = OLD_MESSAGES) -> None:
    """Fill, measure, print."""
    asyncio.run(_run(place, messages))
