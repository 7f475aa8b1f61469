"""Posts updates as Telegram does, at next to no cost: raw HTTP on few connections, serial for each chat.

Run as a process of its own: `python -m tests.benchmarks.road.load URL SECRET CHATS SECONDS RATE FIRST_ID FILE`.
RATE 0 posts as fast as the answers come (closed loop); otherwise that many a second (open loop), and the
clock of a message starts when it was due, so that a server that falls behind can't hide it.
Writes one JSON object to FILE: `posted`, `failed`, `posts` [[chat, monotonic seconds], …].
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import deque
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit

import uvloop

CONNECTIONS = 64


class Connection(asyncio.Protocol):
    """One keep-alive connection; one request at a time."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._buffer = b""
        self._answer: asyncio.Future[int] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Connected."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's are no subclass

    def post(self, request: bytes) -> asyncio.Future[int]:
        """Send a request; resolves to the status."""
        assert self._transport is not None
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return self._answer

    def data_received(self, data: bytes) -> None:
        """Collect an answer: head, and as much body as it announces."""
        self._buffer += data
        head, separator, rest = self._buffer.partition(b"\r\n\r\n")
        if not separator or self._answer is None:
            return
        at = head.lower().find(b"content-length:")
        length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
        if len(rest) < length:
            return
        self._buffer = rest[length:]
        answer, self._answer = self._answer, None
        answer.set_result(int(head[9:12]))

    def connection_lost(self, error: Exception | None) -> None:
        """The server closed it: the request under way failed."""
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(0)


class Load:
    """One run against one server."""

    def __init__(self, url: str, secret: str, chats: int, first_id: int) -> None:
        parts = urlsplit(url)
        self._host, self._port, self._path = parts.hostname or "", parts.port or 80, parts.path
        self._secret = secret
        self._next_id = first_id
        self._idle: deque[int] = deque(range(1_000, 1_000 + chats))
        self.posts: list[tuple[int, float]] = []
        self.failed = 0

    async def run(self, seconds: float, rate: float) -> None:
        """Post for that long over a fixed number of connections."""
        loop = asyncio.get_running_loop()
        connections = [
            (await loop.create_connection(Connection, self._host, self._port))[1] for _ in range(CONNECTIONS)
        ]
        started = time.monotonic()
        deadline = started + seconds
        work = self._closed if rate == 0 else self._open
        due = _Schedule(started, rate)
        await asyncio.gather(*(work(connection, deadline, due) for connection in connections))

    async def _closed(self, connection: Connection, deadline: float, due: _Schedule) -> None:
        while time.monotonic() < deadline:
            await self._one(connection, time.monotonic())

    async def _open(self, connection: Connection, deadline: float, due: _Schedule) -> None:
        while (at := due.take()) < deadline:
            wait = at - time.monotonic()
            if wait > 0:
                await asyncio.sleep(wait)
            await self._one(connection, at)

    async def _one(self, connection: Connection, at: float) -> None:
        chat = self._idle.popleft()
        self._next_id += 1
        body = (
            b'{"update_id":%d,"message":{"message_id":%d,"date":1790000000,"chat":{"id":%d,"type":"private",'
            b'"first_name":"Ana"},"from":{"id":%d,"is_bot":false,"first_name":"Ana","language_code":"en"},'
            b'"text":"message number %d"}}' % (self._next_id, self._next_id, chat, chat, self._next_id)
        )
        head = (
            f"POST {self._path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            f"X-Telegram-Bot-Api-Secret-Token: {self._secret}\r\nContent-Length: {len(body)}\r\n\r\n"
        ).encode()
        self.posts.append((chat, at))
        if await connection.post(head + body) != 200:
            self.failed += 1
        self._idle.append(chat)


class _Schedule:
    """Due times at a fixed rate, handed out to whoever is free."""

    def __init__(self, started: float, rate: float) -> None:
        self._at = started
        self._step = 1 / rate if rate else 0.0

    def take(self) -> float:
        self._at += self._step
        return self._at


def main() -> None:
    """Run once and write down what was posted."""
    url, secret, chats, seconds, rate, first_id, file = sys.argv[1:8]
    load = Load(url, secret, int(chats), int(first_id))
    uvloop.run(load.run(float(seconds), float(rate)))
    result = {"posted": len(load.posts), "failed": load.failed, "posts": load.posts}
    Path(file).write_text(json.dumps(result))


if __name__ == "__main__":
    main()
