"""What a careful engineer would write by hand, as small as it can be: the same durable writes, no more.

`python -m tests.benchmarks.road.baselines a|b PORT DATABASE_URL BOT_API CHANNEL ORGANIZATION`
(a) one transaction a message; (b) what waits together commits together. Both write the same rows as the
gateway into the same tables (inbox, conversation, two messages, one effect; then the effect is deleted and
the message marked as sent), answer after the commit, and send with the same tuned aiohttp client. They have
no tenants, no flows, no leases, no retries.
"""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
import uvloop
from aiohttp import web
from yarl import URL

from adapters.http import open_session
from storage.ids import derived, new_id

SECRET = "s3cret-s3cret"
EXPIRES = timedelta(days=8)

INBOX = (
    "INSERT INTO inbox (id, organization_id, channel_id, external_id, conversation_id, status, event, seq, "
    "received_at, expires_at) "
)
MESSAGES = (
    "INSERT INTO messages (id, organization_id, conversation_id, channel_id, seq, sender_type, message_type, "
    "content, payload, status, external_id, created_at) "
)
EFFECTS = (
    "INSERT INTO effects (id, organization_id, conversation_id, channel_id, lane, kind, position, payload, due_at, "
    "created_at, lease_owner, lease_until) "
)


class Server:
    """What both have in common: the request, the conversation's row, the send."""

    def __init__(self, database_url: str, api: str, channel: UUID, organization: UUID) -> None:
        self._database_url = database_url
        self._url = URL(f"{api}/bot123456789:AAtesttokentesttokentesttokentest1234/sendMessage", encoded=True)
        self.channel = channel
        self.organization = organization
        self.owner = new_id()
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self, _: web.Application) -> None:
        """Open the pool and the client."""
        self.pool: Any = await asyncpg.create_pool(self._database_url, min_size=8, max_size=8)
        self.chatbot = await self.pool.fetchval("SELECT chatbot_id FROM channels WHERE id = $1", self.channel)
        self.session = open_session(headers={"Content-Type": "application/json"})

    async def stop(self, _: web.Application) -> None:
        """Close both."""
        await self.session.close()
        self.pool.terminate()

    async def conversation(self, connection: Any, key: str, now: datetime) -> None:
        """First contact."""
        customer = new_id()
        await connection.execute(
            "INSERT INTO customers (id, organization_id) VALUES ($1, $2)", customer, self.organization
        )
        await connection.execute(
            "INSERT INTO conversations (id, organization_id, chatbot_id, channel_id, customer_id, contact_key, "
            "created_at) VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING",
            new_id(), self.organization, self.chatbot, self.channel, customer, key, now,
        )  # fmt: skip

    async def post(self, request: web.Request) -> web.Response:
        """The webhook."""
        body = await request.read()
        if request.headers.get("X-Telegram-Bot-Api-Secret-Token") != SECRET:
            return web.Response(status=401)
        await self.accept(msgspec.json.decode(body))
        return web.Response()

    async def accept(self, update: dict[str, Any]) -> None:
        """Commit, then let the send go its way."""
        raise NotImplementedError

    def later(self, work: Any) -> None:
        """Run after the answer."""
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def send(self, chat: int, text: str) -> str:
        """sendMessage."""
        body = msgspec.json.encode({"chat_id": chat, "text": text})
        async with self.session.post(self._url, data=body) as response:
            return str(msgspec.json.decode(await response.read())["result"]["message_id"])


class OneByOne(Server):
    """(a)"""

    async def accept(self, update: dict[str, Any]) -> None:
        """One transaction of six statements."""
        message = update["message"]
        chat, text, now = message["chat"]["id"], message["text"], datetime.now(UTC)
        inbox, key, reply = new_id(), str(chat), f"echo {text}"
        ids = (self.organization, self.channel)
        async with self.pool.acquire() as connection, connection.transaction():
            row = await self._lock(connection, key)
            if row is None:
                await self.conversation(connection, key, now)
                row = await self._lock(connection, key)
            conversation, seq, version = row
            await connection.execute(
                INBOX + "VALUES ($1, $2, $3, $4, $5, 'done', $6, $7, $8, $9) ON CONFLICT DO NOTHING",
                inbox, *ids, str(update["update_id"]), conversation, msgspec.json.encode(update).decode(), seq + 1,
                now, now + EXPIRES,
            )  # fmt: skip
            await connection.execute(
                "UPDATE conversations SET state = $2, state_version = $3, message_count = $4, status = 'active', "
                "updated_at = $5, last_message_at = $5 WHERE id = $1",
                conversation, msgspec.json.encode({"node": "wait", "variables": {"text": text}}).decode(), version + 1,
                seq + 2, now,
            )  # fmt: skip
            insert = MESSAGES + "VALUES ($1, $2, $3, $4, $5, $6, 'text', $7, '{}', $8, $9, $10)"
            await connection.execute(
                insert, inbox, ids[0], conversation, ids[1], seq + 1, "customer", text, "received",
                str(message["message_id"]), now,
            )  # fmt: skip
            out = derived(inbox, 1)
            await connection.execute(
                insert, out, ids[0], conversation, ids[1], seq + 2, "bot", reply, "queued", None, now
            )
            await connection.execute(
                EFFECTS + "VALUES ($1, $2, $3, $4, 'delivery', 'send', $5, $6, $7, $7, $8, $9)",
                out, ids[0], conversation, ids[1], version * 4096, msgspec.json.encode({"text": reply}).decode(), now,
                self.owner, now + timedelta(seconds=30),
            )  # fmt: skip
        self.later(self._deliver(out, now, chat, reply))

    async def _lock(self, connection: Any, key: str) -> Any:
        return await connection.fetchrow(
            "SELECT id, message_count, state_version FROM conversations WHERE channel_id = $1 AND contact_key = $2 "
            "AND status <> 'archived' FOR UPDATE",
            self.channel, key,
        )  # fmt: skip

    async def _deliver(self, id: UUID, created_at: datetime, chat: int, reply: str) -> None:
        external = await self.send(chat, reply)
        async with self.pool.acquire() as connection, connection.transaction():
            await connection.execute("DELETE FROM effects WHERE id = $1", id)
            await connection.execute(
                "UPDATE messages SET status = 'sent', external_id = $3 WHERE id = $1 AND created_at = $2",
                id, created_at, external,
            )  # fmt: skip


class Batched(Server):
    """(b)"""

    async def start(self, app: web.Application) -> None:
        """Two batch writers: turns, and notes of what was sent."""
        await super().start(app)
        self._turns: list[tuple[dict[str, Any], asyncio.Future[None]]] = []
        self._sent: list[tuple[UUID, datetime, str]] = []
        self._turn_wake, self._sent_wake = asyncio.Event(), asyncio.Event()
        self.later(self._turn_loop())
        self.later(self._sent_loop())

    async def accept(self, update: dict[str, Any]) -> None:
        """Wait for the batch's commit."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._turns.append((update, done))
        self._turn_wake.set()
        await done

    async def _turn_loop(self) -> None:
        async with self.pool.acquire() as connection:
            while True:
                await self._turn_wake.wait()
                self._turn_wake.clear()
                batch, self._turns = self._turns, []
                if batch:
                    await self._write(connection, batch)

    async def _write(self, connection: Any, batch: list[tuple[dict[str, Any], asyncio.Future[None]]]) -> None:
        now = datetime.now(UTC)
        sends: list[tuple[UUID, int, str]] = []
        async with connection.transaction():
            known = await self._lock(connection, batch, now)
            inbox: list[Any] = []
            messages: list[Any] = []
            effects: list[Any] = []
            states: dict[UUID, Any] = {}
            for update, _ in batch:
                message = update["message"]
                chat, text = message["chat"]["id"], message["text"]
                id, reply = new_id(), f"echo {text}"
                conversation, seq, version = known[str(chat)]
                known[str(chat)] = (conversation, seq + 2, version + 1)
                state = msgspec.json.encode({"node": "wait", "variables": {"text": text}}).decode()
                states[conversation] = (conversation, state, version + 1, seq + 2)
                inbox.append(
                    (
                        id,
                        str(update["update_id"]),
                        conversation,
                        msgspec.json.encode(update).decode(),
                        seq + 1,
                    )
                )
                out = derived(id, 1)
                messages.append(
                    (id, conversation, seq + 1, "customer", text, "received", str(message["message_id"]))
                )
                messages.append((out, conversation, seq + 2, "bot", reply, "queued", None))
                effects.append(
                    (out, conversation, version * 4096, msgspec.json.encode({"text": reply}).decode())
                )
                sends.append((out, chat, reply))
            await self._insert(connection, now, inbox, messages, effects, list(states.values()))
        for _, done in batch:
            done.set_result(None)
        for out, chat, reply in sends:
            self.later(self._deliver(out, now, chat, reply))

    async def _lock(self, connection: Any, batch: Any, now: datetime) -> dict[str, tuple[UUID, int, int]]:
        keys = sorted({str(update["message"]["chat"]["id"]) for update, _ in batch})
        query = (
            "SELECT id, contact_key, message_count, state_version FROM conversations WHERE channel_id = $1 "
            "AND contact_key = ANY ($2::text[]) AND status <> 'archived' ORDER BY id FOR UPDATE"
        )
        rows = await connection.fetch(query, self.channel, keys)
        if len(rows) < len(keys):
            for key in set(keys) - {row["contact_key"] for row in rows}:
                await self.conversation(connection, key, now)
            rows = await connection.fetch(query, self.channel, keys)
        return {row["contact_key"]: (row["id"], row["message_count"], row["state_version"]) for row in rows}

    async def _insert(
        self, connection: Any, now: datetime, inbox: Any, messages: Any, effects: Any, states: Any
    ) -> None:
        ids = (self.organization, self.channel)
        await connection.execute(
            INBOX + "SELECT id, $1, $2, external_id, conversation_id, 'done', event, seq, $3, $4 "
            "FROM unnest($5::uuid[], $6::text[], $7::uuid[], $8::jsonb[], $9::int[]) "
            "AS k(id, external_id, conversation_id, event, seq) ON CONFLICT DO NOTHING",
            *ids, now, now + EXPIRES, *zip(*inbox, strict=True),
        )  # fmt: skip
        await connection.execute(
            "UPDATE conversations c SET state = k.state, state_version = k.version, message_count = k.seq, "
            "status = 'active', updated_at = $1, last_message_at = $1 "
            "FROM unnest($2::uuid[], $3::jsonb[], $4::bigint[], $5::int[]) AS k(id, state, version, seq) "
            "WHERE c.id = k.id",
            now, *zip(*states, strict=True),
        )  # fmt: skip
        await connection.execute(
            MESSAGES
            + "SELECT id, $1, conversation_id, $2, seq, sender, 'text', content, '{}', status, external_id, $3 "
            "FROM unnest($4::uuid[], $5::uuid[], $6::int[], $7::text[], $8::text[], $9::text[], $10::text[]) "
            "AS k(id, conversation_id, seq, sender, content, status, external_id)",
            *ids, now, *zip(*messages, strict=True),
        )  # fmt: skip
        await connection.execute(
            EFFECTS + "SELECT id, $1, conversation_id, $2, 'delivery', 'send', position, payload, $3, $3, $4, $5 "
            "FROM unnest($6::uuid[], $7::uuid[], $8::bigint[], $9::jsonb[]) "
            "AS k(id, conversation_id, position, payload)",
            *ids, now, self.owner, now + timedelta(seconds=30), *zip(*effects, strict=True),
        )  # fmt: skip

    async def _deliver(self, id: UUID, created_at: datetime, chat: int, reply: str) -> None:
        self._sent.append((id, created_at, await self.send(chat, reply)))
        self._sent_wake.set()

    async def _sent_loop(self) -> None:
        async with self.pool.acquire() as connection:
            while True:
                await self._sent_wake.wait()
                self._sent_wake.clear()
                batch, self._sent = self._sent, []
                if not batch:
                    continue
                ids, times, externals = zip(*batch, strict=True)
                async with connection.transaction():
                    await connection.execute("DELETE FROM effects WHERE id = ANY ($1::uuid[])", ids)
                    await connection.execute(
                        "UPDATE messages m SET status = 'sent', external_id = k.external_id "
                        "FROM unnest($1::uuid[], $2::timestamptz[], $3::text[]) AS k(id, created_at, external_id) "
                        "WHERE m.id = k.id AND m.created_at = k.created_at AND m.created_at BETWEEN $4 AND $5",
                        ids, times, externals, min(times), max(times),
                    )  # fmt: skip


def main() -> None:
    """Serve until killed."""
    kind, port, database_url, api, channel, organization = sys.argv[1:7]
    server = (OneByOne if kind == "a" else Batched)(database_url, api, UUID(channel), UUID(organization))
    app = web.Application()
    app.on_startup.append(server.start)
    app.on_cleanup.append(server.stop)
    app.add_routes([web.post("/webhook/telegram/{route}", server.post)])
    uvloop.install()
    web.run_app(app, host="127.0.0.1", port=int(port), access_log=None, print=None)


if __name__ == "__main__":
    main()
