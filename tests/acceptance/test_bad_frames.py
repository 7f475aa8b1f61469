"""What a broken or hostile widget sends: an error frame or a close code; the server goes on.

That the checks can fail: each case names the very frames or code that it wants, and the last test reads the
server's own counters and log.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.acceptance.served import Served, assert_unharmed, raw, serve, status
from tests.integration.road import ROUTE, WEB_ROUTE


@pytest.fixture(scope="module")
async def served(
    postgres_url: str, migrated_template: str, valkey_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Served]:
    folder: Path = tmp_path_factory.mktemp("bad-frames")
    async with serve(postgres_url, migrated_template, valkey_url, folder) as served:
        yield served


async def _frames(
    wire: aiohttp.ClientWebSocketResponse, seconds: float = 5.0
) -> tuple[list[Any], int | None]:
    """Frames until the server closes, or says nothing for a while; the close code."""
    frames: list[Any] = []
    while True:
        try:
            message = await wire.receive(timeout=seconds)
        except TimeoutError:
            return frames, None
        if message.type is not aiohttp.WSMsgType.TEXT:
            return frames, wire.close_code
        frames.append(message.json())


def _socket(served: Served, route: str = WEB_ROUTE) -> str:
    return f"{served.gateway.url}/widget/{route}/socket"


async def _send(wire: aiohttp.ClientWebSocketResponse, frame: bytes | str) -> None:
    if isinstance(frame, bytes):
        await wire.send_bytes(frame)
    else:
        await wire.send_str(frame)


GARBAGE: dict[str, bytes | str] = {
    "no JSON": "hello?",
    "empty": "",
    "a list": "[]",
    "a number": "7",
    "deep": "[" * 10_000,
    "no type": "{}",
    "unknown type": '{"type": "drop_table"}',
    "type of the wrong type": '{"type": 7}',
    "text before hello": '{"type": "text", "id": "9b2f5b9e-0000-4000-8000-000000000001", "text": "hi"}',
    "binary": b"\x00\x01\x02\xff",
    "binary that is no UTF-8": b'{"type": "hello", "token": "\xff"}',
    "a seq of the wrong type": '{"type": "hello", "seq": "one"}',
    "a huge seq": '{"type": "hello", "seq": 1e999}',
    "33 KB": '{"type": "hello", "page": "' + "x" * 33_000 + '"}',
}


@pytest.mark.parametrize("name", list(GARBAGE))
async def test_a_frame_that_is_none_gets_an_error_frame_and_the_next_is_heard(
    served: Served, name: str
) -> None:
    frame = GARBAGE[name]
    async with served.session.ws_connect(_socket(served), max_msg_size=0) as wire:
        await _send(wire, frame)
        await wire.send_json({"type": "hello"})
        assert [(await wire.receive_json(timeout=5))["type"] for _ in range(2)] == ["error", "welcome"]
        if name != "text before hello":  # which is a good frame by now
            await _send(wire, frame)
            await wire.send_json({"type": "ping"})
            assert [(await wire.receive_json(timeout=5))["type"] for _ in range(2)] == ["error", "pong"]


async def test_a_message_that_is_too_large_closes_the_socket(served: Served) -> None:
    async with served.session.ws_connect(_socket(served), max_msg_size=0) as wire:
        await wire.send_str("x" * 100_000)
        assert (await _frames(wire))[1] == aiohttp.WSCloseCode.MESSAGE_TOO_BIG


async def test_garbage_without_end_closes_the_socket(served: Served) -> None:
    async with served.session.ws_connect(_socket(served)) as wire:
        for _ in range(10):
            await wire.send_str("nonsense")
        frames, code = await _frames(wire)
    assert [frame["type"] for frame in frames] == ["error"] * 5
    assert code == aiohttp.WSCloseCode.POLICY_VIOLATION


async def test_a_flood_is_told_to_wait_and_then_closed(served: Served) -> None:
    async with served.session.ws_connect(_socket(served)) as wire:
        await wire.send_json({"type": "hello"})
        for _ in range(30):
            await wire.send_json({"type": "ping"})
        told = [await wire.receive_json(timeout=5) for _ in range(30)]
        with suppress(aiohttp.ClientConnectionResetError):  # it may close before the last one is out
            for _ in range(300):
                await wire.send_json({"type": "ping"})
        _, code = await _frames(wire)
    assert [frame["code"] for frame in told if frame["type"] == "error"][:1] == ["too_fast"]
    assert code == aiohttp.WSCloseCode.POLICY_VIOLATION


UPGRADE = (
    b"Upgrade: websocket", b"Sec-WebSocket-Version: 13", b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
)  # fmt: skip


@pytest.mark.parametrize(
    ("garbage", "code"),
    [
        (b"\xff\xff\xff\xff" * 8, 1002),
        (b"\x83\x80\x00\x00\x00\x00", 1002),
        (b"\xc1\x85\x00\x00\x00\x00hello", 1002),
        (b"\x81\xff\x7f\xff\xff\xff\xff\xff\xff\xff\x00\x00\x00\x00", 1009),
        (b"\x89\xfe\x00\xff\x00\x00\x00\x00" + b"p" * 255, 1002),
    ],
)
async def test_bytes_that_are_no_frames_close_the_socket(served: Served, garbage: bytes, code: int) -> None:
    """Reserved bits and opcodes, compression that nobody agreed on, a length of 2^63, a control frame too long."""
    path = f"/widget/{WEB_ROUTE}/socket"
    head = raw(path, b"", *UPGRADE, method="GET", length=-1).replace(
        b"Connection: close", b"Connection: Upgrade"
    )
    answer = await served.exchange(head + garbage, seconds=5)
    assert status(answer) == 101
    frame = answer.partition(b"\r\n\r\n")[2]
    assert frame[:1] == b"\x88", "a close frame"
    assert int.from_bytes(frame[2:4]) == code


@pytest.mark.parametrize("token", ["x", "a.b.c", "ключ", "eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.", "x" * 4000])
async def test_a_wrong_token_makes_a_new_visitor_and_shows_nobodys_conversation(
    served: Served, token: str
) -> None:
    async with served.session.ws_connect(_socket(served)) as wire:
        await wire.send_json({"type": "hello", "token": token, "seq": 0})
        welcome = await wire.receive_json(timeout=5)
    assert welcome["type"] == "welcome"
    assert welcome["conversation"] == ""
    assert welcome["token"] != token


@pytest.mark.parametrize("route", ["nobody", "%00", ROUTE, "x" * 3000])
async def test_a_socket_of_an_unknown_bot_is_closed(served: Served, route: str) -> None:
    async with served.session.ws_connect(_socket(served, route)) as wire:
        assert await _frames(wire) == ([], 4404)


async def test_a_foreign_site_is_sent_away(
    postgres_url: str, migrated_template: str, valkey_url: str, tmp_path: Path
) -> None:
    domains = ["shop.example"]
    async with serve(
        postgres_url, migrated_template, valkey_url, tmp_path, allowed_domains=domains
    ) as served:
        for origin in ("https://evil.example", "https://shop.example.evil", "null", "\x80", "https://[", ""):
            async with served.session.ws_connect(_socket(served), headers={"Origin": origin}) as wire:
                assert await _frames(wire) == ([], 4403), origin
        async with served.session.ws_connect(
            _socket(served), headers={"Origin": "https://shop.example"}
        ) as wire:
            await wire.send_json({"type": "hello"})
            assert (await wire.receive_json(timeout=5))["type"] == "welcome"


async def test_after_all_this_the_server_has_answered_no_5xx_and_logged_no_traceback(served: Served) -> None:
    assert await served.post(b"{}") == 200
    async with served.session.get(f"{served.gateway.url}/nowhere") as response:
        assert response.status == 404
    await assert_unharmed(served)
