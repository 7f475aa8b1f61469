"""Bots and their flow versions. Every function runs in the caller's transaction and never commits it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.audit import Change, record
from storage.errors import Conflict, NotFound
from storage.tables import AnyRow, chatbots, conversation_flows

FIRST_VERSION = "1.0.0"
MAX_VERSIONS = 10_000
"""Versions of one flow that are looked at to find the next number."""


class Chatbot(msgspec.Struct, frozen=True, kw_only=True):
    """A bot; `active_flow_id` is the flow version that new conversations start on."""

    id: UUID
    slug: str
    name: str
    description: str
    active_flow_id: UUID | None
    is_active: bool
    updated_at: datetime


class FlowVersion(msgspec.Struct, frozen=True, kw_only=True):
    """A version of a flow, without its definition."""

    id: UUID
    chatbot_id: UUID
    flow_id: str
    version: str
    status: str
    created_at: datetime
    published_at: datetime | None


_BOT = tuple(chatbots.c[name] for name in Chatbot.__struct_fields__)
_FLOW = tuple(conversation_flows.c[name] for name in FlowVersion.__struct_fields__)


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


async def list_flows(connection: AsyncConnection, chatbot_id: UUID) -> list[FlowVersion]:
    """A bot's flow versions, the newest first."""
    query = (
        select(*_FLOW)
        .where(conversation_flows.c.chatbot_id == chatbot_id)
        .order_by(conversation_flows.c.created_at.desc(), conversation_flows.c.id.desc())
    )
    return [_flow(row) for row in await connection.execute(query)]


async def add_flow_version(
    connection: AsyncConnection,
    change: Change,
    *,
    chatbot_id: UUID,
    flow_id: str,
    definition: Mapping[str, Any],
    version: str | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> FlowVersion:
    """Store a flow definition as a draft version.

    Without `version` it becomes the one after the newest, or is the newest if nothing has changed since.
    With one that exists: a draft takes the new definition, a published one must be equal, else `Conflict`.
    """
    await _lock(connection, chatbot_id)
    known = await _known_versions(connection, chatbot_id, flow_id)
    if version is None:
        newest = max(known, key=_number, default=None)
        if newest is not None and await _definition(connection, known[newest].id) == definition:
            return known[newest]
        version = _next(newest)
    existing = known.get(version)
    if existing is not None:
        return await _replace_draft(connection, change, existing, definition)
    made = await connection.execute(
        insert(conversation_flows)
        .values(
            id=change.new_id(),
            organization_id=change.organization_id,
            chatbot_id=chatbot_id,
            flow_id=flow_id,
            version=version,
            flow_definition=dict(definition),
            flow_metadata=dict(metadata or {}),
            created_at=change.now,
            updated_at=change.now,
        )
        .returning(*_FLOW)
    )
    flow = _flow(made.one())
    details = {"chatbot": str(chatbot_id), "flow": flow_id, "version": version}
    await record(connection, change, "created", "conversation_flow", flow.id, details)
    return flow


async def publish(connection: AsyncConnection, change: Change, flow: UUID) -> FlowVersion:
    """Make a flow version the one that new conversations start on. Raises `NotFound`.

    Conversations under way stay on theirs. An archived version can be published again.
    """
    row = (await connection.execute(select(*_FLOW).where(conversation_flows.c.id == flow))).one_or_none()
    if row is None:
        raise NotFound(f"there is no flow version {flow}")
    before = await _lock(connection, row.chatbot_id)
    if before == flow:
        return _flow(row)
    table = conversation_flows
    await connection.execute(
        update(table)
        .where(table.c.chatbot_id == row.chatbot_id, table.c.status == "active")
        .values(status="archived", updated_at=change.now)
    )
    published = await connection.execute(
        update(table)
        .where(table.c.id == flow)
        .values(status="active", published_at=change.now, updated_at=change.now)
        .returning(*_FLOW)
    )
    await connection.execute(
        update(chatbots)
        .where(chatbots.c.id == row.chatbot_id)
        .values(active_flow_id=flow, updated_at=change.now)
    )
    details = {"version": row.version, "flow": row.flow_id, "before": str(before) if before else None}
    await record(connection, change, "published", "conversation_flow", flow, details)
    return _flow(published.one())


async def load_definition(connection: AsyncConnection, flow: UUID) -> dict[str, Any]:
    """The definition of a flow version. Raises `NotFound`."""
    definition = await _definition(connection, flow)
    if definition is None:
        raise NotFound(f"there is no flow version {flow}")
    return definition


async def _lock(connection: AsyncConnection, chatbot_id: UUID) -> UUID | None:
    """One change of a bot's flows at a time; returns its active flow. Raises `NotFound`."""
    query = (
        select(chatbots.c.active_flow_id).where(chatbots.c.id == chatbot_id).with_for_update(key_share=True)
    )
    row = (await connection.execute(query)).one_or_none()
    if row is None:
        raise NotFound(f"there is no chatbot {chatbot_id}")
    active: UUID | None = row.active_flow_id
    return active


async def _known_versions(
    connection: AsyncConnection, chatbot_id: UUID, flow_id: str
) -> dict[str, FlowVersion]:
    query = (
        select(*_FLOW)
        .where(conversation_flows.c.chatbot_id == chatbot_id, conversation_flows.c.flow_id == flow_id)
        .order_by(conversation_flows.c.created_at.desc())
        .limit(MAX_VERSIONS)
    )
    return {row.version: _flow(row) for row in await connection.execute(query)}


async def _definition(connection: AsyncConnection, flow: UUID) -> dict[str, Any] | None:
    query = select(conversation_flows.c.flow_definition).where(conversation_flows.c.id == flow)
    definition: dict[str, Any] | None = (await connection.execute(query)).scalar_one_or_none()
    return definition


async def _replace_draft(
    connection: AsyncConnection, change: Change, flow: FlowVersion, definition: Mapping[str, Any]
) -> FlowVersion:
    if await _definition(connection, flow.id) == definition:
        return flow
    if flow.status != "draft":
        raise Conflict(
            f"version {flow.version} of {flow.flow_id} is published and differs: add a new version"
        )
    await connection.execute(
        update(conversation_flows)
        .where(conversation_flows.c.id == flow.id)
        .values(flow_definition=dict(definition), updated_at=change.now)
    )
    await record(connection, change, "updated", "conversation_flow", flow.id, {"version": flow.version})
    return flow


def _number(version: str) -> tuple[int, ...]:
    """`1.10.0` sorts after `1.9.0`; what is no number sorts first."""
    parts = version.split(".")
    return tuple(map(int, parts)) if all(part.isdecimal() for part in parts) else ()


def _next(newest: str | None) -> str:
    numbers = _number(newest) if newest is not None else ()
    if not numbers:
        return FIRST_VERSION
    return ".".join(map(str, (*numbers[:-1], numbers[-1] + 1)))


def _chatbot(row: AnyRow) -> Chatbot:
    return Chatbot(**{name: row._mapping[name] for name in Chatbot.__struct_fields__})


def _flow(row: AnyRow) -> FlowVersion:
    return FlowVersion(**row._mapping)
