"""The web channel as an adapter: what a widget says becomes events, what a bot says becomes frames."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from hashlib import sha256
from typing import Final, TypeAlias, assert_never
from uuid import UUID

import msgspec

from adapters.capabilities import Capabilities
from adapters.errors import Refused, Unverified
from adapters.protocol import Call, ChannelAccess, Content, Envelope, Parked, Parsed, Receipt
from adapters.web import frames
from adapters.web.capabilities import CAPABILITIES
from engine.events import (
    ChoiceMade,
    CommandReceived,
    ConversationOpened,
    EventBody,
    InboundEvent,
    Sender,
    TextReceived,
)
from engine.messages import OutboundMessage

Push: TypeAlias = Callable[[UUID, int, bytes], None]
"""Hands a frame (UTF-8 JSON) to whoever holds the conversation's sockets; never waits, never raises.

Arguments: the conversation's id, the message's number in it (0 for a frame that is no message), the frame.
"""

TYPING_MS: Final = 6_000
"""How long one call shows the indicator: a little longer than the gap to the next one."""

RESTART: Final = "start"
"""The engine's command that begins anew."""

_decode: Final = msgspec.json.Decoder(OutboundMessage).decode


class WebAdapter:
    """The widget's channel.

    It has no webhook: what arrives comes through `event` from a socket whose token was checked. Sending hands
    a frame to `push` and succeeds: a socket that is not there gets it from the transcript when it comes back.
    """

    platform = "web"
    capabilities: Capabilities = CAPABILITIES

    def __init__(self, push: Push) -> None:
        self._push = push

    def verify(self, body: bytes, headers: Mapping[str, str], access: ChannelAccess, now: datetime) -> None:
        """Always raises `Unverified`: nothing is taken from a webhook."""
        raise Unverified("The web channel takes no webhooks; its widget speaks on a socket.")

    def challenge(self, query: Mapping[str, str], access: ChannelAccess) -> bytes:
        """Always raises `Unverified`, as `verify` does."""
        raise Unverified("The web channel takes no webhooks; its widget speaks on a socket.")

    def parse(self, body: bytes, access: ChannelAccess, now: datetime) -> Parsed:
        """Parks `body`: outside of its socket a frame belongs to nobody."""
        digest = sha256(body).hexdigest()
        return Parsed(parked=(Parked(external_id=digest, reason="a frame outside of its socket", raw=body),))

    def event(self, frame: frames.Said, visitor: UUID, language: str, now: datetime) -> InboundEvent:
        """The event that a frame of `visitor` causes. The frame's own id makes it happen once."""
        opening = isinstance(frame, frames.Open)
        return InboundEvent(
            # Opening counts once for a visitor, from however many tabs.
            external_id=f"start:{visitor}" if opening else str(frame.id),
            conversation_key=str(visitor),
            sender=Sender(external_id=str(visitor), language=language),
            body=_body(frame),
            occurred_at=now,
            message="" if opening else str(frame.id),
        )

    def render(self, recipient: str, message: OutboundMessage, access: ChannelAccess) -> list[Call]:
        """One `message` call: `{"text": …, "choices": […]}`."""
        return [Call(method="message", body=frames.encode(message))]

    def announce(self, recipient: str, answers: str, access: ChannelAccess, *, typing: bool) -> Call | None:
        """The `typing` call."""
        return Call(method="typing", body=b"{}") if typing else None

    async def send(self, call: Call, access: ChannelAccess, envelope: Envelope) -> Receipt:
        """Push one frame. Never raises: the transcript has what no socket took."""
        if call.method == "typing":
            self._push(envelope.conversation_id, 0, frames.encode(frames.Typing(ms=TYPING_MS)))
            return Receipt()
        message = _decode(call.body)
        frame = frames.Message(
            seq=envelope.seq,
            id=str(envelope.key),
            sender="bot",
            text=message.text,
            choices=options(message),
            at=envelope.at,
        )
        self._push(envelope.conversation_id, envelope.seq, frames.encode(frame))
        return Receipt(message=str(envelope.key))

    async def find(self, call: Call, access: ChannelAccess, envelope: Envelope) -> Receipt | None:
        """Never asked: a frame that arrives twice is shown once."""
        return None

    def fetch(self, file: str, access: ChannelAccess) -> AbstractAsyncContextManager[Content]:
        """Raises `Refused`: what a visitor uploads is stored at once."""
        raise Refused("a visitor's file is stored when it arrives")

    async def close(self) -> None:
        """Nothing to release."""


def options(message: OutboundMessage) -> tuple[frames.Option, ...]:
    """A message's choices as the widget shows them."""
    return tuple(
        frames.Option(id=choice.id, title=choice.title, description=choice.description)
        for choice in message.choices
    )


def _body(frame: frames.Said) -> EventBody:
    match frame:
        case frames.Open():
            return ConversationOpened()
        case frames.Text():
            return TextReceived(text=frame.text)
        case frames.Choice():
            return ChoiceMade(choice=frame.choice, title=frame.title)
        case frames.Command(command="restart"):
            return CommandReceived(command=RESTART)
        case _:
            assert_never(frame)
