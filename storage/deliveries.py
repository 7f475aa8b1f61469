"""The statements of delivery and of the sweepers, on an asyncpg connection.

Each call is one transaction that names its tenants; a worker changes only what it holds the lease of.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from storage import turns
from storage.queries import load

_SQL = load("delivery")


class Due(msgspec.Struct, frozen=True, kw_only=True):
    """Work that is due and that nobody holds, as the dispatcher may see it."""

    id: UUID
    organization_id: UUID
    conversation_id: UUID
    lane: str


class DueWork(msgspec.Struct, frozen=True, kw_only=True):
    """A call or an e-mail that nobody holds, as the dispatcher may see it."""

    id: UUID
    organization_id: UUID
    channel_id: UUID


class ClaimedWork(msgspec.Struct, frozen=True, kw_only=True):
    """A call or an e-mail that this worker holds. The repr leaves its content out."""

    id: UUID
    organization_id: UUID
    channel_id: UUID
    kind: str
    key: str | None
    """The call's name within its conversation; None for what nothing waits for."""
    payload: str
    """The effect as JSON."""
    created_at: datetime
    attempts: int
    """How often it was claimed, this time included."""
    contact_key: str

    def __repr__(self) -> str:
        return f"ClaimedWork(id={self.id}, kind={self.kind})"


class QueueAge(msgspec.Struct, frozen=True, kw_only=True):
    """How late a lane is: seconds since its oldest overdue work was due, and how much is overdue."""

    lane: str
    seconds: float
    waiting: int


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """A send that the platform took. `detail` says how far from plain, when it was."""

    id: UUID
    created_at: datetime
    external_id: str
    detail: str = ""
    calls: int = 1
    """How many calls it was; reports on a message concern its last one."""


class Dead(msgspec.Struct, frozen=True, kw_only=True):
    """A send that will not be tried again, and why. `progress` (JSON) is merged into its payload."""

    id: UUID
    created_at: datetime
    error: str
    progress: str = "{}"


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """A send that may not go out now, and why; it waits for an operator, and nothing waits for it."""

    id: UUID
    created_at: datetime
    error: str
    progress: str = "{}"


class Postponed(msgspec.Struct, frozen=True, kw_only=True):
    """A send that will be tried again at `due_at`."""

    id: UUID
    conversation_id: UUID
    attempts: int
    due_at: datetime
    error: str
    progress: str = "{}"
    """How far it came (JSON, merged into its payload): the next try goes on behind that, whoever makes it."""


@asynccontextmanager
async def transaction(connection: Any, organization_ids: Collection[UUID]) -> AsyncIterator[None]:
    """One transaction on behalf of these organizations."""
    await turns.begin(connection, organization_ids)
    try:
        yield
    except BaseException:
        if not connection.is_closed():
            await connection.execute("ROLLBACK")
        raise
    await connection.execute("COMMIT")


@asynccontextmanager
async def as_dispatcher(connection: Any) -> AsyncIterator[None]:
    """One transaction that sees which work is due for whom, and none of its content."""
    await connection.execute("BEGIN; SET LOCAL ROLE gateway_dispatcher")
    try:
        yield
    except BaseException:
        if not connection.is_closed():
            await connection.execute("ROLLBACK")
        raise
    await connection.execute("COMMIT")


async def mark_sent(connection: Any, owner: UUID, sent: Sequence[Sent]) -> frozenset[UUID]:
    """The effects are done, their messages sent. Returns those that were the worker's."""
    times = [item.created_at for item in sent]
    records = await connection.fetch(
        _SQL["mark_sent"],
        [item.id for item in sent],
        times,
        [item.external_id for item in sent],
        min(times),
        max(times),
        owner,
        [item.detail for item in sent],
        [item.calls for item in sent],
    )
    return frozenset(record["id"] for record in records)


async def set_aside(connection: Any, owner: UUID, aside: Sequence[Dead | Held]) -> frozenset[UUID]:
    """The effects become dead letters (their messages failed) or held ones. Returns those that were the worker's."""
    times = [item.created_at for item in aside]
    records = await connection.fetch(
        _SQL["set_aside"],
        [item.id for item in aside],
        times,
        [item.error for item in aside],
        min(times),
        max(times),
        owner,
        ["dead" if isinstance(item, Dead) else "held" for item in aside],
        [item.progress for item in aside],
    )
    return frozenset(record["id"] for record in records)


async def lock_lanes(connection: Any, conversations: Collection[UUID]) -> None:
    """Lock conversations, in one order for everybody: whoever changes who holds a lane does so first."""
    await connection.execute(_SQL["lock_lanes"], list(conversations))


async def postpone(
    connection: Any, owner: UUID, postponed: Sequence[Postponed], lease: timedelta
) -> frozenset[UUID]:
    """The effects are tried again later; the worker keeps their lease. Returns those that are still its own."""
    await lock_lanes(connection, {item.conversation_id for item in postponed})
    records = await connection.fetch(
        _SQL["postpone"],
        [item.id for item in postponed],
        [item.attempts for item in postponed],
        [item.due_at for item in postponed],
        [item.error for item in postponed],
        lease,
        owner,
        [item.progress for item in postponed],
    )
    return frozenset(record["id"] for record in records)


async def renew(
    connection: Any, owner: UUID, ids: Sequence[UUID], now: datetime, lease: timedelta
) -> frozenset[UUID]:
    """Hold on to effects; returns those that are still this worker's."""
    records = await connection.fetch(_SQL["renew"], ids, owner, now, lease)
    return frozenset(record["id"] for record in records)


async def release(connection: Any, owner: UUID, ids: Sequence[UUID]) -> None:
    """Let go of effects, for whoever claims them first."""
    await connection.execute(_SQL["release"], ids, owner)


async def find_due(connection: Any, now: datetime, limit: int) -> list[Due]:
    """Work that waits for a worker. Runs inside `as_dispatcher`."""
    return [Due(**record) for record in await connection.fetch(_SQL["find_due"], now, limit)]


async def queue_ages(connection: Any, now: datetime) -> list[QueueAge]:
    """How late each lane is. Runs inside `as_dispatcher`."""
    return [QueueAge(**record) for record in await connection.fetch(_SQL["queue_ages"], now)]


async def claim_lanes(
    connection: Any, owner: UUID, conversations: Collection[UUID], now: datetime, lease: timedelta
) -> list[Any]:
    """Take the ordered effects of these conversations, wholly or not at all for each."""
    await lock_lanes(connection, conversations)
    records: list[Any] = await connection.fetch(_SQL["claim_lanes"], list(conversations), owner, now, lease)
    return records


async def claim_timers(
    connection: Any, owner: UUID, ids: Sequence[UUID], now: datetime, lease: timedelta
) -> list[Any]:
    """Take due timers."""
    records: list[Any] = await connection.fetch(_SQL["claim_timers"], ids, owner, now, lease)
    return records


async def find_work(connection: Any, now: datetime, each: int, limit: int) -> list[DueWork]:
    """Due calls and e-mails, at most `each` of one bot. Runs inside `as_dispatcher`."""
    return [DueWork(**record) for record in await connection.fetch(_SQL["find_work"], now, each, limit)]


async def claim_work(
    connection: Any, owner: UUID, ids: Sequence[UUID], now: datetime, lease: timedelta
) -> list[ClaimedWork]:
    """Take due calls and e-mails."""
    records = await connection.fetch(_SQL["claim_work"], ids, owner, now, lease)
    return [ClaimedWork(**record) for record in records]


async def finish_work(connection: Any, owner: UUID, id: UUID) -> None:
    """It is done, and nothing waits for it."""
    await connection.execute(_SQL["finish_work"], id, owner)


async def postpone_work(
    connection: Any, owner: UUID, id: UUID, due_at: datetime, error: str, changes: Mapping[str, Any]
) -> None:
    """It is tried again at `due_at`, by whoever claims it; `changes` replace top-level parts of its payload."""
    encoded = msgspec.json.encode(changes).decode()
    await connection.execute(_SQL["postpone_work"], id, owner, due_at, error, encoded)


async def expire_inbox(connection: Any, now: datetime, limit: int) -> int:
    """Forget events whose dedupe time is over; returns how many."""
    tag: str = await connection.execute(_SQL["expire_inbox"], now, limit)
    return int(tag.rpartition(" ")[2])
