"""Publishing, reverting and reading the versions of a bot's flow."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from engine.document import DEFINITION
from gateway.admin.bots import ACTOR, check_slug
from gateway.errors import NotFound
from gateway.flows.document import (
    FLOW_ID,
    Document,
    as_document,
    document_of,
    parts_of,
    with_version,
)
from storage.audit import Change
from storage.bots import Chatbot, find_chatbot, save_chatbot
from storage.database import Database
from storage.flows import add_flow_version, list_flows, list_versions, load_document
from storage.organizations import Organization
from storage.publishing import mark_testing, publish, revert
from storage.versions import FlowVersion, VersionHistory, select_version


class Published(msgspec.Struct, frozen=True, kw_only=True):
    """What publishing came to. `changed` is False when the very same document was stored so already."""

    bot: Chatbot
    flow: FlowVersion
    changed: bool


async def publish_document(
    database: Database,
    organization: Organization,
    document: Document,
    *,
    slug: str,
    name: str = "",
    version: str | None = None,
    now: datetime,
    staged: bool = False,
) -> Published:
    """Store a document as a version of the bot (made if need be), and publish it; `staged` only marks it testing.

    The number is `version`, or the document's own, or the next one. Raises storage's Conflict when a published
    version of that number says something else. `tests_gate.pass_gate` comes first.
    """
    check_slug(slug)
    if version is not None:
        as_document({DEFINITION: {}, "version": version}, "--version")
    change = Change(organization_id=organization.id, actor=ACTOR, now=now)
    async with database.transaction([organization.id]) as connection:
        bot = await find_chatbot(connection, organization.id, slug)
        if bot is None:
            bot = await save_chatbot(connection, change, slug=slug, name=name or title_of(slug))
        flow = await store_document(connection, change, bot.id, document, version=version)
        if not staged:
            flow = await publish(connection, change, flow.id)
        elif flow.status == "draft":
            flow = await mark_testing(connection, change, flow.id)
    changed = flow.updated_at == now if staged else flow.id != bot.active_flow_id
    return Published(bot=bot, flow=flow, changed=changed)


async def store_document(
    connection: AsyncConnection,
    change: Change,
    chatbot_id: UUID,
    document: Document,
    *,
    version: str | None = None,
    template_id: UUID | None = None,
) -> FlowVersion:
    """Store a document as a draft version, under the number that it says unless told otherwise."""
    document = with_version(document, version)
    return await add_flow_version(
        connection,
        change,
        chatbot_id=chatbot_id,
        flow_id=document.get("flow_id", FLOW_ID),
        definition=document[DEFINITION],
        version=version or document.get("version"),
        parts=parts_of(document),
        template_id=template_id,
    )


async def revert_flow(
    database: Database, organization: Organization, bot: Chatbot, version: str | None, now: datetime
) -> Published:
    """Publish an earlier version again: `version`, or the one before. Raises storage's NotFound and Conflict."""
    change = Change(organization_id=organization.id, actor=ACTOR, now=now)
    async with database.transaction([organization.id]) as connection:
        flow = await revert(connection, change, bot.id, version)
    return Published(bot=bot, flow=flow, changed=flow.id != bot.active_flow_id)


async def versions_of(database: Database, organization: Organization, bot: Chatbot) -> list[VersionHistory]:
    """A bot's versions with who made and published them, the newest first."""
    async with database.transaction([organization.id]) as connection:
        return await list_versions(connection, bot.id)


async def document_of_version(
    database: Database, organization: Organization, bot: Chatbot, version: str | None = None
) -> Document:
    """What a version says, by default the published one. Raises NotFound, and storage's."""
    async with database.transaction([organization.id]) as connection:
        return await published_document(connection, bot, version)


async def published_document(
    connection: AsyncConnection, bot: Chatbot, version: str | None = None
) -> Document:
    """The same within a transaction."""
    flow_id = bot.active_flow_id
    if version is not None:
        flows = await list_flows(connection, bot.id)
        active = next((flow for flow in flows if flow.id == bot.active_flow_id), None)
        flow_id = select_version(flows, version, active).id
    if flow_id is None:
        raise NotFound(f"no flow of {bot.slug} is published yet")
    stored = await load_document(connection, flow_id)
    return document_of(stored.definition, stored.parts, stored.flow)


def title_of(slug: str) -> str:
    """A name for who gave none: `shoe-shop` is `Shoe Shop`."""
    return slug.replace("-", " ").title()
