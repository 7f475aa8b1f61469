"""A relay before PostgreSQL, for tests in which the database goes away."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Self
from urllib.parse import parse_qs, urlsplit


class Relay:
    """A TCP relay before the test's PostgreSQL, which can be cut: then the database is away. A context manager."""

    def __init__(self, database_url: str) -> None:
        parts = urlsplit(database_url)
        self._parts = parts
        folder = parse_qs(parts.query).get("host", [""])[0]
        self._socket = f"{folder}/.s.PGSQL.5432" if folder.startswith("/") else ""
        self._writers: set[asyncio.StreamWriter] = set()
        self._broken: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self._port = 0

    @property
    def url(self) -> str:
        """The database's URL through the relay."""
        user = self._parts.netloc.rpartition("@")[0]
        place = f"{user}@127.0.0.1:{self._port}" if user else f"127.0.0.1:{self._port}"
        return f"{self._parts.scheme}://{place}{self._parts.path}"

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.cut()

    async def open(self) -> None:
        """Let connections through."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._port)
        self._port = self._server.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        """Break every connection and refuse new ones."""
        if self._server is not None:
            self._server.close()
        for writer in list(self._writers):
            writer.transport.abort()
        await asyncio.sleep(0)

    def break_when_used(self) -> None:
        """The first of the present connections that is used breaks with its query, which the server never sees."""
        self._broken |= self._writers

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._socket:
            inner, outer = await asyncio.open_unix_connection(self._socket)
        else:
            inner, outer = await asyncio.open_connection(self._parts.hostname, self._parts.port or 5432)
        self._writers |= {writer, outer}
        await asyncio.gather(self._pump(reader, outer), self._pump(inner, writer), return_exceptions=True)
        self._writers -= {writer, outer}

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(65536):
                if writer in self._broken:
                    self._broken.clear()
                    break
                writer.write(data)
                await writer.drain()
        writer.transport.abort()
