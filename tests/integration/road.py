"""The road in this process: a published bot, its channels, workers on free ports, a mock Bot API.

Every part is the real one and is passed what it needs; nothing is patched.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import aiohttp
import asyncpg
import msgspec
from aiohttp import web

from gateway.channel import Channel
from gateway.settings import Settings
from gateway.turns.arrival import Accepted
from gateway.worker import Worker, utc_now
from storage import bots, channels, flows, publishing
from storage.audit import Change
from storage.database import Database
from storage.keyring import Keyring
from storage.organizations import ensure_organization
from tests.platforms.telegram import DEFAULT_TOKEN, MockTelegram

SECRET: Final = "s3cret-s3cret-s3cret"
SECRET_HEADER: Final = "X-Telegram-Bot-Api-Secret-Token"
ROUTE: Final = "telegramtelegramtelegram"
WEB_ROUTE: Final = "webwebwebwebwebweb"
LEASE_SECONDS: Final = 5.0

LONG: Final = "\n\n".join(f"{letter * 3} " + "word " * 600 for letter in "ABC").strip()
"""Three Telegram messages: each paragraph is nearly one."""

FLOW: Final[dict[str, Any]] = {
    "start_node": "hear",
    "nodes": [
        {
            "id": "hear",
            "type": "set_variable",
            "config": {"variable": "said", "value": "{{text}}"},
            "connections": [
                {"target": "ask", "condition": "said.startsWith('wait')"},
                {"target": "first", "condition": "said.startsWith('three')"},
                {"target": "long", "condition": "said.startsWith('long')"},
                {"target": "name", "condition": "said.startsWith('name')"},
                {"target": "echo"},
            ],
        },
        {"id": "echo", "type": "message", "config": {"message": "echo {{said}}"}},
        {
            "id": "first",
            "type": "message",
            "config": {"message": "1 {{said}}"},
            "connections": [{"target": "second"}],
        },
        {
            "id": "second",
            "type": "message",
            "config": {"message": "2 {{said}}"},
            "connections": [{"target": "third"}],
        },
        {"id": "third", "type": "message", "config": {"message": "3 {{said}}"}},
        {"id": "long", "type": "message", "config": {"message": LONG}},
        {
            "id": "ask",
            "type": "quick_reply",
            "config": {
                "message": "ask {{said}}",
                "options": [{"text": "skip", "target": "echo"}],
                "timeout": 1,
                "fallback_target": "late",
            },
            "connections": [{"target": "hear"}],
        },
        {"id": "late", "type": "message", "config": {"message": "late {{said}}"}},
        {
            "id": "name",
            "type": "input",
            "config": {"message": "name?", "variable": "name"},
            "connections": [{"target": "thanks"}],
        },
        {"id": "thanks", "type": "message", "config": {"message": "thanks {{name}}"}},
    ],
}
"""What the customer's first word asks for: `wait` a timer, `three` sends, a `long` one, a `name`, else an echo."""


def changed_flow(label: str) -> dict[str, Any]:
    """The same flow, another version: its echoes and thanks carry `label`."""
    text = msgspec.json.encode(FLOW).decode().replace("echo {{", f"{label} echo {{{{")
    changed: dict[str, Any] = msgspec.json.decode(text.replace("thanks {{", f"{label} thanks {{{{"))
    return changed


def update(update_id: int, chat: int, text: str) -> bytes:
    """A Telegram update: a private message."""
    person = {"id": chat, "is_bot": False, "first_name": "Ada", "language_code": "en"}
    message = {
        "message_id": update_id % 100_000,
        "date": int(time.time()),
        "chat": {"id": chat, "type": "private", "first_name": "Ada"},
        "from": person,
        "text": text,
    }
    return msgspec.json.encode({"update_id": update_id, "message": message})


class Provisioned(msgspec.Struct, frozen=True, kw_only=True):
    """Ids of what `provision` has made."""

    organization: UUID
    bot: UUID
    telegram: UUID
    web: UUID


async def provision(
    database_url: str, keyring: Keyring, *, web_security: Mapping[str, Any] | None = None
) -> Provisioned:
    """An organization, the bot of `FLOW`, a Telegram channel (`ROUTE`) and a web channel (`WEB_ROUTE`)."""
    database = Database(database_url, pool_size=2, application_name="gateway-test")
    now = datetime.now(UTC)
    tenant = await ensure_organization(database, slug="road", name="Road", actor="test", now=now)
    change = Change(organization_id=tenant.id, actor="test", now=now)
    async with database.transaction([tenant.id]) as connection:
        bot = await bots.save_chatbot(connection, change, slug="road", name="Road")
        flow = await flows.add_flow_version(
            connection, change, chatbot_id=bot.id, flow_id="road", definition=FLOW
        )
        await publishing.publish(connection, change, flow.id)
        telegram = await channels.create_channel(
            connection, change, keyring, chatbot_id=bot.id, type="telegram", name="Telegram", route=ROUTE,
            config={"bot_token": DEFAULT_TOKEN, "secret_token": SECRET},
            secret_paths=["/bot_token", "/secret_token"],
            settings={"rate_limits": {"channel": "unlimited", "recipient": "unlimited"}},
        )  # fmt: skip
        page = await channels.create_channel(
            connection, change, keyring, chatbot_id=bot.id, type="web", name="Website", route=WEB_ROUTE,
            config={"session_secret": "s" * 40}, secret_paths=["/session_secret"],
            settings={"security": web_security or {}},
        )  # fmt: skip
    await database.dispose()
    return Provisioned(organization=tenant.id, bot=bot.id, telegram=telegram.id, web=page.id)


async def observe(database_url: str, organization: UUID) -> asyncpg.Connection:
    """A connection that sees the organization's rows, as the gateway itself would."""
    connection = await asyncpg.connect(database_url, server_settings={"role": "gateway_app"})
    await connection.execute("SELECT set_config('app.organization_ids', $1, false)", f"{{{organization}}}")
    return connection


async def until(condition: Callable[[], Any], seconds: float = 10.0) -> None:
    """Look every few milliseconds; `condition` may be awaitable. Raises TimeoutError."""
    async with asyncio.timeout(seconds):
        while True:
            result = condition()
            if await result if asyncio.iscoroutine(result) else result:
                return
            await asyncio.sleep(0.01)


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What a webhook answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Running:
    """A worker that serves."""

    def __init__(self, worker: Worker, runner: web.AppRunner, session: aiohttp.ClientSession) -> None:
        self.worker = worker
        self.runner = runner
        self.port: int = runner.addresses[0][1]
        self._session = session
        self.stopped = False

    async def post(self, body: bytes, *, route: str = ROUTE, secret: str = SECRET) -> Answer:
        """One update to the webhook."""
        url = f"http://127.0.0.1:{self.port}/webhook/telegram/{route}"
        async with self._session.post(url, data=body, headers={SECRET_HEADER: secret}) as response:
            return Answer(status=response.status, headers=response.headers, body=await response.read())

    async def say(self, update_id: int, chat: int, text: str, **to: str) -> int:
        """A customer writes; returns the status."""
        return (await self.post(update(update_id, chat, text), **to)).status

    async def channel(self, route: str = ROUTE) -> Channel:
        """The Telegram channel, as this worker knows it."""
        channel = await self.worker.directory.by_route("telegram", route)
        assert channel is not None
        return channel

    async def together(self, *arrivals: tuple[Channel, Any]) -> list[list[Accepted] | BaseException]:
        """Hand parsed bodies to the turn loop with no wait in between: lanes that are idle take them as one."""
        waiting = [self.worker.turns.accept(channel, parsed) for channel, parsed in arrivals]
        return await asyncio.gather(*waiting, return_exceptions=True)

    async def stop(self) -> None:
        """Shut down as on SIGTERM."""
        if not self.stopped:
            self.stopped = True
            await self.worker.stop(self.runner)

    async def abandon(self) -> None:
        """Do no more work and release nothing, as a process that stands still: leases stay and run out."""
        await self.worker.sweeper.stop()
        await self.worker.lanes.stop(0.0)


class Road:
    """Everything that the workers of a test share."""

    def __init__(
        self, database_url: str, redis_url: str, folder: Path, mock: MockTelegram, ids: Provisioned
    ) -> None:
        self.database_url = database_url
        self.mock = mock
        self.ids = ids
        self.keyring = Keyring.open(folder / "encryption.keys")
        self.database = Database(database_url, pool_size=4, application_name="gateway-test")
        self._redis_url = redis_url
        self._folder = folder
        self.observer: asyncpg.Connection
        self._session: aiohttp.ClientSession

    @asynccontextmanager
    async def worker(
        self,
        *,
        clock: Callable[[], datetime] = utc_now,
        database_url: str | None = None,
        **settings: Any,
    ) -> AsyncIterator[Running]:
        """A worker on a free port, stopped in the end."""
        chosen = {"turn_lanes": 1, "lease_seconds": LEASE_SECONDS, "drain_seconds": 3.0} | settings
        worker = Worker(
            Settings(data_dir=self._folder, telegram_api_base=self.mock.url, **chosen),
            database_url=database_url or self.database_url,
            redis_url=self._redis_url,
            keyring=self.keyring,
            clock=clock,
        )
        runner = await worker.start()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        running = Running(worker, runner, self._session)
        try:
            yield running
        finally:
            await running.stop()

    async def rows(self, query: str, *arguments: Any) -> list[Any]:
        """Rows of the organization."""
        found: list[Any] = await self.observer.fetch(query, *arguments)
        return found

    async def count(self, table: str, where: str = "true") -> int:
        """How many rows."""
        return int(await self.observer.fetchval(f"SELECT count(*) FROM {table} WHERE {where}"))

    async def delivered(self, chat: int, *texts: str, seconds: float = 10.0) -> None:
        """Wait until the chat has as many messages, and compare them, in order."""
        with suppress(TimeoutError):  # the comparison says more
            await self.mock.wait(lambda: len(self.mock.sent(chat)) >= len(texts), seconds)
        assert [sent.text for sent in self.mock.sent(chat)] == list(texts)

    async def settled(self, seconds: float = 10.0) -> None:
        """Wait until nothing is pending in the outbox."""
        await until(self._is_settled, seconds)

    async def change(self) -> Change:
        """Who changes things, and when: now."""
        return Change(organization_id=self.ids.organization, actor="test", now=datetime.now(UTC))

    async def _is_settled(self) -> bool:
        return not await self.count("effects", "status = 'pending'")


@asynccontextmanager
async def open_road(database_url: str, redis_url: str, folder: Path) -> AsyncIterator[Road]:
    """A provisioned database and a mock Bot API in which every chat exists."""
    async with MockTelegram(open_chats=True).running() as mock, aiohttp.ClientSession() as session:
        ids = await provision(database_url, Keyring.open(folder / "encryption.keys"))
        road = Road(database_url, redis_url, folder, mock, ids)
        road._session = session
        road.observer = await observe(database_url, ids.organization)
        try:
            yield road
        finally:
            await road.observer.close()
            await road.database.dispose()
