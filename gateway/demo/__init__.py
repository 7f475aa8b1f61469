"""The demo: a bot and a web channel that are there after `gateway serve --demo`, with nothing to set up."""

from __future__ import annotations

import json
import secrets
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.admin.flows import store_document
from storage import bots, channels
from storage.audit import Change
from storage.database import Database
from storage.flows import list_flows
from storage.keyring import Keyring
from storage.organizations import ensure_organization
from storage.publishing import publish

ORGANIZATION = "default"
BOT = "demo"
FLOW = "demo"
ROUTE = "demo"
FLOW_FILE = Path(__file__).parent / "flow.json"
POOL_SIZE = 4
SESSION_SECRET = "/security/session_secret"  # noqa: S105 - where it is stored, not what it is


def demo_definition() -> dict[str, Any]:
    """The demo bot's flow: the documents' example, completed."""
    definition: dict[str, Any] = json.loads(FLOW_FILE.read_text(encoding="utf-8"))
    return definition


async def publish_demo(database_url: str, keyring: Keyring) -> None:
    """Make the demo's organization, bot and web channel, and publish its flow; what is there already stays."""
    database = Database(database_url, pool_size=POOL_SIZE, application_name="gateway-demo")
    try:
        await _publish(database, keyring)
    finally:
        await database.dispose()


async def _publish(database: Database, keyring: Keyring) -> None:
    now = datetime.now(UTC)
    organization = await ensure_organization(
        database, slug=ORGANIZATION, name="Default", actor="gateway serve --demo", now=now
    )
    change = Change(organization_id=organization.id, actor="gateway serve --demo", now=now)
    async with database.transaction([organization.id]) as connection:
        bot = await bots.save_chatbot(connection, change, slug=BOT, name="Pixel", description="The demo bot")
        if await _ours(connection, bot):
            document = {"flow_id": FLOW, "flow_definition": demo_definition()}
            flow = await store_document(connection, change, bot.id, document)
            await publish(connection, change, flow.id)
        if any(channel.route == ROUTE for channel in await channels.list_channels(connection)):
            return
        await channels.create_channel(
            connection,
            change,
            keyring,
            chatbot_id=bot.id,
            type="web",
            name="Demo page",
            route=ROUTE,
            config={"widget_type": "embedded", "security": {"session_secret": secrets.token_urlsafe(32)}},
            secret_paths=[SESSION_SECRET],
        )


async def _ours(connection: AsyncConnection, bot: bots.Chatbot) -> bool:
    """Whether the bot still runs the demo's flow, or none: what somebody published over it is left alone."""
    if bot.active_flow_id is None:
        return True
    flows = await list_flows(connection, bot.id)
    return any(flow.id == bot.active_flow_id and flow.flow_id == FLOW for flow in flows)
