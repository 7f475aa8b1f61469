"""What connecting a channel has in common, whatever its platform: find it, store it, close it."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any, Final
from uuid import uuid4

from adapters.errors import SendFailed
from adapters.protocol import ChannelAccess
from gateway.admin.bots import ACTOR
from gateway.admin.channels import access_to
from gateway.channel_defaults import channel_defaults
from gateway.deployments import Deployment
from gateway.errors import Conflict, GatewayError
from gateway.settings import Settings
from storage.audit import Change
from storage.bots import Chatbot
from storage.channels import (
    Channel,
    ChannelType,
    create_channel,
    list_channels,
    replace_config,
    set_polled,
    set_status,
)
from storage.database import Database
from storage.errors import StorageError
from storage.keyring import Keyring
from storage.organizations import Organization

ROUTE_BYTES: Final = 24
"""Of the unguessable part of a webhook's address."""


class Connections:
    """The channels of one organization, for connectors. A channel is one account of a platform: a Telegram bot, a
    WhatsApp number, an app in a Slack workspace; `identity` in its settings names the account."""

    def __init__(self, database: Database, keyring: Keyring, organization: Organization) -> None:
        self._database = database
        self._keyring = keyring
        self._organization = organization

    async def find(self, type: ChannelType, identity: Mapping[str, Any], bot: Chatbot) -> Channel | None:
        """The account's channel: the active one, or else the last one that was disconnected from `bot`.

        `identity` are settings that name the account. Raises Conflict when it is active for another bot.
        """
        async with self._database.transaction([self._organization.id]) as connection:
            channels = await list_channels(connection)
        found = [
            channel
            for channel in channels
            if channel.type == type
            and identity.items() <= channel.settings.items()
            and (channel.status == "active" or channel.chatbot_id == bot.id)
        ]
        latest = max(
            found, key=lambda channel: (channel.status == "active", channel.created_at), default=None
        )
        if latest is not None and latest.chatbot_id != bot.id:
            raise Conflict(
                f"{latest.name} is connected to another bot (channel {latest.id}); "
                f"first: gateway channel disconnect {latest.id}"
            )
        return latest

    async def store(
        self,
        bot: Chatbot,
        existing: Channel | None,
        deployment: Deployment,
        *,
        name: str,
        route: str,
        settings: Mapping[str, Any],
        polled: bool,
        now: datetime,
    ) -> Channel:
        """Make the channel, or give the existing one this configuration and open it; its route stays."""
        change = self._change(now)
        async with self._database.transaction([self._organization.id]) as connection:
            if existing is None:
                return await create_channel(
                    connection,
                    change,
                    self._keyring,
                    chatbot_id=bot.id,
                    type=_TYPES[deployment.platform],
                    name=name,
                    route=route,
                    config=deployment.config,
                    secret_paths=deployment.secret_paths,
                    settings=settings,
                    polled=polled,
                )
            await replace_config(
                connection,
                change,
                self._keyring,
                existing.id,
                config=deployment.config,
                secret_paths=deployment.secret_paths,
            )
            await set_polled(connection, change, existing.id, polled)
            return await set_status(connection, change, existing.id, "active")

    async def close(self, channel: Channel, now: datetime) -> None:
        """Close the channel; its conversations stay."""
        async with self._database.transaction([self._organization.id]) as connection:
            await set_status(connection, self._change(now), channel.id, "disabled")

    async def disconnect(
        self,
        channel: Channel,
        settings: Settings,
        remove: Callable[[ChannelAccess], Awaitable[None]],
        now: datetime,
    ) -> str:
        """Close the channel and `remove` its webhook; why the latter failed, or nothing."""
        trouble = ""
        try:
            await remove(await access_to(self._database, self._keyring, settings, channel))
        except (SendFailed, StorageError, GatewayError) as error:
            trouble = str(error)
        await self.close(channel, now)
        return trouble

    def _change(self, now: datetime) -> Change:
        return Change(organization_id=self._organization.id, actor=ACTOR, now=now)


def route_of(existing: Channel | None) -> str:
    """The last part of a channel's address: as it was, or a new one that nobody can guess."""
    return secrets.token_urlsafe(ROUTE_BYTES) if existing is None else existing.route


def access_before(deployment: Deployment, settings: Settings) -> ChannelAccess:
    """What the adapter needs to try credentials that are not stored yet."""
    return ChannelAccess(
        channel_id=uuid4(),
        secrets={path.rpartition("/")[2]: deployment.at(path) for path in deployment.secret_paths},
        settings={**channel_defaults(settings)[deployment.platform], **deployment.config},
    )


_TYPES: Mapping[str, ChannelType] = {
    "web": "web",
    "telegram": "telegram",
    "whatsapp": "whatsapp",
    "slack": "slack",
}
