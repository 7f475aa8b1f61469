"""Connecting Telegram bots: token checked, stored encrypted, webhook set or polling begun, menu and texts set."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from adapters.errors import SendFailed
from adapters.protocol import ChannelAccess
from adapters.telegram import manage, profile
from adapters.telegram.manage import BotIdentity
from gateway.admin.connecting import Connections, access_before, route_of
from gateway.deployments import Deployment, read_deployment
from gateway.redaction import redact
from gateway.settings import Settings
from storage.bots import Chatbot
from storage.channels import Channel
from storage.database import Database
from storage.keyring import Keyring
from storage.organizations import Organization


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
    described: tuple[str, ...] = ()
    """What the document had changed at Telegram: `commands`, `description`, …"""


class TelegramConnector:
    """Connects Telegram bots to one organization's bots."""

    def __init__(
        self, settings: Settings, database: Database, keyring: Keyring, organization: Organization
    ) -> None:
        self._settings = settings
        self._database = database
        self._keyring = keyring
        self._connections = Connections(database, keyring, organization)

    async def connect(
        self,
        bot: Chatbot,
        token: str,
        *,
        name: str,
        polling: bool,
        now: datetime,
        document: Mapping[str, Any] | None = None,
        place: str = "",
    ) -> Connected:
        """Connect, or renew the connection of the same Telegram bot.

        `document` is the channel's deployment config. Raises ConfigurationError, `SendFailed` and `Conflict`.
        """
        deployment = self._deployment(token, document or {}, place)
        access = access_before(deployment, self._settings)
        identity = await manage.get_me(access)
        polled = polling or not self._settings.public_url
        if not polled:
            manage.check_webhook_url(self._settings.public_url, access)
        before = await manage.get_webhook_info(access)
        account = {"telegram_bot_id": identity.id}
        existing = await self._connections.find("telegram", account, bot)
        if polled and before.url:
            await manage.delete_webhook(access)  # Telegram gives no updates to who asks while one is set
        route = route_of(existing)
        url = "" if polled else f"{self._settings.public_url}/webhook/telegram/{route}"
        deployment.config["webhook_setup"]["webhook_url"] = url
        deployment.config["bot_configuration"]["bot_username"] = identity.username
        channel = await self._connections.store(
            bot,
            existing,
            deployment,
            name=name or f"@{identity.username}",
            route=route,
            settings={**account, "username": identity.username},
            polled=polled,
            now=now,
        )
        if url:
            await self._set_webhook(channel, access, url, now)
        return Connected(
            channel=channel,
            identity=identity,
            webhook=url,
            renewed=existing is not None,
            replaced_webhook="" if before.url.endswith(f"/{channel.route}") else before.url,
            described=await profile.set_profile(access) if document else (),
        )

    async def disconnect(self, channel: Channel, now: datetime) -> str:
        """Close the channel and remove its webhook; why the latter failed, or nothing."""
        return await self._connections.disconnect(channel, self._settings, manage.delete_webhook, now)

    def _deployment(self, token: str, document: Mapping[str, Any], place: str) -> Deployment:
        secrets = {"bot_token": token, "secret_token": manage.make_secret()}
        for secret in secrets.values():
            redact(secret)
        return read_deployment("telegram", document, secrets, place=place)

    async def _set_webhook(self, channel: Channel, access: ChannelAccess, url: str, now: datetime) -> None:
        """A channel whose webhook can't be set is closed again, so that the list does not lie."""
        setup = access.settings["webhook_setup"]
        try:
            await manage.set_webhook(
                access,
                url=url,
                secret=access.secrets["secret_token"],
                drop_pending_updates=setup["drop_pending_updates"],
            )
        except SendFailed:
            await self._connections.close(channel, now)
            raise
