"""The mock's short way for benchmarks answers as the long one does, and hands over what it does not take."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import aiohttp
import pytest
import uvloop

from adapters.errors import SendFailed, TryLater
from adapters.protocol import ChannelAccess, Envelope
from adapters.telegram.adapter import TelegramAdapter
from engine.messages import OutboundMessage
from tests.platforms.telegram import DEFAULT_TOKEN, Fault, MockTelegram


@pytest.fixture
async def bench() -> AsyncIterator[MockTelegram]:
    async with MockTelegram(bench=True).running() as mock:
        mock.bot.chat(7)
        yield mock


@pytest.fixture
async def usual() -> AsyncIterator[MockTelegram]:
    async with MockTelegram().running() as mock:
        mock.bot.chat(7)
        yield mock


async def call(mock: MockTelegram, body: bytes, method: str = "sendMessage", **headers: str) -> Any:
    headers = {"Content-Type": "application/json", **headers}
    async with aiohttp.ClientSession() as session:
        url = f"{mock.url}/bot{mock.default_token}/{method}"
        async with session.post(url, data=body, headers=headers) as response:
            return response.status, await response.json()


@pytest.mark.parametrize(
    ("method", "body"),
    [
        ("sendMessage", b'{"chat_id":7,"text":"hello"}'),
        ("sendMessage", b'{"chat_id":8,"text":"hello"}'),
        ("sendMessage", b'{"chat_id":7,"text":""}'),
        ("sendMessage", b'{"chat_id":7'),
        ("sendChatAction", b'{"chat_id":7,"action":"typing"}'),
        ("sendChatAction", b'{"chat_id":7,"action":"dancing"}'),
        ("getMe", b""),
        ("sendHologram", b"{}"),
    ],
)
async def test_answers_are_the_same(
    bench: MockTelegram, usual: MockTelegram, method: str, body: bytes
) -> None:
    (short, answer), (long, expected) = await call(bench, body, method), await call(usual, body, method)
    for result in (answer.get("result"), expected.get("result")):
        if isinstance(result, dict):
            result.pop("date", None)
    assert (short, answer) == (long, expected)
    assert len(bench.world.log) == len(usual.world.log)


async def test_sends_are_stamped_and_no_texts_are_kept(bench: MockTelegram) -> None:
    await call(bench, b'{"chat_id":7,"text":"hello"}')
    (sent,) = bench.sent(7)
    assert (sent.text, sent.message_id) == ("", 1)
    assert sent.monotonic > 0


async def test_pieces_and_pipelined_requests_are_answered_in_order(bench: MockTelegram) -> None:
    request = b"".join(
        f"POST /bot{DEFAULT_TOKEN}/sendMessage HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n{body}".encode()
        for body in ('{"chat_id":7,"text":"first"}', '{"chat_id":7,"text":"second"}')
    )
    reader, writer = await asyncio.open_connection("127.0.0.1", int(bench.url.rpartition(":")[2]))
    for start in range(0, len(request), 50):
        writer.write(request[start : start + 50])
        await writer.drain()
        await asyncio.sleep(0.002)
    texts = []
    for _ in range(2):
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        texts.append(json.loads(await reader.readexactly(length))["result"]["text"])
    assert texts == ["first", "second"]
    writer.close()
    await writer.wait_closed()


async def test_faults_and_control_work_on_a_connection_that_began_the_short_way(bench: MockTelegram) -> None:
    adapter = TelegramAdapter()
    access = ChannelAccess(
        channel_id=UUID(int=1), secrets={"bot_token": DEFAULT_TOKEN}, settings={"api_base": bench.url}
    )
    envelope = Envelope(
        key=UUID(int=2), conversation_id=UUID(int=3), seq=1, at=datetime(2026, 11, 1, tzinfo=UTC)
    )
    (hello,) = adapter.render("7", OutboundMessage(text="hello"), access)
    assert (await adapter.send(hello, access, envelope)).message == "1"
    assert len(bench.fast_connections) == 1
    bench.faults.add(Fault(kind="rate_limit", seconds=4, times=1))
    with pytest.raises(SendFailed) as caught:
        await adapter.send(hello, access, envelope)
    assert isinstance(caught.value, TryLater) and caught.value.retry_after == 4.0
    assert len(bench.fast_connections) == 0
    assert (await adapter.send(hello, access, envelope)).message == "2"
    await adapter.close()


def test_it_runs_on_uvloop_too() -> None:
    async def scenario() -> list[Any]:
        async with MockTelegram(bench=True, open_chats=True).running() as mock:
            sent = [await call(mock, b'{"chat_id":9,"text":"x"}') for _ in range(2)]
            return [*sent, await call(mock, b"{}", "getMe")]

    assert [status for status, _ in uvloop.run(scenario())] == [200, 200, 200]
