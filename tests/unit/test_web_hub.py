"""The hub: every socket gets every message once, in order, whatever hints are lost, doubled or late."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass
from uuid import UUID, uuid4

import msgspec
import pytest

from gateway.web.background import Background
from gateway.web.hub import FRESH_ROUNDS, FULL_ROUND_EVERY, WATCH_LIMIT, Hub, render
from gateway.web.notes import Born, Pushed, Said
from gateway.web.ports import Entry
from gateway.web.socket import (
    MAX_AHEAD,
    MAX_BATCH,
    MAX_QUEUED_BYTES,
    SERVICE_RESTART,
    TRY_AGAIN_LATER,
    Socket,
)
from tests.unit.web_doubles import ORGANIZATION, MemoryBus, MemoryTranscript, MemoryWire, settle


@dataclass
class Room:
    """A hub with its surroundings."""

    hub: Hub
    transcript: MemoryTranscript
    bus: MemoryBus
    background: Background

    def socket(
        self, conversation_id: UUID | None, *, cursor: int = 0, visitor: UUID | None = None
    ) -> tuple[Socket, MemoryWire]:
        wire = MemoryWire()
        socket = Socket(
            wire,
            self.background,
            id=uuid4(),
            organization_id=ORGANIZATION,
            channel_id=uuid4(),
            visitor=visitor or uuid4(),
            conversation_id=conversation_id,
            cursor=cursor,
        )
        return socket, wire

    async def joined(self, conversation_id: UUID | None, *, cursor: int = 0) -> tuple[Socket, MemoryWire]:
        socket, wire = self.socket(conversation_id, cursor=cursor)
        await self.hub.join(socket)
        await settle()
        return socket, wire

    def say(self, conversation_id: UUID, text: str, *, hidden: bool = False) -> Entry:
        return self.transcript.add(conversation_id, text, hidden=hidden)

    def hint(self, entry: Entry) -> None:
        self.hub.deliver(entry.conversation_id, entry.seq, render(entry))


@pytest.fixture
async def room() -> AsyncIterator[Room]:
    background, transcript, bus = Background(), MemoryTranscript(), MemoryBus()
    yield Room(Hub(transcript, bus, background), transcript, bus, background)
    await background.close()


async def test_replays_what_the_widget_misses(room: Room) -> None:
    conversation = uuid4()
    for number in range(5):
        room.say(conversation, f"m{number}")
    _, wire = await room.joined(conversation, cursor=2)
    assert wire.seqs == [3, 4, 5]
    assert [frame["text"] for frame in wire.frames] == ["m2", "m3", "m4"]
    assert conversation in room.bus.subscribed


async def test_replays_more_than_a_page(room: Room) -> None:
    conversation = uuid4()
    for number in range(2 * MAX_BATCH + 7):
        room.say(conversation, f"m{number}")
    _, wire = await room.joined(conversation)
    assert wire.seqs == list(range(1, 2 * MAX_BATCH + 8))


async def test_pushes_live_messages_without_reading(room: Room) -> None:
    conversation = uuid4()
    _, wire = await room.joined(conversation)
    reads = room.transcript.reads
    for number in range(3):
        room.hint(room.say(conversation, f"m{number}"))
    await settle()
    assert wire.seqs == [1, 2, 3]
    assert room.transcript.reads == reads


async def test_fetches_a_gap_and_keeps_the_order(room: Room) -> None:
    conversation = uuid4()
    _, wire = await room.joined(conversation)
    entries = [room.say(conversation, f"m{number}") for number in range(4)]
    room.hint(entries[3])
    await settle()
    assert wire.seqs == [1, 2, 3, 4]


async def test_a_hint_may_come_twice_and_late(room: Room) -> None:
    conversation = uuid4()
    _, wire = await room.joined(conversation)
    entries = [room.say(conversation, f"m{number}") for number in range(3)]
    for index in (0, 0, 2, 1, 2, 0):
        room.hint(entries[index])
        await settle()
    assert wire.seqs == [1, 2, 3]


async def test_holds_back_what_follows_a_message_on_its_way(room: Room) -> None:
    conversation = uuid4()
    _, wire = await room.joined(conversation)
    late = room.say(conversation, "late", hidden=True)
    early = room.say(conversation, "early")
    room.hint(early)
    await settle()
    assert wire.seqs == []
    room.transcript.show(late)
    room.hint(late)
    await settle()
    assert wire.seqs == [1, 2]


async def test_looks_again_for_a_message_whose_hint_is_lost(room: Room) -> None:
    conversation = uuid4()
    _, wire = await room.joined(conversation)
    for _ in range(FRESH_ROUNDS):
        await room.hub.watch()
    late = room.say(conversation, "late", hidden=True)
    room.hint(room.say(conversation, "early"))
    await settle()
    room.transcript.show(late)  # sent by a replica whose note got lost
    await room.hub.watch()
    await settle()
    assert wire.seqs == [1, 2]


async def test_looks_after_new_sockets_for_a_while(room: Room) -> None:
    conversation = uuid4()
    _, wire = await room.joined(conversation)
    room.say(conversation, "sent while the socket was opening; its hint found nobody")
    await room.hub.watch()
    await settle()
    assert wire.seqs == [1]
    for _ in range(FRESH_ROUNDS):
        await room.hub.watch()
    reads = room.transcript.many_reads
    await room.hub.watch()
    assert room.transcript.many_reads == reads


async def test_polls_for_everybody_while_the_bus_is_away(room: Room) -> None:
    conversation, other = uuid4(), uuid4()
    _, wire = await room.joined(conversation)
    _, other_wire = await room.joined(other)
    for _ in range(FRESH_ROUNDS):
        await room.hub.watch()
    room.bus.healthy = False
    room.say(conversation, "from another replica")
    room.say(other, "and another")
    reads = room.transcript.many_reads
    await room.hub.watch()
    await settle()
    assert (wire.seqs, other_wire.seqs) == ([1], [1])
    assert room.transcript.many_reads == reads + 1


async def test_polls_after_a_resync_and_once_in_a_while(room: Room) -> None:
    conversation = uuid4()
    _, wire = await room.joined(conversation)
    for _ in range(FRESH_ROUNDS + 1):
        await room.hub.watch()
    room.say(conversation, "its note was lost")
    room.hub.resync()
    await room.hub.watch()
    await settle()
    assert wire.seqs == [1]
    for _ in range(FRESH_ROUNDS + 1):
        await room.hub.watch()
    room.say(conversation, "this one too, and nobody noticed")
    for _ in range(FULL_ROUND_EVERY):
        await room.hub.watch()
    await settle()
    assert wire.seqs == [1, 2]


async def test_a_poll_is_bounded_and_goes_on(room: Room) -> None:
    conversation = uuid4()
    _, wire = await room.joined(conversation)
    room.bus.healthy = False
    for number in range(WATCH_LIMIT + 5):
        room.say(conversation, f"m{number}")
    await room.hub.watch()
    await settle()
    assert len(wire.seqs) == WATCH_LIMIT
    await room.hub.watch()
    await settle()
    assert wire.seqs == list(range(1, WATCH_LIMIT + 6))


async def test_waits_for_a_database_that_is_away(room: Room) -> None:
    conversation = uuid4()
    room.say(conversation, "hello")
    room.transcript.away = True
    _, wire = await room.joined(conversation)
    assert wire.seqs == []
    room.transcript.away = False
    await room.hub.watch()
    await settle()
    assert wire.seqs == [1]


async def test_the_sender_gets_no_copy_but_other_tabs_do(room: Room) -> None:
    conversation = uuid4()
    mine, my_wire = await room.joined(conversation)
    _, other_wire = await room.joined(conversation)
    entry = room.transcript.add(conversation, "hi", sender="customer", client_id="c1")
    room.hub.said(mine, entry.seq)
    room.hint(room.say(conversation, "hello"))
    await settle()
    assert my_wire.seqs == [2]
    assert other_wire.seqs == [1, 2]
    assert other_wire.frames[0]["client_id"] == "c1"
    assert [type(note) for _, note in room.bus.published] == [Said, Pushed]


async def test_an_answer_that_overtakes_the_ack_is_no_gap(room: Room) -> None:
    conversation = uuid4()
    mine, wire = await room.joined(conversation)
    reads = room.transcript.reads
    mine.accepting = True
    entry = room.transcript.add(conversation, "hi", sender="customer")
    room.hint(room.say(conversation, "hello"))
    await settle()
    assert wire.seqs == []
    mine.accepting = False
    room.hub.said(mine, entry.seq)
    await settle()
    assert wire.seqs == [2]
    assert room.transcript.reads == reads


async def test_own_words_behind_a_delayed_message_are_not_repeated(room: Room) -> None:
    conversation = uuid4()
    mine, wire = await room.joined(conversation)
    delayed = room.say(conversation, "one moment", hidden=True)
    entry = room.transcript.add(conversation, "hurry", sender="customer")
    room.hub.said(mine, entry.seq)
    await settle()
    room.transcript.show(delayed)
    room.hint(delayed)
    room.hint(room.say(conversation, "here"))
    await settle()
    assert wire.seqs == [1, 3]


async def test_resuming_sends_again_from_there(room: Room) -> None:
    conversation = uuid4()
    for number in range(4):
        room.say(conversation, f"m{number}")
    socket, wire = await room.joined(conversation)
    socket.rewind(2)
    await room.hub.catch_up(socket)
    await settle()
    assert wire.seqs == [1, 2, 3, 4, 3, 4]


async def test_a_visitors_other_tab_follows_into_the_new_conversation(room: Room) -> None:
    visitor, conversation = uuid4(), uuid4()
    one, one_wire = room.socket(None, visitor=visitor)
    two, two_wire = room.socket(None, visitor=visitor)
    for socket in (one, two):
        await room.hub.join(socket)
    entry = room.transcript.add(conversation, "hi", sender="customer")
    await room.hub.adopt(one, conversation)
    room.hub.said(one, entry.seq)
    room.hint(room.say(conversation, "hello"))
    await settle()
    assert (one_wire.seqs, two_wire.seqs) == ([2], [1, 2])
    assert room.bus.subscribed == {conversation}
    born = Born(origin="here", conversation_id=conversation)
    assert (visitor, born) in room.bus.published


async def test_a_tab_on_another_replica_follows_too(room: Room) -> None:
    visitor, conversation = uuid4(), uuid4()
    socket, wire = room.socket(None, visitor=visitor)
    await room.hub.join(socket)
    room.transcript.add(conversation, "hi", sender="customer")
    room.hub.received(visitor, Born(origin="there", conversation_id=conversation))
    await settle()
    assert wire.seqs == [1]
    assert room.hub.holds(conversation)
    assert not room.hub.holds(visitor)


async def test_notes_of_other_replicas_reach_the_sockets(room: Room) -> None:
    conversation = uuid4()
    _, wire = await room.joined(conversation)
    entry = room.transcript.add(conversation, "hi", sender="customer")
    room.hub.received(conversation, Said(origin="there", seq=entry.seq))
    answer = room.say(conversation, "hello")
    frame = msgspec.Raw(render(answer))
    room.hub.received(conversation, Pushed(origin="there", seq=answer.seq, frame=frame))
    await settle()
    typing = msgspec.Raw(b'{"type":"typing","ms":5}')
    room.hub.received(conversation, Pushed(origin="there", seq=0, frame=typing))
    await settle()
    assert wire.seqs == [1, 2]
    assert wire.frames[-1] == {"type": "typing", "ms": 5}


async def test_a_slow_widget_is_sent_away_and_slows_nobody(room: Room) -> None:
    conversation = uuid4()
    slow, slow_wire = await room.joined(conversation)
    _, quick_wire = await room.joined(conversation)
    slow_wire.hold()
    count = MAX_QUEUED_BYTES // 10_000 + 3
    for _ in range(count):
        room.hint(room.say(conversation, "x" * 10_000))
        await settle()
    assert quick_wire.seqs == list(range(1, count + 1))
    assert slow.closing
    assert slow_wire.closed == (TRY_AGAIN_LATER, b"too slow")
    room.hub.leave(slow)
    slow_wire.let_go()
    await settle()
    assert len(slow_wire.seqs) <= 1


async def test_a_replay_waits_for_a_slow_widget(room: Room) -> None:
    conversation = uuid4()
    for _ in range(60):
        room.say(conversation, "x" * 10_000)
    socket, wire = room.socket(conversation)
    wire.hold()
    joining = asyncio.create_task(room.hub.join(socket))
    await settle()
    assert not socket.closing
    assert not joining.done()
    wire.let_go()
    await joining
    await settle()
    assert wire.seqs == list(range(1, 61))


async def test_leaving_lets_go_of_everything(room: Room) -> None:
    conversation = uuid4()
    one, _ = await room.joined(conversation)
    two, _ = await room.joined(conversation)
    assert len(room.hub) == 2
    room.hub.leave(one)
    room.hub.leave(one)
    assert (len(room.hub), list(room.hub)) == (1, [two])
    assert conversation in room.bus.subscribed
    room.hub.leave(two)
    assert len(room.hub) == 0
    assert conversation not in room.bus.subscribed
    room.hint(room.say(conversation, "to nobody"))


async def test_closing_sends_every_widget_to_another_replica(room: Room) -> None:
    _, wire = await room.joined(uuid4())
    _, unborn_wire = await room.joined(None)
    room.hub.close()
    await settle()
    assert wire.closed == unborn_wire.closed == (SERVICE_RESTART, b"restarting")


async def test_more_than_can_be_held_is_fetched_again(room: Room) -> None:
    conversation = uuid4()
    _, wire = await room.joined(conversation)
    late = room.say(conversation, "late", hidden=True)
    entries = [room.say(conversation, f"m{number}") for number in range(MAX_AHEAD + 20)]
    for entry in entries:
        room.hint(entry)
    await settle()
    assert wire.seqs == []
    room.transcript.show(late)
    room.hint(late)
    room.hint(room.say(conversation, "last"))
    await settle()
    assert wire.seqs == list(range(1, len(entries) + 3))


@pytest.mark.parametrize("seed", range(20))
async def test_any_interleaving_ends_complete_and_in_order(room: Room, seed: int) -> None:
    """Hints are dropped, doubled and shuffled; messages appear late; the database comes and goes."""
    chance = random.Random(seed)
    conversation = uuid4()
    sockets = [await room.joined(conversation) for _ in range(3)]
    hidden: list[Entry] = []
    for _ in range(200):
        match chance.randrange(8):
            case 0 | 1 | 2:
                late = chance.random() < 0.2
                entry = room.say(conversation, "m", hidden=late)
                if late:
                    hidden.append(entry)
                for _ in range(chance.choice((0, 1, 1, 2))):
                    room.hint(entry)
            case 3 if hidden:
                room.transcript.show(hidden.pop(chance.randrange(len(hidden))))
            case 4:
                room.transcript.away = not room.transcript.away
            case 5 if not room.transcript.away:
                await room.hub.watch()
            case 6:
                sockets[chance.randrange(3)][0].rewind(chance.randrange(60))
            case _:
                await settle()
    room.transcript.away = False
    for entry in hidden:
        room.transcript.show(entry)
    room.bus.healthy = False
    for _ in range(10):
        await room.hub.watch()
        await settle()
    total = len(room.transcript.entries[conversation])
    for _, wire in sockets:
        assert first_times(wire.seqs) == list(range(1, total + 1))


def first_times(seqs: list[int]) -> list[int]:
    """The numbers without those that a rewind repeated; a number that comes too early stays, out of place."""
    seen: set[int] = set()
    return [seq for seq in seqs if not (seq in seen or seen.add(seq))]  # type: ignore[func-returns-value]
