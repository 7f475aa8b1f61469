"""Customers, as operators look at them. Reads only; see `storage.merges` for what changes them."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

import msgspec

from storage.database import Database
from storage.deliveries import transaction
from storage.queries import load

_SQL = load("customers")
_BEGINNING: Final = re.compile(r"[0-9a-f-]{1,36}")
_SPECIAL: Final = re.compile(r"[%_\\]")
MAX_CONVERSATIONS: Final = 100
"""Of one customer, the newest."""


class CustomerLine(msgspec.Struct, frozen=True, kw_only=True):
    """A customer, for a list."""

    id: UUID
    name: str
    email: str
    phone: str
    created_at: datetime
    channels: str
    last_message_at: datetime | None


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a customer."""

    id: UUID
    external_id: str | None
    first_name: str | None
    last_name: str | None
    email: str | None
    email_verified_at: datetime | None
    phone: str | None
    phone_verified_at: datetime | None
    language: str | None
    timezone: str | None
    reachable: bool
    opted_out_at: datetime | None
    merged_into: UUID | None
    created_at: datetime


class IdentityLine(msgspec.Struct, frozen=True, kw_only=True):
    """An id on a channel; an alias stands beside another one of the same person."""

    external_id: str
    is_alias: bool
    channel: str
    created_at: datetime


class TalkLine(msgspec.Struct, frozen=True, kw_only=True):
    """A conversation of a customer."""

    id: UUID
    channel: str
    status: str
    message_count: int
    last_message_at: datetime | None


class MergeLine(msgspec.Struct, frozen=True, kw_only=True):
    """A merge that a customer had a part in."""

    id: UUID
    kept_id: UUID
    merged_id: UUID
    reason: str
    merged_at: datetime
    undone_at: datetime | None


class Portrait(msgspec.Struct, frozen=True, kw_only=True):
    """A customer, whole."""

    profile: Profile
    identities: list[IdentityLine]
    conversations: list[TalkLine]
    merges: list[MergeLine]


async def list_customers(
    database: Database, organization_id: UUID, search: str | None, limit: int
) -> list[CustomerLine]:
    """Customers, those with the newest messages first; `search` is a part of what they are known by."""
    pattern = None if search is None else "%" + _SPECIAL.sub(r"\\\g<0>", search) + "%"
    rows = await _fetch(database, organization_id, "list", pattern, limit)
    return [CustomerLine(**row) for row in rows]


async def find_ids(
    database: Database, organization_id: UUID, what: Literal["find", "find_merge"], beginning: str
) -> list[UUID]:
    """The customers, or merges, whose id begins so; two at most."""
    beginning = beginning.strip().lower()
    if not _BEGINNING.fullmatch(beginning):
        return []
    return [row["id"] for row in await _fetch(database, organization_id, what, beginning)]


async def portray(database: Database, organization_id: UUID, customer_id: UUID) -> Portrait:
    """What is known of a customer, who is there."""
    async with database.raw() as connection, transaction(connection, {organization_id}):
        profile = await connection.fetchrow(_SQL["profile"], customer_id)
        assert profile is not None
        identities = await connection.fetch(_SQL["identities"], customer_id)
        talks = await connection.fetch(_SQL["conversations"], customer_id, MAX_CONVERSATIONS)
        merges = await connection.fetch(_SQL["merges"], customer_id)
    return Portrait(
        profile=Profile(**profile),
        identities=[IdentityLine(**row) for row in identities],
        conversations=[TalkLine(**row) for row in talks],
        merges=[MergeLine(**row) for row in merges],
    )


async def bots_of(database: Database, organization_id: UUID, customer_id: UUID) -> frozenset[UUID]:
    """The bots that a customer talks to."""
    rows = await _fetch(database, organization_id, "bots", customer_id)
    return frozenset(row["chatbot_id"] for row in rows)


async def _fetch(database: Database, organization_id: UUID, name: str, *arguments: Any) -> list[Any]:
    async with database.raw() as connection, transaction(connection, {organization_id}):
        rows: list[Any] = await connection.fetch(_SQL[name], *arguments)
    return rows
