"""Merging customers who are one person, and taking a merge back.

A merge moves identities and conversations to the customer that is kept and fills in what that one's profile lacks.
The merged customer's row stays as it was, with `merged_into`; so do the consents that were given by its id
(`storage.identities.consents_of` follows merges). What a merge did is kept in `customer_merges.before`, so that it
can be undone, in any order, as far as its results are still as it left them.

Every function runs in the caller's transaction and never commits it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, Literal, TypeAlias
from uuid import UUID

import msgspec
from sqlalchemy import func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.audit import Change, record
from storage.errors import Conflict, NotFound
from storage.profiles import Given, give, take_back
from storage.tables import AnyRow, conversations, customer_identities, customer_merges, customers

MAX_CHAIN: Final = 1_000
"""Merges that lead from a customer to the one who is kept in the end."""

Reason: TypeAlias = Literal["email", "phone", "link", "identity", "operator"]


class Before(msgspec.Struct, kw_only=True):
    """What a merge moved and gave: `customer_merges.before` as JSON."""

    identities: list[UUID]
    conversations: list[UUID]
    given: Given


class Merge(msgspec.Struct, frozen=True, kw_only=True):
    """A merge as it is stored."""

    id: UUID
    kept_id: UUID
    merged_id: UUID
    reason: str
    before: Before
    merged_at: datetime
    undone_at: datetime | None


class Unmerged(msgspec.Struct, frozen=True, kw_only=True):
    """What taking a merge back came to; `left` says in words what could not be given back, and why."""

    merge: Merge
    identities: int
    conversations: int
    left: tuple[str, ...]


async def merge(
    connection: AsyncConnection, change: Change, kept: UUID, merged: UUID, reason: Reason
) -> Merge:
    """Make one customer of two. Raises NotFound and Conflict."""
    if kept == merged:
        raise Conflict("a customer can't be merged with itself")
    rows = await _lock(connection, kept, merged)
    for id in (kept, merged):
        if rows[id].merged_into is not None:
            raise Conflict(f"the customer {id} is merged into {rows[id].merged_into} already; name that one")
    before = Before(
        identities=await _move(connection, customer_identities, merged, kept),
        conversations=await _move(connection, conversations, merged, kept),
        given=await give(connection, rows[kept], rows[merged], change.now),
    )
    await connection.execute(
        update(customers).where(customers.c.id == merged).values(merged_into=kept, updated_at=change.now)
    )
    done = Merge(
        id=change.new_id(), kept_id=kept, merged_id=merged, reason=reason, before=before,
        merged_at=change.now, undone_at=None,
    )  # fmt: skip
    await connection.execute(
        insert(customer_merges).values(
            id=done.id,
            organization_id=change.organization_id,
            kept_id=kept,
            merged_id=merged,
            reason=reason,
            before=msgspec.to_builtins(before),
            merged_at=change.now,
        )
    )
    details = {"kept": str(kept), "merged": str(merged), "reason": reason}
    await record(connection, change, "merged", "customer", merged, details)
    return done


async def unmerge(connection: AsyncConnection, change: Change, merge_id: UUID) -> Unmerged:
    """Give back what a merge took, as far as it is still as the merge left it. Raises NotFound and Conflict."""
    found = await find_merge(connection, merge_id)
    rows = await _lock(connection, found.kept_id, found.merged_id)
    found = await find_merge(connection, merge_id)  # as it is under the lock
    if found.undone_at is not None:
        raise Conflict(f"the merge {merge_id} was undone at {found.undone_at:%Y-%m-%d %H:%M} UTC already")
    kept = rows[found.kept_id]
    if kept.merged_into is not None:
        later = await _merge_of(connection, found.kept_id)
        raise Conflict(f"the customer {kept.id} was merged into {kept.merged_into} since; undo {later} first")
    identities = await _return(connection, customer_identities, found.before.identities, found)
    talks = await _return(connection, conversations, found.before.conversations, found)
    others = [one for one in await merges_of(connection, found.kept_id) if _is_live(one, found)]
    left = await take_back(
        connection, kept, found.before.given, [(o.id, o.merged_id, o.before) for o in others]
    )
    await connection.execute(
        update(customers)
        .where(customers.c.id == found.merged_id)
        .values(merged_into=None, updated_at=change.now)
    )
    await connection.execute(
        update(customer_merges).where(customer_merges.c.id == merge_id).values(undone_at=change.now)
    )
    details = {"merge": str(merge_id), "kept": str(found.kept_id)}
    await record(connection, change, "unmerged", "customer", found.merged_id, details)
    return Unmerged(
        merge=found,
        identities=identities,
        conversations=talks,
        left=(
            *_missing("identities", len(found.before.identities) - identities),
            *_missing("conversations", len(found.before.conversations) - talks),
            *left,
        ),
    )


async def find_merge(connection: AsyncConnection, merge_id: UUID) -> Merge:
    """A merge by its id. Raises NotFound."""
    rows = await connection.execute(select(customer_merges).where(customer_merges.c.id == merge_id))
    row = rows.one_or_none()
    if row is None:
        raise NotFound(f"there is no merge {merge_id}")
    return _merge(row)


async def merges_of(connection: AsyncConnection, customer_id: UUID) -> list[Merge]:
    """The merges that a customer had a part in, oldest first."""
    mine = or_(customer_merges.c.kept_id == customer_id, customer_merges.c.merged_id == customer_id)
    query = select(customer_merges).where(mine).order_by(customer_merges.c.merged_at, customer_merges.c.id)
    return [_merge(row) for row in await connection.execute(query)]


async def living(connection: AsyncConnection, customer_id: UUID) -> UUID:
    """The customer whom this one is part of by now: itself, or whom it was merged into. Raises NotFound."""
    for _ in range(MAX_CHAIN):
        rows = await connection.execute(select(customers.c.merged_into).where(customers.c.id == customer_id))
        row = rows.one_or_none()
        if row is None:
            raise NotFound(f"there is no customer {customer_id}")
        if row.merged_into is None:
            return customer_id
        customer_id = row.merged_into
    raise Conflict(f"the merges of the customer {customer_id} lead nowhere")


async def same_person(connection: AsyncConnection, customer_id: UUID) -> dict[UUID, Reason]:
    """Other customers with the same verified phone number or address, and which of them it is. Whom an operator has
    parted from this one is left out.
    """
    me = (await connection.execute(select(customers).where(customers.c.id == customer_id))).one()
    checks: list[tuple[Reason, Any]] = []
    if me.phone_verified_at is not None and me.phone:
        checks.append(("phone", (customers.c.phone == me.phone) & customers.c.phone_verified_at.is_not(None)))
    if me.email_verified_at is not None and me.email:
        same = func.lower(customers.c.email) == func.lower(me.email)
        checks.append(("email", same & customers.c.email_verified_at.is_not(None)))
    parted = {id for one in await merges_of(connection, customer_id) if one.undone_at for id in _both(one)}
    found: dict[UUID, Reason] = {}
    for reason, check in checks:
        query = select(customers.c.id).where(check, customers.c.merged_into.is_(None))
        for row in await connection.execute(query.order_by(customers.c.id).limit(MAX_CHAIN)):
            if row.id != customer_id and row.id not in parted:
                found.setdefault(row.id, reason)
    return found


async def oldest(connection: AsyncConnection, ids: Sequence[UUID]) -> UUID:
    """Who of these customers was there first."""
    query = select(customers.c.id).where(customers.c.id.in_(ids))
    rows = await connection.execute(query.order_by(customers.c.created_at, customers.c.id).limit(1))
    first: UUID = rows.scalar_one()
    return first


async def _lock(connection: AsyncConnection, one: UUID, other: UUID) -> dict[UUID, AnyRow]:
    """Lock two customers. Their conversations first, as turns do: no turn of theirs is under way then.

    Raises NotFound.
    """
    talks = select(conversations.c.id).where(conversations.c.customer_id.in_([one, other]))
    await connection.execute(talks.order_by(conversations.c.id).with_for_update(key_share=True))
    query = select(customers).where(customers.c.id.in_([one, other])).order_by(customers.c.id)
    # FOR UPDATE: whoever would begin a conversation of theirs waits, too.
    rows = {row.id: row for row in await connection.execute(query.with_for_update())}
    for id in (one, other):
        if id not in rows:
            raise NotFound(f"there is no customer {id}")
    return rows


async def _move(connection: AsyncConnection, table: Any, before: UUID, after: UUID) -> list[UUID]:
    statement = update(table).where(table.c.customer_id == before).values(customer_id=after)
    return sorted(row.id for row in await connection.execute(statement.returning(table.c.id)))


async def _return(connection: AsyncConnection, table: Any, ids: list[UUID], merge: Merge) -> int:
    statement = update(table).where(table.c.id.in_(ids), table.c.customer_id == merge.kept_id)
    rows = await connection.execute(statement.values(customer_id=merge.merged_id).returning(table.c.id))
    return len(rows.all())


async def _merge_of(connection: AsyncConnection, merged_id: UUID) -> str:
    query = select(customer_merges.c.id).where(
        customer_merges.c.merged_id == merged_id, customer_merges.c.undone_at.is_(None)
    )
    id = (await connection.execute(query)).scalar_one_or_none()
    return f"the merge {id}" if id is not None else "that merge"


def _is_live(one: Merge, found: Merge) -> bool:
    return one.id != found.id and one.undone_at is None and one.kept_id == found.kept_id


def _both(one: Merge) -> tuple[UUID, UUID]:
    return one.kept_id, one.merged_id


def _missing(what: str, number: int) -> tuple[str, ...]:
    return (f"{number} of the {what} are not this customer's any more, or gone",) if number else ()


def _merge(row: AnyRow) -> Merge:
    return Merge(
        id=row.id,
        kept_id=row.kept_id,
        merged_id=row.merged_id,
        reason=row.reason,
        before=msgspec.convert(row.before, Before),
        merged_at=row.merged_at,
        undone_at=row.undone_at,
    )
