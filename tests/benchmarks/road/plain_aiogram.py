"""(d) What a user would pick instead: a plain aiogram 3 webhook bot with RedisStorage and asyncpg writes.

`python -m tests.benchmarks.road.plain_aiogram PORT DATABASE_URL BOT_API REDIS_URL CHANNEL ORGANIZATION`
Written as aiogram's documentation shows it. It keeps the conversation's state in Redis and logs both messages
in PostgreSQL; it has no dedupe and no outbox, and what it accepted before a crash is gone.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg
import uvloop
from aiogram import Bot, Dispatcher
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.fsm.context import FSMContext
from aiogram.fsm.storage.redis import RedisStorage
from aiogram.types import Message
from aiogram.webhook.aiohttp_server import SimpleRequestHandler, setup_application
from aiohttp import web

from storage.ids import new_id

SECRET = "s3cret-s3cret"
INSERT = (
    "INSERT INTO messages (id, organization_id, conversation_id, channel_id, seq, sender_type, content, payload, "
    "status, external_id, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, '{}', $8, $9, $10)"
)


def main() -> None:
    """Serve until killed."""
    port, database_url, api, redis_url, channel, organization = sys.argv[1:7]
    uvloop.install()
    ids = (UUID(organization), UUID(channel))
    storage = RedisStorage.from_url(redis_url)
    dispatcher = Dispatcher(storage=storage)
    pool: list[Any] = []

    @dispatcher.startup()
    async def connect() -> None:
        pool.append(await asyncpg.create_pool(database_url, min_size=8, max_size=8))

    @dispatcher.message()
    async def echo(message: Message, state: FSMContext) -> None:
        data = await state.get_data()
        seq = int(data.get("seq", 0))
        conversation = UUID(int=message.chat.id)
        now, text = datetime.now(UTC), message.text or ""
        await pool[0].execute(
            INSERT, new_id(), ids[0], conversation, ids[1], seq + 1, "customer", text, "received",
            str(message.message_id), now,
        )  # fmt: skip
        reply = f"echo {text}"
        sent = await message.answer(reply)
        await pool[0].execute(
            INSERT,
            new_id(),
            ids[0],
            conversation,
            ids[1],
            seq + 2,
            "bot",
            reply,
            "sent",
            str(sent.message_id),
            now,
        )
        await state.update_data(seq=seq + 2, text=text)

    bot = Bot(
        "123456789:AAtesttokentesttokentesttokentest1234",
        session=AiohttpSession(api=TelegramAPIServer.from_base(api)),
    )
    app = web.Application()
    SimpleRequestHandler(dispatcher, bot, handle_in_background=False, secret_token=SECRET).register(
        app, path="/webhook/telegram/{route}"
    )
    setup_application(app, dispatcher, bot=bot)
    web.run_app(app, host="127.0.0.1", port=int(port), access_log=None, print=None)


if __name__ == "__main__":
    main()
