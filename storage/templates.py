"""Templates: bots to begin from. Every function runs in the caller's transaction and never commits it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.audit import Change, record
from storage.tables import AnyRow, chatbot_templates


class Template(msgspec.Struct, frozen=True, kw_only=True):
    """A template; `version` counts how often it was saved anew."""

    id: UUID
    slug: str
    name: str
    description: str
    category: str
    version: int
    updated_at: datetime


_table = chatbot_templates
_COLUMNS = tuple(_table.c[name] for name in Template.__struct_fields__)


async def save_template(
    connection: AsyncConnection,
    change: Change,
    *,
    slug: str,
    name: str,
    description: str,
    category: str,
    bundle: Mapping[str, Any],
) -> Template:
    """Make the template of that slug, or save it anew: its version goes up when something has changed."""
    values = {"name": name, "description": description, "category": category, "bundle": dict(bundle)}
    before = (
        await connection.execute(
            select(*_COLUMNS, _table.c.bundle)
            .where(_table.c.organization_id == change.organization_id, _table.c.slug == slug)
            .with_for_update()
        )
    ).one_or_none()
    if before is not None and all(before._mapping[key] == value for key, value in values.items()):
        return _template(before)
    saved = await connection.execute(
        insert(_table)
        .values(
            id=change.new_id(),
            organization_id=change.organization_id,
            slug=slug,
            created_at=change.now,
            updated_at=change.now,
            **values,
        )
        .on_conflict_do_update(
            index_elements=[_table.c.organization_id, _table.c.slug],
            set_={**values, "version": _table.c.version + 1, "updated_at": change.now},
        )
        .returning(*_COLUMNS)
    )
    template = _template(saved.one())
    details = {"slug": slug, "version": template.version}
    action = "updated" if template.version > 1 else "created"
    await record(connection, change, action, "chatbot_template", template.id, details)
    return template


async def list_templates(connection: AsyncConnection) -> list[Template]:
    """The templates of the transaction's organizations, by slug."""
    query = select(*_COLUMNS).order_by(_table.c.slug)
    return [_template(row) for row in await connection.execute(query)]


async def find_template(
    connection: AsyncConnection, organization_id: UUID, slug: str
) -> tuple[Template, dict[str, Any]] | None:
    """The organization's template of that slug, with its bundle."""
    query = select(*_COLUMNS, _table.c.bundle).where(
        _table.c.organization_id == organization_id, _table.c.slug == slug
    )
    row = (await connection.execute(query)).one_or_none()
    return None if row is None else (_template(row), row.bundle)


def _template(row: AnyRow) -> Template:
    return Template(**{name: row._mapping[name] for name in Template.__struct_fields__})
