"""Bots to and from folders (`gateway.flows.folder`)."""

from __future__ import annotations

from datetime import datetime

from gateway.admin.bots import ACTOR, check_slug
from gateway.admin.flows import Published, published_document, store_document
from gateway.flows.folder import BotFolder
from storage.audit import Change
from storage.bots import Chatbot, load_settings, save_chatbot
from storage.database import Database
from storage.organizations import Organization
from storage.publishing import publish as publish_version


async def export_bot(
    database: Database, organization: Organization, bot: Chatbot, version: str | None = None
) -> BotFolder:
    """A bot with what a version says, by default the published one. Raises NotFound, and storage's."""
    async with database.transaction([organization.id]) as connection:
        return BotFolder(
            slug=bot.slug,
            name=bot.name,
            description=bot.description,
            settings=await load_settings(connection, bot.id),
            document=await published_document(connection, bot, version),
        )


async def import_bot(
    database: Database,
    organization: Organization,
    folder: BotFolder,
    *,
    slug: str | None = None,
    publish: bool = False,
    now: datetime,
) -> Published:
    """Bring a bot (made if need be) to what a folder says: its settings at once, its flow as a draft.

    `publish` makes the flow the one that is spoken. Raises storage's Conflict when a published version of the
    document's number says something else. `check_document` or `pass_gate` come first.
    """
    check_slug(slug or folder.slug)
    change = Change(organization_id=organization.id, actor=ACTOR, now=now)
    async with database.transaction([organization.id]) as connection:
        bot = await save_chatbot(
            connection,
            change,
            slug=slug or folder.slug,
            name=folder.name,
            description=folder.description,
            settings=folder.settings,
        )
        flow = await store_document(connection, change, bot.id, folder.document)
        if publish:
            flow = await publish_version(connection, change, flow.id)
    return Published(bot=bot, flow=flow, changed=bot.active_flow_id != flow.id)
