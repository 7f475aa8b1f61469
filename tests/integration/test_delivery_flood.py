"""429 on three sends of ten, five thousand of them; and limits that two workers keep together on a real road."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest

from adapters.protocol import Parsed
from gateway.channel import Channel
from storage.embedded import EmbeddedValkey
from tests.integration.flood import Seen, violations
from tests.integration.road import Road, Running, open_road, until, update
from tests.platforms.telegram import Fault

CHATS: Final = 1_667
"""Each asks for three messages."""
SECONDS: Final = 60.0
REFUSED: Final = 0.3


@pytest.fixture
async def road(database_url: str, redis_url: str, tmp_path: Path) -> AsyncIterator[Road]:
    async with open_road(database_url, redis_url, tmp_path) as road:
        yield road


async def limited(road: Road, **rates: dict[str, float]) -> None:
    """The Telegram channel has these limits."""
    await road.observer.execute(
        "UPDATE channels SET settings = jsonb_build_object('rate_limits', $1::jsonb) WHERE type = 'telegram'",
        msgspec.json.encode(rates).decode(),
    )


async def everybody_says(running: Running, chats: range, text: str) -> None:
    """One message of each chat, as many bodies at once as a platform would send."""
    channel: Channel = await running.channel()
    bodies = [update(chat, chat, text) for chat in chats]
    parsed: list[Parsed] = [
        channel.adapter.parse(body, channel.access, running.worker._clock()) for body in bodies
    ]
    for start in range(0, len(parsed), 100):
        await running.together(*((channel, one) for one in parsed[start : start + 100]))


def seen(road: Road) -> list[Seen]:
    """Everything that the mock was asked to send, taken or not."""
    taken = [Seen(sent.chat, sent.text, sent.monotonic) for sent in road.mock.sent()]
    refused = [
        Seen(int(strike.whom or 0), "", strike.monotonic, strike.fault.seconds)
        for strike in road.mock.faults.strikes
    ]
    return taken + refused


async def test_five_thousand_sends_of_which_three_in_ten_are_refused(road: Road) -> None:
    fault = Fault(kind="rate_limit", method="sendMessage", probability=REFUSED, seconds=1)
    road.mock.faults.add(fault)
    began = time.monotonic()
    async with (
        road.worker(turn_lanes=2, lease_seconds=30.0) as first,
        road.worker(lease_seconds=30.0) as second,
    ):
        half = CHATS // 2
        await asyncio.gather(
            everybody_says(first, range(1, half + 1), "three x"),
            everybody_says(second, range(half + 1, CHATS + 1), "three x"),
        )
        await road.settled(SECONDS)
    taken = time.monotonic() - began
    texts = [f"{number} three x" for number in (1, 2, 3)]
    assert violations(seen(road), dict.fromkeys(range(1, CHATS + 1), texts)) == []
    assert len(road.mock.sent()) == 3 * CHATS >= 5_000
    calls = 3 * CHATS + fault.hits
    assert fault.hits / calls == pytest.approx(REFUSED, abs=0.05)
    assert taken < SECONDS
    print(f"{3 * CHATS} sends and {fault.hits} refusals in {taken:.1f} s")


def log() -> list[Seen]:
    """What a faultless gateway does: one refusal, waited for."""
    return [Seen(7, "", 1.0, 2.0), Seen(7, "a", 3.1), Seen(7, "b", 3.2), Seen(7, "c", 3.3), Seen(8, "a", 1.5)]


@pytest.mark.parametrize(
    ("calls", "found"),
    [
        (log(), []),
        ([*log(), Seen(7, "", 2.5, 0.5)], ["7: a call came 0.500 s before its time"]),
        ([Seen(7, "", 1.0, 3.0), *log()[1:]], ["7: a call came 0.900 s before its time"]),
        ([*log()[:2], *log()[3:]], ["7: 'b' is lost"]),
        ([*log(), Seen(8, "a", 9.0)], ["8: something came twice", "8: out of order"]),
        ([*log()[:1], Seen(7, "b", 3.1), Seen(7, "a", 3.2), *log()[3:]], ["7: out of order"]),
    ],
    ids=["faultless", "early again", "early", "lost", "twice", "order"],
)
def test_the_judge_reports_what_is_wrong(calls: list[Seen], found: list[str]) -> None:
    """A gateway that is broken on purpose, as the platform would see it."""
    assert violations(calls, {7: ["a", "b", "c"], 8: ["a"]}) == found


async def test_two_workers_keep_a_channels_limit_together(road: Road) -> None:
    await limited(road, channel={"per_second": 30, "burst": 10})
    async with road.worker(lease_seconds=30.0) as first, road.worker(lease_seconds=30.0) as second:
        began = time.monotonic()
        await asyncio.gather(
            everybody_says(first, range(1, 46), "hi"), everybody_says(second, range(46, 91), "hi")
        )
        await road.settled(20)
    times = sorted(sent.monotonic for sent in road.mock.sent())
    assert len(times) == 90
    early = [n for n, moment in enumerate(times) if moment < began + (n - 10 + 1) / 30 - 0.01]
    assert early == []


async def test_a_recipients_limit_holds_nobody_else_and_writes_nothing(road: Road) -> None:
    await limited(road, recipient={"per_second": 1, "burst": 1}, channel={"per_second": 1000, "burst": 1000})
    async with road.worker(lease_seconds=5.0) as running:
        assert await running.say(1, 7, "three a") == 200
        assert await running.say(2, 8, "quick") == 200
        await road.delivered(8, "echo quick", seconds=0.9)
        await until(lambda: len(road.mock.sent(7)) == 2)
        row = (await road.rows("SELECT attempts, last_error FROM effects"))[0]
        assert (row["attempts"], row["last_error"]) == (0, None), "a wait for a slot is no try"
        await road.delivered(7, "1 three a", "2 three a", "3 three a")
    times = [sent.monotonic for sent in road.mock.sent(7)]
    assert times[2] - times[0] >= 2.0 - 0.1


async def test_what_waits_for_a_slot_keeps_its_lease(road: Road) -> None:
    """Three seconds between two sends, and a lease of five: another worker that looks finds nothing to do."""
    await limited(road, recipient={"per_second": 0.3, "burst": 1})
    async with road.worker(lease_seconds=5.0) as holder:
        for number in (1, 2):
            assert await holder.say(number, 7, "three a") == 200
        async with road.worker(lease_seconds=5.0):
            await road.delivered(7, *(f"{n} three a" for _ in (1, 2) for n in (1, 2, 3)), seconds=25)
            await road.settled()


async def test_a_worker_that_stops_leaves_what_waits_for_a_slot_to_others(road: Road) -> None:
    await limited(road, recipient={"per_second": 0.2, "burst": 1})
    async with road.worker(drain_seconds=20.0) as first:
        assert await first.say(1, 7, "three a") == 200
        await until(lambda: bool(road.mock.sent(7)))
        await asyncio.sleep(0.2)
        began = time.monotonic()
        await first.stop()
        assert time.monotonic() - began < 5.0, "it does not wait for slots"
    assert await road.count("effects", "lease_owner IS NULL") == 2
    await limited(road, recipient={"per_second": 100, "burst": 100})
    async with road.worker():
        await road.delivered(7, "1 three a", "2 three a", "3 three a")


async def test_sends_go_on_when_valkey_goes_away_in_the_middle(road: Road, tmp_path: Path) -> None:
    await limited(road, channel={"per_second": 40, "burst": 5})
    with EmbeddedValkey(tmp_path / "v") as server:
        road._redis_url = server.url
        async with road.worker(lease_seconds=30.0) as running:
            began = time.monotonic()
            await everybody_says(running, range(1, 101), "hi")
            await until(lambda: len(road.mock.sent()) >= 30)
            await asyncio.to_thread(server.stop)
            await road.settled(20)
            assert running.worker.delivery.limiter.away
    times = sorted(sent.monotonic for sent in road.mock.sent())
    assert len(times) == 100
    # Slots that were given away for a second ahead are used beside those of the worker's own bucket.
    early = [n for n, moment in enumerate(times) if moment < began + (n - 5 - 40 + 1) / 40 - 0.01]
    assert early == []


async def test_a_refusal_of_the_whole_channel_stops_all_replicas(road: Road) -> None:
    """Told by one worker, held by the other: until it is over nothing leaves, and then everything does."""
    await limited(road, channel={"per_second": 1000, "burst": 1000})
    async with road.worker(lease_seconds=30.0) as first, road.worker(lease_seconds=30.0) as second:
        channel = await first.channel()
        first.worker.delivery.limiter.pause(channel, 1.5)
        began = time.monotonic()
        await asyncio.sleep(0.2)
        await everybody_says(second, range(1, 31), "hi")
        await road.settled(20)
    times: list[Any] = [sent.monotonic for sent in road.mock.sent()]
    assert len(times) == 30
    assert min(times) - began >= 1.5 - 0.01
