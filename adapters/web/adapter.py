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
from adapters.web.parts import KEPT, told
from engine.events import (
    AlbumReceived,
    ChoiceMade,
    CommandReceived,
    ContactReceived,
    Context,
    ConversationOpened,
    EventBody,
    InboundEvent,
    LocationReceived,
    MediaReceived,
    ReactionReceived,
    Referral,
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
PAGE: Final = "page"
"""What led a visitor here, in `Referral.source`: the page that shows the widget."""


class _Announcement(msgspec.Struct, frozen=True):
    """The body of an `announce` call."""

    typing: bool = False
    read: str = ""


_decode: Final = msgspec.json.Decoder(OutboundMessage).decode
_decode_announcement: Final = msgspec.json.Decoder(_Announcement).decode


class Visit(msgspec.Struct, frozen=True, kw_only=True):
    """Who speaks on a socket, from where, as the widget's hello told. Nothing of it is vouched for but `visitor`."""

    visitor: UUID
    language: str = ""
    timezone: str = ""
    page: str = ""
    """Address of the page that shows the widget."""
    title: str = ""
    payload: str = ""
    """What the page gave the visitor along."""


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

    def event(self, frame: frames.Said, visit: Visit, now: datetime, *, first: bool = False) -> InboundEvent:
        """The event that a visitor's frame causes. The frame's own id makes it happen once.

        `first`: it begins a conversation, so the page that led to it goes along.
        """
        opening = isinstance(frame, frames.Open)
        visitor = str(visit.visitor)
        return InboundEvent(
            # Opening counts once for a visitor, from however many tabs.
            external_id=f"start:{visitor}" if opening else str(frame.id),
            conversation_key=visitor,
            sender=Sender(external_id=visitor, language=visit.language, timezone=visit.timezone),
            body=_body(frame),
            occurred_at=now,
            message="" if opening else str(frame.id),
            context=_context(visit) if first else None,
        )

    def render(self, recipient: str, message: OutboundMessage, access: ChannelAccess) -> list[Call]:
        """One `message` call, whose body is the message itself."""
        return [Call(method="message", body=frames.encode(message))]

    def announce(
        self, recipient: str, answers: str, access: ChannelAccess, *, typing: bool, showing: str = ""
    ) -> Call | None:
        """The `announce` call: `{"typing": true, "read": "<client id>"}`."""
        if not typing and not answers:
            return None
        return Call(method="announce", body=frames.encode({"typing": typing, "read": answers}))

    async def send(self, call: Call, access: ChannelAccess, envelope: Envelope) -> Receipt:
        """Push one message, or what is announced. Never raises: the transcript has what no socket took."""
        if call.method == "announce":
            self._announce(_decode_announcement(call.body), envelope.conversation_id)
            return Receipt()
        id = str(envelope.key)
        frame = told(_decode(call.body), seq=envelope.seq, id=id, at=envelope.at)
        self._push(envelope.conversation_id, envelope.seq, frames.encode(frame))
        return Receipt(message=id)

    def _announce(self, announced: _Announcement, conversation_id: UUID) -> None:
        if announced.read:
            self._push(conversation_id, 0, frames.encode(frames.Read(message=announced.read)))
        if announced.typing:
            self._push(conversation_id, 0, frames.encode(frames.Typing(ms=TYPING_MS)))

    async def find(self, call: Call, access: ChannelAccess, envelope: Envelope) -> Receipt | None:
        """Never asked: a frame that arrives twice is shown once."""
        return None

    def fetch(self, file: str, access: ChannelAccess) -> AbstractAsyncContextManager[Content]:
        """Raises `Refused`: what a visitor uploads is stored at once."""
        raise Refused("a visitor's file is stored when it arrives")

    async def close(self) -> None:
        """Nothing to release."""


def _context(visit: Visit) -> Context | None:
    if not visit.page and not visit.payload:
        return None
    referral = Referral(source=PAGE, url=visit.page, headline=visit.title, payload=visit.payload)
    return Context(referral=referral)


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
        case frames.Files(files=(only,)):
            return _file(only, frame.caption)
        case frames.Files():
            return AlbumReceived(items=tuple(_file(one, "") for one in frame.files), caption=frame.caption)
        case frames.Location():
            return LocationReceived(latitude=frame.latitude, longitude=frame.longitude, name=frame.name)
        case frames.Contact():
            return ContactReceived(phone=frame.phone, name=frame.name)
        case frames.React():
            return ReactionReceived(emoji=frame.emoji, message=frame.message)
        case _:
            assert_never(frame)


def _file(one: frames.Uploaded, caption: str) -> MediaReceived:
    return MediaReceived(
        kind=one.kind,
        file=f"{KEPT}{one.media}",
        caption=caption,
        name=one.name,
        mime_type=one.mime,
        size=one.size,
        seconds=one.seconds,
        media=str(one.media),
    )
