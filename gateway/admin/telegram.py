"""Connecting Telegram bots: token checked, stored encrypted, webhook set or polling begun."""

from __future__ import annotations

from datetime import datetime
from uuid import uuid4

import msgspec

from adapters.errors import SendFailed
from adapters.protocol import ChannelAccess
from adapters.telegram import manage
from adapters.telegram.manage import BotIdentity
from gateway.admin.bots import ACTOR
from gateway.admin.channels import access_to, webhook_url
from gateway.errors import Conflict, GatewayError
from gateway.redaction import redact
from gateway.settings import Settings
from storage.audit import Change
from storage.bots import Chatbot
from storage.channels import (
    Channel,
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

SECRET_PATHS = ("/bot_token", "/secret_token")


class Connected(msgspec.Struct, frozen=True, kw_only=True):
    """What connecting came to."""

    channel: Channel
    identity: BotIdentity
    webhook: str
    """The webhook's address; empty when the channel polls."""
    renewed: bool
    """The bot was connected already and has a new token, secret or way of receiving."""
    replaced_webhook: str
    """The address that Telegram posted to before, when it was not ours."""


class TelegramConnector:
    """Connects Telegram bots to one organization's bots."""

    def __init__(
        self, settings: Settings, database: Database, keyring: Keyring, organization: Organization
    ) -> None:
        self._settings = settings
        self._database = database
        self._keyring = keyring
        self._organization = organization

    async def connect(
        self, bot: Chatbot, token: str, *, name: str, polling: bool, now: datetime
    ) -> Connected:
        """Connect, or renew the connection of the same Telegram bot. Raises `SendFailed` and `Conflict`."""
        access = self._access(token)
        identity = await manage.get_me(access)
        polled = polling or not self._settings.public_url
        if not polled:
            manage.check_webhook_url(self._settings.public_url, access)
        before = await manage.get_webhook_info(access)
        existing = await self._existing(identity, bot)
        if polled and before.url:
            await manage.delete_webhook(access)  # Telegram gives no updates to who asks while one is set
        channel = await self._store(bot, existing, identity, access, name=name, polled=polled, now=now)
        url = "" if polled else webhook_url(self._settings, channel)
        if url:
            await self._set_webhook(channel, access, url, now)
        return Connected(
            channel=channel,
            identity=identity,
            webhook=url,
            renewed=existing is not None,
            replaced_webhook="" if before.url.endswith(f"/{channel.route}") else before.url,
        )

    async def disconnect(self, channel: Channel, now: datetime) -> str:
        """Close the channel and remove its webhook; why the latter failed, or nothing."""
        trouble = ""
        try:
            access = await access_to(self._database, self._keyring, self._settings, channel)
            await manage.delete_webhook(access)
        except (SendFailed, StorageError, GatewayError) as error:
            trouble = str(error)
        async with self._database.transaction([self._organization.id]) as connection:
            await set_status(connection, self._change(now), channel.id, "disabled")
        return trouble

    def _access(self, token: str) -> ChannelAccess:
        """What the adapter needs to try a token that is not stored yet, with a new webhook secret."""
        secret = manage.make_secret()
        redact(token)
        redact(secret)
        return ChannelAccess(
            channel_id=uuid4(),
            secrets={"bot_token": token, "secret_token": secret},
            settings={"api_base": self._settings.telegram_api_base},
        )

    async def _existing(self, identity: BotIdentity, bot: Chatbot) -> Channel | None:
        """This Telegram bot's channel: the active one, or else the last one that was disconnected from `bot`.

        Raises Conflict when it is active for another bot.
        """
        async with self._database.transaction([self._organization.id]) as connection:
            channels = await list_channels(connection)
        found = [
            channel
            for channel in channels
            if channel.type == "telegram"
            and channel.settings.get("telegram_bot_id") == identity.id
            and (channel.status == "active" or channel.chatbot_id == bot.id)
        ]
        latest = max(
            found, key=lambda channel: (channel.status == "active", channel.created_at), default=None
        )
        if latest is not None and latest.chatbot_id != bot.id:
            raise Conflict(
                f"@{identity.username} is connected to another bot (channel {latest.id}); "
                f"first: gateway channel disconnect {latest.id}"
            )
        return latest

    async def _store(
        self,
        bot: Chatbot,
        existing: Channel | None,
        identity: BotIdentity,
        access: ChannelAccess,
        *,
        name: str,
        polled: bool,
        now: datetime,
    ) -> Channel:
        change = self._change(now)
        config = dict(access.secrets)
        async with self._database.transaction([self._organization.id]) as connection:
            if existing is None:
                return await create_channel(
                    connection,
                    change,
                    self._keyring,
                    chatbot_id=bot.id,
                    type="telegram",
                    name=name or f"@{identity.username}",
                    route=manage.make_route(),
                    config=config,
                    secret_paths=SECRET_PATHS,
                    settings={"telegram_bot_id": identity.id, "username": identity.username},
                    polled=polled,
                )
            await replace_config(
                connection, change, self._keyring, existing.id, config=config, secret_paths=SECRET_PATHS
            )
            await set_polled(connection, change, existing.id, polled)
            return await set_status(connection, change, existing.id, "active")

    async def _set_webhook(self, channel: Channel, access: ChannelAccess, url: str, now: datetime) -> None:
        """A channel whose webhook can't be set is closed again, so that the list does not lie."""
        try:
            await manage.set_webhook(access, url=url, secret=access.secrets["secret_token"])
        except SendFailed:
            async with self._database.transaction([self._organization.id]) as connection:
                await set_status(connection, self._change(now), channel.id, "disabled")
            raise

    def _change(self, now: datetime) -> Change:
        return Change(organization_id=self._organization.id, actor=ACTOR, now=now)
