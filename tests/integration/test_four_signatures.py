"""Who is let in: only bodies that the platform signed. Everybody else gets one and the same answer, never a 5xx.

Over real HTTP, on raw bytes. That the comparison takes constant time is held by looking at how it is done.
"""

from __future__ import annotations

import ast
import asyncio
import inspect
import json
import re
import time
from collections.abc import AsyncIterator
from types import ModuleType
from uuid import uuid4

import pytest

from adapters.slack import verify as slack_verify
from adapters.telegram import verify as telegram_verify
from adapters.whatsapp import verify as whatsapp_verify
from tests.integration.four import ROUTES, SECRETS, Four, open_four, signed
from tests.integration.road import update
from tests.platforms.slack import TEAM
from tests.platforms.whatsapp.people import message_body

SIGNED = ("telegram", "whatsapp", "slack")
HEADERS = {
    "telegram": "X-Telegram-Bot-Api-Secret-Token",
    "whatsapp": "X-Hub-Signature-256",
    "slack": "X-Slack-Signature",
}


@pytest.fixture(scope="module")
async def four(
    postgres_url: str, migrated_template: str, valkey_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Four]:
    from tests.conftest import _database

    async for url in _database(postgres_url, migrated_template):
        async with open_four(url, valkey_url, tmp_path_factory.mktemp("signatures")) as running:
            yield running


def body_of(four: Four, platform: str) -> bytes:
    """A new message of somebody."""
    match platform:
        case "telegram":
            return update(int(time.time() * 1000) % 10**9, 77, "hello")
        case "whatsapp":
            _, body = message_body(four.whatsapp.number, "4915112345678", "text", {"body": "hello"})
            return json.dumps(body).encode()
        case _:
            event = {"type": "message", "channel": "D0ANA", "user": "U0ANA", "channel_type": "im"}
            event |= {"text": "hello", "ts": f"{time.time():.6f}"}
            body = {"type": "event_callback", "team_id": TEAM, "event_id": f"Ev{uuid4().hex}", "event": event}
            return json.dumps(body).encode()


async def answer(
    four: Four, platform: str, body: bytes, headers: dict[str, str], route: str = ""
) -> tuple[int, bytes]:
    url = f"{four.base}/webhook/{platform}/{route or ROUTES[platform]}"
    async with four.session.post(url, data=body, headers=headers) as response:
        return response.status, await response.read()


@pytest.mark.parametrize("platform", SIGNED)
async def test_an_authentic_body_is_taken_once_however_often_it_comes(four: Four, platform: str) -> None:
    body = body_of(four, platform)
    before = await four.count("inbox")
    for _ in range(3):
        status, _ = await four.post(platform, body)
        assert status == 200
    assert await four.count("inbox") == before + 1


@pytest.mark.parametrize("platform", SIGNED)
async def test_one_changed_byte_of_the_signature_is_refused(four: Four, platform: str) -> None:
    """Every byte, changed in every bit, and every byte left out or doubled."""
    body = body_of(four, platform)
    good = signed(platform, body)
    header = HEADERS[platform]
    value = good[header].encode()
    stranger = await answer(four, platform, body, {}, route="nobody")
    before = await four.count("inbox")
    for place in range(len(value)):
        bit = 1 << (place % 7)
        for spoilt in (
            value[:place] + bytes([value[place] ^ bit]) + value[place + 1 :],
            value[:place] + value[place + 1 :],
            value[:place] + value[place : place + 1] + value[place:],
        ):
            text = spoilt.decode("latin-1")
            if spoilt == value or not re.fullmatch(r"[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?", text):
                continue  # no header can carry it; the raw ones have a test of their own
            assert await answer(four, platform, body, {**good, header: text}) == stranger
    assert await four.count("inbox") == before


@pytest.mark.parametrize("platform", ["whatsapp", "slack"])
async def test_one_changed_byte_of_the_body_is_refused(four: Four, platform: str) -> None:
    body = body_of(four, platform)
    good = signed(platform, body)
    before = await four.count("inbox")
    for place in range(len(body)):
        spoilt = body[:place] + bytes([body[place] ^ 1 << place % 8]) + body[place + 1 :]
        status, _ = await answer(four, platform, spoilt, good)
        assert status == 401
    assert await four.count("inbox") == before


@pytest.mark.parametrize("platform", SIGNED)
@pytest.mark.parametrize(
    "value",
    ["", "x", "sha256=", "v0=", "sha256=zz", "sha1=" + "0" * 40, "v0=" + "0" * 63, "sha256=" + "0" * 65, "é" * 64,
     "пароль", "\u00ff\u00fe", "0" * 9_000, "v1=" + "0" * 64],
)  # fmt: skip
async def test_odd_signatures_are_refused_like_an_unknown_path(four: Four, platform: str, value: str) -> None:
    body = body_of(four, platform)
    stranger = await answer(four, platform, body, signed(platform, body), route="nobody-lives-here")
    assert stranger[0] == 401
    headers = {**signed(platform, body), HEADERS[platform]: value}
    refused = await answer(four, platform, body, headers)
    assert refused == stranger or (len(value) > 8_000 and refused[0] == 400)


@pytest.mark.parametrize("platform", SIGNED)
async def test_without_a_signature_nobody_is_let_in(four: Four, platform: str) -> None:
    body = body_of(four, platform)
    assert (await answer(four, platform, body, {}))[0] == 401
    others = [other for other in SIGNED if other != platform]
    for other in others:  # another platform's signature, and another platform's route
        assert (await answer(four, platform, body, signed(other, body)))[0] == 401
        assert (await answer(four, platform, body, signed(platform, body), route=ROUTES[other]))[0] == 401


@pytest.mark.parametrize("seconds", [-301, -3600, -86_400 * 365, 301, 3600])
async def test_a_stale_slack_body_is_refused(four: Four, seconds: float) -> None:
    body = body_of(four, "slack")
    status, _ = await answer(four, "slack", body, signed("slack", body, at=time.time() + seconds))
    assert status == 401


@pytest.mark.parametrize("stamp", ["", "0", "-1", "1e9", "NaN", "١٢٣", "9" * 400, "12 34", "0x10", "1.5"])
async def test_odd_times_are_refused(four: Four, stamp: str) -> None:
    body = body_of(four, "slack")
    headers = {**signed("slack", body), "X-Slack-Request-Timestamp": stamp}
    assert (await answer(four, "slack", body, headers))[0] == 401


async def test_a_fresh_slack_body_is_taken_up_to_the_limit(four: Four) -> None:
    """The control of the tests above: it is the age that is refused."""
    body = body_of(four, "slack")
    assert (await answer(four, "slack", body, signed("slack", body, at=time.time() - 290)))[0] == 200


VERIFY = SECRETS["whatsapp"]["verify_token"]


@pytest.mark.parametrize(
    ("mode", "token", "status"),
    [
        ("subscribe", VERIFY, 200),
        ("subscribe", "wrong", 401),
        ("subscribe", "", 401),
        ("subscribe", None, 401),
        ("unsubscribe", VERIFY, 401),
        (None, VERIFY, 401),
    ],
)
async def test_the_challenge_is_answered_to_who_knows_the_token(
    four: Four, mode: str | None, token: str | None, status: int
) -> None:
    asked = {"hub.mode": mode, "hub.verify_token": token, "hub.challenge": "17<b>"}
    query = {key: value for key, value in asked.items() if value is not None}
    async with four.session.get(four.webhook("whatsapp"), params=query) as response:
        assert response.status == status
        if status == 200:
            assert await response.text() == "17<b>"
            assert response.content_type == "text/plain"
    for platform in ("telegram", "slack", "web"):
        async with four.session.get(
            f"{four.base}/webhook/{platform}/{ROUTES[platform]}", params=query
        ) as response:
            assert response.status == 401


async def test_slacks_own_challenge_is_answered_when_it_is_signed(four: Four) -> None:
    body = json.dumps({"type": "url_verification", "token": "t", "challenge": "abc123"}).encode()
    status, answered = await four.post("slack", body)
    assert (status, json.loads(answered)) == (200, {"challenge": "abc123"})
    assert (await answer(four, "slack", body, {}))[0] == 401


@pytest.mark.parametrize("module", [slack_verify, telegram_verify, whatsapp_verify], ids=lambda m: m.__name__)
def test_signatures_are_compared_in_constant_time_on_bytes(module: ModuleType) -> None:
    """No `==` decides on what a stranger sent: every comparison of a secret is `hmac.compare_digest`."""
    tree = ast.parse(inspect.getsource(module))
    calls = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("compare_digest")
    ]
    assert calls
    compared = {name for node in ast.walk(tree) if isinstance(node, ast.Compare) for name in _names(node)}
    secret = {name for call in calls for argument in call.args for name in _names(argument)}
    assert not {name for name in secret & compared if name not in ("body", "headers", "access")}


def _names(node: ast.AST) -> set[str]:
    equal = not isinstance(node, ast.Compare) or any(isinstance(op, ast.Eq | ast.NotEq) for op in node.ops)
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name)} if equal else set()


async def test_raw_bytes_in_a_header_are_refused_and_never_crash(four: Four) -> None:
    host, _, port = four.base.removeprefix("http://").partition(":")
    for platform in SIGNED:
        for junk in (b"\xff\xfe\x80", b"\xc3\x28", b"sha256=\xe9" + b"0" * 63, b"v0=\x80" + b"0" * 63):
            reader, writer = await asyncio.open_connection(host, int(port))
            head = f"POST /webhook/{platform}/{ROUTES[platform]} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
            extra = b"X-Slack-Request-Timestamp: %d\r\n" % time.time()
            line = HEADERS[platform].encode() + b": " + junk + b"\r\n"
            writer.write(head.encode() + extra + line + b"Content-Length: 2\r\n\r\n{}")
            told = await reader.read()
            writer.close()
            assert told.split(b" ", 2)[1] in (b"401", b"400"), told[:80]
