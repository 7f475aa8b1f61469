"""What tests of any platform's adapter share: a channel's access, and the road from a message to its calls."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from adapters.fit import fit
from adapters.protocol import Adapter, Call, ChannelAccess, capabilities_of
from engine.messages import OutboundMessage


def access_with(
    secrets: Mapping[str, str] | None = None, settings: Mapping[str, Any] | None = None
) -> ChannelAccess:
    """A channel with these secrets and settings."""
    return ChannelAccess(channel_id=UUID(int=1), secrets=secrets or {}, settings=settings or {})


ACCESS = access_with()


def calls_for(
    adapter: Adapter, recipient: str, message: OutboundMessage, access: ChannelAccess = ACCESS
) -> list[Call]:
    """The calls that a delivery would make: the message fitted to what the channel can do, then rendered."""
    fitted = fit(message, capabilities_of(adapter, access.settings))
    return [] if fitted is None else adapter.render(recipient, fitted, access)
