"""What a channel's `settings.features` switch off: it is parked, with the switch that did it."""

from __future__ import annotations

from adapters.protocol import ChannelAccess
from adapters.reading import Unhandled
from engine.events import (
    AlbumReceived,
    ConversationOpened,
    InboundEvent,
    MediaReceived,
    MessageDeleted,
    MessageEdited,
    TextReceived,
)

_SAID = (TextReceived, MediaReceived, AlbumReceived, MessageEdited, MessageDeleted)


def check_switches(event: InboundEvent, access: ChannelAccess) -> None:
    """Raises `Unhandled` when the channel does not want events of this kind. What is not named is on."""
    features = access.settings.get("features")
    if type(features) is not dict:
        return
    for name in _switches(event):
        if features.get(name) is False:
            raise Unhandled(f"switched off by features.{name}")


def _switches(event: InboundEvent) -> list[str]:
    """The switches that an event depends on. Buttons and commands belong to what is on anyway."""
    if isinstance(event.body, ConversationOpened):
        return ["app_home"]
    if not isinstance(event.body, _SAID):
        return []
    files = ["files"] if isinstance(event.body, MediaReceived | AlbumReceived) else []
    if event.context is None or event.context.place == "private":
        return ["direct_messages", *files]
    if event.context.place == "channel":
        return ["mentions" if event.context.mentioned else "channel_threads", *files]
    return files
