"""A channel as the running server knows it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any
from uuid import UUID

import msgspec

from adapters.protocol import Adapter, ChannelAccess
from gateway.media.links import MediaLinks

EMPTY: Mapping[str, Any] = MappingProxyType({})


class BotVariables:
    """The variables that a bot's conversations share, as this worker knows them.

    All channels of the bot hold the same object, so that what a turn has committed is there for the next one,
    whatever it came by. What other workers commit comes by the directory.
    """

    __slots__ = ("_committed_at", "values")

    def __init__(self, values: Mapping[str, Any] = EMPTY) -> None:
        self.values = values
        self._committed_at = float("-inf")

    def commit(self, values: Mapping[str, Any]) -> None:
        """A turn of this worker has committed them."""
        self.values = values
        self._committed_at = time.monotonic()

    def refresh(self, values: Mapping[str, Any], asked_at: float) -> None:
        """The database was asked at `asked_at` (monotonic seconds); an answer older than our own commit is stale."""
        if self._committed_at < asked_at:
            self.values = values


class Channel(msgspec.Struct, frozen=True, kw_only=True):
    """One connected channel: whose it is, which bot answers, and how to speak on it. The repr shows no secret."""

    id: UUID
    organization_id: UUID
    chatbot_id: UUID
    platform: str
    route: str
    """The unguessable part of its webhook path; for the web channel, the public id in the embed script."""
    name: str
    bot_name: str
    flow_id: UUID | None
    """The published flow version that new conversations start on."""
    adapter: Adapter
    access: ChannelAccess
    shared: BotVariables = msgspec.field(default_factory=BotVariables)
    opt_out_words: frozenset[str] = frozenset()
    """With which customers opt out here, whatever the flow says; folded."""
    links: MediaLinks | None = None
    """Names files of our own in what is sent; None where nothing is."""

    @property
    def variables(self) -> Mapping[str, Any]:
        """What the bot's conversations share: its variables of scope `bot`, at this moment."""
        return self.shared.values

    @property
    def settings(self) -> Mapping[str, Any]:
        """The channel's platform configuration, decrypted values left out."""
        return self.access.settings

    def __repr__(self) -> str:
        return f"Channel(id={self.id}, platform={self.platform})"
