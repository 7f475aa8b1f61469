"""Real PostgreSQL and Valkey for every test that asks: one embedded pair a session, one database a test.

`GATEWAY_TEST_DATABASE_URL` (a superuser, or a role with CREATEDB and CREATEROLE) and
`GATEWAY_TEST_REDIS_URL` point the tests at external servers instead.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID

import asyncpg
import pytest
from redis.asyncio import Redis

from storage.database import Database
from storage.embedded import EmbeddedPostgres, EmbeddedValkey
from storage.ids import new_id
from storage.migrate import migrate

# Nothing of a test's database has to survive a power cut.
_FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


@pytest.fixture(scope="session")
def servers_dir() -> Iterator[Path]:
    """A short directory for the embedded servers: their socket paths have to fit."""
    folder = Path(tempfile.mkdtemp(prefix="gw-"))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def postgres_url(servers_dir: Path) -> Iterator[str]:
    """A PostgreSQL server; its own database is for administration, not for tests."""
    external = os.environ.get("GATEWAY_TEST_DATABASE_URL")
    if external:
        yield external
        return
    with EmbeddedPostgres(servers_dir, _FAST) as server:
        yield server.url_of("postgres")


@pytest.fixture(scope="session")
def valkey_url(servers_dir: Path) -> Iterator[str]:
    """A Valkey server for the whole session; `redis_url` is the one to use."""
    external = os.environ.get("GATEWAY_TEST_REDIS_URL")
    if external:
        yield external
        return
    with EmbeddedValkey(servers_dir) as server:
        yield server.url


def in_database(url: str, name: str) -> str:
    """The same server's URL with another database."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


async def administer(url: str, *statements: str) -> None:
    """Run statements outside a transaction, one by one."""
    connection = await asyncpg.connect(url)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


@pytest.fixture(scope="session")
def migrated_template(postgres_url: str) -> Iterator[str]:
    """The name of a migrated database that others are copied from."""
    name = f"template_{os.getpid()}"

    async def make() -> None:
        await administer(postgres_url, f"CREATE DATABASE {name}")
        await migrate(in_database(postgres_url, name))

    asyncio.run(make())
    yield name
    asyncio.run(administer(postgres_url, f"DROP DATABASE {name} WITH (FORCE)"))


async def _database(postgres_url: str, template: str) -> AsyncIterator[str]:
    name = f"test_{new_id().hex}"
    await administer(postgres_url, f"CREATE DATABASE {name} TEMPLATE {template}")
    yield in_database(postgres_url, name)
    await administer(postgres_url, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def empty_database_url(postgres_url: str) -> AsyncIterator[str]:
    """A fresh database without any schema."""
    async for url in _database(postgres_url, "template1"):
        yield url


@pytest.fixture
async def database_url(postgres_url: str, migrated_template: str) -> AsyncIterator[str]:
    """A fresh, migrated, empty database (some 30 ms)."""
    async for url in _database(postgres_url, migrated_template):
        yield url


@pytest.fixture(scope="module")
async def module_database(postgres_url: str, migrated_template: str) -> AsyncIterator[Database]:
    """A `Database` that the tests of a module share: for tests that leave nothing behind, or expect company."""
    async for url in _database(postgres_url, migrated_template):
        database = Database(url, pool_size=8, application_name="gateway-test")
        yield database
        await database.dispose()


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A `Database` on a fresh, migrated database."""
    database = Database(database_url, pool_size=8, application_name="gateway-test")
    yield database
    await database.dispose()


@pytest.fixture
async def organization(database: Database) -> UUID:
    """The id of a fresh organization, slug `acme`."""
    identifier = new_id()
    async with database.transaction([identifier]) as connection:
        await connection.exec_driver_sql(
            "INSERT INTO organizations (id, name, slug) VALUES ($1, 'Acme', 'acme')", (identifier,)
        )
    return identifier


@pytest.fixture
async def redis_url(valkey_url: str) -> AsyncIterator[str]:
    """An empty Valkey."""
    async with Redis.from_url(valkey_url) as client:
        await client.flushall()
    yield valkey_url
