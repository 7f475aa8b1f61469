"""Slow chores of the storage: partitions ahead, events whose dedupe time is over, ages of the queues."""

from __future__ import annotations

from datetime import datetime

from storage import deliveries, routing
from storage.database import Database
from storage.partitions import ensure_partitions

EXPIRE_AT_ONCE = 5_000
"""Rows that one transaction forgets."""
MAX_ROUNDS = 100
"""Transactions that one run of the chore takes at most; the rest waits for the next."""


class Housekeeper:
    """The chores of one database. Safe when every replica runs them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def run(self, now: datetime) -> None:
        """Make partitions ahead and forget what is over."""
        async with self._database.owner() as connection:
            await ensure_partitions(connection, now)
        await self._expire(now)

    async def queue_ages(self, now: datetime) -> dict[str, float]:
        """Seconds since the oldest overdue work of each lane was due."""
        async with self._database.raw() as connection, deliveries.as_dispatcher(connection):
            ages = await deliveries.queue_ages(connection, now)
        return {age.lane: age.seconds for age in ages}

    async def _expire(self, now: datetime) -> None:
        async with self._database.raw() as connection:
            async with deliveries.as_dispatcher(connection):
                organizations = await routing.organization_ids(connection)
            if not organizations:
                return
            for _ in range(MAX_ROUNDS):
                async with deliveries.transaction(connection, organizations):
                    if await deliveries.expire_inbox(connection, now, EXPIRE_AT_ONCE) < EXPIRE_AT_ONCE:
                        return
