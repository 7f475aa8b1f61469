"""A mock platform's server: aiohttp's low-level one without an application.

No router, no middlewares, so that a benchmark measures the gateway and not its mock.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final, Self

import aiohttp
from aiohttp import web

SHUTDOWN_SECONDS: Final = 1.0


class MockServer:
    """Listens, and is waited for. `async with Mock().running() as mock: … mock.url …`"""

    def __init__(self, changed: asyncio.Event) -> None:
        self.url = ""
        self._changed = changed
        """Set by whatever the mock logs."""
        self._web: web.Server | None = None
        self._listener: asyncio.Server | None = None

    async def wait(self, condition: Callable[[], bool], seconds: float = 5.0) -> None:
        """Wait until something that the mock logs makes `condition` true. Raises TimeoutError."""
        async with asyncio.timeout(seconds):
            while not condition():
                self._changed.clear()
                await self._changed.wait()

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Listen; `url` then says where."""
        self._web = self._server()
        self._listener = await asyncio.get_running_loop().create_server(
            self._protocols(self._web), host, port, reuse_address=True, backlog=1024
        )
        self.url = f"http://{host}:{self._listener.sockets[0].getsockname()[1]}"

    async def stop(self) -> None:
        """Stop listening, stop delivering."""
        await self._stop_delivering()
        if self._listener is None or self._web is None:
            return
        self._listener.close()
        self._hang_up()
        await self._web.shutdown(SHUTDOWN_SECONDS)
        self._listener = self._web = None

    @asynccontextmanager
    async def running(self, port: int = 0) -> AsyncIterator[Self]:
        """Started, and stopped in the end."""
        await self.start(port=port)
        try:
            yield self
        finally:
            await self.stop()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        raise NotImplementedError

    async def _stop_delivering(self) -> None:
        raise NotImplementedError

    def _server(self) -> web.Server:
        return web.Server(self._handle, access_log=None)

    def _protocols(self, server: web.Server) -> Callable[[], asyncio.BaseProtocol]:
        """What makes the protocol of a new connection."""
        return server

    def _hang_up(self) -> None:
        """Close connections that are not aiohttp's."""


def webhook_session(answer_seconds: float) -> aiohttp.ClientSession:
    """The session of a platform that calls webhooks, and waits so long for each answer."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0),
        timeout=aiohttp.ClientTimeout(total=answer_seconds),
        cookie_jar=aiohttp.DummyCookieJar(),
    )
