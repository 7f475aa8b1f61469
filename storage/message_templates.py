"""Message templates of WhatsApp channels, as Meta approved them.

Every function runs in the caller's transaction and never commits it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import delete, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.tables import channels, message_templates


class StoredTemplate(msgspec.Struct, frozen=True, kw_only=True):
    """A template in one language."""

    name: str
    language: str
    category: str
    status: str
    """`APPROVED`, `PENDING`, `REJECTED`, `PAUSED`, … as Meta says."""
    reason: str = ""
    """Why it was refused."""
    components: list[Any] = []


_TEMPLATE = tuple(message_templates.c[name] for name in StoredTemplate.__struct_fields__)


async def replace_templates(
    connection: AsyncConnection,
    organization_id: UUID,
    channel_id: UUID,
    templates: Sequence[StoredTemplate],
    now: datetime,
) -> None:
    """These are all of the channel's templates from now on."""
    keys = [(template.name, template.language) for template in templates]
    table = message_templates
    gone = delete(table).where(table.c.channel_id == channel_id)
    if keys:
        gone = gone.where(tuple_(table.c.name, table.c.language).not_in(keys))
    await connection.execute(gone)
    for template in templates:
        values = {
            "category": template.category,
            "status": template.status,
            "reason": template.reason,
            "components": template.components,
            "updated_at": now,
            "synced_at": now,
        }
        row = {"organization_id": organization_id, "channel_id": channel_id, "created_at": now}
        row |= {"name": template.name, "language": template.language}
        await connection.execute(
            insert(table)
            .values(**row, **values)
            .on_conflict_do_update(index_elements=["channel_id", "name", "language"], set_=values)
        )
    await _touch(connection, channel_id, now)


async def change_template(
    connection: AsyncConnection,
    channel_id: UUID,
    *,
    name: str,
    language: str,
    status: str,
    reason: str,
    category: str,
    now: datetime,
) -> bool:
    """The platform reported another status or category (empty: as it was); False when there is no such template."""
    table = message_templates
    values = {"status": status, "category": category, "reason": reason}
    changed = await connection.execute(
        update(table)
        .where(table.c.channel_id == channel_id, table.c.name == name, table.c.language == language)
        .values(
            {key: value for key, value in values.items() if value or key == "reason"} | {"updated_at": now}
        )
    )
    await _touch(connection, channel_id, now)
    return changed.rowcount > 0


async def list_templates(connection: AsyncConnection, channel_id: UUID) -> list[StoredTemplate]:
    """The channel's templates, by name and language."""
    table = message_templates
    query = (
        select(*_TEMPLATE).where(table.c.channel_id == channel_id).order_by(table.c.name, table.c.language)
    )
    return [StoredTemplate(**row._mapping) for row in await connection.execute(query)]


async def _touch(connection: AsyncConnection, channel_id: UUID, now: datetime) -> None:
    """Running servers take the channel up anew."""
    await connection.execute(update(channels).where(channels.c.id == channel_id).values(updated_at=now))
