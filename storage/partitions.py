"""The monthly partitions of `messages`, made ahead of time while the server runs."""

from __future__ import annotations

from datetime import UTC, datetime

import asyncpg

PARENT = "messages"
DEFAULT = "messages_default"

_LOCK_KEY = 0x6D65_7373_6167_6573  # "messages"
_LOCK_TIMEOUT = "5s"
"""Attaching waits for the statements under way; everybody else waits behind it, so never for long."""


async def ensure_partitions(
    connection: asyncpg.Connection, now: datetime, months_ahead: int = 2
) -> tuple[str, ...]:
    """Make the partitions of this month and the next `months_ahead`; returns the names of those made.

    Runs as the owner (`Database.owner`), each month in a transaction of its own. Safe to call at any time and
    from many processes. Rows that have gone to the default partition meanwhile move to their month. Raises
    `asyncpg.LockNotAvailableError` when the table is too busy: nothing is changed then, try again later.
    """
    made: list[str] = []
    start = now.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    for _ in range(months_ahead + 1):
        end = _next_month(start)
        async with connection.transaction():
            await connection.execute("SELECT pg_advisory_xact_lock($1)", _LOCK_KEY)
            await connection.execute(f"SET LOCAL lock_timeout = '{_LOCK_TIMEOUT}'")
            if await _make(connection, start, end):
                made.append(_name(start))
        start = end
    return tuple(made)


async def _make(connection: asyncpg.Connection, start: datetime, end: datetime) -> bool:
    name = _name(start)
    if await connection.fetchval("SELECT to_regclass($1) IS NOT NULL", name):
        return False
    bounds = f"FROM ('{start.isoformat()}') TO ('{end.isoformat()}')"
    # CREATE TABLE … PARTITION OF would lock the parent against readers; LIKE and ATTACH let them go on.
    await connection.execute(f"CREATE TABLE {name} (LIKE {PARENT} INCLUDING DEFAULTS INCLUDING CONSTRAINTS)")
    await _move_from_default(connection, name, start, end)
    await connection.execute(f"ALTER TABLE {PARENT} ATTACH PARTITION {name} FOR VALUES {bounds}")
    # Queries go through the parent and its policy. The partition itself is nobody's: no grant, no policy.
    await connection.execute(f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
    return True


async def _move_from_default(
    connection: asyncpg.Connection, name: str, start: datetime, end: datetime
) -> None:
    await connection.execute(f"LOCK TABLE {DEFAULT} IN ACCESS EXCLUSIVE MODE")
    # Without a policy the owner sees no row of a table under forced security; both changes commit together.
    await connection.execute(f"ALTER TABLE {DEFAULT} NO FORCE ROW LEVEL SECURITY")
    await connection.execute(
        f"WITH moved AS (DELETE FROM {DEFAULT} WHERE created_at >= $1 AND created_at < $2 RETURNING *) "  # noqa: S608
        f"INSERT INTO {name} SELECT * FROM moved",
        start,
        end,
    )
    await connection.execute(f"ALTER TABLE {DEFAULT} FORCE ROW LEVEL SECURITY")


def _name(start: datetime) -> str:
    return f"{PARENT}_{start:%Y_%m}"


def _next_month(start: datetime) -> datetime:
    return start.replace(year=start.year + start.month // 12, month=start.month % 12 + 1)
