"""`python -m tests.benchmarks.microbench_slack`: what one Slack message costs, by part and by library.

CPU microseconds of this process; the mock Slack runs in another. Parsing, verifying and rendering are the best of
several runs, sending is CPU time over all calls with 32 in flight, the best of 5 rounds. Ends with 1 if verifying and
parsing miss their goal.
"""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import UUID

import msgspec
import uvloop

from adapters.protocol import ChannelAccess, Envelope
from adapters.slack.adapter import SlackAdapter
from adapters.slack.verify import SIGNATURE_HEADER, TIMESTAMP_HEADER
from engine.messages import Choice, OutboundMessage, Span
from tests.benchmarks.per_message import (
    Client,
    Row,
    Send,
    all_sending,
    best,
    scale_asked,
    show,
)
from tests.channels import ACCESS
from tests.platforms.slack.signing import signature
from tests.platforms.slack.world import BOT_TOKEN, SIGNING_SECRET
from tests.unit.slack_bodies import body

NOW = datetime(2026, 11, 1, tzinfo=UTC)
GOAL_SHARE = 0.75
"""Verifying and parsing a text, as a share of slack_bolt's dispatch of the same body at the same moment."""
TEXT = "Thank you, your tulips are in. We are open until six; see you soon!"


def access_to(base: str = "") -> ChannelAccess:
    """A channel of the mock's workspace."""
    return ChannelAccess(
        channel_id=UUID(int=1),
        secrets={"bot_token": BOT_TOKEN, "signing_secret": SIGNING_SECRET},
        settings={"api_base": base, "workspace": {"team_id": "T0MOORLAND", "bot_user_id": "U0GREENBOT"}},
    )


def hearing() -> tuple[list[Row], float]:
    """One body from bytes to what a program works with; and what share of slack_bolt's time ours takes."""
    adapter, access, text = SlackAdapter(), access_to(), body("dm_text")
    stamp = str(int(NOW.timestamp()))
    headers = {TIMESTAMP_HEADER: stamp, SIGNATURE_HEADER: signature(text, stamp, SIGNING_SECRET)}
    verify = best(lambda: adapter.verify(text, headers, access, NOW), 10_000)
    rows: list[Row] = [
        ("json.loads alone", best(lambda: json.loads(text), 20_000), ""),
        ("msgspec.json.decode alone", best(lambda: msgspec.json.decode(text), 20_000), ""),
        ("ours: verify", verify, ""),
    ]
    parsed = best(lambda: adapter.parse(text, access, NOW), 10_000)
    rows.append(("ours: parse dm_text", parsed, ""))
    for name in ("dm_rich_text", "mention", "button", "slash_command", "own_message"):
        rows.append((f"ours: parse {name}", best(partial(adapter.parse, body(name), access, NOW), 5_000), ""))
    bolt = uvloop.run(by_bolt(text))
    rows.append(("slack_bolt: dispatch of dm_text", bolt, "verifies, parses, calls a listener"))
    return rows, (verify + parsed) / bolt


async def by_bolt(text: bytes, number: int = 1_000) -> float:
    """slack_bolt's app, its listener awaited before the answer."""
    from slack_bolt.app.async_app import AsyncApp
    from slack_bolt.authorization import AuthorizeResult
    from slack_bolt.request.async_request import AsyncBoltRequest

    async def authorize(**_: Any) -> AuthorizeResult:
        return AuthorizeResult(
            enterprise_id=None, team_id="T0MOORLAND", bot_token=BOT_TOKEN, bot_user_id="U0GREENBOT"
        )

    app = AsyncApp(signing_secret=SIGNING_SECRET, authorize=authorize, process_before_response=True)

    async def listen(event: dict[str, Any]) -> None:
        return

    app.event("message")(listen)
    taken = []
    for _ in range(7):
        stamp = str(int(time.time()))
        headers: dict[str, str | Sequence[str]] = {
            "content-type": "application/json",
            "x-slack-request-timestamp": stamp,
            "x-slack-signature": signature(text, stamp, SIGNING_SECRET),
        }
        started = time.process_time()
        for _ in range(number):
            answer = await app.async_dispatch(AsyncBoltRequest(body=text.decode(), headers=headers))
        taken.append((time.process_time() - started) / number * 1e6)
        assert answer.status == 200, answer.body
    return min(taken)


def rendering() -> list[Row]:
    """A neutral message to calls."""
    adapter = SlackAdapter()
    choices = tuple(Choice(id=f"2f1a9c3e:{n}", title=f"Choice {n}") for n in range(4))
    many = tuple(Choice(id=f"2f1a9c3e:{n}", title=f"Choice {n}") for n in range(20))
    messages = {
        "a text": OutboundMessage(text=TEXT),
        "a text with 2 spans": OutboundMessage(
            text=TEXT, spans=(Span(kind="bold", start=0, end=9), Span(kind="italic", start=11, end=15))
        ),
        "a text with 4 buttons": OutboundMessage(text=TEXT, choices=choices),
        "a menu of 20": OutboundMessage(text=TEXT, choices=many),
        "12,000 characters": OutboundMessage(text="A sentence of some length, as people write them. " * 250),
    }
    return [
        (f"ours: {name}", best(partial(adapter.render, "T1:U1", message, ACCESS), 500), "")
        for name, message in messages.items()
    ]


@asynccontextmanager
async def by_ours(url: str) -> AsyncIterator[Send]:
    """Our adapter: rendered call, thin client."""
    adapter, access = SlackAdapter(), access_to(f"{url}/api")
    envelope = Envelope(key=UUID(int=2), conversation_id=UUID(int=3), seq=1, at=NOW)
    message = OutboundMessage(text=TEXT)

    async def send(number: int) -> object:
        call = adapter.render(f"T0AKTEAM01:U0AK{number:06}", message, access)[0]
        return await adapter.send(call, access, envelope)

    yield send
    await adapter.close()


@asynccontextmanager
async def by_slack_sdk(url: str) -> AsyncIterator[Send]:
    """slack_sdk's AsyncWebClient, with one session for all its calls; the blocks are made beforehand."""
    import aiohttp
    from slack_sdk.web.async_client import AsyncWebClient

    blocks = msgspec.json.decode(SlackAdapter().render("T1:U1", OutboundMessage(text=TEXT), ACCESS)[0].body)[
        "blocks"
    ]
    async with aiohttp.ClientSession() as session:
        client = AsyncWebClient(BOT_TOKEN, base_url=f"{url}/api/", session=session, retry_handlers=[])
        yield lambda number: client.chat_postMessage(channel=f"U0AK{number:06}", text=TEXT, blocks=blocks)


CLIENTS: list[tuple[str, Client, int]] = [("ours", by_ours, 1_500), ("slack_sdk", by_slack_sdk, 600)]
"""Names, and how many calls are enough."""


def main() -> int:
    """Measure and print."""
    scale = scale_asked(__doc__)
    heard, share = hearing()
    show("Hear one message", heard)
    show("Render one message", rendering())
    show("Send one message (CPU, 32 in flight)", uvloop.run(all_sending("slack", (), CLIENTS, scale)))
    print(
        f"\nVerifying and parsing a text: {share:.0%} of slack_bolt's dispatch, goal at most {GOAL_SHARE:.0%}"
    )
    return 0 if share <= GOAL_SHARE else 1


if __name__ == "__main__":
    raise SystemExit(main())
