"""Which version of a flow a bot speaks: draft → testing → active → archived, and active again by a revert.

Every function runs in the caller's transaction and never commits it.
"""

from __future__ import annotations

from typing import Final
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.audit import Change, record
from storage.errors import Conflict, NotFound
from storage.flows import FLOW_COLUMNS, RESOURCE, flow_of, list_flows, lock_bot
from storage.tables import chatbots, conversation_flows
from storage.versions import FlowVersion, select_version

_table: Final = conversation_flows


async def mark_testing(connection: AsyncConnection, change: Change, flow: UUID) -> FlowVersion:
    """Set a draft aside for testing: stored, not spoken by any bot. Raises `NotFound` and `Conflict`."""
    found, _ = await _lock(connection, flow)
    if found.status == "testing":
        return found
    if found.status != "draft":
        raise Conflict(f"version {found.version} of {found.flow_id} is {found.status}: it was published")
    marked = await connection.execute(
        update(_table)
        .where(_table.c.id == flow)
        .values(status="testing", updated_at=change.now)
        .returning(*FLOW_COLUMNS)
    )
    await record(connection, change, "testing", RESOURCE, flow, {"version": found.version})
    return flow_of(marked.one())


async def publish(connection: AsyncConnection, change: Change, flow: UUID) -> FlowVersion:
    """Make a flow version the one that new conversations start on. Raises `NotFound`.

    Conversations under way stay on theirs. An archived version can be published again.
    """
    return await _activate(connection, change, flow, "published")


async def revert(
    connection: AsyncConnection, change: Change, chatbot_id: UUID, version: str | None = None
) -> FlowVersion:
    """Publish an archived version again: `version`, by default the one that was made before the active one.

    Conversations under way stay on theirs. Raises `NotFound` and `Conflict`.
    """
    active_id = await lock_bot(connection, chatbot_id)
    flows = await list_flows(connection, chatbot_id)
    active = next((flow for flow in flows if flow.id == active_id), None)
    if active is None:
        raise Conflict("nothing is published yet, so there is nothing to go back from")
    if version is None:
        earlier = flows[flows.index(active) + 1 :]
        target = next((flow for flow in earlier if flow.status == "archived"), None)
        if target is None:
            raise NotFound(f"no version was published before {active.version}")
    else:
        target = select_version(flows, version, active)
        if target.id != active.id and target.status != "archived":
            raise Conflict(
                f"version {version} is {target.status} and was never published: publish it instead"
            )
    return await _activate(connection, change, target.id, "reverted")


async def _lock(connection: AsyncConnection, id: UUID) -> tuple[FlowVersion, UUID | None]:
    """A flow version, as it is once its bot is locked, and the bot's active one. Raises `NotFound`."""
    query = select(*FLOW_COLUMNS).where(_table.c.id == id)
    row = (await connection.execute(query)).one_or_none()
    if row is None:
        raise NotFound(f"there is no flow version {id}")
    active = await lock_bot(connection, row.chatbot_id)
    return flow_of((await connection.execute(query)).one()), active


async def _activate(connection: AsyncConnection, change: Change, id: UUID, action: str) -> FlowVersion:
    flow, before = await _lock(connection, id)
    if before == id:
        return flow
    await connection.execute(
        update(_table)
        .where(_table.c.chatbot_id == flow.chatbot_id, _table.c.status == "active")
        .values(status="archived", updated_at=change.now)
    )
    active = await connection.execute(
        update(_table)
        .where(_table.c.id == flow.id)
        .values(status="active", published_at=change.now, updated_at=change.now)
        .returning(*FLOW_COLUMNS)
    )
    await connection.execute(
        update(chatbots)
        .where(chatbots.c.id == flow.chatbot_id)
        .values(active_flow_id=flow.id, updated_at=change.now)
    )
    details = {"version": flow.version, "flow": flow.flow_id, "before": str(before) if before else None}
    await record(connection, change, action, RESOURCE, flow.id, details)
    return flow_of(active.one())
