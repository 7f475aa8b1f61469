"""Turns and leases rewrite their rows within the page (heap-only updates) and touch no index."""

from __future__ import annotations

from uuid import UUID

import asyncpg
import pytest

from storage.database import SET_TENANTS, Database, tenant_setting
from storage.ids import new_id

ROWS = 200
ROUNDS = 10

SEED = """
INSERT INTO chatbots (id, organization_id, slug, name) VALUES ('{id}', '{id}', 'bot', 'Bot');
INSERT INTO channels (id, organization_id, chatbot_id, type, name, route)
    VALUES ('{id}', '{id}', '{id}', 'web', 'Web', 'r');
INSERT INTO customers (id, organization_id) VALUES ('{id}', '{id}');
INSERT INTO customers (organization_id, variables)
    SELECT '{id}', jsonb_build_object('a', repeat('x', 200)) FROM generate_series(2, {rows});
INSERT INTO conversations (id, organization_id, chatbot_id, channel_id, customer_id, contact_key, state)
    SELECT gen_random_uuid(), '{id}', '{id}', '{id}', '{id}', n::text,
           jsonb_build_object('node', 'welcome', 'variables', jsonb_build_object('a', repeat('x', 200)))
    FROM generate_series(1, {rows}) AS n;
INSERT INTO effects (id, organization_id, conversation_id, channel_id, lane, kind, position, payload, due_at)
    SELECT gen_random_uuid(), '{id}', '{id}', '{id}', 'delivery', 'send', n, '{{}}', now()
    FROM generate_series(1, {rows}) AS n;
"""

TURN = """
UPDATE conversations SET state = jsonb_set(state, '{node}', to_jsonb(state_version)),
    state_version = state_version + 1, message_count = message_count + 2, updated_at = clock_timestamp(),
    last_message_at = clock_timestamp()
WHERE id = $1
"""
LEASE = """
UPDATE effects SET lease_owner = $2, lease_until = clock_timestamp(), attempts = attempts + 1 WHERE id = $1
"""
REMEMBER = """
UPDATE customers SET variables = variables || jsonb_build_object('b', clock_timestamp()),
    updated_at = clock_timestamp()
WHERE id = $1
"""


async def run(connection: asyncpg.Connection, organization: UUID, statement: str, *arguments: object) -> None:
    async with connection.transaction():
        await connection.execute(SET_TENANTS, tenant_setting([organization]))
        await connection.execute(statement, *arguments)


@pytest.mark.parametrize("table", ["conversations", "effects", "customers"])
async def test_updates_of_the_hot_road_touch_no_index(
    database: Database, organization: UUID, table: str
) -> None:
    async with database.raw() as connection:
        await run(connection, organization, SEED.format(id=organization, rows=ROWS))
        async with connection.transaction():
            await connection.execute(SET_TENANTS, tenant_setting([organization]))
            ids = [row["id"] for row in await connection.fetch(f"SELECT id FROM {table}")]
        for _ in range(ROUNDS):
            for identifier in ids:
                match table:
                    case "conversations":
                        await run(connection, organization, TURN, identifier)
                    case "customers":
                        await run(connection, organization, REMEMBER, identifier)
                    case _:
                        await run(connection, organization, LEASE, identifier, new_id())
        await connection.execute("SELECT pg_stat_force_next_flush()")
    async with database.owner() as owner:
        counts = await owner.fetchrow(
            "SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = $1", table
        )
    assert counts["n_tup_upd"] == ROWS * ROUNDS
    assert counts["n_tup_hot_upd"] / counts["n_tup_upd"] > 0.95
