"""A bot's secrets: set, listed and removed by operators; their values never come back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from gateway.admin.bots import ACTOR
from storage import secrets
from storage.audit import Change
from storage.bots import Chatbot
from storage.database import Database
from storage.keyring import Keyring
from storage.organizations import Organization
from storage.secrets import StoredSecret


async def set_secret(
    database: Database,
    keyring: Keyring,
    organization: Organization,
    bot: Chatbot,
    *,
    name: str,
    value: str,
    now: datetime,
) -> StoredSecret:
    """Store or replace a secret. Raises `SecretInvalid`."""
    change = Change(organization_id=organization.id, actor=ACTOR, now=now)
    async with database.transaction([organization.id]) as connection:
        return await secrets.set_secret(
            connection, change, keyring, chatbot_id=bot.id, name=name, value=value
        )


async def remove_secret(
    database: Database, organization: Organization, bot: Chatbot, *, name: str, now: datetime
) -> None:
    """Forget a secret. Raises `NotFound`."""
    change = Change(organization_id=organization.id, actor=ACTOR, now=now)
    async with database.transaction([organization.id]) as connection:
        await secrets.delete_secret(connection, change, chatbot_id=bot.id, name=name)


async def secrets_of(database: Database, organization: Organization, bot: Chatbot) -> Sequence[StoredSecret]:
    """A bot's secrets by name, without their values."""
    async with database.transaction([organization.id]) as connection:
        return await secrets.list_secrets(connection, bot.id)
