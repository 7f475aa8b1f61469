"""Checks of PostgreSQL (version, extension, roles, schema, row-level security, durability) and Valkey."""

from __future__ import annotations

import asyncpg

from gateway.doctor.finding import Report
from gateway.settings import Settings
from storage.migrate import version
from storage.migrations import HEAD
from storage.urls import normalise, place

MIN_POSTGRESQL = 150000
CONNECT_SECONDS = 5.0
ROLES = ("gateway_app", "gateway_dispatcher")

_EXTENSION = "SELECT default_version FROM pg_available_extensions WHERE name = 'vector'"

_ROLES = """
SELECT rolname, rolbypassrls OR rolsuper AS exempt, pg_has_role(current_user, oid, 'MEMBER') AS ours
FROM pg_roles WHERE rolname = ANY ($1::text[])
"""

_UNPROTECTED = """
SELECT c.relname FROM pg_class c
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'organization_id' AND NOT a.attisdropped
WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p')
  AND NOT (c.relrowsecurity AND c.relforcerowsecurity)
ORDER BY c.relname
"""

_RISKY = """
SELECT name, setting FROM pg_settings
WHERE name IN ('fsync', 'full_page_writes', 'synchronous_commit') AND setting = 'off' ORDER BY name
"""


async def check_database(report: Report, settings: Settings, url: str) -> bool:
    """Everything about PostgreSQL; whether the schema is there to look further."""
    try:
        connection = await asyncpg.connect(normalise(url), timeout=CONNECT_SECONDS)
    except (OSError, TimeoutError, asyncpg.PostgresError) as error:
        reason = str(error) or type(error).__name__
        report.fail(
            "database", f"{place(normalise(url))}: {reason}", "Start PostgreSQL, or mend DATABASE_URL"
        )
        return False
    try:
        await _check_server(report, settings, connection, url)
        return await _check_schema(report, connection)
    finally:
        await connection.close()


async def _check_server(report: Report, settings: Settings, connection: asyncpg.Connection, url: str) -> None:
    number = int(await connection.fetchval("SHOW server_version_num"))
    shown = f"PostgreSQL {await connection.fetchval('SHOW server_version')} at {place(normalise(url))}"
    if number < MIN_POSTGRESQL:
        report.fail("database", shown, "Upgrade to PostgreSQL 15 or later")
    else:
        report.ok("database", shown)
    vector = await connection.fetchval(_EXTENSION)
    if vector is None:
        report.fail("pgvector", "the extension is not installed", "Install pgvector on the database server")
    else:
        report.ok("pgvector", f"version {vector}")
    if risky := await connection.fetch(_RISKY):
        names = ", ".join(f"{row['name']} = {row['setting']}" for row in risky)
        report.warn("durability", names, "Turn it on: what was accepted may be lost when the power fails")
    most = int(await connection.fetchval("SHOW max_connections"))
    wanted = settings.workers * settings.database_pool_size
    if wanted > most - 10:
        mend = "Raise max_connections, or lower GATEWAY_DATABASE_POOL_SIZE or GATEWAY_WORKERS"
        report.warn("connections", f"this server may use {wanted} of {most}", mend)


async def _check_schema(report: Report, connection: asyncpg.Connection) -> bool:
    found = await version(connection)
    if found is None:
        report.warn("schema", "the database is empty", "Run gateway migrate, or start the server")
        return False
    if found != HEAD:
        report.warn("schema", f"revision {found}, this version brings {HEAD}", "Run gateway migrate")
    else:
        report.ok("schema", f"revision {found}")
    await _check_roles(report, connection)
    unprotected = [row["relname"] for row in await connection.fetch(_UNPROTECTED)]
    if unprotected:
        mend = "ALTER TABLE … ENABLE ROW LEVEL SECURITY, then FORCE ROW LEVEL SECURITY"
        report.fail("row-level security", f"not forced on {', '.join(unprotected)}", mend)
    else:
        report.ok("row-level security", "forced on every tenant table")
    return found == HEAD


async def _check_roles(report: Report, connection: asyncpg.Connection) -> None:
    rows = {row["rolname"]: row for row in await connection.fetch(_ROLES, list(ROLES))}
    for role in ROLES:
        if role not in rows:
            report.fail("roles", f"there is no role {role}", "Run gateway migrate as a role with CREATEROLE")
        elif rows[role]["exempt"]:
            mend = f"ALTER ROLE {role} NOSUPERUSER NOBYPASSRLS"
            report.fail("roles", f"{role} is exempt from row-level security", mend)
        elif not rows[role]["ours"]:
            report.fail("roles", f"this login may not become {role}", f"GRANT {role} to the login")
    if set(rows) == set(ROLES) and not any(row["exempt"] or not row["ours"] for row in rows.values()):
        report.ok("roles", ", ".join(ROLES))


async def check_bus(report: Report, url: str) -> None:
    """Valkey (or Redis). Without it nothing is lost, but sockets of other replicas are served late."""
    from redis.asyncio import Redis
    from redis.exceptions import RedisError

    client = Redis.from_url(url, socket_connect_timeout=CONNECT_SECONDS, socket_timeout=CONNECT_SECONDS)
    try:
        info = await client.info("server")
    except (RedisError, OSError, TimeoutError) as error:
        report.fail("valkey", str(error) or type(error).__name__, "Start Valkey, or mend REDIS_URL")
    else:
        kind = "Valkey" if "valkey_version" in info else "Redis"
        report.ok("valkey", f"{kind} {info.get('valkey_version') or info.get('redis_version')}")
    finally:
        await client.aclose()
