"""Message templates as WhatsApp approved them: fetched, stored, and told to whoever asks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from adapters.protocol import ChannelAccess
from adapters.whatsapp import manage
from storage.channels import Channel
from storage.database import Database
from storage.message_templates import StoredTemplate, list_templates, replace_templates
from storage.organizations import Organization


async def sync_templates(
    database: Database, organization: Organization, channel: Channel, access: ChannelAccess, now: datetime
) -> Sequence[StoredTemplate]:
    """Fetch the business account's templates and store them; those that are gone at Meta go here. Raises
    `SendFailed`."""
    found = [
        StoredTemplate(
            name=template.name,
            language=template.language,
            category=template.category,
            status=template.status,
            reason=template.reason,
            components=list(template.components),
        )
        for template in await manage.list_templates(access)
    ]
    async with database.transaction([organization.id]) as connection:
        await replace_templates(connection, organization.id, channel.id, found, now)
    return found


async def templates_of(
    database: Database, organization: Organization, channel: Channel
) -> Sequence[StoredTemplate]:
    """The templates as they were last fetched, with what Meta reported since."""
    async with database.transaction([organization.id]) as connection:
        return await list_templates(connection, channel.id)
