"""The migrations on real PostgreSQL: up, down, at once, by whom, and in agreement with `storage.tables`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from storage.errors import MigrationFailed
from storage.ids import new_id
from storage.migrate import alembic_config, migrate, version
from storage.migrations import HEAD
from storage.partitions import PARENTS, ensure_partitions
from storage.tables import metadata
from storage.urls import normalise
from tests.conftest import administer
from tests.pace import slowness

PASSWORD = "pa-ss"


async def fetch(url: str, query: str, *arguments: object) -> list[Any]:
    connection = await asyncpg.connect(url)
    try:
        return [tuple(row) for row in await connection.fetch(query, *arguments)]
    finally:
        await connection.close()


async def relations(url: str) -> set[str]:
    query = (
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')"
    )
    return {name for (name,) in await fetch(url, query)}


def engine(url: str) -> AsyncEngine:
    async def connect() -> asyncpg.Connection:
        return await asyncpg.connect(url)

    return create_async_engine("postgresql+asyncpg://", async_creator=connect, poolclass=NullPool)


async def test_an_empty_database_goes_up_and_down_and_up_again(empty_database_url: str) -> None:
    assert await migrate(empty_database_url) is True
    up = await relations(empty_database_url)
    assert {"organizations", "messages", "messages_default", "effects", "inbox"} <= up
    assert {"user_interactions", "user_interactions_default", "consents", "secrets"} <= up
    assert await migrate(empty_database_url, "base") is True
    assert await relations(empty_database_url) == {"alembic_version"}
    functions = await fetch(
        empty_database_url, "SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace"
    )
    assert functions == []
    assert await migrate(empty_database_url) is True
    assert await relations(empty_database_url) == up


async def test_a_second_start_finds_nothing_to_do_quickly(database_url: str) -> None:
    times = []
    for _ in range(5):
        before = time.perf_counter()
        assert await migrate(database_url) is False
        times.append(time.perf_counter() - before)
    assert min(times) < 0.1 * slowness()


async def test_two_at_once_migrate_once(empty_database_url: str) -> None:
    done = await asyncio.gather(*(migrate(empty_database_url) for _ in range(3)))
    assert sorted(done) == [False, False, True]
    assert await fetch(empty_database_url, "SELECT version_num FROM alembic_version") == [(HEAD,)]


async def test_head_is_written_down_rightly() -> None:
    from alembic.script import ScriptDirectory

    assert ScriptDirectory.from_config(alembic_config()).get_current_head() == HEAD


@pytest.fixture
async def plain_owner_url(postgres_url: str) -> AsyncIterator[str]:
    """A database whose owner is no superuser, only a login role with CREATEROLE."""
    name = f"owner_{new_id().hex}"
    await administer(
        postgres_url,
        f"CREATE ROLE {name} LOGIN CREATEROLE PASSWORD '{PASSWORD}'",
        f"CREATE DATABASE {name} OWNER {name} TEMPLATE template1",
    )
    # The roles of other tests' databases were made by the superuser: an administrator hands them over.
    for role in ("gateway_app", "gateway_dispatcher"):
        if await fetch(postgres_url, "SELECT FROM pg_roles WHERE rolname = $1", role):
            await administer(postgres_url, f"GRANT {role} TO {name} WITH ADMIN OPTION, INHERIT FALSE")
    parts = urlsplit(postgres_url)
    host = parts.netloc.rpartition("@")[2]
    yield urlunsplit(parts._replace(netloc=f"{name}:{PASSWORD}@{host}", path=f"/{name}"))
    await administer(
        postgres_url,
        f"DROP DATABASE {name} WITH (FORCE)",
        f"REASSIGN OWNED BY {name} TO CURRENT_USER",
        f"DROP OWNED BY {name}",
        f"DROP ROLE {name}",
    )


async def test_a_plain_owner_migrates_uses_and_removes_it(plain_owner_url: str) -> None:
    superuser = await fetch(plain_owner_url, "SELECT rolsuper FROM pg_roles WHERE rolname = session_user")
    assert superuser == [(False,)]
    assert await migrate(plain_owner_url) is True
    connection = await asyncpg.connect(plain_owner_url, server_settings={"role": "gateway_app"})
    try:
        assert await connection.fetchval("SELECT current_user") == "gateway_app"
        async with connection.transaction():
            organization = new_id()
            await connection.execute(
                "SELECT set_config('app.organization_ids', $1, true)", f"{{{organization}}}"
            )
            await connection.execute(
                "INSERT INTO organizations (id, name, slug) VALUES ($1, 'A', 'a')", organization
            )
            assert await connection.fetchval("SELECT count(*) FROM organizations") == 1
        async with connection.transaction():
            await connection.execute("SET LOCAL ROLE gateway_dispatcher")
            assert await connection.fetchval("SELECT slug FROM organizations") == "a"
    finally:
        await connection.close()
    assert await migrate(plain_owner_url, "base") is True


async def test_a_refused_migration_says_why_and_leaves_nothing(
    postgres_url: str, empty_database_url: str
) -> None:
    name = f"stranger_{new_id().hex}"
    await administer(postgres_url, f"CREATE ROLE {name} LOGIN PASSWORD '{PASSWORD}'")
    try:
        parts = urlsplit(empty_database_url)
        host = parts.netloc.rpartition("@")[2]
        url = urlunsplit(parts._replace(netloc=f"{name}:{PASSWORD}@{host}"))
        with pytest.raises(MigrationFailed) as caught:
            await migrate(url)
        assert "permission denied" in str(caught.value)
        assert PASSWORD not in str(caught.value)
        assert await relations(empty_database_url) == set()
    finally:
        await administer(postgres_url, f"DROP OWNED BY {name}", f"DROP ROLE {name}")


def _ours(name: str | None, kind: str, _parents: Any) -> bool:
    return kind != "table" or name in metadata.tables


async def test_alembic_finds_no_difference_between_tables_and_database(database_url: str) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.runtime.migration import MigrationContext

    def compare(connection: Connection) -> list[Any]:
        options = {"compare_server_default": True, "include_name": _ours}
        return list(compare_metadata(MigrationContext.configure(connection, opts=options), metadata))

    other = engine(database_url)
    try:
        async with other.connect() as connection:
            assert await connection.run_sync(compare) == []
    finally:
        await other.dispose()


CATALOGUE = {
    "columns": """
        SELECT table_name, column_name, data_type, is_nullable, column_default, character_maximum_length
        FROM information_schema.columns WHERE table_schema = 'public' AND table_name = ANY ($1)""",
    "indexes": "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename = ANY ($1)",
    "constraints": """
        SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
        WHERE connamespace = 'public'::regnamespace AND conrelid::regclass::text = ANY ($1)""",
    "storage": """
        SELECT relname, reloptions FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relname = ANY ($1)""",
}


async def catalogue(url: str, tables: Iterable[str]) -> dict[str, list[str]]:
    return {
        kind: sorted(str(row) for row in await fetch(url, query, list(tables)))
        for kind, query in CATALOGUE.items()
    }


async def test_tables_would_make_the_same_schema_as_the_migrations(
    database_url: str, empty_database_url: str
) -> None:
    """What Alembic does not compare: predicates of indexes, checks, foreign keys' modes, storage options."""
    other = engine(empty_database_url)
    try:
        async with other.begin() as connection:
            await connection.run_sync(metadata.create_all)
    finally:
        await other.dispose()
    described = await catalogue(empty_database_url, metadata.tables)
    migrated = await catalogue(database_url, metadata.tables)
    assert described == migrated


async def test_versions_are_read(database_url: str, empty_database_url: str) -> None:
    for url, expected in ((database_url, HEAD), (empty_database_url, None)):
        connection = await asyncpg.connect(normalise(url))
        try:
            assert await version(connection) == expected
        finally:
            await connection.close()


PARTITIONS = """
    SELECT c.relname, pg_get_expr(c.relpartbound, c.oid), c.relrowsecurity AND c.relforcerowsecurity
    FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent = $1::regclass ORDER BY 1"""


async def insert_message(connection: asyncpg.Connection, at: datetime) -> None:
    await connection.execute(
        "INSERT INTO messages (id, organization_id, conversation_id, channel_id, seq, sender_type, status, created_at)"
        " VALUES ($1, $1, $1, $1, 1, 'bot', 'sent', $2)",
        new_id(),
        at,
    )


@pytest.mark.parametrize("table", PARENTS)
async def test_the_migration_makes_this_month_and_the_next_two(database_url: str, table: str) -> None:
    made = await fetch(database_url, PARTITIONS, table)
    assert len(made) == 4
    assert made[0][0] == f"{table}_{datetime.now(UTC):%Y_%m}"
    assert made[3][:2] == (f"{table}_default", "DEFAULT")
    assert all(secured for _, _, secured in made)


async def test_partitions_are_made_ahead_once_across_a_year(database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    try:
        now = datetime(2031, 12, 31, 23, 59, tzinfo=UTC)
        assert await ensure_partitions(connection, now) == (
            "messages_2031_12",
            "user_interactions_2031_12",
            "messages_2032_01",
            "user_interactions_2032_01",
            "messages_2032_02",
            "user_interactions_2032_02",
        )
        assert await ensure_partitions(connection, now) == ()
        for table in PARENTS:
            found = await fetch(database_url, PARTITIONS, table)
            bounds = {name: (bound, secured) for name, bound, secured in found}
            assert bounds[f"{table}_2031_12"] == (
                "FOR VALUES FROM ('2031-12-01 00:00:00+00') TO ('2032-01-01 00:00:00+00')",
                True,
            )
        await insert_message(connection, now)
        assert await connection.fetchval("SELECT count(*) FROM messages_2031_12") == 1
        indexes = await connection.fetchval(
            "SELECT count(*) FROM pg_indexes WHERE tablename = 'messages_2031_12'"
        )
        assert indexes == 4
    finally:
        await connection.close()


async def test_rows_of_the_default_partition_move_to_their_month(database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    try:
        for day in (1, 15, 30):
            await insert_message(connection, datetime(2040, 6, day, tzinfo=UTC))
        await insert_message(connection, datetime(2041, 6, 1, tzinfo=UTC))
        assert await connection.fetchval("SELECT count(*) FROM messages_default") == 4
        assert await ensure_partitions(connection, datetime(2040, 6, 2, tzinfo=UTC), 0) == (
            "messages_2040_06",
            "user_interactions_2040_06",
        )
        assert await connection.fetchval("SELECT count(*) FROM messages_2040_06") == 3
        assert await connection.fetchval("SELECT count(*) FROM messages_default") == 1
        assert await connection.fetchval("SELECT count(*) FROM messages") == 4
        assert all(secured for _, _, secured in await fetch(database_url, PARTITIONS, "messages"))
    finally:
        await connection.close()


async def test_a_plain_owner_moves_rows_too(plain_owner_url: str) -> None:
    await migrate(plain_owner_url)
    connection = await asyncpg.connect(plain_owner_url)
    try:
        app = await asyncpg.connect(plain_owner_url, server_settings={"role": "gateway_app"})
        try:
            async with app.transaction():
                organization = new_id()
                await app.execute(
                    "SELECT set_config('app.organization_ids', $1, true)", f"{{{organization}}}"
                )
                await app.execute(
                    "INSERT INTO messages (id, organization_id, conversation_id, channel_id, seq, sender_type,"
                    " status, created_at) VALUES ($1, $1, $1, $1, 1, 'bot', 'sent', '2040-06-05Z')",
                    organization,
                )
        finally:
            await app.close()
        assert await ensure_partitions(connection, datetime(2040, 6, 2, tzinfo=UTC), 0) == (
            "messages_2040_06",
            "user_interactions_2040_06",
        )
        assert await connection.fetchval("SELECT pg_relation_size('messages_2040_06')") > 0
    finally:
        await connection.close()


async def test_many_make_partitions_at_once(database_url: str) -> None:
    now = datetime(2035, 3, 3, tzinfo=UTC)

    async def make() -> tuple[str, ...]:
        connection = await asyncpg.connect(database_url)
        try:
            return await ensure_partitions(connection, now)
        finally:
            await connection.close()

    made = await asyncio.gather(*(make() for _ in range(6)))
    assert sorted(name for names in made for name in names) == [
        *(f"messages_2035_{month:02}" for month in (3, 4, 5)),
        *(f"user_interactions_2035_{month:02}" for month in (3, 4, 5)),
    ]
