"""The versions of a bot's flows: adding, listing and loading them. `storage.publishing` says which one is spoken.

Every function runs in the caller's transaction and never commits it. What a version says never changes once it
was published; the database refuses it (`refuse_change_of_published_flow`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.audit import Change, record
from storage.errors import Conflict, NotFound
from storage.tables import AnyRow, audit_log, chatbots, conversation_flows
from storage.versions import FlowParts, FlowVersion, StoredDocument, VersionHistory, next_version, number_of

MAX_VERSIONS = 10_000
"""Versions of one bot that are looked at to find the next number, or the one before."""
RESOURCE = "conversation_flow"
"""What the audit record calls a flow version."""


_table = conversation_flows
FLOW_COLUMNS = tuple(_table.c[name] for name in FlowVersion.__struct_fields__)
_PARTS = tuple(_table.c[name] for name in FlowParts.__struct_fields__)
_NEWEST_FIRST = (_table.c.created_at.desc(), _table.c.id.desc())


async def list_flows(connection: AsyncConnection, chatbot_id: UUID) -> list[FlowVersion]:
    """A bot's flow versions, the newest first."""
    query = select(*FLOW_COLUMNS).where(_table.c.chatbot_id == chatbot_id).order_by(*_NEWEST_FIRST)
    return [flow_of(row) for row in await connection.execute(query.limit(MAX_VERSIONS))]


async def list_versions(connection: AsyncConnection, chatbot_id: UUID) -> list[VersionHistory]:
    """A bot's flow versions with who made and who published them, the newest first."""
    flows = await list_flows(connection, chatbot_id)
    query = (
        select(audit_log.c.resource_id, audit_log.c.action, audit_log.c.actor)
        .where(
            audit_log.c.resource == RESOURCE,
            audit_log.c.action.in_(("created", "published", "reverted")),
            audit_log.c.resource_id.in_([str(flow.id) for flow in flows]),
        )
        .order_by(audit_log.c.created_at, audit_log.c.id)
    )
    actors = {
        (row.resource_id, row.action == "created"): row.actor for row in await connection.execute(query)
    }
    return [
        VersionHistory(
            flow=flow,
            created_by=actors.get((str(flow.id), True)),
            published_by=actors.get((str(flow.id), False)),
        )
        for flow in flows
    ]


async def add_flow_version(
    connection: AsyncConnection,
    change: Change,
    *,
    chatbot_id: UUID,
    flow_id: str,
    definition: Mapping[str, Any],
    version: str | None = None,
    parts: FlowParts | None = None,
    template_id: UUID | None = None,
) -> FlowVersion:
    """Store a flow as a draft version.

    Without `version` it becomes the one after the newest, or is the newest if nothing has changed since. With
    one that exists: one that was never published takes the new content, a published one must be equal, else
    `Conflict`. Raises `NotFound` when there is no such bot.
    """
    parts = parts or FlowParts()
    await lock_bot(connection, chatbot_id)
    known = await _known_versions(connection, chatbot_id, flow_id)
    newest = max(known, key=number_of, default=None)
    if version is None:
        if newest is not None and await _is_stored(connection, known[newest].id, definition, parts):
            return known[newest]
        version = next_version(newest)
    existing = known.get(version)
    if existing is not None:
        return await _replace(connection, change, existing, definition, parts, free=next_version(newest))
    made = await connection.execute(
        insert(_table)
        .values(
            id=change.new_id(),
            organization_id=change.organization_id,
            chatbot_id=chatbot_id,
            flow_id=flow_id,
            version=version,
            template_id=template_id,
            created_at=change.now,
            updated_at=change.now,
            **_content(definition, parts),
        )
        .returning(*FLOW_COLUMNS)
    )
    flow = flow_of(made.one())
    details = {"chatbot": str(chatbot_id), "flow": flow_id, "version": version}
    await record(connection, change, "created", RESOURCE, flow.id, details)
    return flow


async def load_document(connection: AsyncConnection, flow: UUID) -> StoredDocument:
    """A flow version and all that it says. Raises `NotFound`."""
    query = select(*FLOW_COLUMNS, _table.c.flow_definition, *_PARTS).where(_table.c.id == flow)
    row = (await connection.execute(query)).one_or_none()
    if row is None:
        raise NotFound(f"there is no flow version {flow}")
    return StoredDocument(
        flow=flow_of(row),
        definition=row.flow_definition,
        parts=FlowParts(**{name: row._mapping[name] for name in FlowParts.__struct_fields__}),
    )


async def load_definition(connection: AsyncConnection, flow: UUID) -> dict[str, Any]:
    """The definition of a flow version. Raises `NotFound`."""
    return (await load_document(connection, flow)).definition


async def lock_bot(connection: AsyncConnection, chatbot_id: UUID) -> UUID | None:
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
        select(*FLOW_COLUMNS)
        .where(_table.c.chatbot_id == chatbot_id, _table.c.flow_id == flow_id)
        .order_by(*_NEWEST_FIRST)
        .limit(MAX_VERSIONS)
    )
    return {row.version: flow_of(row) for row in await connection.execute(query)}


def _content(definition: Mapping[str, Any], parts: FlowParts) -> dict[str, Any]:
    """The columns of what a version says."""
    return {
        "flow_definition": dict(definition),
        "flow_metadata": dict(parts.flow_metadata),
        "variable_definitions": dict(parts.variable_definitions),
        "translations": dict(parts.translations),
        "supported_languages": list(parts.supported_languages),
        "default_language": parts.default_language,
        "test_scenarios": dict(parts.test_scenarios),
        "source": parts.source,
    }


async def _is_stored(
    connection: AsyncConnection, flow: UUID, definition: Mapping[str, Any], parts: FlowParts
) -> bool:
    """Whether the version says just this, in this order; who brings no source does not mind the order."""
    stored = await load_document(connection, flow)
    before, after = _content(stored.definition, stored.parts), _content(definition, parts)
    if after["source"] is None:
        before["source"] = None
    return before == after


async def _replace(
    connection: AsyncConnection,
    change: Change,
    flow: FlowVersion,
    definition: Mapping[str, Any],
    parts: FlowParts,
    *,
    free: str,
) -> FlowVersion:
    if await _is_stored(connection, flow.id, definition, parts):
        return flow
    if flow.published_at is not None:
        raise Conflict(
            f"version {flow.version} of {flow.flow_id} is published and differs: "
            f"add a new version, such as {free}"
        )
    replaced = await connection.execute(
        update(_table)
        .where(_table.c.id == flow.id)
        .values(updated_at=change.now, **_content(definition, parts))
        .returning(*FLOW_COLUMNS)
    )
    await record(connection, change, "updated", RESOURCE, flow.id, {"version": flow.version})
    return flow_of(replaced.one())


def flow_of(row: AnyRow) -> FlowVersion:
    return FlowVersion(**{name: row._mapping[name] for name in FlowVersion.__struct_fields__})
