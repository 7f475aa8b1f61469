"""A Bot API that costs next to nothing: it stamps each sendMessage's arrival and says yes.

Run as a process of its own: `python -m tests.benchmarks.road.bot_api PORT`. `GET /log` gives what arrived since
the last time, as JSON lists `[chat id, monotonic seconds]`. Strictness is the mock server's business
(tests/platforms/telegram); here everything that is not the server under test has to be cheap.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from typing import cast

import uvloop

_CHAT = re.compile(rb'"?chat_id"?[\s:="]*(?:\r\n\r\n)?(-?\d+)')
_LENGTH = re.compile(rb"\r\nContent-Length: *(\d+)", re.IGNORECASE)

arrivals: list[tuple[int, float]] = []


class BotApi(asyncio.Protocol):
    """Keep-alive HTTP/1.1 with Content-Length bodies, and chunked ones as aiogram's multipart sends."""

    def __init__(self) -> None:
        self._buffer = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A server under test connected."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's are no subclass

    def data_received(self, data: bytes) -> None:
        """Answer every whole request in the buffer."""
        self._buffer += data
        for _ in range(1_000):  # pipelined requests in one read are bounded by the buffer's size
            request = self._take()
            if request is None:
                return
            self._answer(*request)

    def _take(self) -> tuple[bytes, bytes] | None:
        head, separator, rest = self._buffer.partition(b"\r\n\r\n")
        if not separator:
            return None
        length = _LENGTH.search(head)
        if length is not None:
            size = int(length[1])
        elif b"chunked" in head.lower():
            end = rest.find(b"0\r\n\r\n")
            if end < 0:
                return None
            size = end + 5
        else:
            size = 0
        if len(rest) < size:
            return None
        self._buffer = rest[size:]
        return head, rest[:size]

    def _answer(self, head: bytes, body: bytes) -> None:
        if head.startswith(b"GET /log"):
            answer = json.dumps(arrivals).encode()
            arrivals.clear()
        else:
            chat = _CHAT.search(body)
            chat_id = int(chat[1]) if chat else 0
            if b"/sendMessage" in head[:200]:
                arrivals.append((chat_id, time.monotonic()))
            answer = (
                b'{"ok":true,"result":{"message_id":%d,"date":1790000000,"chat":{"id":%d,"type":"private"},'
                b'"text":"ok"}}' % (len(arrivals) + 1, chat_id)
            )
        assert self._transport is not None
        self._transport.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
            % (len(answer), answer)
        )


async def _serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(BotApi, "127.0.0.1", port)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve(int(sys.argv[1])))
