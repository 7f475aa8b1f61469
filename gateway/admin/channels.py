"""Finding, listing and closing channels, whatever their platform."""

from __future__ import annotations

from collections.abc import Sequence

from adapters.protocol import ChannelAccess
from gateway.channel_config import access_of
from gateway.channel_defaults import channel_defaults
from gateway.errors import Conflict, NotFound
from gateway.settings import Settings
from storage.channels import Channel, list_channels
from storage.database import Database
from storage.keyring import Keyring
from storage.organizations import Organization
from storage.routing import Place, load_channel


def select_channel(channels: Sequence[Channel], wanted: str) -> Channel:
    """The channel of an id, the beginning of one, a name or a type. Raises NotFound and Conflict."""
    exact = [channel for channel in channels if wanted in (str(channel.id), channel.route)]
    found = exact or [
        channel
        for channel in channels
        if channel.status == "active"
        and (channel.type == wanted or channel.name == wanted or str(channel.id).startswith(wanted.lower()))
    ]
    if not found:
        raise NotFound(f"there is no channel {wanted!r}; see: gateway channel list")
    if len(found) > 1:
        ids = ", ".join(str(channel.id) for channel in found)
        raise Conflict(f"{wanted!r} fits several channels; give the id of one: {ids}")
    return found[0]


async def access_to(
    database: Database, keyring: Keyring, settings: Settings, channel: Channel
) -> ChannelAccess:
    """What an adapter needs of an active stored channel. Raises `DecryptionFailed` and NotFound."""
    place = Place(id=channel.id, organization_id=channel.organization_id)
    stored = await load_channel(database, place)
    if stored is None:
        raise NotFound(f"the channel {channel.id} is closed")
    return access_of(stored, keyring, channel_defaults(settings)[channel.type])


def webhook_url(settings: Settings, channel: Channel) -> str:
    """Where a platform posts a channel's updates."""
    return f"{settings.public_url}/webhook/{channel.type}/{channel.route}"


async def channels_of(database: Database, organization: Organization) -> list[Channel]:
    """An organization's channels, oldest first."""
    async with database.transaction([organization.id]) as connection:
        return await list_channels(connection)
