"""`python -m tests.benchmarks.microbench_slack`: what one Slack message costs, by part and by library.

CPU microseconds of this process; the mock Slack runs in another. Parsing, verifying and rendering are the best of
several runs, sending is CPU time over all calls with 32 in flight, the best of 5 rounds. Ends with 1 if verifying and
parsing miss their goal.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import time
import timeit
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import UUID

import msgspec
import psutil
import uvloop

from adapters.protocol import ChannelAccess, Envelope
from adapters.slack.adapter import SlackAdapter
from adapters.slack.verify import SIGNATURE_HEADER, TIMESTAMP_HEADER
from engine.messages import Choice, OutboundMessage, Span
from tests.channels import ACCESS
from tests.platforms.slack.signing import signature
from tests.platforms.slack.world import BOT_TOKEN, SIGNING_SECRET
from tests.unit.slack_bodies import body

NOW = datetime(2026, 11, 1, tzinfo=UTC)
GOAL_SHARE = 0.75
"""Verifying and parsing a text, as a share of slack_bolt's dispatch of the same body at the same moment."""
IN_FLIGHT = 32
CHANNELS = 500
ROUNDS = 5
COLUMNS = ((0, 1), (1, -1), (2, 1))
"""The best of each column of `sending`: least CPU, most calls a second, least CPU of the mock."""
TEXT = "Thank you, your tulips are in. We are open until six; see you soon!"

Send = Callable[[int], Awaitable[object]]
Row = tuple[str, float, str]


def best(work: Callable[[], object], number: int, repeats: int = 7) -> float:
    """Microseconds a call, of the best run."""
    return min(timeit.repeat(work, number=number, repeat=repeats)) / number * 1e6


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


@contextmanager
def mock_process() -> Iterator[tuple[str, psutil.Process]]:
    """The mock Slack in a process of its own: its address and its process."""
    command = [sys.executable, "-m", "tests.platforms.slack", "--port", "0", "--bench"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip(), psutil.Process(process.pid)
        finally:
            process.terminate()


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


async def sending(url: str, mock: psutil.Process, open_client: Any, calls: int) -> tuple[float, float, float]:
    """CPU µs a call here, calls a second, CPU µs a call in the mock."""
    async with open_client(url) as send:
        numbers = iter(range(calls + IN_FLIGHT))

        async def worker(until: int) -> None:
            for number in numbers:
                await send(1 + number % CHANNELS)
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
    clients: list[tuple[str, Any, int]] = [("ours", by_ours, 1_500), ("slack_sdk", by_slack_sdk, 600)]
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
    heard, share = hearing()
    show("Hear one message", heard)
    show("Render one message", rendering())
    show("Send one message (CPU, 32 in flight)", uvloop.run(all_sending(scale)))
    print(
        f"\nVerifying and parsing a text: {share:.0%} of slack_bolt's dispatch, goal at most {GOAL_SHARE:.0%}"
    )
    return 0 if share <= GOAL_SHARE else 1


if __name__ == "__main__":
    raise SystemExit(main())
