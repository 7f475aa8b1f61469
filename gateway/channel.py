"""A channel as the running server knows it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import msgspec

from adapters.protocol import Adapter, ChannelAccess


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

    @property
    def settings(self) -> Mapping[str, Any]:
        """The channel's platform configuration, decrypted values left out."""
        return self.access.settings

    def __repr__(self) -> str:
        return f"Channel(id={self.id}, platform={self.platform})"
