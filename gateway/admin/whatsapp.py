"""Connecting WhatsApp numbers: credentials checked with Meta, stored encrypted, webhook set, templates fetched."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from adapters.errors import SendFailed
from adapters.protocol import ChannelAccess
from adapters.whatsapp import manage
from adapters.whatsapp.manage import PhoneNumber
from gateway.admin.connecting import Connections, access_before, route_of
from gateway.admin.message_templates import sync_templates
from gateway.deployments import Deployment, read_deployment
from gateway.errors import ConfigurationError, Problem
from gateway.settings import Settings
from storage.bots import Chatbot
from storage.channels import Channel
from storage.database import Database
from storage.keyring import Keyring
from storage.organizations import Organization

VERIFY_TOKEN_BYTES = 24
_IDS = (
    ("authentication", "business_phone_number_id", "--phone-number-id"),
    ("business_account", "business_account_id", "--business-account-id"),
)
"""What names the number and the account whose events the app subscribes to: (section, key, option)."""


class Connected(msgspec.Struct, frozen=True, kw_only=True):
    """What connecting came to."""

    channel: Channel
    number: PhoneNumber
    webhook: str
    """The webhook's address; empty when the gateway has no public address yet."""
    webhook_trouble: str
    """Why Meta did not take the webhook, or nothing."""
    renewed: bool
    templates: int
    """Message templates that Meta knows of the business account."""


class WhatsAppConnector:
    """Connects WhatsApp numbers to one organization's bots."""

    def __init__(
        self, settings: Settings, database: Database, keyring: Keyring, organization: Organization
    ) -> None:
        self._settings = settings
        self._database = database
        self._keyring = keyring
        self._organization = organization
        self._connections = Connections(database, keyring, organization)

    async def connect(
        self,
        bot: Chatbot,
        *,
        document: Mapping[str, Any],
        given: Mapping[str, str],
        name: str,
        now: datetime,
        place: str = "",
    ) -> Connected:
        """Connect, or renew the connection of the same number.

        `given` are secrets by name (`access_token`, `app_secret`, `verify_token`). The webhook is set after the
        channel is stored, for Meta tries it out at once: the server must be running. Raises ConfigurationError,
        `SendFailed` and `Conflict`.
        """
        deployment = self._deployment(document, given, place)
        access = access_before(deployment, self._settings)
        number = await manage.identify(access)
        account = {"phone_number_id": deployment.config["authentication"]["business_phone_number_id"]}
        existing = await self._connections.find("whatsapp", account, bot)
        route = route_of(existing)
        public = self._settings.public_url
        url = f"{public}/webhook/whatsapp/{route}" if public else ""
        deployment.config["webhook_configuration"]["webhook_url"] = url
        channel = await self._connections.store(
            bot,
            existing,
            deployment,
            name=name or number.display_phone_number,
            route=route,
            settings={**account, "phone_number": number.display_phone_number},
            polled=False,
            now=now,
        )
        return Connected(
            channel=channel,
            number=number,
            webhook=url,
            webhook_trouble=await _try_webhook(access, url) if url else "",
            renewed=existing is not None,
            templates=await self._templates(channel, access, now),
        )

    async def disconnect(self, channel: Channel, now: datetime) -> str:
        """Close the channel and remove its webhook; why the latter failed, or nothing."""
        return await self._connections.disconnect(channel, self._settings, manage.remove_webhook, now)

    async def _templates(self, channel: Channel, access: ChannelAccess, now: datetime) -> int:
        return len(await sync_templates(self._database, self._organization, channel, access, now))

    def _deployment(self, document: Mapping[str, Any], given: Mapping[str, str], place: str) -> Deployment:
        known = {"verify_token": secrets.token_urlsafe(VERIFY_TOKEN_BYTES), **given}
        deployment = read_deployment("whatsapp", document, known, place=place)
        problems = [
            Problem(
                place=f"{place}/{section}/{name}",
                message="it is needed and not there",
                mend=f"give {option}; Meta shows it under WhatsApp > API Setup",
            )
            for section, name, option in _IDS
            if not deployment.config[section][name]
        ]
        if problems:
            raise ConfigurationError(problems)
        return deployment


async def _try_webhook(access: ChannelAccess, url: str) -> str:
    try:
        await manage.set_webhook(access, url)
    except SendFailed as error:
        return error.reason
    return ""
