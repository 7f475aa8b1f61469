"""Delivery against the mock Bot API: in order for each conversation, whatever the platform does, and who may do it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec
import pytest

from adapters.errors import TryLater
from adapters.protocol import Call, ChannelAccess, Envelope, Receipt
from adapters.telegram.adapter import TelegramAdapter
from gateway.delivery.lanes import Lanes
from gateway.delivery.outgoing import Outgoing, decode_payload
from gateway.delivery.prepare import Preparer
from gateway.worker import utc_now
from storage.deliveries import Dead, Sent
from tests.integration.road import LONG, Road, Running, open_road, until
from tests.platforms.telegram import Fault

PARTS = [part.strip() for part in LONG.split("\n\n")]
"""What a long answer is on Telegram."""
FLOOD_SECONDS = 2


@pytest.fixture
async def road(database_url: str, redis_url: str, tmp_path: Path) -> AsyncIterator[Road]:
    async with open_road(database_url, redis_url, tmp_path) as road:
        yield road


def three(word: str) -> list[str]:
    """What the bot answers to `three …`."""
    return [f"{number} {word}" for number in (1, 2, 3)]


# Order


@pytest.mark.parametrize(
    "fault",
    [
        Fault(kind="slow", chat=7, times=2, seconds=0.4),
        Fault(kind="late", chat=7, times=2, seconds=0.4),
        Fault(kind="error", status=502, html=True, chat=7, times=2),
        Fault(kind="error", status=500, chat=7, times=1),
        Fault(kind="refuse", chat=7, times=1),
        Fault(kind="rate_limit", chat=7, times=1, seconds=1),
    ],
    ids=lambda fault: fault.kind + (str(fault.status) if fault.kind == "error" else ""),
)
async def test_sends_of_a_chat_keep_their_order_and_others_do_not_wait(road: Road, fault: Fault) -> None:
    """That others do not wait is the control, too: sends are not simply all in one line."""
    road.mock.faults.add(fault)
    async with road.worker() as worker:
        assert await worker.say(1, 7, "three a") == 200
        assert await worker.say(2, 7, "three b") == 200
        assert await worker.say(3, 8, "quick") == 200
        await road.delivered(8, "echo quick", seconds=5)
        assert len(road.mock.sent(7)) < 6, "the faulty chat is still at it"
        await road.delivered(7, *three("three a"), *three("three b"))
        await road.settled()
    assert fault.hits == fault.times
    assert await road.count("messages", "sender_type = 'bot' AND status <> 'sent'") == 0


async def test_retry_after_is_never_undercut(road: Road) -> None:
    """The moment of each refusal is when the fault's count rises; nothing of the chat may come before it is over."""
    fault = Fault(kind="rate_limit", chat=7, times=2, seconds=FLOOD_SECONDS)
    road.mock.faults.add(fault)
    refusals: list[float] = []
    async with road.worker() as worker:
        assert await worker.say(1, 7, "three x") == 200
        for hits in (1, 2):
            await until(lambda hits=hits: fault.hits >= hits)  # type: ignore[misc]
            refusals.append(time.monotonic())
        await road.delivered(7, *three("three x"))
    assert refusals[1] - refusals[0] >= FLOOD_SECONDS - 0.05, "the second try came after the first one's wait"
    assert road.mock.sent(7)[0].monotonic - refusals[1] >= FLOOD_SECONDS - 0.05


# Doubt


async def test_a_send_whose_answer_is_cut_is_sent_again(road: Road) -> None:
    road.mock.faults.add(Fault(kind="cut", chat=7, times=1))
    async with road.worker() as worker:
        assert await worker.say(1, 7, "three x") == 200
        await road.delivered(7, "1 three x", *three("three x"))


async def test_a_send_whose_answer_is_cut_is_dropped_where_the_policy_says_so(road: Road) -> None:
    road.mock.faults.add(Fault(kind="cut_body", chat=7, times=1))
    async with road.worker(telegram_uncertain_send="drop") as worker:
        assert await worker.say(1, 7, "three x") == 200
        await road.delivered(7, *three("three x"))
        await road.settled()
    details = await road.rows(
        "SELECT metadata ->> 'delivery' AS detail FROM messages WHERE sender_type = 'bot' ORDER BY seq"
    )
    assert details[0]["detail"].startswith("uncertain: ")
    assert [row["detail"] for row in details[1:]] == [None, None]


# Long messages


async def with_first_part_sent(road: Road, worker: Running, *faults: Fault) -> None:
    """A long answer is under way: its first part is accepted, and what follows meets the faults."""
    slow = Fault(kind="slow", chat=7, times=1, seconds=0.5)
    road.mock.faults.add(slow)
    assert await worker.say(1, 7, "long") == 200
    await road.mock.wait(lambda: len(road.mock.sent(7)) == 1)
    road.mock.faults.add(*faults)


@pytest.mark.parametrize(
    ("fault", "policy", "expected"),
    [
        (Fault(kind="error", status=500, chat=7, times=1), "resend", PARTS),
        (Fault(kind="rate_limit", chat=7, times=1, seconds=1), "drop", PARTS),
        (Fault(kind="cut", chat=7, times=1), "resend", [PARTS[0], PARTS[1], PARTS[1], PARTS[2]]),
        (Fault(kind="cut", chat=7, times=1), "drop", PARTS),
    ],
    ids=["500", "429", "cut, resend", "cut, drop"],
)
async def test_a_long_message_goes_on_at_the_part_that_failed(
    road: Road, fault: Fault, policy: str, expected: list[str]
) -> None:
    async with road.worker(telegram_uncertain_send=policy) as worker:
        await with_first_part_sent(road, worker, fault)
        await road.delivered(7, *expected)
        await road.settled()
    assert fault.hits == 1


async def test_another_worker_goes_on_at_the_part_that_failed(road: Road) -> None:
    async with road.worker(drain_seconds=0.2) as worker:
        await with_first_part_sent(road, worker, Fault(kind="rate_limit", chat=7, times=1, seconds=2))
        await until(lambda: has_attempts(road))
    assert len(road.mock.sent(7)) == 1
    async with road.worker():
        await road.delivered(7, *PARTS)
        await road.settled()


async def has_attempts(road: Road) -> bool:
    return bool(await road.count("effects", "attempts > 0"))


# What is never sent


async def test_a_refused_send_is_a_dead_letter_with_its_reason_and_the_next_one_goes(road: Road) -> None:
    blocked = "Forbidden: bot was blocked by the user"
    road.mock.faults.add(Fault(kind="error", status=403, description=blocked, chat=7, times=1))
    async with road.worker() as worker:
        assert await worker.say(1, 7, "three x") == 200
        await road.delivered(7, "2 three x", "3 three x")
        await road.settled()
        assert await worker.say(2, 7, "still there?") == 200
        await road.delivered(7, "2 three x", "3 three x", "echo still there?")
    (dead,) = await road.rows("SELECT status, last_error, lease_owner FROM effects")
    assert (dead["status"], dead["lease_owner"]) == ("dead", None)
    assert dead["last_error"] == f"403: Telegram: {blocked}"
    (failed,) = await road.rows("SELECT content, error FROM messages WHERE status = 'failed'")
    assert (failed["content"], failed["error"]) == ("1 three x", dead["last_error"])


# Several workers


async def test_sends_leave_in_order_though_turns_alternate_between_workers(road: Road) -> None:
    road.mock.faults.add(Fault(kind="slow", chat=7, probability=0.4, seconds=0.05))
    expected: list[str] = []
    async with road.worker() as first, road.worker() as second:
        for number in range(1, 21):
            worker = (first, second)[number % 2]
            assert await worker.say(number, 7, f"three {number}") == 200
            expected += three(f"three {number}")
        owners = await road.rows("SELECT DISTINCT lease_owner FROM effects WHERE lease_owner IS NOT NULL")
        await road.delivered(7, *expected, seconds=30)
        await road.settled()
    assert owners, "something was under way when the last turn was over"


async def test_workers_share_the_sending(road: Road) -> None:
    """The control of the test above: each of the two does send what its own turns decided."""
    async with road.worker() as first, road.worker() as second:
        for chat, worker in ((7, first), (8, second)):
            road.mock.faults.add(Fault(kind="error", status=500, chat=chat, times=1))
            assert await worker.say(chat, chat, "hi") == 200
        await until(lambda: two_owners(road))
        await road.delivered(7, "echo hi")
        await road.delivered(8, "echo hi")


async def two_owners(road: Road) -> bool:
    return len(await road.rows("SELECT DISTINCT lease_owner FROM effects")) == 2


# Fencing


class Scripted(TelegramAdapter):
    """An adapter whose send waits for `go`, and fails; it counts its calls."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0
        self.called = asyncio.Event()
        self.go = asyncio.Event()

    async def send(self, call: Call, access: ChannelAccess, envelope: Envelope) -> Receipt:
        self.calls += 1
        self.called.set()
        await self.go.wait()
        raise TryLater("not now", retry_after=0.0)


async def held_by(road: Road, worker: Running) -> Outgoing:
    """A send that `worker` holds by the table and does not carry out any more, as one of our own to try with."""
    road.mock.faults.add(Fault(kind="error", status=500, chat=7))
    assert await worker.say(1, 7, "hi") == 200
    await until(lambda: has_attempts(road))
    await worker.abandon()
    (row,) = await road.rows("SELECT * FROM effects")
    payload = decode_payload(row["payload"])
    return Outgoing(
        id=row["id"], created_at=row["created_at"], conversation_id=row["conversation_id"],
        channel=await worker.channel(), recipient="7", position=row["position"], seq=payload.seq, send=payload.send,
        due_at=row["created_at"], lease_until=row["lease_until"],
    )  # fmt: skip


async def with_adapter(send: Outgoing, adapter: Any) -> Outgoing:
    send.channel = msgspec.structs.replace(send.channel, adapter=adapter)
    return send


@pytest.mark.parametrize("stolen", [True, False], ids=["stolen", "control: still ours"])
async def test_a_worker_that_lost_its_lease_in_mid_call_does_not_try_again(road: Road, stolen: bool) -> None:
    async with road.worker() as worker:
        adapter = Scripted()
        send = await with_adapter(await held_by(road, worker), adapter)
        lanes = Lanes(worker.worker.marker, Preparer(road.database, utc_now), utc_now)
        lanes.take([send])
        await adapter.called.wait()
        if stolen:
            await road.observer.execute("UPDATE effects SET lease_owner = $1", uuid4())
        attempts = await road.observer.fetchval("SELECT attempts FROM effects")
        adapter.go.set()
        if stolen:
            await until(lambda: not lanes.held())
            await asyncio.sleep(0.5)
            assert adapter.calls == 1
            assert await road.observer.fetchval("SELECT attempts FROM effects") == attempts
        else:
            await until(lambda: adapter.calls > 1)
        await lanes.stop(0.0)


@pytest.mark.parametrize("stolen", [True, False], ids=["stolen", "control: still ours"])
@pytest.mark.parametrize("verdict", ["sent", "dead"])
async def test_a_worker_that_lost_its_lease_can_not_mark(road: Road, stolen: bool, verdict: str) -> None:
    async with road.worker() as worker:
        send = await held_by(road, worker)
        if stolen:
            await road.observer.execute("UPDATE effects SET lease_owner = $1", uuid4())
        note = (
            Sent(id=send.id, created_at=send.created_at, external_id="99")
            if verdict == "sent"
            else Dead(id=send.id, created_at=send.created_at, error="403: gone")
        )
        await worker.worker.marker.note(send, note)
    status = await road.observer.fetchval("SELECT status FROM messages WHERE id = $1", send.id)
    marked = "sent" if verdict == "sent" else "failed"
    assert status == ("queued" if stolen else marked)
    assert await road.count("effects", "status = 'pending'") == (1 if stolen else 0)
