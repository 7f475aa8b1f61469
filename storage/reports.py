"""What platforms report on sent messages: by the platform's id of the message, or by our own key of the send.

On an asyncpg connection, inside the caller's transaction that names its tenants.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from storage.queries import load

_SQL = load("reports")


class StatusChange(msgspec.Struct, frozen=True, kw_only=True):
    """A platform's report on a message, by the platform's message id, and by our key where it repeats that."""

    channel_id: UUID
    external_id: str
    status: str
    at: datetime
    error: str = ""
    key: UUID | None = None
    call: int = 0


class Failed(msgspec.Struct, frozen=True, kw_only=True):
    """A message that a report made fail just now."""

    id: UUID
    error: str


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What reports came to beside the statuses."""

    failed: Sequence[Failed] = ()
    told: frozenset[UUID] = frozenset()
    """Sends that are still under way, of which something is known now."""


class Doubt(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a send whose call is in doubt: how many calls were carried out, or that one failed."""

    id: UUID
    confirmed: int
    receipt: str
    failure: str


async def raise_statuses(connection: Any, changes: Sequence[StatusChange]) -> Outcome:
    """Apply reports: a status only ever rises."""
    records = await connection.fetch(
        _SQL["raise_statuses"],
        [change.channel_id for change in changes],
        [change.external_id for change in changes],
        [change.status for change in changes],
        [change.at for change in changes],
        [change.error for change in changes],
        [change.key for change in changes],
    )
    failed = [
        Failed(id=record["id"], error=changes[record["number"]].error)
        for record in records
        if record["id"] is not None
    ]
    unknown = [changes[record["number"]] for record in records if record["id"] is None]
    if not unknown:
        return Outcome(failed=failed)
    told, more = await _confirm(connection, unknown)
    return Outcome(failed=[*failed, *more], told=told)


async def _confirm(
    connection: Any, changes: Sequence[StatusChange]
) -> tuple[frozenset[UUID], Sequence[Failed]]:
    """Apply reports on messages that are not known by the platform's id yet, by our key."""
    columns = (
        [change.key for change in changes],
        [change.channel_id for change in changes],
        [change.call for change in changes],
        [change.external_id for change in changes],
        [change.status for change in changes],
        [change.error for change in changes],
    )
    effects = await connection.fetch(_SQL["confirm_effects"], *columns)
    arrived = [record["id"] for record in effects if record["arrived"]]
    messages = await connection.fetch(
        _SQL["confirm_messages"], *columns, [change.at for change in changes], arrived
    )
    failed = [
        Failed(id=record["id"], error=record["error"] or "")
        for record in messages
        if record["status"] == "failed"
    ]
    return frozenset(record["id"] for record in effects if not record["arrived"]), failed


async def raise_up_to(
    connection: Any, status: str, receipts: Sequence[tuple[UUID, int]], now: datetime
) -> None:
    """Apply the widget's receipts: (conversation, sequence number up to which it is `status`)."""
    last = dict(sorted(receipts, key=lambda receipt: receipt[1]))
    await connection.execute(_SQL["raise_up_to"], list(last), list(last.values()), status, now)


async def note_calls(connection: Any, id: UUID, created_at: datetime, calls: int) -> None:
    """Note how many calls a message comes to, before the first of them leaves."""
    await connection.execute(_SQL["note_calls"], id, created_at, calls)


async def in_doubt(connection: Any, ids: Sequence[UUID]) -> dict[UUID, Doubt]:
    """What is known of these sends; those whose row is gone are left out."""
    records = await connection.fetch(_SQL["in_doubt"], ids)
    return {record["id"]: Doubt(**record) for record in records}
