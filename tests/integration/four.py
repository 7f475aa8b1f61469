"""One bot on four platforms: a worker on a free port, a mock of each platform over real HTTP, a widget's socket.

Every part is the real one and is passed what it needs; nothing is patched.
"""

from __future__ import annotations

import hashlib
import hmac
import io
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import aiohttp
import asyncpg
import msgspec
from aiohttp import web

from gateway.deployments import read_deployment
from gateway.settings import Settings
from gateway.worker import Worker
from storage import bots, channels, flows, publishing
from storage.audit import Change
from storage.database import Database
from storage.keyring import Keyring
from storage.organizations import ensure_organization
from tests.integration.road import FLOW, LEASE_SECONDS, observe, until
from tests.kinds import TEMPLATES
from tests.platforms.slack import BOT_TOKEN, BOT_USER, SIGNING_SECRET, TEAM, MockSlack
from tests.platforms.telegram import DEFAULT_TOKEN, MockTelegram
from tests.platforms.whatsapp import ACCOUNT, APP_SECRET, NUMBER, TOKEN, MockWhatsApp

SECRETS: Final = {
    "telegram": {"bot_token": DEFAULT_TOKEN, "secret_token": "telegram-s3cret-for-tests"},
    "whatsapp": {"access_token": TOKEN, "app_secret": APP_SECRET, "verify_token": "verify-me-please"},
    "slack": {"bot_token": BOT_TOKEN, "signing_secret": SIGNING_SECRET},
    "web": {"session_secret": "s" * 40},
}
DOCUMENTS: Final[dict[str, dict[str, Any]]] = {
    "telegram": {"bot_configuration": {"bot_username": "velo_bot"}},
    "whatsapp": {
        "authentication": {"business_phone_number_id": NUMBER},
        "business_account": {"business_account_id": ACCOUNT},
        "message_templates": TEMPLATES,
    },
    "slack": {"workspace": {"team_id": TEAM, "bot_user_id": BOT_USER}},
    "web": {},
}
ROUTES: Final = {platform: f"{platform}-route-that-nobody-guesses" for platform in DOCUMENTS}


class Provisioned(msgspec.Struct, frozen=True, kw_only=True):
    """Ids of what `provision` has made."""

    organization: UUID
    bot: UUID
    channels: Mapping[str, UUID]


async def provision(
    database_url: str,
    keyring: Keyring,
    *,
    flow: Mapping[str, Any] = FLOW,
    documents: Mapping[str, Mapping[str, Any]] | None = None,
) -> Provisioned:
    """An organization, the bot of `flow`, and a channel of each platform; `documents` take the place of DOCUMENTS."""
    database = Database(database_url, pool_size=2, application_name="gateway-test")
    now = datetime.now(UTC)
    tenant = await ensure_organization(database, slug="four", name="Four", actor="test", now=now)
    change = Change(organization_id=tenant.id, actor="test", now=now)
    made: dict[str, UUID] = {}
    async with database.transaction([tenant.id]) as connection:
        bot = await bots.save_chatbot(connection, change, slug="four", name="Four")
        version = await flows.add_flow_version(
            connection, change, chatbot_id=bot.id, flow_id="four", definition=dict(flow)
        )
        await publishing.publish(connection, change, version.id)
        for platform, document in {**DOCUMENTS, **(documents or {})}.items():
            deployment = read_deployment(platform, document, SECRETS[platform])
            channel = await channels.create_channel(
                connection, change, keyring, chatbot_id=bot.id, type=platform, name=platform.title(),  # type: ignore[arg-type]
                route=ROUTES[platform], config=deployment.config, secret_paths=deployment.secret_paths,
            )  # fmt: skip
            made[platform] = channel.id
    await database.dispose()
    return Provisioned(organization=tenant.id, bot=bot.id, channels=made)


def signed(platform: str, body: bytes, *, at: float | None = None) -> dict[str, str]:
    """The headers with which the platform posts a body."""
    secrets = SECRETS[platform]
    match platform:
        case "telegram":
            return {"X-Telegram-Bot-Api-Secret-Token": secrets["secret_token"]}
        case "whatsapp":
            digest = hmac.new(secrets["app_secret"].encode(), body, hashlib.sha256).hexdigest()
            return {"X-Hub-Signature-256": f"sha256={digest}"}
        case _:
            stamp = str(int(time.time() if at is None else at))
            digest = hmac.new(
                secrets["signing_secret"].encode(), b"v0:%s:%s" % (stamp.encode(), body), hashlib.sha256
            ).hexdigest()
            return {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": f"v0={digest}"}


class Four:
    """A worker, the mocks, and a look into the database."""

    def __init__(
        self,
        ids: Provisioned,
        worker: Worker,
        port: int,
        telegram: MockTelegram,
        whatsapp: MockWhatsApp,
        slack: MockSlack,
        session: aiohttp.ClientSession,
        observer: asyncpg.Connection,
    ) -> None:
        self.ids = ids
        self.worker = worker
        self.base = f"http://127.0.0.1:{port}"
        self.telegram = telegram
        self.whatsapp = whatsapp
        self.slack = slack
        self.session = session
        self.observer = observer

    def webhook(self, platform: str) -> str:
        """Where the platform posts."""
        return f"{self.base}/webhook/{platform}/{ROUTES[platform]}"

    async def post(self, platform: str, body: bytes, **headers: str) -> tuple[int, bytes]:
        """An authentic body, unless `headers` say otherwise; status and answer."""
        sent = {**signed(platform, body), **headers}
        async with self.session.post(self.webhook(platform), data=io.BytesIO(body), headers=sent) as response:
            return response.status, await response.read()

    async def rows(self, query: str, *arguments: Any) -> list[Any]:
        """Rows of the organization."""
        found: list[Any] = await self.observer.fetch(query, *arguments)
        return found

    async def count(self, table: str, where: str = "true") -> int:
        """How many rows."""
        return int(await self.observer.fetchval(f"SELECT count(*) FROM {table} WHERE {where}"))

    async def settled(self, seconds: float = 15.0) -> None:
        """Wait until nothing is pending in the outbox."""
        await until(self._is_settled, seconds)

    async def _is_settled(self) -> bool:
        return not await self.count("effects", "status = 'pending' AND lane <> 'timer'")


@asynccontextmanager
async def open_four(
    database_url: str,
    redis_url: str,
    folder: Path,
    *,
    flow: Mapping[str, Any] = FLOW,
    documents: Mapping[str, Mapping[str, Any]] | None = None,
    **settings: Any,
) -> AsyncIterator[Four]:
    """Everything running, and stopped in the end."""
    keyring = Keyring.open(folder / "encryption.keys")
    ids = await provision(database_url, keyring, flow=flow, documents=documents)
    async with (
        MockTelegram(open_chats=True).running() as telegram,
        MockWhatsApp(open_chats=True).running() as whatsapp,
        MockSlack().running() as slack,
        aiohttp.ClientSession() as session,
    ):
        chosen = {"turn_lanes": 1, "lease_seconds": LEASE_SECONDS, "drain_seconds": 3.0} | settings
        worker = Worker(
            Settings(
                data_dir=folder,
                telegram_api_base=telegram.url,
                whatsapp_api_base=whatsapp.url,
                slack_api_base=slack.api,
                **chosen,
            ),
            database_url=database_url,
            redis_url=redis_url,
            keyring=keyring,
        )
        runner = await worker.start()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        observer = await observe(database_url, ids.organization)
        four = Four(ids, worker, runner.addresses[0][1], telegram, whatsapp, slack, session, observer)
        try:
            yield four
        finally:
            await worker.stop(runner)
            await observer.close()
