"""What channels can do by their settings: the tables that their messages are fitted to, each worked out once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from adapters.capabilities import Capabilities
from adapters.protocol import capabilities_of
from gateway.channel import Channel

MAX_CHANNELS: Final = 4_096
"""Channels whose tables are kept; the oldest goes first."""


class Tables:
    """The tables of one worker's channels. Other settings of a channel are another object, and are read anew."""

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: dict[UUID, tuple[Mapping[str, Any], Capabilities]] = {}

    def of(self, channel: Channel) -> Capabilities:
        """What `channel` can do."""
        known = self._known.get(channel.id)
        if known is not None and known[0] is channel.settings:
            return known[1]
        table = capabilities_of(channel.adapter, channel.settings)
        self._known.pop(channel.id, None)
        while len(self._known) >= MAX_CHANNELS:
            del self._known[next(iter(self._known))]
        self._known[channel.id] = (channel.settings, table)
        return table
