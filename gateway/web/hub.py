"""The hub: which sockets are open here, and what each of them still has to get.

Messages come to it from this replica's delivery, and from other replicas over the bus. Either way they are
hints; what a socket misses is read from the transcript, so nothing depends on a hint's arrival:

- a number that jumps is a gap, and the gap is read at once;
- a socket that has just arrived, or that waits for a missing message, is looked after by `watch`;
- while the bus is away, and once in a while in any case, `watch` looks after every socket.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Final
from uuid import UUID

import msgspec
import structlog
from msgspec import Raw

from adapters.fit import fit
from adapters.web import frames
from adapters.web.capabilities import CAPABILITIES
from adapters.web.frames import encode
from adapters.web.parts import LinkTo, heard, no_link, told
from engine.messages import OutboundMessage
from gateway.checkpoints import reach
from gateway.errors import Unavailable
from gateway.web.background import Background, heed_cancel
from gateway.web.notes import Born, Note, NoteBus, Pushed, Said
from gateway.web.ports import Entry, Link, Position, Transcript, no_file
from gateway.web.socket import SERVICE_RESTART, Socket

MAX_PAGES: Final = 100
"""Queries of one replay; a widget that misses still more asks again."""
WATCH_SECONDS: Final = 1.0
WATCH_LIMIT: Final = 50
"""Messages read for one conversation in one round of the watch."""
WATCH_CHUNK: Final = 1_000
"""Conversations in one query of the watch."""
FRESH_ROUNDS: Final = 3
"""Rounds that look after a new socket: a message may be on its way between the socket and the transcript."""
RESYNC_ROUNDS: Final = 3
FULL_ROUND_EVERY: Final = 30
"""Rounds after which everybody is looked after, whatever the bus says."""

_log = structlog.get_logger(__name__)


class Hub:
    """The open sockets of this replica."""

    def __init__(
        self, transcript: Transcript, bus: NoteBus, background: Background, link: Link = no_file
    ) -> None:
        """`link` gives the addresses of the files that the gateway keeps itself."""
        self._transcript = transcript
        self._link = link
        self._bus = bus
        self._background = background
        self._sockets: dict[UUID, list[Socket]] = {}
        self._count = 0
        self._round = 0
        self._resync_rounds = 0
        self._watched: set[Socket] = set()

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Socket]:
        for sockets in self._sockets.values():
            yield from sockets

    def holds(self, key: UUID) -> bool:
        """Whether a socket of this conversation (or of this visitor without one) is open here."""
        return key in self._sockets

    async def join(self, socket: Socket) -> None:
        """Serve `socket` from now on, beginning with what it misses."""
        self._add(socket)
        await self._bus.subscribe(socket.key)
        await self.catch_up(socket)

    def leave(self, socket: Socket) -> None:
        """The socket is gone. Leaving twice changes nothing."""
        socket.gone()
        self._remove(socket)
        self._watched.discard(socket)

    async def adopt(self, socket: Socket, conversation_id: UUID) -> None:
        """`socket` turns out to belong to this conversation, and has nothing of it yet."""
        self._move(socket, conversation_id)
        note = Born(origin=self._bus.origin, conversation_id=conversation_id)
        self._bus.publish(socket.visitor, note)
        self._born(socket.visitor, conversation_id)
        await self._bus.subscribe(conversation_id)

    def deliver(self, conversation_id: UUID, seq: int, frame: bytes) -> None:
        """Hand a frame to the conversation's sockets, wherever they are. `seq` 0: it is no message."""
        self._bus.publish(conversation_id, Pushed(origin=self._bus.origin, seq=seq, frame=Raw(frame)))
        reach("socket.published")
        self._push(conversation_id, seq, frame)

    def said(self, socket: Socket, seq: int) -> None:
        """`socket` sent the message `seq`: it needs only the ack, the visitor's other sockets the message."""
        socket.knows(seq)
        if socket.gap:
            self._background.spawn(self.catch_up(socket))
        self._bus.publish(socket.key, Said(origin=self._bus.origin, seq=seq))
        self._fetch(socket.key, seq)

    async def catch_up(self, socket: Socket) -> None:
        """Send what `socket` misses. Two calls for one socket share the work."""
        if socket.catching_up or socket.closing or socket.conversation_id is None:
            return
        socket.catching_up = True
        try:
            await self._replay(socket, socket.conversation_id)
        except Unavailable:
            self._look_after(socket)
        finally:
            socket.catching_up = False

    def received(self, key: UUID, note: Note) -> None:
        """A note of another replica."""
        match note:
            case Pushed():
                self._push(key, note.seq, bytes(note.frame))
            case Said():
                self._fetch(key, note.seq)
            case Born():
                self._born(key, note.conversation_id)
            case _:
                pass  # the bus keeps `Here` for itself

    def resync(self) -> None:
        """Notes may have been lost: look after everybody for some rounds."""
        self._resync_rounds = RESYNC_ROUNDS

    async def run(self) -> None:
        """Watch, once a second, until cancelled."""
        while True:  # as long as the process serves
            await asyncio.sleep(WATCH_SECONDS)
            try:
                await self.watch()
            except Unavailable:
                _log.info("transcript is away; sockets wait")
            heed_cancel()

    async def watch(self) -> None:
        """One round: read what the sockets that need it miss, with one query for many conversations."""
        self._round += 1
        everybody = not self._bus.healthy or self._resync_rounds > 0 or self._round % FULL_ROUND_EVERY == 0
        sockets = list(self) if everybody else list(self._watched)
        positions = _positions(sockets)
        for start in range(0, len(positions), WATCH_CHUNK):
            entries = await self._transcript.after_many(positions[start : start + WATCH_CHUNK], WATCH_LIMIT)
            for entry in entries:
                self._offer(entry)
        self._resync_rounds = max(0, self._resync_rounds - 1)
        for socket in sockets:
            self._looked_after(socket)

    def close(self) -> None:
        """Send every widget away; each comes back, to another replica, after a short random time."""
        for socket in list(self):
            socket.close(SERVICE_RESTART, b"restarting")

    def _add(self, socket: Socket) -> None:
        self._sockets.setdefault(socket.key, []).append(socket)
        self._count += 1
        socket.fresh = FRESH_ROUNDS
        self._watched.add(socket)

    def _remove(self, socket: Socket) -> None:
        sockets = self._sockets.get(socket.key, [])
        if socket not in sockets:
            return
        sockets.remove(socket)
        self._count -= 1
        if not sockets:
            del self._sockets[socket.key]
            self._bus.unsubscribe(socket.key)

    def _move(self, socket: Socket, conversation_id: UUID) -> None:
        self._remove(socket)
        socket.move(conversation_id)
        self._add(socket)

    def _born(self, visitor: UUID, conversation_id: UUID) -> None:
        """The visitor's sockets that knew of no conversation follow the one that began it."""
        for socket in list(self._sockets.get(visitor, ())):
            self._move(socket, conversation_id)
            self._background.spawn(self._follow(socket))

    async def _follow(self, socket: Socket) -> None:
        await self._bus.subscribe(socket.key)
        await self.catch_up(socket)

    def _push(self, conversation_id: UUID, seq: int, frame: bytes) -> None:
        for socket in self._sockets.get(conversation_id, ()):
            if seq == 0:
                socket.push(frame)
                continue
            socket.offer(seq, frame)
            if socket.gap and not socket.accepting:
                self._background.spawn(self.catch_up(socket))

    def _fetch(self, conversation_id: UUID, seq: int) -> None:
        for socket in self._sockets.get(conversation_id, ()):
            if socket.cursor < seq and not socket.accepting and not socket.gap:
                self._background.spawn(self.catch_up(socket))

    async def _replay(self, socket: Socket, conversation_id: UUID) -> None:
        for _ in range(MAX_PAGES):
            before = socket.cursor
            entries = await self._transcript.after(
                socket.organization_id, conversation_id, socket.cursor, socket.batch
            )
            for entry in entries:
                if not await socket.room() or socket.conversation_id != conversation_id:
                    return
                socket.offer(entry.seq, render(entry, partial(self._link, socket.organization_id)))
            if len(entries) < socket.batch or socket.cursor == before:
                break
        if socket.gap:
            self._look_after(socket)

    def _offer(self, entry: Entry) -> None:
        sockets = self._sockets.get(entry.conversation_id, ())
        if sockets:
            frame = render(entry, partial(self._link, sockets[0].organization_id))
            for socket in sockets:
                socket.offer(entry.seq, frame)

    def _look_after(self, socket: Socket) -> None:
        socket.fresh = max(socket.fresh, 1)
        self._watched.add(socket)

    def _looked_after(self, socket: Socket) -> None:
        socket.fresh = max(0, socket.fresh - 1)
        if socket.closing or not (socket.fresh or socket.gap):
            self._watched.discard(socket)


def render(entry: Entry, link: LinkTo = no_link) -> bytes:
    """A transcript's message as the widget's frame, with the same parts as when it was new."""
    return encode(_frame(entry, link))


def _frame(entry: Entry, link: LinkTo) -> frames.Message:
    id, at = str(entry.id), entry.created_at
    if entry.sender_type == "customer":
        return heard(
            entry.content, entry.payload, seq=entry.seq, id=id, at=at, client_id=entry.client_id, link=link
        )
    said = msgspec.convert({**entry.payload, "text": entry.content}, OutboundMessage)
    fitting = fit(said, CAPABILITIES) or OutboundMessage()
    return told(fitting, seq=entry.seq, id=id, at=at, sender=entry.sender_type, link=link)


def _positions(sockets: Sequence[Socket]) -> list[Position]:
    """Where to read on: for each conversation, the socket that is furthest behind."""
    behind: dict[UUID, Position] = {}
    for socket in sockets:
        if socket.conversation_id is None or socket.closing:
            continue
        known = behind.get(socket.conversation_id)
        if known is None or socket.cursor < known.seq:
            behind[socket.conversation_id] = Position(
                organization_id=socket.organization_id,
                conversation_id=socket.conversation_id,
                seq=socket.cursor,
            )
    return list(behind.values())
