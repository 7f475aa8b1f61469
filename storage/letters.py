"""Messages that did not go out: what operators list, replay and drop.

Those with an effect (dead, held, or waiting) and those that a platform reported as failed after it had taken them.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Literal, TypeAlias
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.audit import Change, record
from storage.queries import load

State: TypeAlias = Literal["failed", "held", "waiting"]
MAX_LETTERS = 100_000

_SQL = load("letters")


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """A message that did not go out, without its words. The repr leaves the recipient out."""

    id: UUID
    """The message's id, and the effect's."""
    created_at: datetime
    channel_id: UUID
    channel: str
    """The channel's type and name."""
    recipient: str
    state: State
    trouble: str
    """The kind of trouble; empty while it waits."""
    error: str
    attempts: int
    due_at: datetime
    """When it is tried next, while it waits."""
    stored: bool
    """Whether it still has its effect; else it is known only as a failed message."""

    def __repr__(self) -> str:
        return f"Letter(id={self.id}, state={self.state})"


class Content(msgspec.Struct, frozen=True, kw_only=True):
    """What a letter says. The repr leaves it out."""

    text: str
    parts: dict[str, Any]
    """What goes with the text: choices, media, …"""
    status: str
    metadata: dict[str, Any]
    stored: dict[str, Any]
    """The effect's payload."""

    def __repr__(self) -> str:
        return "Content()"


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which letters."""

    states: tuple[State, ...]
    since: datetime
    channel: UUID | None = None
    error: str = ""
    """The beginning of the error (a code does), or a kind of trouble; empty for all."""
    ids: tuple[UUID, ...] | None = None
    limit: int = MAX_LETTERS


async def list_letters(connection: AsyncConnection, wanted: Wanted) -> list[Letter]:
    """The letters of the transaction's organizations, oldest first."""
    ids = None if wanted.ids is None else list(wanted.ids)
    rows = await connection.exec_driver_sql(
        _SQL["list_letters"],
        (list(wanted.states), wanted.channel, wanted.since, wanted.error, ids, wanted.limit),
    )
    return [Letter(**row._mapping) for row in rows]


async def letter_content(connection: AsyncConnection, letter: Letter) -> Content | None:
    """What a letter says."""
    row = (
        await connection.exec_driver_sql(_SQL["letter_content"], (letter.id, letter.created_at))
    ).one_or_none()
    if row is None:
        return None
    decode = msgspec.json.decode
    return Content(
        text=row.content,
        parts=decode(row.payload or "{}"),
        status=row.status,
        metadata=decode(row.metadata),
        stored=decode(row.stored or "{}"),
    )


async def replay_letters(connection: AsyncConnection, change: Change, letters: Sequence[Letter]) -> set[UUID]:
    """Send letters anew, in their old order, at their lanes' ends. Returns those that somebody else did not take."""
    stored = [letter.id for letter in letters if letter.stored]
    reported = [letter.id for letter in letters if not letter.stored]
    await connection.exec_driver_sql(_SQL["lock_letters"], ([*stored, *reported],))
    done: set[UUID] = set()
    if stored:
        rows = await connection.exec_driver_sql(_SQL["replay_effects"], (stored, change.now))
        done |= {row.id for row in rows}
    if reported:
        rows = await connection.exec_driver_sql(_SQL["replay_messages"], (reported, change.now, False))
        done |= {row.id for row in rows}
    await _record(connection, change, "replayed", letters, done)
    return done


async def drop_letters(connection: AsyncConnection, change: Change, letters: Sequence[Letter]) -> set[UUID]:
    """Give letters up for good. Returns those that somebody else did not take."""
    rows = await connection.exec_driver_sql(_SQL["drop_letters"], ([letter.id for letter in letters],))
    done = {row.id for row in rows}
    await _record(connection, change, "dropped", letters, done)
    return done


async def reopen(connection: Any, ids: Collection[UUID], now: datetime) -> frozenset[UUID]:
    """Messages that a platform took and then refused because the customer's window was closed go out once more, as
    what may be sent then. On an asyncpg connection; returns those that do.
    """
    await connection.execute(_SQL["lock_letters"], list(ids))
    records = await connection.fetch(_SQL["replay_messages"], list(ids), now, True)
    return frozenset(record["id"] for record in records)


async def _record(
    connection: AsyncConnection, change: Change, action: str, letters: Sequence[Letter], done: set[UUID]
) -> None:
    for letter in letters:
        if letter.id in done:
            details = {"channel": str(letter.channel_id), "state": letter.state, "error": letter.error}
            await record(connection, change, action, "delivery", letter.id, details)
