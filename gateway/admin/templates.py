"""Templates of bots: those that ship with the gateway, and those that an organization saves from its own bots."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import msgspec

from gateway import templates
from gateway.admin.bots import ACTOR, check_slug
from gateway.admin.flows import Published, published_document, store_document, title_of
from gateway.errors import Conflict, NotFound
from gateway.flows.document import Document, as_document
from gateway.flows.files import parse_json
from gateway.flows.folder import read_folder
from storage.audit import Change
from storage.bots import Chatbot, find_chatbot, load_settings, save_chatbot
from storage.database import Database
from storage.organizations import Organization
from storage.publishing import publish
from storage.templates import Template, find_template, list_templates, save_template

BUILT_IN: Final = Path(templates.__file__).parent


class TemplateLine(msgspec.Struct, frozen=True, kw_only=True):
    """A template in a list; `version` is None of one that ships with the gateway."""

    slug: str
    name: str
    category: str
    description: str
    version: int | None


class _Origin(msgspec.Struct, frozen=True, kw_only=True):
    """What a bot begins from."""

    description: str
    settings: Mapping[str, Any]
    documents: list[Document]
    template_id: UUID | None = None


async def save_as_template(
    database: Database,
    organization: Organization,
    bot: Chatbot,
    *,
    slug: str,
    name: str = "",
    description: str = "",
    category: str = "",
    now: datetime,
) -> Template:
    """Save a bot's settings and its published flow as the template of that slug. Raises NotFound."""
    check_slug(slug)
    change = Change(organization_id=organization.id, actor=ACTOR, now=now)
    async with database.transaction([organization.id]) as connection:
        document = await published_document(connection, bot)
        # As text: jsonb keeps no order of keys.
        documents = [json.dumps(document, ensure_ascii=False)]
        return await save_template(
            connection,
            change,
            slug=slug,
            name=name or title_of(slug),
            description=description or bot.description,
            category=category,
            bundle={"settings": await load_settings(connection, bot.id), "documents": documents},
        )


async def available_templates(database: Database, organization: Organization | None) -> list[TemplateLine]:
    """The organization's templates, then those that ship with the gateway and that none of its own replaces."""
    lines: list[TemplateLine] = []
    if organization is not None:
        async with database.transaction([organization.id]) as connection:
            lines = [
                msgspec.convert(found, TemplateLine, from_attributes=True)
                for found in await list_templates(connection)
            ]
    own = {line.slug for line in lines}
    for slug in built_in_templates():
        if slug not in own:
            folder = read_folder(BUILT_IN / slug)
            lines.append(
                TemplateLine(
                    slug=slug,
                    name=folder.name,
                    category="built-in",
                    description=folder.description,
                    version=None,
                )
            )
    return lines


def built_in_templates() -> list[str]:
    """The slugs of the templates that ship with the gateway."""
    return sorted(path.parent.name for path in BUILT_IN.glob("*/bot.json"))


async def create_from_template(
    database: Database,
    organization: Organization,
    *,
    slug: str,
    template: str,
    name: str = "",
    now: datetime,
) -> Published:
    """Make a bot that inherits settings and flow of a template, and publish it. Raises Conflict and NotFound."""
    check_slug(slug)
    origin = await _find(database, organization, template)
    change = Change(organization_id=organization.id, actor=ACTOR, now=now)
    async with database.transaction([organization.id]) as connection:
        if await find_chatbot(connection, organization.id, slug) is not None:
            raise Conflict(f"there is a bot {slug!r} already; give the new one another slug")
        bot = await save_chatbot(
            connection,
            change,
            slug=slug,
            name=name or title_of(slug),
            description=origin.description,
            settings=origin.settings,
        )
        for document in origin.documents:
            fresh = {key: value for key, value in document.items() if key != "version"}
            flow = await store_document(connection, change, bot.id, fresh, template_id=origin.template_id)
        flow = await publish(connection, change, flow.id)
    return Published(bot=bot, flow=flow, changed=True)


async def _find(database: Database, organization: Organization, slug: str) -> _Origin:
    """The organization's own template of that slug, or the one that ships with the gateway."""
    async with database.transaction([organization.id]) as connection:
        found = await find_template(connection, organization.id, slug)
    if found is not None:
        template, bundle = found
        place = f"template {slug}"
        documents = [as_document(parse_json(text, place), place) for text in bundle["documents"]]
        return _Origin(
            description=template.description,
            settings=bundle["settings"],
            documents=documents,
            template_id=template.id,
        )
    if slug in built_in_templates():
        folder = read_folder(BUILT_IN / slug)
        return _Origin(description=folder.description, settings=folder.settings, documents=[folder.document])
    there = ", ".join(line.slug for line in await available_templates(database, organization))
    raise NotFound(f"there is no template {slug!r} (there are: {there})")
