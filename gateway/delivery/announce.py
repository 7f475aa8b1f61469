"""What a customer sees before the answer: that it is being typed, and that the message was read. An ornament: its
failures are nobody's.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Final

from adapters.errors import SendFailed
from gateway.delivery.attempt import envelope_of
from gateway.delivery.outgoing import Outgoing
from gateway.web.background import Background

MAX_AT_ONCE: Final = 100
"""Marks that are under way at most; more are left out."""


class Announcer:
    """Announces sends of one worker, each at most once where that marks the customer's message as read."""

    def __init__(self) -> None:
        self._background = Background()
        self._under_way = 0

    def types(self, send: Outgoing) -> bool:
        """Whether the indicator is to be shown (again) while the send waits."""
        return send.send.typing and send.attempts == 0 and not (send.announced and self._marks(send))

    async def type(self, send: Outgoing) -> None:
        """Show the indicator, and mark as read with it, where the platform does that in one."""
        await self._announce(send, typing=True)

    def mark_read(self, send: Outgoing) -> None:
        """Mark the message that it answers as read, beside the send's own way."""
        fresh = send.attempts == 0 and send.calls_done == 0 and not send.announced
        if fresh and self._marks(send) and self._under_way < MAX_AT_ONCE:
            send.announced = True
            self._under_way += 1
            self._background.spawn(self._mark(send))

    async def stop(self) -> None:
        """End what is under way."""
        await self._background.close()

    async def _mark(self, send: Outgoing) -> None:
        try:
            await self._announce(send, typing=False)
        finally:
            self._under_way -= 1

    async def _announce(self, send: Outgoing, *, typing: bool) -> None:
        channel = send.channel
        answers = send.answers if channel.settings.get("mark_as_read", True) else ""
        send.announced = send.announced or bool(answers)
        media = send.send.message.media
        call = channel.adapter.announce(
            send.recipient, answers, channel.access, typing=typing, showing=media[0].kind if media else ""
        )
        if call is not None:
            with suppress(SendFailed):
                await channel.adapter.send(call, channel.access, envelope_of(send))

    def _marks(self, send: Outgoing) -> bool:
        channel = send.channel
        return (
            bool(send.answers)
            and channel.adapter.capabilities.sends_natively("mark_as_read")
            and bool(channel.settings.get("mark_as_read", True))
        )
