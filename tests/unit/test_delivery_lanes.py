"""What a lane promises whatever the database says: nothing overtakes, and what others hold is not begun."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec
import pytest
from msgspec.structs import replace

from adapters.capabilities import Capabilities, native
from adapters.errors import TryLater
from adapters.protocol import Call, ChannelAccess, Envelope, Receipt
from adapters.telegram.adapter import TelegramAdapter
from engine.effects import Send
from engine.messages import OutboundMessage
from gateway.channel import Channel
from gateway.delivery.lane import insert
from gateway.delivery.lanes import Lanes
from gateway.delivery.marker import Marker, Verdict
from gateway.delivery.outgoing import Outgoing
from gateway.delivery.prepare import Preparer
from storage.database import Database

NOW = datetime(2026, 11, 1, tzinfo=UTC)
PREPARER = Preparer(Database("postgresql://nobody@127.0.0.1:9/none"), lambda: NOW)
"""A plain message asks no database."""
ORGANIZATION, CHAT = UUID(int=1), UUID(int=2)


class RecordingAdapter(TelegramAdapter):
    """Writes down what is sent, and takes it."""

    capabilities: Capabilities = TelegramAdapter.capabilities

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[int] = []
        self.chats: list[int] = []
        self.failures: list[TryLater] = []
        """Raised by the next sends."""

    async def send(self, call: Call, access: ChannelAccess, envelope: Envelope) -> Receipt:
        if self.failures:
            raise self.failures.pop()
        self.sent.append(envelope.seq)
        self.chats.append(msgspec.json.decode(call.body)["chat_id"])
        return Receipt(message=str(envelope.seq))


class MemoryMarker(Marker):
    """Notes without a database; `mine` says whether a note finds the send still this worker's."""

    def __init__(self, *, mine: bool = True) -> None:
        self.lease = timedelta(seconds=30)
        self.mine = mine

    def note(self, send: Outgoing, verdict: Verdict) -> asyncio.Future[bool]:
        written: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        written.set_result(self.mine)
        return written


def outgoing(adapter: TelegramAdapter, number: int, *, lease: timedelta = timedelta(seconds=30)) -> Outgoing:
    access = ChannelAccess(channel_id=UUID(int=3), secrets={}, settings={})
    channel = Channel(
        id=UUID(int=3), organization_id=ORGANIZATION, chatbot_id=UUID(int=4), platform="telegram", route="r",
        name="t", bot_name="b", flow_id=None, adapter=adapter, access=access,
    )  # fmt: skip
    return Outgoing(
        id=UUID(int=100 + number), created_at=NOW, conversation_id=CHAT, channel=channel, recipient="7",
        position=number, seq=number, send=Send(message=OutboundMessage(text=f"m{number}")), due_at=NOW,
        lease_until=NOW + lease,
    )  # fmt: skip


async def settled(lanes: Lanes) -> None:
    for _ in range(100):
        if not lanes.held():
            return
        await asyncio.sleep(0.001)


async def test_sends_of_a_conversation_leave_in_order_of_position() -> None:
    adapter = RecordingAdapter()
    lanes = Lanes(MemoryMarker(), PREPARER, lambda: NOW)
    lanes.take([outgoing(adapter, number) for number in (1, 3, 2, 4)])
    await settled(lanes)
    assert adapter.sent == [1, 2, 3, 4]


async def test_a_send_behind_one_that_is_not_in_hand_is_not_taken_but_wanted() -> None:
    adapter = RecordingAdapter()
    lanes = Lanes(MemoryMarker(), PREPARER, lambda: NOW)
    earlier = frozenset({outgoing(adapter, 1).id})
    assert lanes.take([outgoing(adapter, 2)], {CHAT: earlier}) == {CHAT: ORGANIZATION}
    await settled(lanes)
    assert adapter.sent == []


async def test_a_send_whose_lease_is_over_is_left_to_others() -> None:
    adapter = RecordingAdapter()
    lanes = Lanes(MemoryMarker(), PREPARER, lambda: NOW)
    lanes.take([outgoing(adapter, 1, lease=timedelta(seconds=1))])
    await settled(lanes)
    assert adapter.sent == []
    assert lanes.held() == []


async def test_a_worker_that_finds_a_send_not_its_own_lets_go_of_the_whole_lane() -> None:
    adapter = RecordingAdapter()
    lanes = Lanes(MemoryMarker(mine=False), PREPARER, lambda: NOW)
    lanes.take([outgoing(adapter, number) for number in (1, 2, 3)])
    await settled(lanes)
    assert adapter.sent == [1]


async def test_what_waits_when_a_customers_id_changes_goes_to_the_new_one() -> None:
    """Also what was rendered for the old one already, and has to be tried again."""
    adapter = RecordingAdapter()
    adapter.failures.append(TryLater("busy", retry_after=0.05))
    begun = time.monotonic()
    lanes = Lanes(MemoryMarker(), PREPARER, lambda: NOW + timedelta(seconds=time.monotonic() - begun))
    lanes.take([outgoing(adapter, number) for number in (1, 2)])
    for _ in range(1_000):
        if not adapter.failures:
            break
        await asyncio.sleep(0.001)
    lanes.readdress(CHAT, "8")
    for _ in range(10):
        await settled(lanes)
    assert (adapter.sent, adapter.chats) == ([1, 2], [8, 8])


@pytest.mark.parametrize("late", [2, 3, 9])
def test_a_late_arrival_never_goes_before_what_may_be_in_flight(late: int) -> None:
    adapter = RecordingAdapter()
    queue = deque([outgoing(adapter, 4), outgoing(adapter, 6), outgoing(adapter, 8)])
    insert(queue, outgoing(adapter, late))
    positions = [send.position for send in queue]
    assert positions[0] == 4
    assert positions[1:] == sorted(positions[1:])


class Announcing(RecordingAdapter):
    """Marks as read, and shows the indicator with it; writes down what is announced."""

    capabilities = replace(
        TelegramAdapter.capabilities, sends={**TelegramAdapter.capabilities.sends, "mark_as_read": native()}
    )

    def __init__(self) -> None:
        super().__init__()
        self.announced: list[tuple[str, bool]] = []

    def announce(
        self, recipient: str, answers: str, access: ChannelAccess, *, typing: bool, showing: str = ""
    ) -> Call | None:
        self.announced.append((answers, typing))
        return None


@pytest.mark.parametrize(
    ("typing", "wait", "announced"),
    [
        (False, 0.0, [("m1", False)]),
        (True, 0.0, [("m1", False)]),
        (False, 0.2, [("m1", False)]),
        (True, 0.2, [("m1", True)]),
    ],
    ids=["at once", "no time to type", "later", "typed"],
)
async def test_reading_and_typing_are_announced_together_and_once(
    typing: bool, wait: float, announced: list[tuple[str, bool]]
) -> None:
    adapter = Announcing()
    began = datetime.now(UTC)
    send = outgoing(adapter, 1)
    send.answers = "m1"
    send.send = Send(message=send.message, typing=typing)
    send.due_at = began + timedelta(seconds=wait)
    send.lease_until = began + timedelta(seconds=60)
    lanes = Lanes(MemoryMarker(), PREPARER, lambda: datetime.now(UTC))
    lanes.take([send])
    for _ in range(50):
        await settled(lanes)
    await asyncio.sleep(0.01)  # the mark goes its own way
    assert adapter.sent == [1]
    assert adapter.announced == announced
