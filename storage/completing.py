"""What a platform knows of a customer, filled in where we know nothing.

Runs in the caller's transaction and never commits it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.errors import Conflict
from storage.tables import AnyRow, customer_identities, customers

VOUCHED: Final = ("email", "phone")


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What a platform tells of a person; empty where it says nothing."""

    first_name: str = ""
    last_name: str = ""
    language: str = ""
    timezone: str = ""
    email: str = ""
    """The platform vouches for it, as for the number."""
    phone: str = ""


class Completed(msgspec.Struct, frozen=True, kw_only=True):
    """Whose profile it is, and whether it has a verified address or number that the platform told."""

    customer_id: UUID
    verified: bool


async def complete(
    connection: AsyncConnection, channel_id: UUID, external_id: str, told: Told, now: datetime
) -> Completed | None:
    """Fill in what the customer of an identity lacks; names go together. A verified address or number takes the place
    of one that is not. None when there is no such identity. Raises Conflict: the customer was merged just now.
    """
    customer_id = await _owner(connection, channel_id, external_id)
    if customer_id is None:
        return None
    query = select(customers).where(customers.c.id == customer_id).with_for_update(key_share=True)
    row = (await connection.execute(query)).one_or_none()
    # Whoever merges customers locks them before their identities: under our lock this answer holds.
    if row is None or await _owner(connection, channel_id, external_id) != customer_id:
        raise Conflict("the customer was merged or forgotten just now")
    values = _lacking(row, told, now)
    if values:
        await connection.execute(
            update(customers).where(customers.c.id == customer_id).values({**values, "updated_at": now})
        )
    after = {**row._mapping, **values}
    return Completed(customer_id=customer_id, verified=any(_is_told(after, name, told) for name in VOUCHED))


async def _owner(connection: AsyncConnection, channel_id: UUID, external_id: str) -> UUID | None:
    query = select(customer_identities.c.customer_id).where(
        customer_identities.c.channel_id == channel_id, customer_identities.c.external_id == external_id
    )
    owner: UUID | None = (await connection.execute(query)).scalar_one_or_none()
    return owner


def _lacking(row: AnyRow, told: Told, now: datetime) -> dict[str, Any]:
    mine = row._mapping
    values: dict[str, Any] = {}
    if not (mine["first_name"] or mine["last_name"]):
        values |= {"first_name": told.first_name or None, "last_name": told.last_name or None}
    for name in ("language", "timezone"):
        if not mine[name]:
            values[name] = getattr(told, name) or None
    for name in VOUCHED:
        if getattr(told, name) and mine[f"{name}_verified_at"] is None:
            values |= {name: getattr(told, name), f"{name}_verified_at": now}
    return {name: value for name, value in values.items() if value is not None}


def _is_told(after: dict[str, Any], name: str, told: Told) -> bool:
    value: str = getattr(told, name)
    return (
        bool(value) and after[f"{name}_verified_at"] is not None and str(after[name]).lower() == value.lower()
    )
