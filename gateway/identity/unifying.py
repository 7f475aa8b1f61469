"""The work lane's side of identities: merges customers who are one person."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Final, cast
from uuid import UUID

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.identity.effect import UnifyCustomer
from gateway.logs import get_logger
from gateway.work.verdict import Done, GivenUp, Later
from storage.audit import Change
from storage.database import Database
from storage.deliveries import ClaimedWork
from storage.errors import Conflict, NotFound
from storage.merges import Reason, living, merge, oldest, same_person

ACTOR: Final = "system"
MAX_TRIES: Final = 10
AGAIN_AFTER: Final = timedelta(seconds=2)
IN_THE_WAY: Final = "another transaction was in the way"
_IN_THE_WAY: Final = frozenset({"40001", "40P01", "23505"})
"""Serialization failure, deadlock, duplicate key."""

_log = get_logger(__name__)


class Unifying:
    """Performs `UnifyCustomer` effects. Raises only what the database raises, and for a bug."""

    def __init__(self, database: Database, clock: Callable[[], datetime], *, merges: bool = True) -> None:
        """Unless `merges`, only those become one whom somebody, or the platform, has named."""
        self.merges = merges
        self._database = database
        self._clock = clock

    async def perform(self, effect: UnifyCustomer, work: ClaimedWork) -> Done | Later | GivenUp:
        """Merge, all or nothing; done again, it finds nothing left to do."""
        if effect.other is None and not self.merges:
            return Done("switched off (GATEWAY_MERGE_VERIFIED)")
        try:
            async with self._database.transaction([work.organization_id]) as connection:
                merged = await self._unify(connection, effect, work.organization_id)
        except NotFound:
            return Done("the customer was forgotten")
        except Conflict as error:  # somebody else merges the same ones: look again
            return self._later(work, str(error))
        except DBAPIError as error:
            if not was_in_the_way(error):
                raise
            return self._later(work, IN_THE_WAY)
        if merged:
            _log.info("customers merged", organization=str(work.organization_id), merged=merged)
        return Done()

    async def _unify(self, connection: AsyncConnection, effect: UnifyCustomer, organization_id: UUID) -> int:
        customer = await living(connection, effect.customer)
        others = await self._others(connection, effect, customer)
        if not others:
            return 0
        kept = await oldest(connection, [customer, *others])
        change = Change(organization_id=organization_id, actor=ACTOR, now=self._clock())
        reasons = {customer: next(iter(others.values())), **others}
        del reasons[kept]
        for id in sorted(reasons):
            await merge(connection, change, kept, id, reasons[id])
        return len(reasons)

    async def _others(
        self, connection: AsyncConnection, effect: UnifyCustomer, customer: UUID
    ) -> Mapping[UUID, Reason]:
        if effect.other is None:
            return await same_person(connection, customer)
        other = await living(connection, effect.other)
        return {} if other == customer else {other: cast(Reason, effect.reason)}

    def _later(self, work: ClaimedWork, reason: str) -> Later | GivenUp:
        if work.attempts >= MAX_TRIES:
            return GivenUp(reason)
        return Later(due_at=self._clock() + AGAIN_AFTER, reason=reason, changes={})


def was_in_the_way(error: DBAPIError) -> bool:
    """Whether another transaction was, so that the same one may succeed in a moment."""
    return getattr(error.orig, "sqlstate", None) in _IN_THE_WAY
