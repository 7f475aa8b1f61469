"""Stand-ins for what the web channel is given: a transcript in memory, a turn that only notes, a wire, a bus."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import msgspec
from aiohttp import WSMsgType

from adapters.protocol import ChannelAccess, Parsed
from adapters.web.adapter import WebAdapter
from engine.events import InboundEvent
from gateway.channel import Channel
from gateway.errors import Unavailable
from gateway.turns.arrival import Accepted
from gateway.turns.transcript import describe
from gateway.web.notes import Note
from gateway.web.ports import Entry, Found, Position, SeenUpTo

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
SECRET = "a-secret-of-at-least-thirty-two-bytes"
ORGANIZATION = UUID(int=1)
CHATBOT = UUID(int=2)


def web_channel(settings: Mapping[str, Any] | None = None, *, route: str = "demo") -> Channel:
    """A web channel with its secret."""
    id = uuid4()
    access = ChannelAccess(channel_id=id, secrets={"session_secret": SECRET}, settings=settings or {})
    return Channel(
        id=id,
        organization_id=ORGANIZATION,
        chatbot_id=CHATBOT,
        platform="web",
        route=route,
        name="Website",
        bot_name="Pixel",
        flow_id=None,
        adapter=WebAdapter(lambda conversation_id, seq, frame: None),
        access=access,
    )


class MemoryTranscript:
    """Conversations in memory, as the database would tell of them. `away` makes it unavailable."""

    def __init__(self) -> None:
        self.entries: dict[UUID, list[Entry]] = {}
        self.hidden: set[tuple[UUID, int]] = set()
        self.contacts: dict[tuple[UUID, str], UUID] = {}
        self.away = False
        self.reads = 0
        self.many_reads = 0

    def add(
        self,
        conversation_id: UUID,
        content: str,
        *,
        sender: str = "bot",
        client_id: str = "",
        payload: Mapping[str, Any] | None = None,
        hidden: bool = False,
    ) -> Entry:
        """Append a message; `hidden` until `show`, as one that is still on its way."""
        entries = self.entries.setdefault(conversation_id, [])
        entry = Entry(
            conversation_id=conversation_id,
            seq=len(entries) + 1,
            id=uuid4(),
            sender_type=sender,  # type: ignore[arg-type]
            content=content,
            payload=payload or {},
            created_at=NOW,
            client_id=client_id,
        )
        entries.append(entry)
        if hidden:
            self.hidden.add((conversation_id, entry.seq))
        return entry

    def show(self, entry: Entry) -> None:
        """It has been sent now."""
        self.hidden.discard((entry.conversation_id, entry.seq))

    async def find(self, organization_id: UUID, channel_id: UUID, contact_key: str) -> Found | None:
        self._check()
        conversation_id = self.contacts.get((channel_id, contact_key))
        if conversation_id is None:
            return None
        return Found(conversation_id=conversation_id, last_seq=len(self.entries.get(conversation_id, ())))

    async def after(
        self, organization_id: UUID, conversation_id: UUID, seq: int, limit: int
    ) -> Sequence[Entry]:
        self._check()
        self.reads += 1
        await asyncio.sleep(0)
        visible = [
            entry
            for entry in self.entries.get(conversation_id, ())
            if entry.seq > seq and (conversation_id, entry.seq) not in self.hidden
        ]
        return visible[:limit]

    async def after_many(self, positions: Sequence[Position], limit: int) -> Sequence[Entry]:
        self._check()
        self.many_reads += 1
        found: list[Entry] = []
        for position in positions:
            found += await self.after(position.organization_id, position.conversation_id, position.seq, limit)
        return found

    def _check(self) -> None:
        if self.away:
            raise Unavailable


class MemoryTurns:
    """Accepts events into a `MemoryTranscript`, each once. `away` refuses them."""

    def __init__(self, transcript: MemoryTranscript) -> None:
        self.transcript = transcript
        self.events: list[InboundEvent] = []
        self.away = False
        self._known: dict[tuple[UUID, str], Accepted] = {}

    async def accept(self, channel: Channel, parsed: Parsed) -> Sequence[Accepted]:
        """The turn's commit."""
        await asyncio.sleep(0)
        if self.away:
            raise Unavailable
        return [self._one(channel, event) for event in parsed.events]

    def _one(self, channel: Channel, event: InboundEvent) -> Accepted:
        key = (channel.id, event.external_id)
        if (known := self._known.get(key)) is not None:
            return msgspec.structs.replace(known, duplicate=True)
        self.events.append(event)
        contact = (channel.id, event.conversation_key)
        conversation_id = self.transcript.contacts.setdefault(contact, uuid4())
        said = describe(event.body)
        seq = None
        if said is not None:
            _, text, payload = said
            entry = self.transcript.add(
                conversation_id,
                text,
                sender="customer",
                client_id=event.message,
                payload=msgspec.json.decode(payload),
            )
            seq = entry.seq
        self._known[key] = Accepted(conversation_id=conversation_id, seq=seq)
        return self._known[key]


class NotedStatuses:
    """A status lane that only notes."""

    def __init__(self) -> None:
        self.updates: list[SeenUpTo] = []

    async def report(self, channel: Channel, updates: Sequence[SeenUpTo]) -> None:
        self.updates += updates


class MemoryWire:
    """A socket's far end. `slow` takes nothing until `let_go`."""

    def __init__(self) -> None:
        self.frames: list[dict[str, Any]] = []
        self.closed: tuple[int, bytes] | None = None
        self._open = asyncio.Event()
        self._open.set()

    def hold(self) -> None:
        """Take nothing more."""
        self._open.clear()

    def let_go(self) -> None:
        """Take frames again."""
        self._open.set()

    async def send_frame(self, message: bytes, opcode: WSMsgType) -> None:
        await self._open.wait()
        assert opcode is WSMsgType.TEXT
        self.frames.append(msgspec.json.decode(message))

    async def close(self, *, code: int, message: bytes) -> bool:
        self.closed = (code, message)
        return True

    @property
    def seqs(self) -> list[int]:
        """The numbers of the messages that arrived, in order."""
        return [frame["seq"] for frame in self.frames if frame["type"] == "message"]


class MemoryBus:
    """A bus that only notes. `healthy` is the test's to set."""

    def __init__(self) -> None:
        self.origin = "here"
        self.healthy = True
        self.published: list[tuple[UUID, Note]] = []
        self.subscribed: set[UUID] = set()

    def publish(self, key: UUID, note: Note) -> None:
        self.published.append((key, note))

    async def subscribe(self, key: UUID) -> None:
        self.subscribed.add(key)

    def unsubscribe(self, key: UUID) -> None:
        self.subscribed.discard(key)


async def settle() -> None:
    """Let everything that is ready run."""
    for _ in range(20):
        await asyncio.sleep(0)
