"""The work lane's side of profiles: asks a platform who a new customer is, and notes what we did not know."""

from __future__ import annotations

import random
from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy.exc import DBAPIError

from adapters.errors import CustomerGone, SendFailed, TryLater
from adapters.protocol import ProfileSource
from engine.events import Sender
from gateway.channel import Channel
from gateway.identity.effect import FetchProfile, UnifyCustomer
from gateway.identity.numbers import verified_address, verified_number
from gateway.identity.unifying import IN_THE_WAY, Unifying, was_in_the_way
from gateway.work.verdict import Done, GivenUp, Later
from storage.completing import Completed, Told, complete
from storage.database import Database
from storage.deliveries import ClaimedWork
from storage.errors import Conflict

FIRST_BACKOFF_SECONDS: Final = 2.0
MAX_BACKOFF_SECONDS: Final = 3_600.0
GIVE_UP_AFTER: Final = timedelta(hours=24)
MAX_TRIES: Final = 60
MAX_RESTING: Final = 1_000
"""Channels whose next question is remembered to be later; the oldest are forgotten first."""


class Profiles:
    """Performs `FetchProfile` effects. Raises only what the database raises, and for a bug.

    Asking, filling in and merging begin anew whenever one of them did not come to its end: each may happen twice.
    """

    def __init__(self, database: Database, unifying: Unifying, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._unifying = unifying
        self._clock = clock
        self._resting: OrderedDict[UUID, datetime] = OrderedDict()

    async def perform(
        self, effect: FetchProfile, work: ClaimedWork, channel: Channel
    ) -> Done | Later | GivenUp:
        """Fill in what the customer lacks; who has a verified address or number now may be one whom we know."""
        source = channel.adapter
        if not isinstance(source, ProfileSource):
            return Done(f"{channel.platform} has no profiles")
        if work.attempts > MAX_TRIES:
            return GivenUp(f"given up after {MAX_TRIES} tries")
        rest = self._rest(channel)
        if rest > 0:
            return self._later(work, "the platform asked to wait", rest)
        try:
            sender = await source.profile(channel.access, effect.external_id)
        except CustomerGone as gone:  # nobody could mend that: no dead letter
            return Done(_words(gone))
        except SendFailed as error:
            return self._failed(error, work, channel)
        return await self._fill(effect, work, sender)

    def _failed(self, error: SendFailed, work: ClaimedWork, channel: Channel) -> Later | GivenUp:
        if not error.retryable:
            return GivenUp(_words(error))
        wait = error.retry_after if isinstance(error, TryLater) else None
        if wait is not None:
            self._let_rest(channel, wait)
        return self._later(work, _words(error), wait)

    def _rest(self, channel: Channel) -> float:
        """Seconds for which nobody is to be looked up: the platform counts all questions of a channel together."""
        until = self._resting.get(channel.id)
        return 0.0 if until is None else (until - self._clock()).total_seconds()

    def _let_rest(self, channel: Channel, seconds: float) -> None:
        self._resting[channel.id] = self._clock() + timedelta(seconds=seconds)
        self._resting.move_to_end(channel.id)
        if len(self._resting) > MAX_RESTING:
            self._resting.popitem(last=False)

    async def _fill(self, effect: FetchProfile, work: ClaimedWork, sender: Sender) -> Done | Later | GivenUp:
        try:
            completed = await self._complete(effect, work, sender)
        except Conflict as error:
            return self._later(work, str(error))
        except DBAPIError as error:
            if not was_in_the_way(error):
                raise
            return self._later(work, IN_THE_WAY)
        if completed is None:
            return Done("the customer was forgotten")
        return await self._unify(completed, work)

    async def _complete(self, effect: FetchProfile, work: ClaimedWork, sender: Sender) -> Completed | None:
        told = Told(
            first_name=sender.first_name,
            last_name=sender.last_name,
            language=sender.language,
            timezone=sender.timezone,
            email=verified_address(sender.email) or "",
            phone=(verified_number(sender.phone) or "") if sender.phone else "",
        )
        async with self._database.transaction([work.organization_id]) as connection:
            return await complete(connection, work.channel_id, effect.external_id, told, self._clock())

    async def _unify(self, completed: Completed, work: ClaimedWork) -> Done | Later | GivenUp:
        if not (completed.verified and self._unifying.merges):
            return Done()
        merged = await self._unifying.perform(UnifyCustomer(customer=completed.customer_id), work)
        # Its bound counts our tries at asking, too.
        return self._later(work, merged.reason) if isinstance(merged, GivenUp) else merged

    def _later(self, work: ClaimedWork, reason: str, retry_after: float | None = None) -> Later | GivenUp:
        now = self._clock()
        if now - work.created_at > GIVE_UP_AFTER:
            return GivenUp(reason)
        exponential = FIRST_BACKOFF_SECONDS * float(2 ** min(work.attempts - 1, 20))
        seconds = min(exponential, MAX_BACKOFF_SECONDS) * random.uniform(0.8, 1.2)  # noqa: S311 - spreads, hides nothing
        wait = timedelta(seconds=max(seconds, retry_after or 0.0))
        return Later(due_at=now + wait, reason=reason, changes={})


def _words(error: SendFailed) -> str:
    return f"{error.code}: {error.reason}" if error.code else error.reason
