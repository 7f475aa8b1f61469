"""How the running server finds channels and flows: by route before a tenant is known, then as the tenant."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from storage.database import Database
from storage.deliveries import as_dispatcher, transaction
from storage.queries import load
from storage.versions import FlowParts

_SQL = load("routing")


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """A channel and whose it is."""

    id: UUID
    organization_id: UUID


class StoredChannel(msgspec.Struct, frozen=True, kw_only=True):
    """A channel as stored: `platform_config` is JSON with its secrets still encrypted."""

    id: UUID
    organization_id: UUID
    chatbot_id: UUID
    type: str
    route: str
    name: str
    settings: str
    bot_name: str
    bot_variables: str
    """JSON object."""
    active_flow_id: UUID | None
    config_id: UUID | None
    platform_config: str | None
    templates: str | None
    """JSON list of the message templates that the platform has approved, or is still looking at."""


class StoredFlow(msgspec.Struct, frozen=True, kw_only=True):
    """A flow version as stored."""

    id: UUID
    name: str
    """The bot's."""
    version: str
    definition: dict[str, Any]
    parts: FlowParts


async def find_route(database: Database, platform: str, route: str) -> Place | None:
    """Whose webhook path or widget id this is."""
    async with database.raw() as connection, as_dispatcher(connection):
        record = await connection.fetchrow(_SQL["find_route"], route, platform)
    return None if record is None else Place(**record)


async def find_changed(database: Database, since: datetime) -> frozenset[UUID]:
    """Channels that changed, or whose bot did, after `since`."""
    async with database.raw() as connection, as_dispatcher(connection):
        records = await connection.fetch(_SQL["find_changed"], since)
    return frozenset(record["id"] for record in records)


async def find_pollable(database: Database, platform: str, now: datetime) -> list[Place]:
    """Channels that want polling and that nobody polls."""
    async with database.raw() as connection, as_dispatcher(connection):
        records = await connection.fetch(_SQL["find_pollable"], platform, now)
    return [Place(**record) for record in records]


async def organization_ids(connection: Any) -> list[UUID]:
    """Every organization; runs inside `as_dispatcher`."""
    return [record["id"] for record in await connection.fetch(_SQL["organizations"])]


async def understands_intents(database: Database) -> bool:
    """Whether any published flow needs sentence vectors."""
    async with database.raw() as connection:
        async with as_dispatcher(connection):
            organizations = await organization_ids(connection)
        if not organizations:
            return False
        async with transaction(connection, organizations):
            return bool(await connection.fetchval(_SQL["understands_intents"]))


async def load_channel(database: Database, place: Place) -> StoredChannel | None:
    """An active channel with its bot and its configuration."""
    record = await _one(database, place.organization_id, "load_channel", place.id)
    return None if record is None else StoredChannel(**record)


async def load_flow(database: Database, organization_id: UUID, flow: UUID) -> StoredFlow | None:
    """A flow version and all that it says."""
    record = await _one(database, organization_id, "load_flow", flow)
    if record is None:
        return None
    return StoredFlow(
        id=record["id"],
        name=record["name"],
        version=record["version"],
        definition=msgspec.json.decode(record["flow_definition"]),
        parts=FlowParts(
            flow_metadata=msgspec.json.decode(record["flow_metadata"]),
            variable_definitions=msgspec.json.decode(record["variable_definitions"]),
            translations=msgspec.json.decode(record["translations"]),
            supported_languages=record["supported_languages"],
            default_language=record["default_language"],
            test_scenarios=msgspec.json.decode(record["test_scenarios"]),
            source=record["source"],
        ),
    )


async def lease_polling(
    database: Database, place: Place, owner: UUID, now: datetime, lease: timedelta
) -> int | None:
    """Become the one replica that polls a channel, or go on being it; returns the offset, None when another is."""
    record = await _one(database, place.organization_id, "lease_polling", place.id, owner, now, now + lease)
    return None if record is None else int(record["polling_offset"] or 0)


async def save_polling(
    database: Database, place: Place, owner: UUID, offset: int, lease_until: datetime
) -> None:
    """Everything before `offset` is committed."""
    await _one(database, place.organization_id, "save_polling", place.id, owner, offset, lease_until)


async def release_polling(database: Database, place: Place, owner: UUID) -> None:
    """Let another replica poll."""
    await _one(database, place.organization_id, "release_polling", place.id, owner)


async def _one(database: Database, organization_id: UUID, name: str, *arguments: Any) -> Any:
    organizations: Collection[UUID] = (organization_id,)
    async with database.raw() as connection, transaction(connection, organizations):
        return await connection.fetchrow(_SQL[name], *arguments)
