"""One widget's socket, the sending side: what leaves, in which order, and how much may wait.

Messages leave strictly in the order of their numbers: `cursor` is the last one that this widget has, and only
`cursor + 1` is sent. What arrives too early is held in `_ahead`; what is missing, the hub fetches.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final, Protocol
from uuid import UUID

from aiohttp import ClientConnectionError, WSMsgType

from gateway.web.background import Background

MAX_QUEUED_BYTES: Final = 256 * 1024
"""What may wait for a slow connection. Beyond it the socket is closed; the widget resumes on a new one."""
ROOM_BYTES: Final = MAX_QUEUED_BYTES // 4
"""A replay goes on when no more than this waits."""
MAX_BATCH: Final = 200
"""Messages that are read in one query for one socket."""
MAX_AHEAD: Final = 64
"""Messages held because one before them is missing. A further one is fetched again later."""
SEND_SECONDS: Final = 20.0
"""A frame that the connection did not take for this long: its other end is gone."""

SERVICE_RESTART: Final = 1012
TRY_AGAIN_LATER: Final = 1013
_KNOWN: Final = b""
"""Stands for a message that the widget has already, because it sent it."""


class Wire(Protocol):
    """The part of `aiohttp.web.WebSocketResponse` that is used."""

    async def send_frame(self, message: bytes, opcode: WSMsgType) -> None:
        """Send one frame; waits while the connection is congested. Raises ClientConnectionError."""

    async def close(self, *, code: int, message: bytes) -> bool:
        """Close with a code and a reason."""


class Socket:
    """One open socket. Its `key` is the conversation, or the visitor as long as there is none."""

    __slots__ = (
        "_ahead",
        "_background",
        "_queue",
        "_queued_bytes",
        "_room",
        "_wire",
        "accepting",
        "batch",
        "catching_up",
        "channel_id",
        "closing",
        "conversation_id",
        "cursor",
        "fresh",
        "id",
        "organization_id",
        "visitor",
    )

    def __init__(
        self,
        wire: Wire,
        background: Background,
        *,
        id: UUID,
        organization_id: UUID,
        channel_id: UUID,
        visitor: UUID,
        conversation_id: UUID | None = None,
        cursor: int = 0,
        batch: int = MAX_BATCH,
    ) -> None:
        self._wire = wire
        self._background = background
        self._ahead: dict[int, bytes] | None = None
        self._queue: deque[bytes] | None = None
        self._queued_bytes = 0
        self._room: asyncio.Event | None = None
        self.closing = False
        """Nothing leaves any more."""
        self.id = id
        self.organization_id = organization_id
        self.channel_id = channel_id
        self.visitor = visitor
        self.conversation_id = conversation_id
        self.cursor = cursor
        self.batch = batch
        """Messages that are read for it in one go."""
        self.accepting = False
        """A message of this widget is in its turn; the answer may overtake its ack, which is no gap."""
        self.catching_up = False
        """The hub reads the transcript for this socket just now."""
        self.fresh = 0
        """Rounds of the hub's watch that still look after this socket, because it has just arrived."""

    @property
    def key(self) -> UUID:
        """What the socket is registered under."""
        return self.conversation_id or self.visitor

    @property
    def gap(self) -> bool:
        """Whether something arrived that can't be sent, because one before it is missing."""
        return bool(self._ahead)

    def offer(self, seq: int, frame: bytes) -> None:
        """Send message number `seq` when it is next, hold it while one is missing, drop a repeated one."""
        if seq <= self.cursor:
            return
        if seq > self.cursor + 1:
            self._hold(seq, frame)
            return
        self.cursor = seq
        self.push(frame)
        self._release()

    def knows(self, seq: int) -> None:
        """The widget has message `seq`, because it sent it: never push it."""
        if seq == self.cursor + 1:
            self.cursor = seq
            self._release()
        elif seq > self.cursor:
            self._hold(seq, _KNOWN)

    def rewind(self, seq: int) -> None:
        """The widget says that it has everything up to `seq` and no more."""
        self.cursor = min(self.cursor, seq)

    def move(self, conversation_id: UUID) -> None:
        """From now on this socket is in another conversation, of which the widget has nothing."""
        self.conversation_id = conversation_id
        self.cursor = 0
        self._ahead = None

    def push(self, frame: bytes) -> None:
        """Send a frame as soon as the connection takes it, after those that wait."""
        if self.closing or not frame:
            return
        if self._queue is None:
            self._queue = deque()
            self._background.spawn(self._drain(self._queue))
        self._queue.append(frame)
        self._queued_bytes += len(frame)
        if self._queued_bytes > MAX_QUEUED_BYTES:
            self.close(TRY_AGAIN_LATER, b"too slow")

    async def room(self) -> bool:
        """Wait until little is waiting; False when the socket closes instead."""
        if self._queued_bytes > ROOM_BYTES and not self.closing:
            self._room = asyncio.Event()
            await self._room.wait()
        return not self.closing

    def close(self, code: int, reason: bytes) -> None:
        """Close it, soon. What waits is dropped; the widget asks for it again on its next socket."""
        if not self.closing:
            self._stop()
            self._background.spawn(self._close(code, reason))

    def gone(self) -> None:
        """The connection is over; whatever waits is dropped."""
        self._stop()

    def _hold(self, seq: int, frame: bytes) -> None:
        if self._ahead is None:
            self._ahead = {}
        if len(self._ahead) < MAX_AHEAD:
            self._ahead.setdefault(seq, frame)

    def _release(self) -> None:
        """Send what was held and is next now."""
        ahead = self._ahead
        if ahead is None:
            return
        while (frame := ahead.pop(self.cursor + 1, None)) is not None:  # bounded by MAX_AHEAD
            self.cursor += 1
            self.push(frame)
        if not ahead:
            self._ahead = None

    async def _drain(self, queue: deque[bytes]) -> None:
        """Send what waits. One such task a burst, so that an idle socket costs none."""
        try:
            while queue:  # bounded by MAX_QUEUED_BYTES
                frame = queue.popleft()
                async with asyncio.timeout(SEND_SECONDS):
                    await self._wire.send_frame(frame, WSMsgType.TEXT)
                self._queued_bytes -= len(frame)
                if self._room is not None and self._queued_bytes <= ROOM_BYTES:
                    self._room.set()
                    self._room = None
        except (ClientConnectionError, ConnectionError, RuntimeError):
            self._stop()
        except TimeoutError:
            self.close(TRY_AGAIN_LATER, b"too slow")
        finally:
            self._queue = None

    async def _close(self, code: int, reason: bytes) -> None:
        await self._wire.close(code=code, message=reason)

    def _stop(self) -> None:
        self.closing = True
        self._queued_bytes = 0
        if self._queue is not None:
            self._queue.clear()
        if self._room is not None:
            self._room.set()
            self._room = None
