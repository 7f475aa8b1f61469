"""`python -m tests.benchmarks.microbench_telegram`: what one Telegram message costs, by part and by library.

CPU microseconds of this process; the mock Bot API runs in another. Parsing and rendering are the best of
several runs, sending is CPU time over all calls with 32 in flight, the best of 5 rounds. Ends with 1 if
parsing misses its goal.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import time
import timeit
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import aiohttp
import msgspec
import psutil
import uvloop

from adapters.protocol import ChannelAccess, Envelope
from adapters.telegram.adapter import TelegramAdapter
from engine.messages import Choice, Media, OutboundMessage, Span
from tests.channels import ACCESS
from tests.platforms.telegram import DEFAULT_TOKEN

PAYLOADS = Path(__file__).parents[1] / "payloads" / "telegram"
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
IN_FLIGHT = 32
CHATS = 500
ROUNDS = 5
COLUMNS = ((0, 1), (1, -1), (2, 1))
"""The best of each column of `sending`: least CPU, most calls a second, least CPU of the mock."""
TEXT = "Thank you, your bike is ready. We are open until six; see you soon!"

Send = Callable[[int], Awaitable[object]]
Row = tuple[str, float, str]


def best(work: Callable[[], object], number: int, repeats: int = 7) -> float:
    """Microseconds a call, of the best run."""
    return min(timeit.repeat(work, number=number, repeat=repeats)) / number * 1e6


def parsing() -> list[Row]:
    """One update from bytes to what a program works with."""
    import aiogram.types
    import telegram

    adapter = TelegramAdapter()
    body = compact("text")
    rows = [
        ("json.loads alone", best(lambda: json.loads(body), 20_000), ""),
        ("msgspec.json.decode alone", best(lambda: msgspec.json.decode(body), 20_000), ""),
    ]
    for name in PARSED:
        rows.append((f"ours: {name}", best(partial(adapter.parse, compact(name), ACCESS, NOW), 10_000), ""))
    model = aiogram.types.Update.model_validate_json
    rows.append(("aiogram: Update.model_validate_json", best(lambda: model(body), 2_000), "text"))
    read = telegram.Update.de_json
    rows.append(
        ("python-telegram-bot: Update.de_json", best(lambda: read(json.loads(body), None), 1_000), "text")
    )
    return rows


def compact(name: str) -> bytes:
    """A payload as Telegram posts it: without white space."""
    return json.dumps(
        json.loads((PAYLOADS / f"{name}.json").read_bytes()), ensure_ascii=False, separators=(",", ":")
    ).encode()


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


@contextmanager
def mock_process() -> Iterator[tuple[str, psutil.Process]]:
    """The mock Bot API in a process of its own: its address and its process."""
    command = [sys.executable, "-m", "tests.platforms.telegram", "--port", "0", "--bench", "--open-chats"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip(), psutil.Process(process.pid)
        finally:
            process.terminate()


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


async def sending(url: str, mock: psutil.Process, open_client: Any, calls: int) -> tuple[float, float, float]:
    """CPU µs a call here, calls a second, CPU µs a call in the mock."""
    async with open_client(url) as send:
        numbers = iter(range(calls + IN_FLIGHT))

        async def worker(until: int) -> None:
            for number in numbers:
                await send(1 + number % CHATS)
                if number >= until:
                    return

        await asyncio.gather(*(send(chat) for chat in range(1, IN_FLIGHT + 1)))  # connections are open now
        cpu, wall, before = time.process_time(), time.perf_counter(), mock.cpu_times()
        await asyncio.gather(*(worker(calls) for _ in range(IN_FLIGHT)))
        done = calls + IN_FLIGHT
        after = mock.cpu_times()
        served = after.user + after.system - before.user - before.system
        return (
            (time.process_time() - cpu) / done * 1e6,
            done / (time.perf_counter() - wall),
            served / done * 1e6,
        )


async def all_sending(scale: float) -> list[Row]:
    """Every client, in turns and ROUNDS times, so that a busy moment of the machine strikes none alone."""
    clients: list[tuple[str, Any, int]] = [
        ("ours", by_ours, 2_000),
        ("plain aiohttp", by_plain_aiohttp, 2_000),
        ("aiogram", by_aiogram, 1_000),
        ("python-telegram-bot", by_python_telegram_bot, 300),
    ]
    found: dict[str, list[tuple[float, float, float]]] = {}
    with mock_process() as (url, mock):
        for _ in range(ROUNDS):
            for name, client, calls in clients:
                found.setdefault(name, []).append(await sending(url, mock, client, int(calls * scale)))
    rows = []
    for name, results in found.items():
        cpu, rate, served = (min(result[column] * sign for result in results) for column, sign in COLUMNS)
        rows.append((name, cpu, f"{-rate:,.0f}/s; the mock's own CPU {served:.0f} µs"))
    return rows


def show(title: str, rows: list[Row]) -> None:
    """One table."""
    print(f"\n{title}")
    for name, value, note in rows:
        print(f"  {name:<42}{value:>9.1f} µs   {note}".rstrip())


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0, help="times as many sends")
    scale = parser.parse_args().scale
    parsed = parsing()
    show("Parse one update", parsed)
    show("Render one message", rendering())
    show("Send one message (CPU, 32 in flight)", uvloop.run(all_sending(scale)))
    text = next(value for name, value, _ in parsed if name == "ours: text")
    print(f"\nParsing a text: {text:.1f} µs, goal at most {GOAL_PARSE_US:.0f} µs")
    return 0 if text <= GOAL_PARSE_US else 1


if __name__ == "__main__":
    raise SystemExit(main())
