"""One widget's session, the receiving side: a hello, then one frame at a time, in order."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final
from uuid import UUID, uuid4

import structlog
from aiohttp import WSMsgType, web
from msgspec import structs

from adapters.errors import Misconfigured
from adapters.protocol import Parsed
from adapters.web import frames, token
from adapters.web.adapter import Visit, WebAdapter
from adapters.web.reading import BadFrame, parse_frame
from gateway.channel import Channel
from gateway.errors import Unavailable
from gateway.turns.arrival import Accepted
from gateway.web.appearance import WebSettings
from gateway.web.background import Background
from gateway.web.hello import cursor_of, visit_of
from gateway.web.hub import Hub
from gateway.web.limits import MAX_REFUSED, Bucket
from gateway.web.ports import Accept, Clock, Found, Owns, SeenUpTo, StatusLane, Transcript
from gateway.web.socket import TRY_AGAIN_LATER, Socket

HELLO_SECONDS: Final = 10.0
MAX_EARLY_FRAMES: Final = 5
"""Frames before the hello, each answered with an error, before the socket is closed."""

POLICY_VIOLATION: Final = 1008
INTERNAL_ERROR: Final = 1011

_PONG: Final = frames.encode(frames.Pong())

_log = structlog.get_logger(__name__)


class Tools:
    """What every session of this replica works with."""

    __slots__ = (
        "accept",
        "adapter",
        "background",
        "clock",
        "hub",
        "monotonic",
        "owns",
        "statuses",
        "transcript",
    )

    def __init__(
        self,
        *,
        accept: Accept,
        adapter: WebAdapter,
        background: Background,
        clock: Clock,
        hub: Hub,
        monotonic: Callable[[], float],
        statuses: StatusLane,
        transcript: Transcript,
        owns: Owns | None = None,
    ) -> None:
        """`owns`: whether a file is a visitor's; None where nothing is uploaded."""
        self.accept = accept
        self.adapter = adapter
        self.background = background
        self.clock = clock
        self.hub = hub
        self.monotonic = monotonic
        self.owns = owns
        self.statuses = statuses
        self.transcript = transcript


class Session:
    """A widget on an open socket, from its hello to its end."""

    __slots__ = ("_bucket", "_channel", "_settings", "_socket", "_tools", "_visit", "_wire")

    def __init__(self, tools: Tools, channel: Channel, settings: WebSettings) -> None:
        self._tools = tools
        self._channel = channel
        self._settings = settings
        self._bucket = Bucket(tools.monotonic())
        self._visit: Visit
        self._wire: web.WebSocketResponse
        self._socket: Socket

    async def run(self, wire: web.WebSocketResponse) -> None:
        """Serve until the widget is gone. Nothing that it sends makes this raise."""
        self._wire = wire
        if not await self._begin():
            return
        try:
            await self._tools.hub.join(self._socket)
            while True:  # as long as the widget is there
                message = await wire.receive()
                if message.type is not WSMsgType.TEXT and message.type is not WSMsgType.BINARY:
                    return
                if not self._socket.closing and self._allowed():
                    try:
                        await self._take(parse_frame(_bytes(message)))
                    except BadFrame as error:
                        self._send(error.frame())
        finally:
            self._tools.hub.leave(self._socket)

    # The beginning

    async def _begin(self) -> bool:
        """From the hello to the welcome. False when there is no session; the widget knows why, then."""
        hello = await self._hello()
        if hello is None:
            return False
        try:
            await self._greet(hello)
        except Unavailable:
            await self._refuse(TRY_AGAIN_LATER, "unavailable", "Not available right now.", retry=True)
        except Misconfigured as error:
            _log.error("web channel is misconfigured", channel=str(self._channel.id), reason=error.reason)
            await self._refuse(INTERNAL_ERROR, "misconfigured", "This chat is not set up.", retry=False)
        else:
            return True
        return False

    async def _hello(self) -> frames.Hello | None:
        try:
            async with asyncio.timeout(HELLO_SECONDS):
                for _ in range(MAX_EARLY_FRAMES):
                    message = await self._wire.receive()
                    if message.type in (
                        WSMsgType.CLOSE,
                        WSMsgType.CLOSING,
                        WSMsgType.CLOSED,
                        WSMsgType.ERROR,
                    ):
                        return None
                    try:
                        frame = parse_frame(_bytes(message))
                        if isinstance(frame, frames.Hello):
                            return frame
                        raise BadFrame("hello_first", "The first frame has to be a hello.")
                    except BadFrame as error:
                        await self._wire.send_frame(frames.encode(error.frame()), WSMsgType.TEXT)
        except (TimeoutError, ConnectionError):
            pass
        await self._wire.close(code=POLICY_VIOLATION, message=b"no hello")
        return None

    async def _greet(self, hello: frames.Hello) -> None:
        """Find out who this is, greet the widget, and send it what it misses."""
        tools, channel, now = self._tools, self._channel, self._tools.clock()
        secret = token.session_secret(channel.access.secrets)
        known = token.verify(hello.token, secret, channel.id, now) if hello.token else None
        found = await self._find(known) if known else None
        visitor = known or uuid4()
        self._visit = visit_of(hello, visitor, new=found is None)
        self._socket = Socket(
            self._wire,
            tools.background,
            id=uuid4(),
            organization_id=channel.organization_id,
            channel_id=channel.id,
            visitor=visitor,
            conversation_id=found.conversation_id if found else None,
            cursor=cursor_of(hello, found),
            batch=self._settings.performance.message_batch_size,
        )
        self._welcome(token.issue(secret, channel.id, visitor, now), found)

    def _welcome(self, signed: str, found: Found | None) -> None:
        welcome = frames.Welcome(
            token=signed,
            conversation=str(found.conversation_id) if found else "",
            seq=found.last_seq if found else 0,
            bot=frames.BotFace(name=self._channel.bot_name),
            **self._settings.for_widget(uploads=self._tools.owns is not None),
        )
        self._socket.push(frames.encode(welcome))

    async def _find(self, visitor: UUID) -> Found | None:
        channel = self._channel
        return await self._tools.transcript.find(channel.organization_id, channel.id, str(visitor))

    # Frames

    def _allowed(self) -> bool:
        if self._bucket.take(self._tools.monotonic()):
            return True
        if self._bucket.refused > MAX_REFUSED:
            self._socket.close(POLICY_VIOLATION, b"too many frames")
        else:
            self._error("too_fast", "Too many frames; wait a little.", retry=True)
        return False

    async def _take(self, frame: frames.ClientFrame) -> None:
        match frame:
            case frames.Ping():
                await self._ping()
            case frames.Seen():
                self._seen(frame)
            case frames.Resume():
                self._socket.rewind(frame.seq)
                await self._tools.hub.catch_up(self._socket)
            case frames.Hello():
                raise BadFrame("bad_frame", "There was a hello already.")
            case _:
                await self._say(frame)

    async def _say(self, frame: frames.Said) -> None:
        """Run a turn for what the visitor said; answer with an ack once it is committed."""
        socket, tools = self._socket, self._tools
        new = socket.conversation_id is None
        if isinstance(frame, frames.Open) and not (self._settings.greet and new):
            self._send(frames.Ack(id=str(frame.id)))
            return
        event = tools.adapter.event(frame, self._visit, tools.clock(), first=new)
        socket.accepting = True
        try:
            if isinstance(frame, frames.Files):
                await self._check(frame)
            (accepted,) = await tools.accept(self._channel, Parsed(events=(event,)))
        except Unavailable:
            self._error("unavailable", "Not available right now.", retry=True, id=frame.id)
            return
        finally:
            socket.accepting = False
        await self._said(frame, accepted)

    async def _check(self, frame: frames.Files) -> None:
        """That the files are there, and this visitor's. Raises `BadFrame`, or `Unavailable`."""
        owns = self._tools.owns
        if owns is None or not self._settings.behavior.file_upload.enabled:
            raise BadFrame("no_files", "This chat takes no files.", frame.id)
        for file in frame.files:
            if not await owns(file.media, self._channel.id, self._socket.visitor):
                raise BadFrame("unknown_file", "This file is not here; upload it again.", frame.id)

    async def _said(self, frame: frames.Said, accepted: Accepted) -> None:
        socket, hub = self._socket, self._tools.hub
        conversation = accepted.conversation_id
        moved = conversation is not None and conversation != socket.conversation_id
        if conversation is not None and moved:
            self._visit = structs.replace(self._visit, page="", title="", payload="")  # told, and let go of
            # The first words began a conversation, or a new one, after the last was archived.
            await hub.adopt(socket, conversation)
        name = str(conversation) if moved else None
        self._send(frames.Ack(id=str(frame.id), seq=accepted.seq, conversation=name))
        if accepted.seq is not None and not accepted.duplicate:
            hub.said(socket, accepted.seq)
        if moved or socket.gap:
            await hub.catch_up(socket)

    async def _ping(self) -> None:
        self._socket.push(_PONG)
        if self._socket.conversation_id is not None:
            return
        try:  # another tab, on another replica, may have begun it while the bus was away
            found = await self._find(self._socket.visitor)
        except Unavailable:
            return
        if found is not None:
            await self._tools.hub.adopt(self._socket, found.conversation_id)
            await self._tools.hub.catch_up(self._socket)

    def _seen(self, frame: frames.Seen) -> None:
        conversation = self._socket.conversation_id
        seq = min(frame.seq, self._socket.cursor)
        if conversation is None or seq == 0:
            return
        update = SeenUpTo(
            conversation_id=conversation, seq=seq, state=frame.state, occurred_at=self._tools.clock()
        )
        # The lane answers after its commit; what the visitor says next does not wait for that.
        self._tools.background.spawn(self._report(update))

    async def _report(self, update: SeenUpTo) -> None:
        try:
            await self._tools.statuses.report(self._channel, (update,))
        except Unavailable:
            self._error("unavailable", "The receipt was not noted.", retry=True)

    # Answers

    def _send(self, frame: frames.ServerFrame) -> None:
        self._socket.push(frames.encode(frame))

    def _error(self, code: str, message: str, *, retry: bool, id: UUID | None = None) -> None:
        self._send(frames.Error(code=code, message=message, retry=retry, id=str(id) if id else None))

    async def _refuse(self, close_code: int, code: str, message: str, *, retry: bool) -> None:
        """Say why there is no session, and close."""
        error = frames.Error(code=code, message=message, retry=retry)
        try:
            await self._wire.send_frame(frames.encode(error), WSMsgType.TEXT)
        except ConnectionError:
            return
        await self._wire.close(code=close_code, message=code.encode())


def _bytes(message: object) -> bytes:
    """The frame's bytes; the socket was opened with `decode_text=False`."""
    data = getattr(message, "data", b"")
    return data if isinstance(data, bytes) else str(data).encode()
