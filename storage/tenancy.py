"""Checks over the catalogue that no table is open between tenants; the tests and `gateway doctor` ask it."""

from __future__ import annotations

import asyncpg

EXEMPT = frozenset({"alembic_version"})
"""Tables that hold nothing of any tenant. Everything else is a tenant's, whether it says so or not."""

_TABLES = """
SELECT c.relname AS name, c.relispartition AS is_partition,
       c.relrowsecurity AND c.relforcerowsecurity AS forced,
       pg_has_role('gateway_app', c.relowner, 'MEMBER') AS owned,
       has_table_privilege('gateway_app', c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')
           OR has_any_column_privilege('gateway_app', c.oid, 'SELECT, INSERT, UPDATE') AS granted,
       EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND NOT a.attisdropped
               AND a.attname = CASE c.relname WHEN 'organizations' THEN 'id' ELSE 'organization_id' END
               AND a.attnotnull) AS has_tenant
FROM pg_class c
WHERE c.relkind IN ('r', 'p') AND c.relnamespace = current_schema()::regnamespace
ORDER BY c.relname
"""

_POLICIES = """
SELECT tablename AS table, policyname AS name, permissive = 'PERMISSIVE' AS permissive, roles::text[] AS roles, cmd,
       coalesce(qual, '') AS using, coalesce(with_check, '') AS with_check
FROM pg_policies WHERE schemaname = current_schema()
"""

_ROLE = """
SELECT r.rolsuper, r.rolbypassrls, r.rolcreaterole, pg_has_role('gateway_app', current_user, 'MEMBER') AS is_owner
FROM pg_roles r WHERE r.rolname = 'gateway_app'
"""

_SETTING = "app.organization_ids"


async def find_leaks(connection: asyncpg.Connection) -> list[str]:
    """What would let one tenant see or write another's rows, in words; empty when all is well.

    `connection` is the owner's. A partition must be closed altogether: it is reached through its parent.
    """
    policies = await connection.fetch(_POLICIES)
    leaks = await _role_leaks(connection)
    for table in await connection.fetch(_TABLES):
        name = table["name"]
        if name in EXEMPT:
            continue
        if table["owned"]:
            leaks.append(f"{name}: gateway_app owns it")
        if not table["forced"]:
            leaks.append(f"{name}: row-level security is not enabled and forced")
        if table["is_partition"]:
            if table["granted"]:
                leaks.append(f"{name}: gateway_app may reach the partition past its parent")
            continue
        if not table["has_tenant"]:
            leaks.append(f"{name}: no organization_id that is not null")
        leaks += _policy_leaks(name, [policy for policy in policies if policy["table"] == name])
    return leaks


def _policy_leaks(table: str, policies: list[asyncpg.Record]) -> list[str]:
    ours = [policy for policy in policies if {"gateway_app", "public"} & set(policy["roles"])]
    if not any(policy["permissive"] and policy["cmd"] == "ALL" for policy in ours):
        return [f"{table}: no policy for everything that gateway_app does"]
    leaks = []
    for policy in ours:
        # Permissive policies add up: each has to hold by itself.
        for clause in ("using", "with_check"):
            if policy["permissive"] and _SETTING not in policy[clause]:
                leaks.append(
                    f"{table}: the policy {policy['name']} does not compare the tenant in its {clause}"
                )
    return leaks


async def _role_leaks(connection: asyncpg.Connection) -> list[str]:
    role = await connection.fetchrow(_ROLE)
    if role is None:
        return ["there is no role gateway_app"]
    leaks = []
    if role["rolsuper"] or role["rolbypassrls"]:
        leaks.append("gateway_app passes row-level security by")
    if role["rolcreaterole"] or role["is_owner"]:
        leaks.append("gateway_app can become another role")
    return leaks
