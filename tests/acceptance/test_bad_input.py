"""What strangers and broken platforms send: a clear 4xx, or a stored event and 2xx; never a 5xx, nothing lost.

Every case runs against the real process with two workers, over real HTTP. That the checks can fail: a row too
few or too many changes the count that each case compares, the last test reads the server's own counters and
log, and `test_fuzz_webhook` shows its checker a server that answers 500.
"""

from __future__ import annotations

import asyncio
import gzip
import re
import zlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from gateway.http.body import BODY_SECONDS
from tests.acceptance.served import SECRETS, Served, assert_unharmed, body, raw, serve, status
from tests.integration.road import ROUTE, SECRET, SECRET_HEADER, WEB_ROUTE, update

PRIVATE = {"id": 0, "type": "private", "first_name": "Ada"}
ADA = {"id": 0, "is_bot": False, "first_name": "Ada"}
DEEP = b"[" * 10_000 + b"]" * 10_000


@pytest.fixture(scope="module")
async def served(
    postgres_url: str, migrated_template: str, valkey_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Served]:
    folder: Path = tmp_path_factory.mktemp("bad-input")
    async with serve(postgres_url, migrated_template, valkey_url, folder) as served:
        yield served


def said(chat: int, **more: Any) -> dict[str, Any]:
    """A message of a chat."""
    return {
        "message_id": 5,
        "date": 1_790_000_000,
        "chat": PRIVATE | {"id": chat},
        "from": ADA | {"id": chat},
    } | more


AUTHENTIC = b"%s: %s" % (SECRET_HEADER.encode(), SECRET.encode())

# Strangers


@pytest.mark.parametrize(
    ("path", "secret"),
    [
        (f"/webhook/telegram/{ROUTE}", b"wrong"),
        (f"/webhook/telegram/{ROUTE}", b""),
        (f"/webhook/telegram/{ROUTE}", SECRET.encode() + b"x"),
        (f"/webhook/telegram/{ROUTE}", SECRET.upper().encode()),
        (f"/webhook/telegram/{ROUTE}", "пароль".encode()),
        (f"/webhook/telegram/{ROUTE}", b"\xff\xfe\x80"),
        (f"/webhook/telegram/{ROUTE}", None),
        (f"/webhook/telegram/{ROUTE}x", SECRET.encode()),
        (f"/webhook/telegram/{ROUTE.upper()}", SECRET.encode()),
        (f"/webhook/telegram/{WEB_ROUTE}", SECRET.encode()),
        (f"/webhook/web/{WEB_ROUTE}", SECRET.encode()),
        (f"/webhook/web/{ROUTE}", SECRET.encode()),
        (f"/webhook/whatsapp/{ROUTE}", SECRET.encode()),
        (f"/webhook/%00/{ROUTE}", SECRET.encode()),
        ("/webhook/telegram/%00", SECRET.encode()),
        ("/webhook/telegram/a%00b", SECRET.encode()),
        ("/webhook/telegram/%ED%A0%80", SECRET.encode()),
        ("/webhook/telegram/%FF%FE", SECRET.encode()),
        ("/webhook/telegram/..%2F..%2Fetc", SECRET.encode()),
        ("/webhook/telegram/' OR 1=1 --".replace(" ", "%20"), SECRET.encode()),
        ("/webhook/telegram/" + "x" * 6000, SECRET.encode()),
    ],
)
async def test_strangers_get_one_answer_and_leave_nothing(
    served: Served, path: str, secret: bytes | None
) -> None:
    before = await served.count()
    payload = update(served.next_id(), 11, "let me in")
    reference = await served.exchange(raw("/webhook/telegram/nobody", payload, b"X-Other: 1"))
    headers = () if secret is None else (SECRET_HEADER.encode() + b": " + secret,)
    answer = await served.exchange(raw(path, payload, *headers))
    assert status(answer) == 401
    assert without_date(answer) == without_date(reference)
    assert await served.count() == before


def without_date(answer: bytes) -> bytes:
    return re.sub(rb"\r\nDate: [^\r]+", b"", answer)


async def test_the_answers_differ_when_the_secret_is_right(served: Served) -> None:
    """The control of the test above: the comparison can tell answers apart, and the door does open."""
    payload = update(served.next_id(), 12, "hello")
    reference = await served.exchange(raw("/webhook/telegram/nobody", payload, b"X-Other: 1"))
    answer = await served.exchange(raw(served.path, payload, AUTHENTIC))
    assert status(answer) == 200
    assert without_date(answer) != without_date(reference)


# Authentic, and unreadable or odd


def _bodies(n: int, chat: int) -> dict[str, bytes]:
    return {
        "empty": b"",
        "blank": b" \r\n\t",
        "cut JSON": b'{"update_id": %d, "message": {' % n,
        "invalid UTF-8": b'\xff\xfe{"update_id": %d}\x80' % n,
        "invalid UTF-8 in a text": body(n, message=said(chat, text="@@")).replace(b"@@", b"a\xff\xc3b"),
        "a byte order mark": b"\xef\xbb\xbf" + body(n, message=said(chat, text="mark")),
        "UTF-16": body(n, message=said(chat, text="wide")).decode().encode("utf-16"),
        "list": b"[1, 2, %d]" % n,
        "number": b"42.%d" % n,
        "string": b'"update_id %d"' % n,
        "null": b"null",
        "true": b"true",
        "deep list": DEEP,
        "deep object": b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
        "deep inside a message": body(n, message=said(chat, text="deep", x="@")).replace(b'"@"', DEEP),
        "deep in halves": body(n, message=said(chat, text="\0", x="@")).replace(b'"@"', b"[" * 700 + b"]" * 700),
        "huge update_id": b'{"update_id": 1%s, "message": {}}' % (b"0" * 400),
        "more digits than Python reads": b'{"update_id": %s}' % (b"9" * 5_000),
        "huge chat id": body(n, message=said(chat, text="hi")).replace(b'"id":%d' % chat, b'"id":1%s' % (b"0" * 60)),
        "NaN": b'{"update_id": NaN, "n": %d}' % n,
        "Infinity inside": body(n, message=said(chat, text="x", x="@")).replace(b'"@"', b"-Infinity"),
        "float update_id": b'{"update_id": %d.0, "message": {"text": "x"}}' % n,
        "update_id out of range": b'{"update_id": 1e999, "n": %d}' % n,
        "update_id as text": b'{"update_id": "%d", "message": {}}' % n,
        "update_id true": b'{"update_id": true, "n": %d}' % n,
        "negative update_id": body(-n, message=said(chat, text="negative")),
        "only update_id": body(n),
        "unknown kind": body(n, telepathy={"from": ADA, "thought": "hm"}),
        "kind with an odd name": b'{"update_id": %d, "a\\u0000b\\ud83d%s": {}}' % (n, b"x" * 5_000),
        "kind of the wrong type": body(n, message=[1, 2]),
        "message without a chat": body(n, message={"text": "x"}),
        "chat of the wrong type": body(n, message=said(chat, text="x") | {"chat": "me"}),
        "text of the wrong type": body(n, message=said(chat, text={"a": 1})),
        "sender of the wrong type": body(n, message=said(chat, text="x") | {"from": 7}),
        "a poll": body(n, poll={"id": "1", "question": "?"}),
        "edited message": body(n, edited_message=said(chat, text="better", edit_date=1_790_000_001)),
        "NUL in the text": body(n, message=said(chat, text="a\0b")),
        "NUL in a name": body(n, message=said(chat, text="x") | {"from": ADA | {"id": chat, "first_name": "A\0"}}),
        "lone surrogate": body(n, message=said(chat, text="@")).replace(b'"@"', b'"cut \\ud83d here"'),
        "control characters": body(n, message=said(chat, text="\x01\x1b[31m\u202e\ufeff")),
        "blank text": body(n, message=said(chat, text=" \u200b \n")),
        "a text of a million": body(n, message=said(chat, text="x" * 1_000_000)),
        "a name of a million": body(
            n, message=said(chat, text="x") | {"from": ADA | {"id": chat, "first_name": "n" * 1_000_000}}
        ),
        "many kinds at once": body(n, message=[], poll=3, x={}),
        "3 MB": body(n, message=said(chat, text="three megabytes", padding="p" * 3_000_000)),
    }  # fmt: skip


@pytest.mark.parametrize("name", list(_bodies(1, 1)))
async def test_what_is_authentic_is_stored_once_and_the_conversation_goes_on(
    served: Served, name: str
) -> None:
    number = served.next_id()
    chat = number
    await served.converses(chat, f"before {name}")
    payload = _bodies(number, chat)[name]
    known = {row["external_id"] for row in await served.inbox()}
    assert await served.post(payload) == 200
    assert await served.post(payload) == 200, "the platform repeats itself"
    new = [row for row in await served.inbox() if row["external_id"] not in known]
    assert len(new) == 1
    row = new[0]
    assert row["status"] == "done" or (row["status"] == "parked" and row["error"] and row["raw"] is not None)
    await served.converses(chat, f"after {name}")


async def test_a_body_of_five_megabytes_is_refused(served: Served) -> None:
    before = await served.count()
    payload = body(served.next_id(), message=said(21, text="x", padding="p" * 5_000_000))
    assert await served.post(payload) == 413
    chunked = (
        b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in _slices(payload, 60_000)) + b"0\r\n\r\n"
    )
    answer = await served.exchange(
        raw(served.path, chunked, AUTHENTIC, b"Transfer-Encoding: chunked", length=-1), seconds=20
    )
    assert status(answer) in (413, 0), "refused; the connection may close before all of it is written"
    assert await served.count() == before
    await served.converses(21, "after five megabytes")


def _slices(data: bytes, size: int) -> list[bytes]:
    return [data[start : start + size] for start in range(0, len(data), size)]


# Transfers


async def test_a_chunked_body_is_accepted(served: Served) -> None:
    number = served.next_id()
    payload = update(number, 31, "in pieces")
    chunked = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in _slices(payload, 7)) + b"0\r\n\r\n"
    answer = await served.exchange(
        raw(served.path, chunked, AUTHENTIC, b"Transfer-Encoding: chunked", length=-1)
    )
    assert status(answer) == 200
    assert [row["status"] for row in await served.inbox(f"external_id = '{number}'")] == ["done"]


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
async def test_a_compressed_body_is_accepted_and_a_compressed_bomb_is_not(
    served: Served, coding: str
) -> None:
    squeeze = gzip.compress if coding == "gzip" else zlib.compress
    number = served.next_id()
    encoding = f"Content-Encoding: {coding}".encode()
    answer = await served.exchange(
        raw(served.path, squeeze(update(number, 32, "small")), AUTHENTIC, encoding)
    )
    assert status(answer) == 200
    before = await served.count()
    bomb = squeeze(update(served.next_id(), 32, "0" * 50_000_000))
    assert status(await served.exchange(raw(served.path, bomb, AUTHENTIC, encoding))) == 413
    assert await served.count() == before


@pytest.mark.parametrize(
    ("payload", "headers", "length"),
    [
        (b"this is no gzip", (b"Content-Encoding: gzip",), None),
        (b"this is no deflate", (b"Content-Encoding: deflate",), None),
        (b"zz\r\nnot a length\r\n", (b"Transfer-Encoding: chunked",), -1),
        (b"5\r\nabcdefgh\r\n0\r\n\r\n", (b"Transfer-Encoding: chunked",), -1),
        (b"-5\r\nabc\r\n", (b"Transfer-Encoding: chunked",), -1),
        (b"{}", (b"Content-Length: -2",), -1),
        (b"{}", (b"Content-Length: two",), -1),
        (b"{}", (b"Content-Length: 2", b"Content-Length: 3"), -1),
        (b"{}", (b"X-Folded: a\r\n b\x00c",), None),
        (b"{}", (b"No colon here",), None),
        (b"{}", (b"X-Long: " + b"x" * 20_000,), None),
    ],
)
async def test_a_broken_transfer_is_a_client_error(
    served: Served, payload: bytes, headers: tuple[bytes, ...], length: int | None
) -> None:
    before = await served.count()
    answer = await served.exchange(raw(served.path, payload, AUTHENTIC, *headers, length=length), seconds=5)
    assert 400 <= status(answer) < 500
    assert not leaks(answer)
    assert await served.count() == before


def leaks(answer: bytes) -> list[bytes]:
    """What an answer should not tell."""
    words = [
        b"Traceback",
        b".py",
        b"asyncpg",
        b"postgres",
        b"SELECT",
        *(secret.encode() for secret in SECRETS),
    ]
    return [word for word in words if word.lower() in answer.partition(b"\r\n\r\n")[2].lower()]


def test_a_leak_would_be_seen() -> None:
    assert leaks(b"HTTP/1.1 500\r\n\r\nTraceback (most recent call last): asyncpg") == [
        b"Traceback",
        b"asyncpg",
    ]


async def test_a_body_that_is_cut_leaves_nothing_and_comes_again(served: Served) -> None:
    number = served.next_id()
    payload = update(number, 41, "cut")
    for cut in (0, 1, len(payload) // 2, len(payload) - 1):
        _, writer = await asyncio.open_connection("127.0.0.1", served.gateway.port)
        writer.write(raw(served.path, payload[:cut], AUTHENTIC, length=len(payload)))
        await writer.drain()
        await asyncio.sleep(0.05)
        writer.transport.abort()
    await asyncio.sleep(0.2)
    assert not await served.inbox(f"external_id = '{number}'")
    assert await served.post(payload) == 200
    assert len(await served.inbox(f"external_id = '{number}'")) == 1


async def test_a_body_that_stalls_is_not_waited_for_for_ever(served: Served) -> None:
    payload = update(served.next_id(), 42, "slow")
    before = await served.count()
    half = raw(served.path, payload[:40], AUTHENTIC, length=len(payload))
    stalled = asyncio.create_task(served.exchange(half, seconds=BODY_SECONDS + 15))
    await served.converses(43, "others are served meanwhile")
    answer = await stalled
    assert status(answer) == 408
    assert await served.count() == before + 1
    assert await served.post(payload) == 200


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"])
async def test_other_methods_are_not_allowed(served: Served, method: str) -> None:
    answer = await served.exchange(raw(served.path, b"", AUTHENTIC, method=method))
    assert status(answer) == 405
    assert b"\r\nAllow: GET,POST\r\n" in answer


async def test_a_platform_without_a_handshake_answers_a_get_as_if_nobody_lived_there(served: Served) -> None:
    here = await served.exchange(raw(served.path, b"", AUTHENTIC, method="GET"))
    nowhere = await served.exchange(raw("/webhook/telegram/nobody", b"", AUTHENTIC, method="GET"))
    assert status(here) == status(nowhere) == 401
    assert here.partition(b"\r\n\r\n")[2] == nowhere.partition(b"\r\n\r\n")[2]


@pytest.mark.parametrize(
    ("request_line", "expected"),
    [
        (b"POST /nowhere HTTP/1.1", 404),
        (b"POST /webhook HTTP/1.1", 404),
        (b"POST /webhook/telegram HTTP/1.1", 404),
        (b"POST /webhook/telegram/a/b HTTP/1.1", 404),
        (b"GET /widget/%00/config HTTP/1.1", 404),
        (b"GET /widget/" + b"x" * 3000 + b"/config HTTP/1.1", 404),
        (b"POST / HTTP/1.1", 405),
        (b"POST /webhook/telegram/" + b"x" * 9000 + b" HTTP/1.1", 400),
        (b"BREW /webhook HTTP/1.1", 400),
        (b"\x16\x03\x01\x02\x00\x01", 400),
        (b"GET / HTTP/9.9", 400),
    ],
)
async def test_other_addresses_and_other_protocols(
    served: Served, request_line: bytes, expected: int
) -> None:
    answer = await served.exchange(
        request_line + b"\r\nHost: gateway\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", seconds=5
    )
    assert status(answer) == expected
    assert not leaks(answer)


async def test_after_all_this_the_server_has_answered_no_5xx_and_logged_no_traceback(served: Served) -> None:
    await assert_unharmed(served)
