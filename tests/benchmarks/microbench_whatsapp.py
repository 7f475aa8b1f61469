"""`python -m tests.benchmarks.microbench_whatsapp`: what one WhatsApp message costs, by part and by library.

CPU microseconds of this process; the mock Graph API runs in another. Parsing and rendering are the best of several
runs, sending is CPU time over all calls with 32 in flight, the best of 5 rounds. Ends with 1 if parsing misses its
goal.
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
from multidict import CIMultiDict

from adapters.protocol import Envelope
from adapters.whatsapp.adapter import WhatsAppAdapter
from engine.messages import Choice, OutboundMessage, Span
from tests.channels import access_with
from tests.platforms.whatsapp import APP_SECRET, NUMBER, TOKEN
from tests.platforms.whatsapp.delivery import SIGNATURE_HEADER, signature

PAYLOADS = Path(__file__).parents[1] / "payloads" / "whatsapp"
NOW = datetime(2026, 12, 1, tzinfo=UTC)
GOAL_PARSE_US = 30.0
IN_FLIGHT = 32
CUSTOMERS = 500
ROUNDS = 5
COLUMNS = ((0, 1), (1, -1), (2, 1))
"""The best of each column of `sending`: least CPU, most calls a second, least CPU of the mock."""
TEXT = "Thank you, your bike is ready. We are open until six; see you soon!"
SETTINGS = {"authentication": {"business_phone_number_id": NUMBER}}
ACCESS = access_with({"access_token": TOKEN, "app_secret": APP_SECRET}, SETTINGS)

Send = Callable[[int], Awaitable[object]]
Row = tuple[str, float, str]


def best(work: Callable[[], object], number: int, repeats: int = 7) -> float:
    """Microseconds a call, of the best run."""
    return min(timeit.repeat(work, number=number, repeat=repeats)) / number * 1e6


def compact(name: str) -> bytes:
    """A payload as Meta posts it: without white space."""
    return json.dumps(
        json.loads((PAYLOADS / f"{name}.json").read_bytes()), ensure_ascii=False, separators=(",", ":")
    ).encode()


def parsing() -> list[Row]:
    """One body from bytes to what a program works with."""
    from pywa.client import WhatsApp
    from pywa.types.base_update import RawUpdate
    from pywa.types.message import Message

    adapter = WhatsAppAdapter()
    body = compact("text")
    headers = CIMultiDict({SIGNATURE_HEADER: signature(APP_SECRET, body)})
    rows = [
        ("json.loads alone", best(lambda: json.loads(body), 20_000), ""),
        ("msgspec.json.decode alone", best(lambda: msgspec.json.decode(body), 20_000), ""),
        ("ours: the signature", best(lambda: adapter.verify(body, headers, ACCESS, NOW), 10_000), ""),
    ]
    for name in ("text", "button_reply", "image_caption", "status_sent", "form_reply", "many_of_everything"):
        rows.append((f"ours: {name}", best(partial(adapter.parse, compact(name), ACCESS, NOW), 5_000), ""))
    client = WhatsApp(phone_id=NUMBER, token=TOKEN, validate_updates=False)
    scoped = compact("scoped_with_number")

    def read() -> object:
        return Message.from_update(client, RawUpdate(scoped, hmac_header=None, update_hash=""))

    return rows


def rendering() -> list[Row]:
    """A neutral message to calls."""
    adapter = WhatsAppAdapter()
    choices = tuple(Choice(id=f"2f1a9c3e:{n}", title=f"Choice {n}") for n in range(10))
    messages = {
        "a text": OutboundMessage(text=TEXT),
        "a text with a bold word": OutboundMessage(text=TEXT, spans=(Span(kind="bold", start=10, end=14),)),
        "a text with stray marks": OutboundMessage(text="*not* bold, _not_ it. " * 8),
        "3 buttons": OutboundMessage(text=TEXT, choices=choices[:3]),
        "a list of 10": OutboundMessage(text=TEXT, choices=choices),
    }
    rows = [
        (f"ours: {name}", best(partial(adapter.render, "4915550100311", message, ACCESS), 5_000), "")
        for name, message in messages.items()
    ]
    long = OutboundMessage(text="A sentence of some length, as people write them. " * 250)
    render = partial(adapter.render, "4915550100311", long, ACCESS)
    return [*rows, ("ours: 12,000 characters in 3 parts", best(render, 300), "")]


@contextmanager
def mock_process() -> Iterator[tuple[str, psutil.Process]]:
    """The mock Graph API in a process of its own: its address and its process."""
    command = [sys.executable, "-m", "tests.platforms.whatsapp", "--port", "0", "--bench", "--open-chats"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip(), psutil.Process(process.pid)
        finally:
            process.terminate()


def customer(number: int) -> str:
    """A phone number."""
    return f"49155502{number:05d}"


@asynccontextmanager
async def by_ours(url: str) -> AsyncIterator[Send]:
    """Our adapter: rendered call, thin client."""
    adapter = WhatsAppAdapter()
    access = access_with({"access_token": TOKEN}, {**SETTINGS, "api_base": url})
    envelope = Envelope(key=UUID(int=2), conversation_id=UUID(int=3), seq=1, at=NOW)
    message = OutboundMessage(text=TEXT)

    async def send(number: int) -> object:
        return await adapter.send(adapter.render(customer(number), message, access)[0], access, envelope)

    yield send
    await adapter.close()


@asynccontextmanager
async def by_plain_aiohttp(url: str) -> AsyncIterator[Send]:
    """What one writes first: a default session, a URL in text, json=…"""
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {TOKEN}"}) as session:

        async def send(number: int) -> object:
            call = {
                "messaging_product": "whatsapp",
                "to": customer(number),
                "type": "text",
                "text": {"body": TEXT},
            }
            async with session.post(f"{url}/v26.0/{NUMBER}/messages", json=call) as response:
                return await response.json()

        yield send


@asynccontextmanager
async def by_pywa(url: str) -> AsyncIterator[Send]:
    """pywa's asynchronous client."""
    from pywa_async.client import WhatsApp

    client = WhatsApp(phone_id=NUMBER, token=TOKEN)
    client.api._session.base_url = f"{url}/v26.0"
    yield lambda number: client.send_message(customer(number), TEXT)
    await client.api._session.aclose()


async def sending(url: str, mock: psutil.Process, open_client: Any, calls: int) -> tuple[float, float, float]:
    """CPU µs a call here, calls a second, CPU µs a call in the mock."""
    async with open_client(url) as send:
        numbers = iter(range(calls + IN_FLIGHT))

        async def worker(until: int) -> None:
            for number in numbers:
                await send(1 + number % CUSTOMERS)
                if number >= until:
                    return

        await asyncio.gather(
            *(send(number) for number in range(1, IN_FLIGHT + 1))
        )  # connections are open now
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
        ("pywa", by_pywa, 500),
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
    show("Parse one body", parsed)
    show("Render one message", rendering())
    show("Send one message (CPU, 32 in flight)", uvloop.run(all_sending(scale)))
    text = next(value for name, value, _ in parsed if name == "ours: text")
    print(f"\nParsing a text: {text:.1f} µs, goal at most {GOAL_PARSE_US:.0f} µs")
    return 0 if text <= GOAL_PARSE_US else 1


if __name__ == "__main__":
    raise SystemExit(main())
