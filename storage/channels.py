"""Channels and their platform configuration, secrets encrypted.

Every function runs in the caller's transaction and never commits it. Every change touches
`channels.updated_at`, by which running servers notice it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, Literal, TypeAlias
from uuid import UUID

import msgspec
from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.audit import Change, record
from storage.encryption import Binding, decrypt_config, encrypt_config
from storage.errors import NotFound
from storage.keyring import Keyring
from storage.tables import AnyRow, channels, deployment_configs

ChannelType: TypeAlias = Literal["web", "telegram", "whatsapp", "slack"]
ChannelStatus: TypeAlias = Literal["active", "disabled"]


class Channel(msgspec.Struct, frozen=True, kw_only=True):
    """A channel, without its configuration. `polled` says that a replica fetches its updates."""

    id: UUID
    organization_id: UUID
    chatbot_id: UUID
    type: ChannelType
    name: str
    route: str
    status: ChannelStatus
    settings: dict[str, Any]
    polled: bool
    created_at: datetime
    updated_at: datetime
    last_activity_at: datetime | None


class ConfiguredChannel(msgspec.Struct, frozen=True, kw_only=True):
    """A channel with its decrypted platform configuration, which the repr leaves out."""

    channel: Channel
    config: Mapping[str, Any]

    def __repr__(self) -> str:
        return f"ConfiguredChannel(channel={self.channel.id})"


_CHANNEL = (
    *(channels.c[name] for name in Channel.__struct_fields__ if name != "polled"),
    channels.c.polling_offset.is_not(None).label("polled"),
)


def config_binding(organization_id: UUID, config_id: UUID) -> Binding:
    """Where a channel's `platform_config` is stored, for `storage.encryption`."""
    return Binding(
        organization_id=organization_id,
        table="deployment_configs",
        row_id=config_id,
        column="platform_config",
    )


async def create_channel(
    connection: AsyncConnection,
    change: Change,
    keyring: Keyring,
    *,
    chatbot_id: UUID,
    type: ChannelType,
    name: str,
    route: str,
    config: Mapping[str, Any],
    secret_paths: Collection[str],
    settings: Mapping[str, Any] | None = None,
    polled: bool = False,
) -> Channel:
    """Make a channel with its configuration; what lies at `secret_paths` (JSON pointers) is encrypted."""
    identifier = change.new_id()
    made = await connection.execute(
        insert(channels)
        .values(
            id=identifier,
            organization_id=change.organization_id,
            chatbot_id=chatbot_id,
            type=type,
            name=name,
            route=route,
            settings=dict(settings or {}),
            polling_offset=0 if polled else None,
            created_at=change.now,
            updated_at=change.now,
        )
        .returning(*_CHANNEL)
    )
    channel = _channel(made.one())
    config_id = change.new_id()
    binding = config_binding(change.organization_id, config_id)
    await connection.execute(
        insert(deployment_configs).values(
            id=config_id,
            organization_id=change.organization_id,
            chatbot_id=chatbot_id,
            channel_id=identifier,
            platform=type,
            platform_config=encrypt_config(config, secret_paths, keyring, binding),
            is_deployed=True,
            created_at=change.now,
            updated_at=change.now,
        )
    )
    await record(connection, change, "created", "channel", identifier, {"type": type, "name": name})
    return channel


async def list_channels(connection: AsyncConnection) -> list[Channel]:
    """The channels of the transaction's organizations, oldest first."""
    query = select(*_CHANNEL).order_by(channels.c.created_at, channels.c.id)
    return [_channel(row) for row in await connection.execute(query)]


async def find_channel(connection: AsyncConnection, channel_id: UUID) -> Channel:
    """One channel. Raises `NotFound`."""
    row = (await connection.execute(select(*_CHANNEL).where(channels.c.id == channel_id))).one_or_none()
    if row is None:
        raise NotFound(f"there is no channel {channel_id}")
    return _channel(row)


async def load_channel(connection: AsyncConnection, keyring: Keyring, channel_id: UUID) -> ConfiguredChannel:
    """A channel with its configuration decrypted. Raises `NotFound` and `DecryptionFailed`."""
    channel = await find_channel(connection, channel_id)
    stored = await _stored_config(connection, channel_id)
    binding = config_binding(channel.organization_id, stored.id)
    return ConfiguredChannel(channel=channel, config=decrypt_config(stored.platform_config, keyring, binding))


async def set_status(
    connection: AsyncConnection, change: Change, channel_id: UUID, status: ChannelStatus
) -> Channel:
    """Open or close a channel. Raises `NotFound`."""
    return await _update(connection, change, channel_id, status, {"status": status})


async def set_polled(connection: AsyncConnection, change: Change, channel_id: UUID, polled: bool) -> Channel:
    """Fetch the channel's updates by long polling, or have them delivered to its webhook. Raises `NotFound`."""
    values = {"polling_offset": 0 if polled else None, "lease_owner": None, "lease_until": None}
    if (await find_channel(connection, channel_id)).polled == polled:
        values = {}
    return await _update(connection, change, channel_id, "polled" if polled else "unpolled", values)


async def replace_config(
    connection: AsyncConnection,
    change: Change,
    keyring: Keyring,
    channel_id: UUID,
    *,
    config: Mapping[str, Any],
    secret_paths: Collection[str],
) -> Channel:
    """Give a channel another platform configuration. Raises `NotFound`."""
    stored = await _stored_config(connection, channel_id)
    encrypted = encrypt_config(
        config, secret_paths, keyring, config_binding(change.organization_id, stored.id)
    )
    await connection.execute(
        update(deployment_configs)
        .where(deployment_configs.c.id == stored.id)
        .values(platform_config=encrypted, updated_at=change.now)
    )
    return await _update(connection, change, channel_id, "configured", {})


async def _update(
    connection: AsyncConnection, change: Change, channel_id: UUID, action: str, values: Mapping[str, Any]
) -> Channel:
    updated = await connection.execute(
        update(channels)
        .where(channels.c.id == channel_id)
        .values(**values, updated_at=change.now)
        .returning(*_CHANNEL)
    )
    row = updated.one_or_none()
    if row is None:
        raise NotFound(f"there is no channel {channel_id}")
    await record(connection, change, action, "channel", channel_id)
    return _channel(row)


async def _stored_config(connection: AsyncConnection, channel_id: UUID) -> AnyRow:
    table = deployment_configs
    query = (
        select(table.c.id, table.c.platform_config)
        .where(table.c.channel_id == channel_id, table.c.is_active)
        .order_by(table.c.created_at)
        .limit(1)
    )
    row = (await connection.execute(query)).one_or_none()
    if row is None:
        raise NotFound(f"there is no configuration of a channel {channel_id}")
    return row


def _channel(row: AnyRow) -> Channel:
    return Channel(**row._mapping)
