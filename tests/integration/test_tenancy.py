"""No tenant sees or writes another's rows: by the catalogue, and by trying."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from uuid import UUID

import asyncpg
import msgspec
import pytest
from sqlalchemy.exc import DBAPIError

from storage.database import SET_TENANTS, Database, tenant_setting
from storage.ids import new_id
from storage.tenancy import find_leaks

REQUESTS = 10_000
AT_ONCE = 16

TENANT_TABLES = (
    "users",
    "chatbots",
    "chatbot_templates",
    "conversation_flows",
    "channels",
    "deployment_configs",
    "customers",
    "customer_identities",
    "conversations",
    "messages",
    "inbox",
    "effects",
    "audit_log",
    "user_interactions",
    "consents",
    "secrets",
    "media",
    "message_templates",
    "template_sends",
    "customer_merges",
)


class Tenant(msgspec.Struct, frozen=True):
    """An organization with one row in every table; all of them have the organization's id."""

    id: UUID


ROWS = """
INSERT INTO organizations (id, name, slug) VALUES ('{id}', 'O', '{slug}');
INSERT INTO users (id, organization_id, email, password_hash) VALUES ('{id}', '{id}', '{slug}@example.com', '-');
INSERT INTO chatbots (id, organization_id, slug, name) VALUES ('{id}', '{id}', 'bot', 'Bot');
INSERT INTO chatbot_templates (id, organization_id, slug, name, bundle)
    VALUES ('{id}', '{id}', 'template', 'Template', '{{}}');
INSERT INTO conversation_flows (id, organization_id, chatbot_id, flow_id, flow_definition, template_id)
    VALUES ('{id}', '{id}', '{id}', 'main', '{{}}', '{id}');
INSERT INTO channels (id, organization_id, chatbot_id, type, name, route)
    VALUES ('{id}', '{id}', '{id}', 'web', 'Web', '{slug}');
INSERT INTO deployment_configs (id, organization_id, chatbot_id, channel_id, platform)
    VALUES ('{id}', '{id}', '{id}', '{id}', 'web');
INSERT INTO customers (id, organization_id) VALUES ('{id}', '{id}');
INSERT INTO customer_identities (id, organization_id, customer_id, channel_id, external_id)
    VALUES ('{id}', '{id}', '{id}', '{id}', 'x');
INSERT INTO conversations (id, organization_id, chatbot_id, channel_id, customer_id, contact_key)
    VALUES ('{id}', '{id}', '{id}', '{id}', '{id}', 'x');
INSERT INTO messages (id, organization_id, conversation_id, channel_id, seq, sender_type, status, content)
    VALUES ('{id}', '{id}', '{id}', '{id}', 1, 'customer', 'received', 'private');
INSERT INTO inbox (id, organization_id, channel_id, external_id, status, expires_at)
    VALUES ('{id}', '{id}', '{id}', 'x', 'done', now());
INSERT INTO effects (id, organization_id, conversation_id, channel_id, lane, kind, position, payload, due_at)
    VALUES ('{id}', '{id}', '{id}', '{id}', 'delivery', 'send', 1, '{{}}', now());
INSERT INTO audit_log (id, organization_id, actor, action, resource) VALUES ('{id}', '{id}', 'a', 'a', 'a');
INSERT INTO user_interactions
    (id, organization_id, customer_id, conversation_id, channel_id, chatbot_id, interaction_type, name)
    VALUES ('{id}', '{id}', '{id}', '{id}', '{id}', '{id}', 'track', 'private');
INSERT INTO consents
    (id, organization_id, customer_id, conversation_id, channel_id, chatbot_id, purpose, granted, text)
    VALUES ('{id}', '{id}', '{id}', '{id}', '{id}', '{id}', 'news', true, 'private');
INSERT INTO secrets (id, organization_id, chatbot_id, name, value)
    VALUES ('{id}', '{id}', '{id}', 'key', '{{"value": "encrypted:AES256:k1:private"}}');
INSERT INTO media (id, organization_id, channel_id, direction, kind) VALUES ('{id}', '{id}', '{id}', 'in', 'image');
INSERT INTO message_templates (id, organization_id, channel_id, name, language, status)
    VALUES ('{id}', '{id}', '{id}', 'welcome', 'en', 'APPROVED');
INSERT INTO template_sends (id, organization_id, channel_id, category, day)
    VALUES ('{id}', '{id}', '{id}', 'UTILITY', now());
INSERT INTO customer_merges (id, organization_id, kept_id, merged_id, reason, before)
    VALUES ('{id}', '{id}', '{id}', '{id}', 'operator', '{{}}');
"""


async def settle(database: Database, slug: str) -> Tenant:
    tenant = Tenant(new_id())
    async with database.raw() as connection, connection.transaction():
        await connection.execute(SET_TENANTS, tenant_setting([tenant.id]))
        await connection.execute(ROWS.format(id=tenant.id, slug=slug))
    return tenant


async def test_every_tenant_table_is_under_forced_row_level_security(database: Database) -> None:
    async with database.owner() as owner:
        assert await find_leaks(owner) == []
        tables = await owner.fetch(
            "SELECT table_name FROM information_schema.columns WHERE column_name = 'organization_id'"
            " AND table_schema = 'public' AND table_name !~ '^(messages|user_interactions)_'"
        )
    assert sorted(row["table_name"] for row in tables) == sorted(TENANT_TABLES)


BAD = {
    "no security at all": (
        "CREATE TABLE bad (organization_id uuid NOT NULL)",
        ["bad: row-level security is not enabled and forced", "bad: no policy for everything"],
    ),
    "no tenant": ("CREATE TABLE bad (id uuid)", ["bad: no organization_id"]),
    "a tenant that may be null": ("CREATE TABLE bad (organization_id uuid)", ["bad: no organization_id"]),
    "security that the owner passes by": (
        "ALTER TABLE customers NO FORCE ROW LEVEL SECURITY",
        ["customers: row-level security is not enabled and forced"],
    ),
    "no clause for writing": (
        "ALTER POLICY tenant ON customers WITH CHECK (true)",
        ["customers: the policy tenant does not compare the tenant in its with_check"],
    ),
    "no clause for reading": (
        "ALTER POLICY tenant ON customers USING (true)",
        ["customers: the policy tenant does not compare the tenant in its using"],
    ),
    "a second policy that opens everything": (
        "CREATE POLICY everybody ON customers USING (true)",
        [
            "customers: the policy everybody does not compare the tenant in its using",
            "customers: the policy everybody does not compare the tenant in its with_check",
        ],
    ),
    "a policy for reading only": (
        "DROP POLICY tenant ON users; CREATE POLICY tenant ON users FOR SELECT TO gateway_app"
        " USING (organization_id::text = current_setting('app.organization_ids'))",
        ["users: no policy for everything that gateway_app does"],
    ),
    "a partition within reach": (
        "GRANT SELECT ON messages_default TO gateway_app",
        ["messages_default: gateway_app may reach the partition past its parent"],
    ),
    "a table of the role itself": (
        "ALTER TABLE customers OWNER TO gateway_app",
        ["customers: gateway_app owns it"],
    ),
    "a role that passes by": (
        "ALTER ROLE gateway_app BYPASSRLS",
        ["gateway_app passes row-level security by"],
    ),
}


@pytest.mark.parametrize(("statements", "expected"), BAD.values(), ids=BAD.keys())
async def test_the_check_can_fail(module_database: Database, statements: str, expected: list[str]) -> None:
    async with module_database.owner() as owner:
        # Rolled back: roles belong to the whole server.
        transaction = owner.transaction()
        await transaction.start()
        try:
            await owner.execute("GRANT CREATE ON SCHEMA public TO gateway_app")
            await owner.execute(statements)
            found = await find_leaks(owner)
        finally:
            await transaction.rollback()
    for leak in expected:
        assert any(line.startswith(leak) for line in found), found


async def test_gateway_app_is_an_ordinary_role(module_database: Database) -> None:
    async with module_database.raw() as connection:
        role = await connection.fetchrow("SELECT * FROM pg_roles WHERE rolname = current_user")
        owners = await connection.fetch(
            "SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'public'"
        )
    assert role["rolname"] == "gateway_app"
    refused = ("rolsuper", "rolbypassrls", "rolcreaterole", "rolcreatedb", "rolcanlogin", "rolreplication")
    assert not any(role[right] for right in refused)
    assert "gateway_app" not in {row["tableowner"] for row in owners}


async def test_two_tenants_on_shared_connections_never_meet(database: Database) -> None:
    """10,000 requests of two tenants, interleaved on 8 connections: reads, and tries to write across."""
    mine, other = await settle(database, "a"), await settle(database, "b")
    chance = random.Random(7)
    outcomes: Counter[str] = Counter()
    gate = asyncio.Semaphore(AT_ONCE)

    async def request(own: Tenant, foreign: Tenant, kind: str, table: str) -> None:
        async with gate, database.raw() as connection:
            await connection.execute(
                f"BEGIN; SELECT set_config('app.organization_ids', '{{{own.id}}}', true)"
            )
            outcomes[await attempt(connection, own, foreign, kind, table)] += 1
            await connection.execute("ROLLBACK")

    requests = []
    for _ in range(REQUESTS):
        pair = (mine, other) if chance.random() < 0.5 else (other, mine)
        kind = chance.choices(("read", "find", "update", "delete", "insert", "steal"), (5, 2, 1, 1, 1, 1))[0]
        requests.append(request(*pair, kind, chance.choice(TENANT_TABLES)))
    await asyncio.gather(*requests)
    assert outcomes["seen across"] == 0
    assert outcomes["own rows"] > 3_000
    assert outcomes["nothing found"] > 2_000
    assert outcomes["refused"] > 1_000
    assert sum(outcomes.values()) == REQUESTS
    for tenant in (mine, other):
        async with database.transaction([tenant.id]) as connection:
            for table in TENANT_TABLES:
                rows = await connection.exec_driver_sql(f"SELECT organization_id FROM {table}")
                assert rows.scalars().all() == [tenant.id]


async def attempt(connection: asyncpg.Connection, own: Tenant, foreign: Tenant, kind: str, table: str) -> str:
    """One request; says how it ended."""
    try:
        match kind:
            case "read":
                rows = await connection.fetch(f"SELECT organization_id FROM {table}")
                return "own rows" if [row[0] for row in rows] == [own.id] else "seen across"
            case "find":
                rows = await connection.fetch(f"SELECT * FROM {table} WHERE id = $1", foreign.id)
            case "update":
                rows = await connection.fetch(
                    f"UPDATE {table} SET id = id WHERE id = $1 RETURNING id", foreign.id
                )
            case "delete":
                rows = await connection.fetch(f"DELETE FROM {table} WHERE id = $1 RETURNING id", foreign.id)
            case "insert":
                rows = await connection.fetch(
                    "INSERT INTO customers (organization_id) VALUES ($1) RETURNING id", foreign.id
                )
            case _:
                rows = await connection.fetch(
                    f"UPDATE {table} SET organization_id = $1 RETURNING organization_id", foreign.id
                )
    except asyncpg.InsufficientPrivilegeError:
        return "refused"
    return "seen across" if rows else "nothing found"


async def test_an_unset_tenant_is_an_error_and_not_everything(database: Database) -> None:
    tenant = await settle(database, "a")
    async with database.raw() as fresh, database.raw() as used:
        async with used.transaction():
            await used.execute(SET_TENANTS, tenant_setting([tenant.id]))
            assert await used.fetchval("SELECT count(*) FROM customers") == 1
        for connection in (fresh, used):
            for table in ("organizations", *TENANT_TABLES):
                with pytest.raises((asyncpg.UndefinedObjectError, asyncpg.InvalidTextRepresentationError)):
                    await connection.fetch(f"SELECT * FROM {table}")


async def test_the_setting_ends_with_its_transaction(database: Database) -> None:
    tenant = await settle(database, "a")
    with pytest.raises(RuntimeError, match="on purpose"):
        async with database.transaction([tenant.id]):
            raise RuntimeError("on purpose")
    for _ in range(20):
        async with database.raw() as connection:
            assert not await connection.fetchval("SELECT current_setting('app.organization_ids', true)")


async def test_a_transaction_names_at_least_one_tenant(module_database: Database) -> None:
    with pytest.raises(ValueError, match="at least one"):
        async with module_database.transaction([]):
            raise AssertionError("not reached")


async def test_a_batch_sees_exactly_the_tenants_that_it_names(database: Database) -> None:
    tenants = [await settle(database, slug) for slug in ("a", "b", "c")]
    async with database.transaction([tenants[0].id, tenants[2].id]) as connection:
        rows = await connection.exec_driver_sql("SELECT organization_id FROM messages")
        assert set(rows.scalars()) == {tenants[0].id, tenants[2].id}


async def test_a_row_can_not_be_given_to_another_tenant(database: Database) -> None:
    mine, other = await settle(database, "a"), await settle(database, "b")
    for table in TENANT_TABLES:
        with pytest.raises(DBAPIError, match=r"row-level security|permission denied"):
            async with database.transaction([mine.id]) as connection:
                await connection.exec_driver_sql(f"UPDATE {table} SET organization_id = $1", (other.id,))


async def test_a_reference_can_not_point_into_another_tenant(database: Database) -> None:
    """Foreign keys are checked past row-level security, so they carry the organization with them."""
    mine, other = await settle(database, "a"), await settle(database, "b")
    with pytest.raises(DBAPIError, match="foreign key"):
        async with database.transaction([mine.id]) as connection:
            await connection.exec_driver_sql(
                "INSERT INTO channels (organization_id, chatbot_id, type, name, route)"
                " VALUES ($1, $2, 'web', 'x', 'x')",
                (mine.id, other.id),
            )
    with pytest.raises(DBAPIError, match="foreign key"):
        async with database.transaction([mine.id]) as connection:
            await connection.exec_driver_sql("UPDATE conversation_flows SET template_id = $1", (other.id,))


READABLE = {
    "organizations": {"id", "slug"},
    "chatbots": {"id", "organization_id", "slug", "active_flow_id", "updated_at"},
    "channels": {
        "id",
        "organization_id",
        "chatbot_id",
        "type",
        "route",
        "status",
        "lease_owner",
        "lease_until",
        "polling_offset",
        "created_at",
        "updated_at",
    },
    "effects": {
        "id",
        "organization_id",
        "conversation_id",
        "channel_id",
        "lane",
        "due_at",
        "lease_owner",
        "lease_until",
        "status",
        "created_at",
    },
}


async def test_the_dispatcher_sees_whose_work_is_due_and_no_content(database: Database) -> None:
    tenants = {(await settle(database, slug)).id for slug in ("a", "b")}
    async with database.owner() as owner:
        columns = await owner.fetch(
            "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'"
        )
    for table, column in columns:
        async with database.raw() as connection:
            transaction = connection.transaction()
            await transaction.start()
            await connection.execute("SET LOCAL ROLE gateway_dispatcher")
            if column in READABLE.get(table, ()):
                rows = await connection.fetch(f"SELECT {column} FROM {table}")
                assert len(rows) == len(tenants)
            else:
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await connection.fetch(f'SELECT "{column}" FROM {table}')
            await transaction.rollback()
    async with database.dispatcher() as dispatcher:
        assert {
            row["organization_id"] for row in await dispatcher.fetch("SELECT organization_id FROM effects")
        } == tenants


@pytest.mark.parametrize(
    "statement",
    ["UPDATE effects SET id = id", "DELETE FROM effects", "INSERT INTO organizations (id) VALUES (NULL)"],
)
async def test_the_dispatcher_changes_nothing(module_database: Database, statement: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with module_database.dispatcher() as dispatcher:
            await dispatcher.execute(statement)


async def test_what_happened_can_not_be_rewritten(database: Database) -> None:
    tenant = await settle(database, "a")
    for table in ("audit_log", "consents"):
        for statement in (f"UPDATE {table} SET id = id", f"DELETE FROM {table}", f"TRUNCATE {table}"):
            with pytest.raises(DBAPIError, match="permission denied"):
                async with database.transaction([tenant.id]) as connection:
                    await connection.exec_driver_sql(statement)


async def test_the_app_makes_no_tables(module_database: Database) -> None:
    async with module_database.raw() as connection:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("CREATE TABLE mine (id uuid)")
