"""The short way for benchmarks: plain sends are read and answered on the bare connection.

aiohttp's server costs several times what the mock itself does, and in a benchmark both come out of the same
machine. So, with `bench`, a connection begins here; at its first request that is no plain JSON send, or while
faults are ordered, it is handed over to aiohttp for good. Checks and answers are the same functions.
"""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Final, cast

import msgspec

from tests.platforms.telegram.errors import ApiError
from tests.platforms.telegram.methods import METHODS
from tests.platforms.telegram.parameters import Parameters

if TYPE_CHECKING:
    from tests.platforms.telegram.server import MockTelegram

_REQUEST = re.compile(rb"POST /bot([^/ ]+)/(sendMessage|sendChatAction) HTTP/1\.1\r\n")
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d{1,7})\r?", re.IGNORECASE)
_JSON = re.compile(rb"\r\ncontent-type: *application/json", re.IGNORECASE)
_UNUSUAL = re.compile(rb"\r\n(?:expect|connection|transfer-encoding):", re.IGNORECASE)
MAX_HEAD: Final = 16_384


class FastConnection(asyncio.Protocol):
    """One connection, until it is handed over."""

    def __init__(self, mock: MockTelegram) -> None:
        self._mock = mock
        self._transport: asyncio.Transport | None = None
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client connected."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by inheritance
        self._mock.fast_connections.add(self._transport)

    def connection_lost(self, error: Exception | None) -> None:
        """The client left."""
        if self._transport is not None:
            self._mock.fast_connections.discard(self._transport)

    def data_received(self, data: bytes) -> None:
        """Answer every whole request in the buffer; clients that pipeline are served in order."""
        self._buffer += data
        transport = self._transport
        while self._buffer and transport is not None:
            head = self._buffer.find(b"\r\n\r\n")
            if head < 0 and len(self._buffer) < MAX_HEAD:
                return
            request = _REQUEST.match(self._buffer)
            length = _LENGTH.search(self._buffer, 0, head + 2)
            if request is None or length is None or not self._is_plain(head):
                self._hand_over(transport)
                return
            end = head + 4 + int(length[1])
            if len(self._buffer) < end:
                return
            body, self._buffer = self._buffer[head + 4 : end], self._buffer[end:]
            transport.write(self._answer(request[1].decode(), request[2].decode().lower(), body))

    def _is_plain(self, head: int) -> bool:
        return (
            not self._mock.faults.faults
            and _JSON.search(self._buffer, 0, head + 2) is not None
            and _UNUSUAL.search(self._buffer, 0, head + 2) is None
        )

    def _answer(self, token: str, method: str, body: bytes) -> bytes:
        bot = self._mock.world.bots.get(token)
        try:
            if bot is None:
                raise ApiError(401, "Unauthorized")
            given = msgspec.json.decode(body, type=dict)
            answer, status = {"ok": True, "result": METHODS[method](bot, Parameters(given), "call")}, 200
        except ApiError as error:
            answer, status = error.body(), error.code
        except (msgspec.DecodeError, UnicodeDecodeError):
            answer, status = ApiError(400, "Bad Request: can't parse JSON object").body(), 400
        content = msgspec.json.encode(answer)
        head = (
            f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
        )
        return head.encode() + content

    def _hand_over(self, transport: asyncio.Transport) -> None:
        """aiohttp goes on with this connection, from the bytes that are not answered yet."""
        self._mock.fast_connections.discard(transport)
        handler = self._mock.http_handler()
        transport.set_protocol(handler)
        handler.connection_made(transport)
        buffer, self._buffer = self._buffer, b""
        handler.data_received(buffer)
