"""`gateway serve` in processes of its own, with a mock Bot API in this one."""

from __future__ import annotations

import asyncio
import io
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import aiohttp
import asyncpg
import msgspec

from storage.ids import new_id
from storage.keyring import Keyring
from tests.chaos.processes import GatewayProcess
from tests.conftest import administer, in_database
from tests.integration.road import (
    LEASE_SECONDS,
    ROUTE,
    SECRET,
    SECRET_HEADER,
    observe,
    provision,
    until,
    update,
)
from tests.platforms.telegram import DEFAULT_TOKEN, MockTelegram

WORKERS: Final = 2
SECRETS: Final = (SECRET, DEFAULT_TOKEN.partition(":")[2], "s" * 40)
"""What no log line and no answer may contain."""


class WatchedGateway(GatewayProcess):
    """A gateway whose whole log is kept."""

    def _see(self, line: str) -> None:
        self.__dict__.setdefault("log", []).append(line)
        super()._see(line)

    def entries(self, *needles: str) -> list[str]:
        """Lines of the log that contain one of these."""
        kept: list[str] = self.__dict__.get("log", [])
        return [line for line in kept if any(needle in line for needle in needles)]


class Served:
    """A running gateway, what its platform sees, and what its database holds."""

    def __init__(
        self,
        gateway: WatchedGateway,
        mock: MockTelegram,
        observer: asyncpg.Connection,
        session: aiohttp.ClientSession,
    ) -> None:
        self.gateway = gateway
        self.mock = mock
        self.session = session
        self.path = f"/webhook/telegram/{ROUTE}"
        self._observer = observer
        self._ids = iter(range(10_000_001, 20_000_000))

    def next_id(self) -> int:
        """An update id that nobody has used."""
        return next(self._ids)

    async def post(self, body: bytes, **headers: str) -> int:
        """An authentic body; the status."""
        sent = {SECRET_HEADER: SECRET, **headers}
        async with self.session.post(
            self.gateway.url + self.path, data=io.BytesIO(body), headers=sent
        ) as response:
            await response.read()
            return response.status

    async def exchange(self, request: bytes, *, seconds: float = 10.0) -> bytes:
        """Bytes over a connection of their own; the answer until the server closes or is silent."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.gateway.port)
        answer = b""
        try:
            writer.write(request)
            async with asyncio.timeout(seconds):
                while data := await reader.read(65536):
                    answer += data
        except (TimeoutError, ConnectionError):
            pass
        finally:
            writer.close()
        return answer

    async def inbox(self, where: str = "true") -> list[Any]:
        """The inbox's rows, the oldest first."""
        query = f"SELECT external_id, status, error, raw FROM inbox WHERE {where} ORDER BY received_at, id"
        rows: list[Any] = await self._observer.fetch(query)
        return rows

    async def count(self) -> int:
        """How many rows the inbox has."""
        return int(await self._observer.fetchval("SELECT count(*) FROM inbox"))

    async def converses(self, chat: int, words: str, seconds: float = 15.0) -> None:
        """A normal message gets its answer, which is the last of its chat."""
        assert await self.post(update(self.next_id(), chat, words)) == 200
        await until(lambda: [sent.text for sent in self.mock.sent(chat)][-1:] == [f"echo {words}"], seconds)


@asynccontextmanager
async def serve(
    postgres_url: str, template: str, valkey_url: str, folder: Path, **web_security: Any
) -> AsyncIterator[Served]:
    """A fresh database with the bot of the road's tests, and the real process on it."""
    name = f"served_{new_id().hex}"
    await administer(postgres_url, f"CREATE DATABASE {name} TEMPLATE {template}")
    database_url = in_database(postgres_url, name)
    ids = await provision(database_url, Keyring.open(folder / "encryption.keys"), web_security=web_security)
    async with MockTelegram(open_chats=True).running() as mock, aiohttp.ClientSession() as session:
        observer = await observe(database_url, ids.organization)
        gateway = await asyncio.to_thread(_start, database_url, valkey_url, folder, mock.url)
        try:
            yield Served(gateway, mock, observer, session)
        finally:
            await asyncio.to_thread(gateway.stop)
            await observer.close()
    await administer(postgres_url, f"DROP DATABASE {name} WITH (FORCE)")


def _start(database_url: str, valkey_url: str, folder: Path, api: str) -> WatchedGateway:
    environment: Mapping[str, str] = {
        "DATABASE_URL": database_url,
        "REDIS_URL": valkey_url,
        "GATEWAY_DATA_DIR": str(folder),
        "GATEWAY_TELEGRAM_API_BASE": api,
        "GATEWAY_LEASE_SECONDS": str(LEASE_SECONDS),
        "GATEWAY_DRAIN_SECONDS": "3",
        "GATEWAY_PUBLIC_URL": "https://gateway.invalid",
    }
    gateway = WatchedGateway(environment, folder, workers=WORKERS)
    try:
        gateway.start()
    except BaseException:
        gateway.kill()
        raise
    return gateway


def body(update_id: int, **pieces: Any) -> bytes:
    """An update of any pieces."""
    return msgspec.json.encode({"update_id": update_id, **pieces})


async def assert_unharmed(served: Served) -> None:
    """No 5xx by the counters of both workers, nothing in the log but what belongs there, no worker gone.

    That the counters and the log are read shows in the other statuses and in a line that is always there.
    """
    async with served.session.get(f"{served.gateway.url}/metrics") as response:
        text = await response.text()
    seen = set(re.findall(r'^gateway_http_requests_total.*status="(\dxx)"', text, re.MULTILINE))
    assert {"2xx", "4xx"} <= seen
    assert "5xx" not in seen
    assert served.gateway.entries("Traceback", '"level":"error"', '"level":"critical"') == []
    assert served.gateway.entries(*SECRETS) == []
    assert served.gateway.deaths == []
    assert len(served.gateway.worker_pids()) == WORKERS
    assert served.gateway.entries("bus is up")


def raw(path: str, payload: bytes, *headers: bytes, method: str = "POST", length: int | None = None) -> bytes:
    """An HTTP request, byte for byte."""
    lines = [f"{method} {path} HTTP/1.1".encode(), b"Host: gateway", b"Connection: close", *headers]
    if length is None or length >= 0:
        lines.append(b"Content-Length: %d" % (len(payload) if length is None else length))
    return b"\r\n".join(lines) + b"\r\n\r\n" + payload


def status(answer: bytes) -> int:
    """Of a raw answer; 0 for none."""
    return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.") else 0
