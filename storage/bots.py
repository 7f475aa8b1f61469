"""Bots. Every function runs in the caller's transaction and never commits it."""

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
from storage.errors import NotFound
from storage.tables import AnyRow, chatbots


class Chatbot(msgspec.Struct, frozen=True, kw_only=True):
    """A bot; `active_flow_id` is the flow version that new conversations start on."""

    id: UUID
    slug: str
    name: str
    description: str
    active_flow_id: UUID | None
    is_active: bool
    updated_at: datetime


_BOT = tuple(chatbots.c[name] for name in Chatbot.__struct_fields__)


async def save_chatbot(
    connection: AsyncConnection,
    change: Change,
    *,
    slug: str,
    name: str,
    description: str = "",
    settings: Mapping[str, Any] | None = None,
) -> Chatbot:
    """Make the bot of that slug, or bring name, description and settings up to date."""
    values = {"name": name, "description": description, "settings": dict(settings or {})}
    before = (
        await connection.execute(select(*_BOT, chatbots.c.settings).where(chatbots.c.slug == slug))
    ).one_or_none()
    if before is not None and all(before._mapping[key] == value for key, value in values.items()):
        return _chatbot(before)
    saved = await connection.execute(
        insert(chatbots)
        .values(
            id=change.new_id(),
            organization_id=change.organization_id,
            slug=slug,
            created_at=change.now,
            updated_at=change.now,
            **values,
        )
        .on_conflict_do_update(
            index_elements=[chatbots.c.organization_id, chatbots.c.slug],
            set_={**values, "updated_at": change.now},
        )
        .returning(*_BOT)
    )
    bot = _chatbot(saved.one())
    await record(connection, change, "updated" if before else "created", "chatbot", bot.id, {"slug": slug})
    return bot


async def find_chatbot(connection: AsyncConnection, organization_id: UUID, slug: str) -> Chatbot | None:
    """The organization's bot of that slug."""
    query = select(*_BOT).where(chatbots.c.organization_id == organization_id, chatbots.c.slug == slug)
    row = (await connection.execute(query)).one_or_none()
    return None if row is None else _chatbot(row)


async def list_chatbots(connection: AsyncConnection) -> list[Chatbot]:
    """The bots of the transaction's organizations, by slug."""
    return [_chatbot(row) for row in await connection.execute(select(*_BOT).order_by(chatbots.c.slug))]


async def load_settings(connection: AsyncConnection, chatbot_id: UUID) -> dict[str, Any]:
    """A bot's settings. Raises `NotFound`."""
    query = select(chatbots.c.settings).where(chatbots.c.id == chatbot_id)
    settings: dict[str, Any] | None = (await connection.execute(query)).scalar_one_or_none()
    if settings is None:
        raise NotFound(f"there is no chatbot {chatbot_id}")
    return settings


def _chatbot(row: AnyRow) -> Chatbot:
    return Chatbot(**{name: row._mapping[name] for name in Chatbot.__struct_fields__})
