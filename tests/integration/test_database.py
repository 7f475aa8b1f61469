"""Connections: roles, what goes back to the pool, restarts, URLs."""

from __future__ import annotations

import asyncio
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest
import uvloop
from sqlalchemy import select

from gateway.away import AWAY
from storage.database import SET_TENANTS, Database, tenant_setting
from storage.embedded import EmbeddedPostgres
from storage.errors import DatabaseUrlInvalid
from storage.ids import new_id
from storage.migrate import migrate
from storage.tables import organizations
from storage.urls import normalise, place

SECRET = "pa55word"


async def test_each_connection_acts_under_its_role(module_database: Database) -> None:
    async with module_database.raw() as connection:
        assert await connection.fetchval("SELECT current_user") == "gateway_app"
        # The role belongs to the connection: resetting it leads nowhere else.
        await connection.execute("RESET ROLE")
        assert await connection.fetchval("SELECT current_user") == "gateway_app"
        assert await connection.fetchval("SHOW application_name") == "gateway-test"
        assert await connection.fetchval("SHOW TimeZone") == "UTC"
    async with module_database.dispatcher() as connection:
        assert await connection.fetchval("SELECT current_user") == "gateway_dispatcher"
    async with module_database.transaction([new_id()]) as connection:
        assert (await connection.exec_driver_sql("SELECT current_user")).scalar_one() == "gateway_app"
    async with module_database.owner() as connection:
        assert await connection.fetchval("SELECT current_user = session_user")


async def test_json_is_text_on_the_raw_road_and_values_in_tables(database: Database) -> None:
    identifier = new_id()
    async with database.raw() as connection, connection.transaction():
        await connection.execute(SET_TENANTS, tenant_setting([identifier]))
        settings = await connection.fetchval(
            "INSERT INTO organizations (id, name, slug, settings) VALUES ($1, 'O', 'o', $2) RETURNING settings",
            identifier,
            '{"a": [1, "ä"]}',
        )
        assert settings == '{"a": [1, "ä"]}'
    async with database.transaction([identifier]) as transaction:
        found = (await transaction.execute(select(organizations.c.settings))).scalar_one()
    assert found == {"a": [1, "ä"]}


async def test_a_failed_transaction_leaves_nothing(database: Database) -> None:
    identifier = new_id()
    with pytest.raises(RuntimeError, match="on purpose"):
        async with database.transaction([identifier]) as connection:
            await connection.exec_driver_sql(
                "INSERT INTO organizations (id, name, slug) VALUES ($1, 'O', 'o')", (identifier,)
            )
            raise RuntimeError("on purpose")
    async with database.dispatcher() as dispatcher:
        assert await dispatcher.fetch("SELECT id FROM organizations") == []


async def test_a_connection_that_comes_back_within_a_transaction_is_thrown_away(database_url: str) -> None:
    database = Database(database_url, pool_size=1)
    try:
        async with database.raw() as connection:
            before = connection.get_server_pid()
            await connection.execute("BEGIN")
            await connection.execute(SET_TENANTS, tenant_setting([new_id()]))
        async with database.raw() as connection:
            assert connection.get_server_pid() != before
            assert await connection.fetchval("SELECT current_setting('app.organization_ids', true)") is None
    finally:
        await database.dispose()


async def test_a_cancelled_request_gives_its_connection_back(database_url: str) -> None:
    database = Database(database_url, pool_size=1)
    try:
        for _ in range(5):

            async def wait() -> None:
                async with database.transaction([new_id()]) as connection:
                    await connection.exec_driver_sql("SELECT pg_sleep(10)")

            task = asyncio.create_task(wait())
            await asyncio.sleep(0.02)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        async with asyncio.timeout(5), database.raw() as connection:
            assert await connection.fetchval("SELECT 1") == 1
    finally:
        await database.dispose()


async def test_connections_that_the_server_closed_are_replaced(database: Database) -> None:
    """As after a restart of PostgreSQL: the first request afterwards already works."""
    async with database.raw() as one, database.raw() as two:
        pids = [one.get_server_pid(), two.get_server_pid()]
    async with database.owner() as owner:
        await owner.execute("SELECT pg_terminate_backend(pid) FROM unnest($1::int[]) AS k(pid)", pids)
    await asyncio.sleep(0.05)
    for _ in range(3):
        async with database.raw() as connection:
            assert await connection.fetchval("SELECT 1") == 1
            assert connection.get_server_pid() not in pids
        async with database.transaction([new_id()]) as transaction:
            assert (await transaction.exec_driver_sql("SELECT 1")).scalar_one() == 1


async def test_a_server_that_is_away_is_told_from_a_mistake(servers_dir: Path) -> None:
    server = EmbeddedPostgres(servers_dir / "other", {"fsync": "off"}).start()
    database = Database(server.url, pool_size=2)
    try:
        await migrate(server.url)
        async with database.raw() as connection:
            with pytest.raises(asyncpg.PostgresError) as mistake:
                await connection.execute("SELECT 1 FROM nowhere")
            assert not isinstance(mistake.value, AWAY)
            await asyncio.to_thread(server.stop)
            with pytest.raises(AWAY):
                await connection.execute("SELECT 1")
        for attempt in range(3):
            with pytest.raises(AWAY):
                if attempt % 2:
                    async with database.raw():
                        raise AssertionError("not reached")
                async with database.transaction([new_id()]):
                    raise AssertionError("not reached")
        await asyncio.to_thread(server.start)
        async with database.raw() as connection:
            assert await connection.fetchval("SELECT 1") == 1
    finally:
        await database.dispose()
        await asyncio.to_thread(server.stop)


def test_everything_works_under_uvloop(database_url: str) -> None:
    async def visit() -> tuple[str, str, int]:
        database = Database(database_url, pool_size=2)
        try:
            async with database.raw() as connection:
                role = await connection.fetchval("SELECT current_user")
            async with database.dispatcher() as dispatcher:
                other = await dispatcher.fetchval("SELECT current_user")
            async with database.transaction([new_id()]) as transaction:
                count = (await transaction.exec_driver_sql("SELECT count(*) FROM messages")).scalar_one()
        finally:
            await database.dispose()
        return role, other, count

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert runner.run(visit()) == ("gateway_app", "gateway_dispatcher", 0)


def test_the_password_is_in_no_repr_and_no_error() -> None:
    database = Database(f"postgresql://user:{SECRET}@db.example.com:5432/gateway")
    assert repr(database) == "Database(db.example.com:5432/gateway)"
    for url in (f"mysql://user:{SECRET}@host/db", f"postgresql://user:{SECRET}#x@host/db", SECRET):
        with pytest.raises(DatabaseUrlInvalid) as caught:
            Database(url)
        assert SECRET not in str(caught.value)
        assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me@localhost/db",
        "postgres://me@localhost/db",
        "postgresql+asyncpg://me@localhost/db",
        "PostgreSQL://me@localhost/db",
    ],
)
def test_urls_are_read_in_every_form(url: str) -> None:
    assert normalise(url) == "postgresql://me@localhost/db"


def test_a_socket_is_named_by_its_folder() -> None:
    url = normalise("postgresql+asyncpg://me:x@/db?host=/run/postgresql")
    assert place(url) == "/run/postgresql/db"


async def test_every_form_of_the_url_connects(database_url: str) -> None:
    rest = urlsplit(database_url).geturl().partition("://")[2]
    for scheme in ("postgresql", "postgres", "postgresql+asyncpg"):
        database = Database(f"{scheme}://{rest}", pool_size=1)
        try:
            async with database.raw() as connection:
                assert await connection.fetchval("SELECT current_user") == "gateway_app"
        finally:
            await database.dispose()
