"""The channel directory: which channel a route belongs to, with its credentials decrypted, in memory.

The database is asked only for routes that are new to this worker; changes (a bot published, a channel
disabled) are noticed within `REFRESH_SECONDS`, by polling what changed since the last look.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from adapters.protocol import Adapter
from gateway.away import AWAY
from gateway.channel import EMPTY, BotVariables, Channel
from gateway.channel_config import access_of
from gateway.errors import Unavailable
from gateway.logs import get_logger
from gateway.media.links import MediaLinks
from gateway.opt_out import opt_out_words
from storage import routing
from storage.database import Database
from storage.encryption import Keyring
from storage.errors import StorageError
from storage.routing import Place, StoredChannel

REFRESH_SECONDS = 1.0
OVERLAP = timedelta(seconds=10)
"""How far each look reaches back: a slow transaction's change becomes visible after its time stamp."""
MAX_ROUTE = 200
"""Characters of a route. Longer ones, and what is no printable ASCII, are unknown without asking."""
MAX_UNKNOWN = 10_000
"""Routes remembered as unknown, so that a scan of random paths does not reach the database each time."""
UNKNOWN_TTL = timedelta(seconds=2)

_log = get_logger(__name__)


class Directory:
    """One worker's view of the channels."""

    def __init__(
        self,
        database: Database,
        keyring: Keyring,
        adapters: Mapping[str, Adapter],
        defaults: Mapping[str, Mapping[str, Any]],
        clock: Callable[[], datetime],
        links: MediaLinks | None = None,
    ) -> None:
        self._links = links
        self._database = database
        self._keyring = keyring
        self._adapters = adapters
        self._defaults = defaults
        self._clock = clock
        self._by_route: dict[tuple[str, str], Channel] = {}
        self._by_id: dict[UUID, Channel] = {}
        self._variables: dict[UUID, BotVariables] = {}
        """By bot: its channels share them."""
        self._unknown: OrderedDict[tuple[str, str], datetime] = OrderedDict()
        self._since = clock()

    async def by_route(self, platform: str, route: str) -> Channel | None:
        """The active channel of a webhook path or widget id. Raises `Unavailable`."""
        key = (platform, route)
        channel = self._by_route.get(key)
        if channel is not None:
            return channel
        if platform not in self._adapters or not _plausible(route):
            return None
        seen = self._unknown.get(key)
        if seen is not None and self._clock() - seen < UNKNOWN_TTL:
            return None
        try:
            place = await routing.find_route(self._database, platform, route)
            channel = await self._load(place) if place else None
        except AWAY as error:
            raise Unavailable from error
        if channel is None:
            self._note_unknown(key)
        return channel

    async def by_id(self, channel_id: UUID, organization_id: UUID) -> Channel | None:
        """The active channel of an id."""
        channel = self._by_id.get(channel_id)
        return channel or await self._load(Place(id=channel_id, organization_id=organization_id))

    def current(self, channel: Channel) -> Channel:
        """The channel as it is known now, for those that hold on to one for long, such as a widget's socket."""
        return self._by_id.get(channel.id, channel)

    def organization_of(self, channel_id: UUID) -> UUID | None:
        """Whose a channel is that is in use here; None for one that nobody has asked for yet."""
        channel = self._by_id.get(channel_id)
        return None if channel is None else channel.organization_id

    async def refresh(self) -> None:
        """Look for changes once."""
        started = self._clock()
        changed = await routing.find_changed(self._database, self._since - OVERLAP)
        for channel_id in changed & self._by_id.keys():
            await self._reload(self._by_id[channel_id])
        self._since = started

    async def watch(self) -> None:
        """Look for changes until cancelled."""
        while True:
            await asyncio.sleep(REFRESH_SECONDS)
            try:
                await self.refresh()
            except (
                Exception
            ) as error:  # the database may be away; a watch that ended would see no change again
                _log.warning("directory not refreshed", error=f"{type(error).__name__}: {error}")

    async def _reload(self, channel: Channel) -> None:
        """Replace a channel by what it is now; until that is known it stays, so that no request has to wait."""
        now = await self._load(Place(id=channel.id, organization_id=channel.organization_id))
        if now is None:
            self._forget(channel)
        elif (now.platform, now.route) != (channel.platform, channel.route):
            self._by_route.pop((channel.platform, channel.route), None)

    async def _load(self, place: Place) -> Channel | None:
        asked_at = time.monotonic()
        stored = await routing.load_channel(self._database, place)
        if stored is None or stored.type not in self._adapters:
            return None
        try:
            channel = self._channel(stored, asked_at)
        except StorageError as error:  # a secret that can't be decrypted: the channel is closed, and told
            _log.error("channel can't be opened", channel=str(stored.id), error=str(error))
            return None
        self._by_route[(channel.platform, channel.route)] = channel
        self._by_id[channel.id] = channel
        return channel

    def _channel(self, stored: StoredChannel, asked_at: float) -> Channel:
        shared = self._variables.setdefault(stored.chatbot_id, BotVariables())
        shared.refresh(_variables(stored.bot_variables), asked_at)
        access = access_of(stored, self._keyring, self._defaults.get(stored.type, {}))
        return Channel(
            id=stored.id,
            organization_id=stored.organization_id,
            chatbot_id=stored.chatbot_id,
            platform=stored.type,
            route=stored.route,
            name=stored.name,
            bot_name=stored.bot_name,
            flow_id=stored.active_flow_id,
            adapter=self._adapters[stored.type],
            access=access,
            shared=shared,
            opt_out_words=opt_out_words(access.settings),
            links=self._links,
        )

    def _forget(self, channel: Channel) -> None:
        self._by_id.pop(channel.id, None)
        self._by_route.pop((channel.platform, channel.route), None)

    def _note_unknown(self, key: tuple[str, str]) -> None:
        self._unknown[key] = self._clock()
        self._unknown.move_to_end(key)
        while len(self._unknown) > MAX_UNKNOWN:
            self._unknown.popitem(last=False)


def _variables(stored: str) -> Mapping[str, Any]:
    variables: dict[str, Any] = msgspec.json.decode(stored)
    return variables or EMPTY


def _plausible(route: str) -> bool:
    return len(route) <= MAX_ROUTE and route.isascii() and route.isprintable()
