"""`python -m tests.benchmarks.microbench_telegram`: what one Telegram message costs, by part and by library.

CPU microseconds of this process; the mock Bot API runs in another. Parsing and rendering are the best of
several runs, sending is CPU time over all calls with 32 in flight, the best of 5 rounds. Ends with 1 if
parsing misses its goal.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from uuid import UUID

import aiohttp
import msgspec
import uvloop

from adapters.protocol import ChannelAccess, Envelope
from adapters.telegram.adapter import TelegramAdapter
from engine.messages import Choice, Media, OutboundMessage, Span
from tests.benchmarks.per_message import (
    IN_FLIGHT,
    Client,
    Row,
    Send,
    all_sending,
    best,
    compact,
    scale_asked,
    show,
)
from tests.channels import ACCESS
from tests.platforms.telegram import DEFAULT_TOKEN

NOW = datetime(2026, 11, 1, tzinfo=UTC)
GOAL_PARSE_US = 10.0
PARSED = (
    "text",
    "text_entities",
    "text_in_group",
    "command_start_payload",
    "callback_query",
    "photo_caption",
    "kind_of_the_future",
)
TEXT = "Thank you, your bike is ready. We are open until six; see you soon!"


def parsing() -> list[Row]:
    """One update from bytes to what a program works with."""
    import aiogram.types
    import telegram

    adapter = TelegramAdapter()
    body = compact("telegram", "text")
    rows = [
        ("json.loads alone", best(lambda: json.loads(body), 20_000), ""),
        ("msgspec.json.decode alone", best(lambda: msgspec.json.decode(body), 20_000), ""),
    ]
    for name in PARSED:
        rows.append(
            (
                f"ours: {name}",
                best(partial(adapter.parse, compact("telegram", name), ACCESS, NOW), 10_000),
                "",
            )
        )
    model = aiogram.types.Update.model_validate_json
    rows.append(("aiogram: Update.model_validate_json", best(lambda: model(body), 2_000), "text"))
    read = telegram.Update.de_json
    rows.append(
        ("python-telegram-bot: Update.de_json", best(lambda: read(json.loads(body), None), 1_000), "text")
    )
    return rows


def rendering() -> list[Row]:
    """A neutral message to calls."""
    adapter = TelegramAdapter()
    choices = tuple(Choice(id=f"2f1a9c3e:{n}", title=f"Choice {n}") for n in range(4))
    plain, keyboard = OutboundMessage(text=TEXT), OutboundMessage(text=TEXT, choices=choices)
    marked = OutboundMessage(text=TEXT, spans=(Span(kind="bold", start=0, end=9),))
    picture = OutboundMessage(text=TEXT, media=(Media(kind="image", url="https://velo.example/a.jpg"),))
    long = OutboundMessage(text="A sentence of some length, as people write them. " * 250)
    return [
        ("ours: a text", best(lambda: adapter.render("42", plain, ACCESS), 10_000), ""),
        ("ours: a text with 4 buttons", best(lambda: adapter.render("42", keyboard, ACCESS), 10_000), ""),
        ("ours: a formatted text", best(lambda: adapter.render("42", marked, ACCESS), 5_000), ""),
        ("ours: a picture with a caption", best(lambda: adapter.render("42", picture, ACCESS), 5_000), ""),
        ("ours: 12,000 characters in 3 parts", best(lambda: adapter.render("42", long, ACCESS), 500), ""),
    ]


@asynccontextmanager
async def by_ours(url: str) -> AsyncIterator[Send]:
    """Our adapter: rendered call, thin client."""
    adapter = TelegramAdapter()
    access = ChannelAccess(
        channel_id=UUID(int=1), secrets={"bot_token": DEFAULT_TOKEN}, settings={"api_base": url}
    )
    envelope = Envelope(key=UUID(int=2), conversation_id=UUID(int=3), seq=1, at=NOW)
    message = OutboundMessage(text=TEXT)

    async def send(chat: int) -> object:
        return await adapter.send(adapter.render(str(chat), message, access)[0], access, envelope)

    yield send
    await adapter.close()


@asynccontextmanager
async def by_plain_aiohttp(url: str) -> AsyncIterator[Send]:
    """What one writes first: a default session, a URL in text, json=…"""
    async with aiohttp.ClientSession() as session:

        async def send(chat: int) -> object:
            call = {"chat_id": chat, "text": TEXT}
            async with session.post(f"{url}/bot{DEFAULT_TOKEN}/sendMessage", json=call) as response:
                return await response.json()

        yield send


@asynccontextmanager
async def by_aiogram(url: str) -> AsyncIterator[Send]:
    """aiogram's Bot."""
    from aiogram import Bot
    from aiogram.client.session.aiohttp import AiohttpSession
    from aiogram.client.telegram import TelegramAPIServer

    async with Bot(DEFAULT_TOKEN, session=AiohttpSession(api=TelegramAPIServer.from_base(url))) as bot:
        yield lambda chat: bot.send_message(chat, TEXT)


@asynccontextmanager
async def by_python_telegram_bot(url: str) -> AsyncIterator[Send]:
    """python-telegram-bot's Bot."""
    from telegram import Bot
    from telegram.request import HTTPXRequest

    request = HTTPXRequest(connection_pool_size=IN_FLIGHT, pool_timeout=30)
    async with Bot(DEFAULT_TOKEN, base_url=f"{url}/bot", request=request) as bot:
        yield lambda chat: bot.send_message(chat, TEXT)


CLIENTS: list[tuple[str, Client, int]] = [
    ("ours", by_ours, 2_000),
    ("plain aiohttp", by_plain_aiohttp, 2_000),
    ("aiogram", by_aiogram, 1_000),
    ("python-telegram-bot", by_python_telegram_bot, 300),
]
"""Names, and how many calls are enough."""


def main() -> int:
    """Measure and print."""
    scale = scale_asked(__doc__)
    parsed = parsing()
    show("Parse one update", parsed)
    show("Render one message", rendering())
    show(
        "Send one message (CPU, 32 in flight)",
        uvloop.run(all_sending("telegram", ("--open-chats",), CLIENTS, scale)),
    )
    text = next(value for name, value, _ in parsed if name == "ours: text")
    print(f"\nParsing a text: {text:.1f} µs, goal at most {GOAL_PARSE_US:.0f} µs")
    return 0 if text <= GOAL_PARSE_US else 1


if __name__ == "__main__":
    raise SystemExit(main())
