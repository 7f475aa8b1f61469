"""Brings a database to the newest schema; safe when several processes try at once."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg

from storage.errors import MigrationFailed
from storage.migrations import HEAD
from storage.urls import normalise, place

if TYPE_CHECKING:
    from alembic.config import Config
    from sqlalchemy import Connection

_LOCK_KEY = 0x6761_7465_7761_7921  # "gateway!"
_LOCK_TIMEOUT_S = 600.0
_LOCK_POLL_S = 0.1


async def migrate(database_url: str, revision: str = "head") -> bool:
    """Migrate to the newest schema, or to `revision` (downwards too). True when something was to be done.

    Must be the owner: a superuser, or a role with CREATEROLE that may create tables in the database. An
    up-to-date database is recognised by one query, without a lock and without importing Alembic.
    Raises `MigrationFailed`.
    """
    url = normalise(database_url)
    connection = await asyncpg.connect(url)
    try:
        if revision in ("head", HEAD) and await version(connection) == HEAD:
            return False
        await _lock(connection, url)
        before = await version(connection)
        if revision in ("head", HEAD) and before == HEAD:
            return False
        await _run(url, revision, downwards=revision == "base")
        return await version(connection) != before
    finally:
        await connection.close()


async def version(connection: asyncpg.Connection) -> str | None:
    """The revision that the database stands at; None for an empty database."""
    try:
        found = await connection.fetchval("SELECT version_num FROM alembic_version")
    except asyncpg.UndefinedTableError:
        return None
    return str(found) if found is not None else None


async def _lock(connection: asyncpg.Connection, url: str) -> None:
    # Asks again instead of waiting inside PostgreSQL: a waiting statement holds a snapshot, and an index that
    # is built concurrently by the migration in front would wait for that one in turn.
    deadline = asyncio.get_running_loop().time() + _LOCK_TIMEOUT_S
    while not await connection.fetchval("SELECT pg_try_advisory_lock($1)", _LOCK_KEY):
        if asyncio.get_running_loop().time() > deadline:
            raise MigrationFailed(
                f"another process has been migrating {place(url)} for {_LOCK_TIMEOUT_S:.0f} s"
            )
        await asyncio.sleep(_LOCK_POLL_S)


def alembic_config() -> Config:
    """Alembic's configuration; there is no ini file."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


async def _run(url: str, revision: str, *, downwards: bool) -> None:
    from alembic import command
    from sqlalchemy.exc import DBAPIError
    from sqlalchemy.ext.asyncio import create_async_engine
    from sqlalchemy.pool import NullPool

    async def connect() -> asyncpg.Connection:
        return await asyncpg.connect(url, server_settings={"application_name": "gateway-migrate"})

    def upgrade(connection: Connection) -> None:
        config = alembic_config()
        config.attributes["connection"] = connection
        (command.downgrade if downwards else command.upgrade)(config, revision)

    engine = create_async_engine("postgresql+asyncpg://", async_creator=connect, poolclass=NullPool)
    try:
        async with engine.connect() as connection:
            await connection.run_sync(upgrade)
    except DBAPIError as error:
        reason = (error.orig and error.orig.__cause__) or error.orig
        raise MigrationFailed(f"migrating {place(url)} to {revision} failed: {reason}") from error
    finally:
        await engine.dispose()
