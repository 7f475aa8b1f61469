"""The monthly partitions of what grows for ever, made ahead of time while the server runs."""

from __future__ import annotations

from datetime import UTC, datetime

import asyncpg

PARENTS = ("messages", "user_interactions")
"""Tables by month of `created_at`; what falls outside the months goes to `<table>_default`."""

_LOCK_KEY = 0x6D65_7373_6167_6573  # "messages"
_LOCK_TIMEOUT = "5s"
"""Attaching waits for the statements under way; everybody else waits behind it, so never for long."""


async def ensure_partitions(
    connection: asyncpg.Connection, now: datetime, months_ahead: int = 2
) -> tuple[str, ...]:
    """Make the partitions of this month and the next `months_ahead`; returns the names of those made.

    Runs as the owner (`Database.owner`), each partition in a transaction of its own. Safe to call at any time and
    from many processes. Rows that have gone to the default partition meanwhile move to their month. Raises
    `asyncpg.LockNotAvailableError` when a table is too busy: it is not changed then, try again later.
    """
    made: list[str] = []
    start = now.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    for _ in range(months_ahead + 1):
        end = _next_month(start)
        for parent in PARENTS:
            async with connection.transaction():
                await connection.execute("SELECT pg_advisory_xact_lock($1)", _LOCK_KEY)
                await connection.execute(f"SET LOCAL lock_timeout = '{_LOCK_TIMEOUT}'")
                if await _make(connection, parent, start, end):
                    made.append(_name(parent, start))
        start = end
    return tuple(made)


async def _make(connection: asyncpg.Connection, parent: str, start: datetime, end: datetime) -> bool:
    name = _name(parent, start)
    if await connection.fetchval("SELECT to_regclass($1) IS NOT NULL", name):
        return False
    bounds = f"FROM ('{start.isoformat()}') TO ('{end.isoformat()}')"
    # CREATE TABLE … PARTITION OF would lock the parent against readers; LIKE and ATTACH let them go on.
    await connection.execute(f"CREATE TABLE {name} (LIKE {parent} INCLUDING DEFAULTS INCLUDING CONSTRAINTS)")
    await _move_from_default(connection, f"{parent}_default", name, start, end)
    await connection.execute(f"ALTER TABLE {parent} ATTACH PARTITION {name} FOR VALUES {bounds}")
    # Queries go through the parent and its policy. The partition itself is nobody's: no grant, no policy.
    await connection.execute(f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
    return True


async def _move_from_default(
    connection: asyncpg.Connection, default: str, name: str, start: datetime, end: datetime
) -> None:
    await connection.execute(f"LOCK TABLE {default} IN ACCESS EXCLUSIVE MODE")
    # Without a policy the owner sees no row of a table under forced security; both changes commit together.
    await connection.execute(f"ALTER TABLE {default} NO FORCE ROW LEVEL SECURITY")
    await connection.execute(
        f"WITH moved AS (DELETE FROM {default} WHERE created_at >= $1 AND created_at < $2 RETURNING *) "  # noqa: S608
        f"INSERT INTO {name} SELECT * FROM moved",
        start,
        end,
    )
    await connection.execute(f"ALTER TABLE {default} FORCE ROW LEVEL SECURITY")


def _name(parent: str, start: datetime) -> str:
    return f"{parent}_{start:%Y_%m}"


def _next_month(start: datetime) -> datetime:
    return start.replace(year=start.year + start.month // 12, month=start.month % 12 + 1)
