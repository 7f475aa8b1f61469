"""Organizations: the tenants."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from storage.audit import Change, record
from storage.database import Database
from storage.ids import new_id
from storage.tables import AnyRow, organizations


class Organization(msgspec.Struct, frozen=True, kw_only=True):
    """A tenant."""

    id: UUID
    slug: str
    name: str
    created_at: datetime


_COLUMNS = (organizations.c.id, organizations.c.slug, organizations.c.name, organizations.c.created_at)


async def find_organization(database: Database, slug: str) -> Organization | None:
    """The organization of that slug."""
    async with database.dispatcher() as dispatcher:
        identifier = await dispatcher.fetchval("SELECT id FROM organizations WHERE slug = $1", slug)
    if identifier is None:
        return None
    async with database.transaction([identifier]) as connection:
        row = (await connection.execute(select(*_COLUMNS))).one_or_none()
    return None if row is None else _organization(row)


async def list_organizations(database: Database) -> list[Organization]:
    """Every organization, by slug. For operators."""
    identifiers = await organization_ids(database)
    if not identifiers:
        return []
    async with database.transaction(identifiers) as connection:
        rows = (await connection.execute(select(*_COLUMNS).order_by(organizations.c.slug))).all()
    return [_organization(row) for row in rows]


async def organization_ids(database: Database) -> list[UUID]:
    """The id of every organization."""
    async with database.dispatcher() as dispatcher:
        return [record["id"] for record in await dispatcher.fetch("SELECT id FROM organizations ORDER BY id")]


async def ensure_organization(
    database: Database, *, slug: str, name: str, actor: str, now: datetime
) -> Organization:
    """The organization of that slug, made if it is not there; safe when several ask at once.

    It is made under its own id: a tenant is born inside its own walls, no other role is needed.
    """
    found = await find_organization(database, slug)
    if found is not None:
        return found
    change = Change(organization_id=new_id(), actor=actor, now=now)
    async with database.transaction([change.organization_id]) as connection:
        made = await connection.execute(
            insert(organizations)
            .values(id=change.organization_id, slug=slug, name=name, created_at=now, updated_at=now)
            .on_conflict_do_nothing(index_elements=[organizations.c.slug])
            .returning(*_COLUMNS)
        )
        row = made.one_or_none()
        if row is not None:
            await record(connection, change, "created", "organization", row.id, {"slug": slug})
            return _organization(row)
    other = await find_organization(database, slug)
    if other is None:
        raise RuntimeError(f"the organization {slug} was made and removed at this moment")
    return other


def _organization(row: AnyRow) -> Organization:
    return Organization(**row._mapping)
