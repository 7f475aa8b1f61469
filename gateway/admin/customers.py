"""Customers, as operators ask for them: found, merged, parted, and linked over channels."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal
from urllib.parse import quote
from uuid import UUID

import msgspec

from gateway.admin.bots import ACTOR
from gateway.admin.channels import access_to, channels_of
from gateway.errors import NotFound
from gateway.identity.codes import LIFETIME, START_PREFIX, WORD, LinkCodes
from gateway.settings import Settings
from storage import merges
from storage.audit import Change, record
from storage.customers import bots_of, find_ids
from storage.database import Database
from storage.keyring import Keyring
from storage.merges import Merge, Unmerged
from storage.organizations import Organization


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """A way to show a code on a channel: an address to open, or words to send."""

    channel: str
    place: str


class Linking(msgspec.Struct, frozen=True, kw_only=True):
    """A link code and where to show it."""

    code: str
    expires_at: datetime
    links: tuple[Link, ...]

    def __repr__(self) -> str:
        return f"Linking(expires_at={self.expires_at})"


async def find_customer(database: Database, organization: Organization, beginning: str) -> UUID:
    """The customer whose id begins so. Raises NotFound."""
    return await _find(database, organization, "find", "customer", beginning)


async def find_merge(database: Database, organization: Organization, beginning: str) -> UUID:
    """The merge whose id begins so. Raises NotFound."""
    return await _find(database, organization, "find_merge", "merge", beginning)


async def merge(
    database: Database, organization: Organization, kept: UUID, merged: UUID, now: datetime
) -> Merge:
    """Make one customer of two. Raises `NotFound` and `Conflict` of the storage."""
    change = Change(organization_id=organization.id, actor=ACTOR, now=now)
    async with database.transaction([organization.id]) as connection:
        return await merges.merge(connection, change, kept, merged, "operator")


async def unmerge(database: Database, organization: Organization, merge_id: UUID, now: datetime) -> Unmerged:
    """Take a merge back. Raises `NotFound` and `Conflict` of the storage."""
    change = Change(organization_id=organization.id, actor=ACTOR, now=now)
    async with database.transaction([organization.id]) as connection:
        return await merges.unmerge(connection, change, merge_id)


async def link(
    database: Database,
    keyring: Keyring,
    settings: Settings,
    organization: Organization,
    customer_id: UUID,
    now: datetime,
) -> Linking:
    """A code for a customer, and where it can be shown: on the active channels of the bots that they talk to."""
    change = Change(organization_id=organization.id, actor=ACTOR, now=now)
    async with database.transaction([organization.id]) as connection:
        customer_id = await merges.living(connection, customer_id)
        await record(connection, change, "link_code_made", "customer", customer_id)
    code = LinkCodes(keyring).make(organization.id, customer_id, now)
    bots = await bots_of(database, organization.id, customer_id)
    links = []
    for channel in await channels_of(database, organization):
        if channel.status == "active" and channel.chatbot_id in bots:
            access = await access_to(database, keyring, settings, channel)
            place = _place(channel.type, access.settings, code)
            if place:
                links.append(Link(channel=f"{channel.type} {channel.name}", place=place))
    return Linking(code=code, expires_at=now + LIFETIME, links=tuple(links))


def _place(platform: str, settings: Mapping[str, Any], code: str) -> str:
    """Where to show a code on a channel; empty where nobody can."""
    match platform:
        case "telegram":
            configured = settings.get("bot_configuration") or {}
            name = str(configured.get("bot_username") or settings.get("username") or "").lstrip("@")
            return f"https://t.me/{name}?start={START_PREFIX}{code}" if name else ""
        case "whatsapp":
            account = settings.get("business_account") or {}
            written = str(account.get("phone_number") or settings.get("phone_number") or "")
            digits = "".join(filter(str.isdecimal, written))
            return f"https://wa.me/{digits}?text={quote(f'{WORD} {code}')}" if digits else ""
    return f"write: {WORD} {code}"


async def _find(
    database: Database,
    organization: Organization,
    what: Literal["find", "find_merge"],
    name: str,
    beginning: str,
) -> UUID:
    found = await find_ids(database, organization.id, what, beginning)
    if len(found) == 1:
        return found[0]
    why = f"several {name}s begin" if found else f"no {name} begins"
    see = "gateway customer list" if what == "find" else "gateway customer show ID"
    raise NotFound(f"{why} with {beginning[:40]!r}; see: {see}")
