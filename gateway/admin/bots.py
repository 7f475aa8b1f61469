"""Reading, checking and publishing flows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from engine.problems import FlowInvalid
from gateway.errors import ConfigurationError, Conflict, NotFound, Problem
from storage.audit import Change
from storage.bots import (
    Chatbot,
    FlowVersion,
    add_flow_version,
    find_chatbot,
    list_chatbots,
    list_flows,
    publish,
    save_chatbot,
)
from storage.database import Database
from storage.organizations import Organization, find_organization

ACTOR = "cli"
FLOW = "main"
"""The flow that a bot speaks when it has one."""
MAX_FLOW_BYTES = 16 * 1024 * 1024


class Published(msgspec.Struct, frozen=True, kw_only=True):
    """What publishing came to. `changed` is False when the very same definition was published already."""

    bot: Chatbot
    flow: FlowVersion
    nodes: int
    changed: bool


class BotLine(msgspec.Struct, frozen=True, kw_only=True):
    """A bot and its newest and published versions, for a list."""

    bot: Chatbot
    published: FlowVersion | None
    newest: FlowVersion | None


async def require_organization(database: Database, slug: str) -> Organization:
    """The organization of that slug. Raises NotFound."""
    found = await find_organization(database, slug)
    if found is None:
        raise NotFound(
            f"there is no organization {slug!r}; it is made when a bot is published: "
            f"gateway bot publish FILE --bot SLUG --organization {slug}"
        )
    return found


def read_flow(path: Path) -> dict[str, Any]:
    """The flow definition in a JSON file, bare or under `flow_definition`. Raises ConfigurationError."""
    try:
        if path.stat().st_size > MAX_FLOW_BYTES:
            raise _unreadable(path, f"is larger than {MAX_FLOW_BYTES // 1024**2} MiB", "Split the flow")
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise _unreadable(path, f"can't be read: {error.strerror}", "Name a readable JSON file") from None
    except UnicodeDecodeError:
        raise _unreadable(path, "is not UTF-8", "Save it as UTF-8") from None
    found = _parse(path, text)
    inner = found.get("flow_definition") if isinstance(found, dict) else None
    if isinstance(inner, dict):
        found = inner
    if not isinstance(found, dict):
        raise _unreadable(path, "holds no JSON object", "Write the flow as { … }")
    return found


def check_flow(path: Path, definition: Mapping[str, Any]) -> int:
    """Compile a definition; the number of its nodes. Raises ConfigurationError with every problem."""
    from engine.compile import compile_flow

    try:
        compile_flow(definition, flow_id="")
    except FlowInvalid as error:
        raise ConfigurationError(_as_problems(path, error)) from None
    return len(definition["nodes"])


async def publish_flow(
    database: Database,
    organization: Organization,
    *,
    slug: str,
    name: str,
    path: Path,
    version: str | None,
    now: datetime,
) -> Published:
    """Check a flow, store it as a version of the bot (made if need be), and publish it."""
    definition = read_flow(path)
    nodes = check_flow(path, definition)
    change = Change(organization_id=organization.id, actor=ACTOR, now=now)
    async with database.transaction([organization.id]) as connection:
        bot = await find_chatbot(connection, organization.id, slug)
        if bot is None:
            named = name or slug.replace("-", " ").title()
            bot = await save_chatbot(connection, change, slug=slug, name=named)
        flow = await add_flow_version(
            connection, change, chatbot_id=bot.id, flow_id=FLOW, definition=definition, version=version
        )
        changed = bot.active_flow_id != flow.id
        flow = await publish(connection, change, flow.id)
    return Published(bot=bot, flow=flow, nodes=nodes, changed=changed)


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


def _parse(path: Path, text: str) -> Any:
    import json  # its errors name line and column

    try:
        return json.loads(text, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        place = f"{path}, line {error.lineno}, column {error.colno}"
        problem = Problem(place=place, message=f"is no JSON: {error.msg}", mend="Correct it there")
        raise ConfigurationError([problem]) from None
    except ValueError as error:
        raise _unreadable(path, f"is no JSON: {error}", "Write a number") from None
    except RecursionError:
        raise _unreadable(path, "is nested too deeply", "Nest it less") from None


def _no_constant(name: str) -> Any:
    raise ValueError(f"there is no {name} in JSON")


def _unreadable(path: Path, message: str, mend: str) -> ConfigurationError:
    return ConfigurationError([Problem(place=str(path), message=message, mend=mend)])


def _as_problems(path: Path, error: FlowInvalid) -> list[Problem]:
    return [
        Problem(place=f"{path}: {problem.place or 'flow'}", message=problem.message, mend=problem.mend)
        for problem in error.problems
    ]
