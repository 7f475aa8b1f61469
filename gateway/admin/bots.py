"""Organizations and their bots, as operators ask for them."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from gateway.errors import Conflict, GatewayError, NotFound
from gateway.flows.folder import SLUG
from storage.bots import Chatbot, list_chatbots
from storage.database import Database
from storage.flows import list_flows
from storage.organizations import Organization, find_organization
from storage.versions import FlowVersion

ACTOR = "cli"


class BotLine(msgspec.Struct, frozen=True, kw_only=True):
    """A bot and its newest and published versions, for a list."""

    bot: Chatbot
    published: FlowVersion | None
    newest: FlowVersion | None


def check_slug(slug: str) -> None:
    """Refuse what can't be a slug. Raises GatewayError."""
    if not SLUG.fullmatch(slug):
        raise GatewayError(f"{slug!r} is no slug: use small letters, digits and -, 63 at most")


async def require_organization(database: Database, slug: str) -> Organization:
    """The organization of that slug. Raises NotFound."""
    found = await find_organization(database, slug)
    if found is None:
        raise NotFound(
            f"there is no organization {slug!r}; it is made when a bot is published: "
            f"gateway bot publish FILE --bot SLUG --organization {slug}"
        )
    return found


async def find_bot(database: Database, organization: Organization, slug: str | None) -> Chatbot:
    """The bot of that slug; without one, the organization's only bot. Raises NotFound and Conflict."""
    async with database.transaction([organization.id]) as connection:
        bots = await list_chatbots(connection)
    if slug is not None:
        for bot in bots:
            if bot.slug == slug:
                return bot
        raise NotFound(f"there is no bot {slug!r} ({_names(bots)}); publish one: gateway bot publish FILE")
    if len(bots) == 1:
        return bots[0]
    if not bots:
        raise NotFound("there is no bot yet; publish one: gateway bot publish FILE --bot SLUG")
    raise Conflict(f"say which bot with --bot ({_names(bots)})")


async def list_bots(database: Database, organization: Organization) -> list[BotLine]:
    """Every bot with its newest and its published version."""
    lines = []
    async with database.transaction([organization.id]) as connection:
        for bot in await list_chatbots(connection):
            flows = await list_flows(connection, bot.id)
            published = next((flow for flow in flows if flow.id == bot.active_flow_id), None)
            lines.append(BotLine(bot=bot, published=published, newest=flows[0] if flows else None))
    return lines


def _names(bots: Sequence[Chatbot]) -> str:
    return f"there are: {', '.join(bot.slug for bot in bots)}" if bots else "there is none"
