"""What a command works with: settings, servers (embedded ones are started or adopted), database, keys."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from gateway.logs import configure_logging
from gateway.servers import Servers, open_servers
from gateway.settings import Settings, load_settings
from storage.database import Database
from storage.keyring import Keyring

T = TypeVar("T")

POOL_SIZE = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """An open database, at the newest schema, and the keys to its secrets."""

    settings: Settings
    servers: Servers
    database: Database
    keyring: Keyring


def run(work: Callable[[Session], Awaitable[T]]) -> T:
    """Open a session for one command and run it to its end."""
    settings = load_settings()
    configure_logging(level="warning", form="console")
    with open_servers(settings) as servers:
        return asyncio.run(_with_session(settings, servers, work))


def migrate_only() -> bool:
    """Bring the database to the newest schema; whether anything was to be done."""
    from storage.migrate import migrate

    settings = load_settings()
    configure_logging(level=settings.log_level, form="console")
    with open_servers(settings) as servers:
        return asyncio.run(migrate(servers.database_url))


async def _with_session(settings: Settings, servers: Servers, work: Callable[[Session], Awaitable[T]]) -> T:
    from gateway.keyring import open_keyring
    from storage.migrate import migrate

    await migrate(servers.database_url)
    database = Database(servers.database_url, pool_size=POOL_SIZE, application_name="gateway-command")
    try:
        keyring = open_keyring(settings)
        return await work(Session(settings=settings, servers=servers, database=database, keyring=keyring))
    finally:
        await database.dispose()
