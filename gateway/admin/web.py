"""Connecting the website widget."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from gateway.admin.bots import ACTOR
from gateway.deployments import read_deployment
from gateway.redaction import redact
from gateway.settings import Settings
from gateway.web.appearance import WebSettings
from gateway.web.embed import embed_lines, policy_header
from storage.audit import Change
from storage.bots import Chatbot
from storage.channels import Channel, create_channel
from storage.database import Database
from storage.keyring import Keyring
from storage.organizations import Organization

ROUTE_BYTES = 18
SESSION_SECRET_BYTES = 48


async def connect_web(
    database: Database,
    keyring: Keyring,
    organization: Organization,
    bot: Chatbot,
    *,
    name: str,
    domains: Sequence[str],
    now: datetime,
    document: Mapping[str, Any] | None = None,
    place: str = "",
) -> Channel:
    """Make a web channel; `domains` take the place of those that its `document` allows.

    Raises `Misconfigured` for what is no domain, ConfigurationError for the document.
    """
    document = dict(document or {})
    if domains:
        document["security"] = {**document.get("security", {}), "allowed_domains": list(domains)}
    WebSettings.read({"security": {"allowed_domains": list(domains)}})
    secret = secrets.token_urlsafe(SESSION_SECRET_BYTES)
    redact(secret)
    deployment = read_deployment("web", document, {"session_secret": secret}, place=place)
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
            config=deployment.config,
            secret_paths=deployment.secret_paths,
        )


def embed_code(settings: Settings, channel: Channel, document: Mapping[str, Any] | None = None) -> list[str]:
    """The lines that put the widget on a page, as the channel's document wants them."""
    return embed_lines(_base(settings), channel.route, WebSettings.read(document or {}))


def page_policy(settings: Settings, document: Mapping[str, Any] | None = None) -> str:
    """The header that a page with a content security policy needs for the widget."""
    return policy_header(_base(settings), WebSettings.read(document or {}))


def _base(settings: Settings) -> str:
    return (settings.public_url or f"http://{settings.host}:{settings.port}").rstrip("/")
