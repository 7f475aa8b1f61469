"""A worker's work in the database: what is due, what it holds, what became of it. Each call is one transaction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from gateway.connections import Connections
from gateway.work.verdict import Done, GivenUp, Later
from storage import deliveries
from storage.deliveries import ClaimedWork, Dead, DueWork


class Book:
    """One worker's entries."""

    def __init__(
        self, connections: Connections, owner: UUID, lease: timedelta, clock: Callable[[], datetime]
    ) -> None:
        self._connections = connections
        self._owner = owner
        self._lease = lease
        self._clock = clock

    async def find(self, each: int, limit: int) -> list[DueWork]:
        """What is due and nobody holds, at most `each` of one bot."""
        async with self._connections.raw() as connection, deliveries.as_dispatcher(connection):
            return await deliveries.find_work(connection, self._clock(), each, limit)

    async def claim(self, due: Sequence[DueWork]) -> list[ClaimedWork]:
        """Take what nobody has taken meanwhile."""
        ids = [item.id for item in due]
        async with self._connections.raw() as connection:
            async with deliveries.transaction(connection, {item.organization_id for item in due}):
                return await deliveries.claim_work(connection, self._owner, ids, self._clock(), self._lease)

    async def renew(self, held: Sequence[ClaimedWork]) -> frozenset[UUID]:
        """Hold on to work; returns what is still this worker's. It is in no lane, so its own row's lock is enough."""
        ids = [work.id for work in held]
        async with self._connections.raw() as connection:
            async with deliveries.transaction(connection, {work.organization_id for work in held}):
                return await deliveries.renew(connection, self._owner, ids, self._clock(), self._lease)

    async def release(self, held: Sequence[ClaimedWork]) -> None:
        """Let go of work, so that another worker takes it at once."""
        ids = [work.id for work in held]
        async with self._connections.raw() as connection:
            async with deliveries.transaction(connection, {work.organization_id for work in held}):
                await deliveries.release(connection, self._owner, ids)

    async def write(self, work: ClaimedWork, verdict: Done | Later | GivenUp) -> None:
        """What became of work that nothing waits for. Changes nothing when another worker holds it by now."""
        async with self._connections.raw() as connection:
            async with deliveries.transaction(connection, {work.organization_id}):
                match verdict:
                    case Done():
                        await deliveries.finish_work(connection, self._owner, work.id)
                    case Later(due_at=due_at, reason=reason, changes=changes):
                        await deliveries.postpone_work(
                            connection, self._owner, work.id, due_at, reason, changes
                        )
                    case GivenUp(reason=reason):
                        dead = Dead(id=work.id, created_at=work.created_at, error=reason)
                        await deliveries.set_aside(connection, self._owner, [dead])
