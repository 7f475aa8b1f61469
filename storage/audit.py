"""The record of administrative changes: who did what to which thing of which organization, and when."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.ids import new_id
from storage.tables import audit_log


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """On whose behalf and when something is changed; `new_id` names the rows that come to be."""

    organization_id: UUID
    actor: str
    """Who: `cli`, `user:<id>`, `system`."""
    now: datetime
    ip_address: str | None = None
    new_id: Callable[[], UUID] = new_id


async def record(
    connection: AsyncConnection,
    change: Change,
    action: str,
    resource: str,
    resource_id: UUID | str,
    details: Mapping[str, Any] | None = None,
) -> None:
    """Write one entry in the transaction of the change itself. `details` never holds a secret."""
    await connection.execute(
        insert(audit_log).values(
            id=change.new_id(),
            organization_id=change.organization_id,
            actor=change.actor,
            action=action,
            resource=resource,
            resource_id=str(resource_id),
            details=dict(details or {}),
            ip_address=change.ip_address,
            created_at=change.now,
        )
    )
