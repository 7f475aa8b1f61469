"""What a run stands on: PostgreSQL and Valkey of its own, a database with a bot and two channels, a mock Bot API,
and the integration that the bot calls."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from shutil import rmtree
from types import TracebackType
from typing import Self

import asyncpg
import msgspec

from storage.audit import Change
from storage.bots import save_chatbot
from storage.channels import create_channel
from storage.database import Database
from storage.embedded import EmbeddedPostgres, EmbeddedValkey
from storage.embedded.processes import wait_gone
from storage.flows import add_flow_version
from storage.keyring import Keyring
from storage.migrate import migrate
from storage.organizations import ensure_organization
from storage.publishing import publish
from tests.chaos.flow import flow
from tests.chaos.history import Disturbance
from tests.chaos.integration import CALLS_PATH
from tests.chaos.processes import GatewayProcess, IntegrationProcess, MockTelegramProcess
from tests.platforms.telegram.world import DEFAULT_TOKEN

LEASE_SECONDS = 5
"""The least that the settings allow, so that orphans are found soon."""

# The machine does not lose its power here, only processes die: what is committed has to reach the kernel, not the
# disk. (synchronous_commit stays on: a backend that is killed would lose what it has not handed to the kernel.)
POSTGRES_SETTINGS = {"fsync": "off", "full_page_writes": "off"}

_OBSERVE_STATUSES = """
CREATE TABLE chaos_statuses (n bigserial PRIMARY KEY, message uuid, before text, after text);
CREATE FUNCTION chaos_note() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
BEGIN
    INSERT INTO chaos_statuses (message, before, after) VALUES (NEW.id, OLD.status, NEW.status);
    RETURN NULL;
END $$;
CREATE TRIGGER chaos_note AFTER UPDATE OF status ON messages
    FOR EACH ROW WHEN (OLD.status IS DISTINCT FROM NEW.status) EXECUTE FUNCTION chaos_note();
"""


FAST = {
    "rate_limits": {
        "channel": {"per_second": 10_000, "burst": 10_000},
        "recipient": {"per_second": 1_000, "burst": 1_000},
    }
}
"""The rate limits are asked, and hold nobody up: what is tested here is what gets lost."""


class Channels(msgspec.Struct, frozen=True, kw_only=True):
    """Where the customers speak."""

    telegram_route: str
    telegram_secret: str
    web_route: str


class Servers:
    """All but the gateway, for several runs one after the other. A context manager."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="gw-chaos-"))
        self.postgres = EmbeddedPostgres(self.folder, POSTGRES_SETTINGS)
        self.valkey = EmbeddedValkey(self.folder)
        self.telegram = MockTelegramProcess()
        self.integration = IntegrationProcess()
        self.keyring = Keyring.open(self.folder / "encryption.keys")
        self._databases = 0

    def __enter__(self) -> Self:
        try:
            self.postgres.start()
            self.valkey.start()
            self.telegram.start()
            self.integration.start()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.integration.stop()
        self.telegram.stop()
        self.valkey.stop()
        self.postgres.stop()
        rmtree(self.folder, ignore_errors=True)

    async def database(self, integration_url: str = "") -> tuple[str, Channels]:
        """A fresh database with the bot in it: its URL, and where its channels are.

        The bot calls the integration, or what stands before it at `integration_url`.
        """
        self._databases += 1
        name = f"chaos_{self._databases}"
        administrator = await asyncpg.connect(self.postgres.url_of("postgres"))
        await administrator.execute(f"CREATE DATABASE {name}")
        await administrator.close()
        url = self.postgres.url_of(name)
        await migrate(url)
        calls_url = (integration_url or self.integration.url) + CALLS_PATH
        channels = await provision(url, self.keyring, calls_url)
        observer = await asyncpg.connect(url)
        await observer.execute(_OBSERVE_STATUSES)
        await observer.close()
        return url, channels

    def environment(self, database_url: str, telegram_url: str = "") -> dict[str, str]:
        """What a gateway of this world needs."""
        return {
            "DATABASE_URL": database_url,
            "REDIS_URL": self.valkey.url,
            "GATEWAY_DATA_DIR": str(self.folder),
            "GATEWAY_TELEGRAM_API_BASE": telegram_url or self.telegram.url,
            "GATEWAY_LEASE_SECONDS": str(LEASE_SECONDS),
            "GATEWAY_PUBLIC_URL": "https://chaos.invalid",
            "GATEWAY_HTTP_ALLOWED_HOSTS": "127.0.0.1",
        }

    async def restart_postgres(self) -> Disturbance:
        """As `pg_ctl restart -m immediate`: every connection breaks, and recovery follows."""
        return await asyncio.to_thread(
            self._kill_server, self.postgres, signal.SIGQUIT, "PostgreSQL restarted"
        )

    async def kill_valkey(self, away: float) -> Disturbance:
        """kill -9, `away` seconds without it, and a new and empty one."""
        return await asyncio.to_thread(self._kill_server, self.valkey, signal.SIGKILL, "Valkey killed", away)

    @staticmethod
    def _kill_server(
        server: EmbeddedPostgres | EmbeddedValkey, how: signal.Signals, what: str, away: float = 0.0
    ) -> Disturbance:
        start = time.monotonic()
        pid = server.pid
        if pid is not None:
            os.kill(pid, how)
            wait_gone(pid, 10)
        time.sleep(away)
        server.start()
        return Disturbance(trouble="outage", what=what, start=start, end=time.monotonic())


async def provision(database_url: str, keyring: Keyring, calls_url: str) -> Channels:
    """An organization, the bot of `tests.chaos.flow`, a Telegram channel with a webhook and a web channel."""
    channels = Channels(
        telegram_route=secrets.token_urlsafe(24),
        telegram_secret=secrets.token_urlsafe(24),
        web_route=secrets.token_urlsafe(24),
    )
    database = Database(database_url, pool_size=2, application_name="chaos")
    try:
        now = datetime.now(UTC)
        tenant = await ensure_organization(database, slug="chaos", name="Chaos", actor="chaos", now=now)
        change = Change(organization_id=tenant.id, actor="chaos", now=now)
        async with database.transaction([tenant.id]) as connection:
            bot = await save_chatbot(connection, change, slug="chaos", name="Chaos")
            version = await add_flow_version(
                connection, change, chatbot_id=bot.id, flow_id="chaos", definition=flow(calls_url)
            )
            await publish(connection, change, version.id)
            await create_channel(
                connection, change, keyring, chatbot_id=bot.id, type="telegram", name="Telegram",
                route=channels.telegram_route,
                config={"bot_token": DEFAULT_TOKEN, "secret_token": channels.telegram_secret},
                secret_paths=["/bot_token", "/secret_token"], settings=FAST,
            )  # fmt: skip
            await create_channel(
                connection, change, keyring, chatbot_id=bot.id, type="web", name="Website",
                route=channels.web_route, config={"session_secret": secrets.token_urlsafe(48)},
                secret_paths=["/session_secret"],
            )  # fmt: skip
    finally:
        await database.dispose()
    return channels


def start_gateway(environment: dict[str, str], folder: Path, port: int, **extra: str) -> GatewayProcess:
    """A gateway with two workers that accepts already; `extra` are further variables, such as GATEWAY_CRASH_AT."""
    gateway = GatewayProcess({**environment, **extra}, folder, workers=2, port=port)
    try:
        return gateway.start()
    except BaseException:
        gateway.kill()
        raise
