"""`python -m tests.benchmarks.microbench_whatsapp`: what one WhatsApp message costs, by part and by library.

CPU microseconds of this process; the mock Graph API runs in another. Parsing and rendering are the best of several
runs, sending is CPU time over all calls with 32 in flight, the best of 5 rounds. Ends with 1 if parsing misses its
goal.
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
from multidict import CIMultiDict

from adapters.protocol import Envelope
from adapters.whatsapp.adapter import WhatsAppAdapter
from engine.messages import Choice, OutboundMessage, Span
from tests.benchmarks.per_message import (
    Client,
    Row,
    Send,
    all_sending,
    best,
    compact,
    scale_asked,
    show,
)
from tests.channels import access_with
from tests.platforms.whatsapp import APP_SECRET, NUMBER, TOKEN
from tests.platforms.whatsapp.delivery import SIGNATURE_HEADER, signature

NOW = datetime(2026, 12, 1, tzinfo=UTC)
GOAL_PARSE_US = 30.0
TEXT = "Thank you, your bike is ready. We are open until six; see you soon!"
SETTINGS = {"authentication": {"business_phone_number_id": NUMBER}}
ACCESS = access_with({"access_token": TOKEN, "app_secret": APP_SECRET}, SETTINGS)


def parsing() -> list[Row]:
    """One body from bytes to what a program works with."""
    from pywa.client import WhatsApp
    from pywa.types.base_update import RawUpdate
    from pywa.types.message import Message

    adapter = WhatsAppAdapter()
    body = compact("whatsapp", "text")
    headers = CIMultiDict({SIGNATURE_HEADER: signature(APP_SECRET, body)})
    rows = [
        ("json.loads alone", best(lambda: json.loads(body), 20_000), ""),
        ("msgspec.json.decode alone", best(lambda: msgspec.json.decode(body), 20_000), ""),
        ("ours: the signature", best(lambda: adapter.verify(body, headers, ACCESS, NOW), 10_000), ""),
    ]
    for name in ("text", "button_reply", "image_caption", "status_sent", "form_reply", "many_of_everything"):
        rows.append(
            (f"ours: {name}", best(partial(adapter.parse, compact("whatsapp", name), ACCESS, NOW), 5_000), "")
        )
    client = WhatsApp(phone_id=NUMBER, token=TOKEN, validate_updates=False)
    scoped = compact("whatsapp", "scoped_with_number")

    def read() -> object:
        return Message.from_update(client, RawUpdate(scoped, hmac_header=None, update_hash=""))

    rows.append(("pywa: Message.from_update", best(read, 1_000), "scoped_with_number"))
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


CLIENTS: list[tuple[str, Client, int]] = [
    ("ours", by_ours, 2_000),
    ("plain aiohttp", by_plain_aiohttp, 2_000),
    ("pywa", by_pywa, 500),
]
"""Names, and how many calls are enough."""


def main() -> int:
    """Measure and print."""
    scale = scale_asked(__doc__)
    parsed = parsing()
    show("Parse one body", parsed)
    show("Render one message", rendering())
    show(
        "Send one message (CPU, 32 in flight)",
        uvloop.run(all_sending("whatsapp", ("--open-chats",), CLIENTS, scale)),
    )
    text = next(value for name, value, _ in parsed if name == "ours: text")
    print(f"\nParsing a text: {text:.1f} µs, goal at most {GOAL_PARSE_US:.0f} µs")
    return 0 if text <= GOAL_PARSE_US else 1


if __name__ == "__main__":
    raise SystemExit(main())
