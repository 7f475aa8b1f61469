"""Connecting the website widget."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime

from gateway.admin.bots import ACTOR
from gateway.redaction import redact
from gateway.settings import Settings
from gateway.web.appearance import WebSettings
from storage.audit import Change
from storage.bots import Chatbot
from storage.channels import Channel, create_channel
from storage.database import Database
from storage.keyring import Keyring
from storage.organizations import Organization

ROUTE_BYTES = 18
SESSION_SECRET_BYTES = 48
SECRET_PATHS = ("/session_secret",)


async def connect_web(
    database: Database,
    keyring: Keyring,
    organization: Organization,
    bot: Chatbot,
    *,
    name: str,
    domains: Sequence[str],
    now: datetime,
) -> Channel:
    """Make a web channel. Raises `Misconfigured` for what is no domain."""
    settings = {"security": {"allowed_domains": list(domains)}} if domains else {}
    WebSettings.read(settings)
    secret = secrets.token_urlsafe(SESSION_SECRET_BYTES)
    redact(secret)
    change = Change(organization_id=organization.id, actor=ACTOR, now=now)
    async with database.transaction([organization.id]) as connection:
        return await create_channel(
            connection,
            change,
            keyring,
            chatbot_id=bot.id,
            type="web",
            name=name or "Website",
            route=secrets.token_urlsafe(ROUTE_BYTES),
            config={"session_secret": secret},
            secret_paths=SECRET_PATHS,
            settings=settings,
        )


def embed_code(settings: Settings, channel: Channel) -> str:
    """The line that puts the widget on a page."""
    base = settings.public_url or f"http://{settings.host}:{settings.port}"
    return f'<script src="{base}/widget.js" data-bot-id="{channel.route}" async></script>'
