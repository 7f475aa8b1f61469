"""G5 where calls can be told: a call whose answer was lost is made once, whatever the platform offers for telling."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import pytest
from msgspec.structs import replace

from adapters.capabilities import Certainty
from gateway.web.background import Background
from tests.integration.parcel_road import messages, open_parcels, parcel_worker, post, say
from tests.integration.road import Road, Running, open_road, until
from tests.platforms.parcel import CAPABILITIES, MockParcel, report

CONFIRM_SECONDS: Final = 1.5


@pytest.fixture
async def road(database_url: str, redis_url: str, tmp_path: Path) -> AsyncIterator[Road]:
    async with open_road(database_url, redis_url, tmp_path) as road:
        await open_parcels(road)
        yield road


@pytest.fixture
async def parcel() -> AsyncIterator[MockParcel]:
    async with MockParcel().running() as mock:
        yield mock


@asynccontextmanager
async def worker(road: Road, parcel: MockParcel, certainty: Certainty) -> AsyncIterator[Running]:
    """A worker that speaks with the parcel service, of such certainty."""
    table = replace(CAPABILITIES, certainty=certainty, confirm_seconds=CONFIRM_SECONDS)
    async with parcel_worker(road, parcel, table) as running:
        yield running


# status: the platform's report repeats our key


async def test_a_report_by_our_key_settles_a_call_in_doubt_and_the_next_send_goes(
    road: Road, parcel: MockParcel
) -> None:
    parcel.faults.append("cut")
    async with worker(road, parcel, "status") as running:
        await say(running, "1", "three x")
        await until(lambda: in_doubt(road))
        assert parcel.texts("ada") == ["1 three x"]
        first = parcel.taken[0]
        await post(running, reports=[report(first.id, "delivered", key=first.key)])
        await parcel.wait(lambda: len(parcel.texts("ada")) == 3, CONFIRM_SECONDS)
        await road.settled()
        assert parcel.texts("ada") == ["1 three x", "2 three x", "3 three x"]
        rows = await messages(road)
    assert [(row["status"], row["external_id"]) for row in rows] == [
        ("delivered", "p1"),
        ("sent", parcel.taken[-2].id),
        ("sent", parcel.taken[-1].id),
    ]


async def in_doubt(road: Road) -> bool:
    return bool(await road.count("effects", "payload -> 'doubt' = 'true'"))


async def test_without_a_report_in_time_the_call_is_made_again(road: Road, parcel: MockParcel) -> None:
    """The control: at least once, not at most."""
    parcel.faults.append("cut")
    async with worker(road, parcel, "status") as running:
        await say(running, "1", "hello")
        await parcel.wait(lambda: len(parcel.texts("ada")) == 2)
        await road.settled()
    assert parcel.texts("ada") == ["echo hello"] * 2
    assert parcel.taken[-1].at - parcel.taken[0].at >= CONFIRM_SECONDS


async def test_a_report_that_another_worker_took_settles_the_doubt_as_well(
    road: Road, parcel: MockParcel
) -> None:
    parcel.faults.append("cut")
    async with worker(road, parcel, "status") as holder, worker(road, parcel, "status") as other:
        await say(holder, "1", "three x")
        await until(lambda: in_doubt(road))
        await post(other, reports=[report("p1", "sent", key=parcel.taken[0].key)])
        await parcel.wait(lambda: len(parcel.texts("ada")) == 3)
        await road.settled()
    assert parcel.texts("ada") == ["1 three x", "2 three x", "3 three x"]


async def test_a_call_of_a_message_of_several_is_settled_by_its_number(
    road: Road, parcel: MockParcel
) -> None:
    parcel.faults.extend(["slow", "cut"])
    async with worker(road, parcel, "status") as running:
        await say(running, "1", "long")
        await until(lambda: in_doubt(road))
        first, second = [one for one in parcel.taken if one.method == "send"]
        await post(running, reports=[report(first.id, "read", key=first.key)])
        await asyncio.sleep(0.3)
        assert len(parcel.texts("ada")) == 2, "a report on the first call says nothing of the second"
        assert {row["status"] for row in await messages(road)} == {"queued"}
        await post(running, reports=[report(second.id, "read", key=second.key, call=1)])
        await road.settled()
        assert {row["status"] for row in await messages(road)} == {"sent"}
        last = [one for one in parcel.taken if one.method == "send"][-1]
        await post(running, reports=[report(last.id, "read", key=last.key, call=last.call)])
        (row,) = await messages(road)
    assert [(one.call, one.method) for one in parcel.taken if one.method == "send"] == [
        (number, "send") for number in range(last.call + 1)
    ]
    assert (row["status"], row["external_id"]) == ("read", last.id)


async def test_a_report_that_is_faster_than_our_own_note_is_kept(road: Road, parcel: MockParcel) -> None:
    parcel.faults.append("slow")
    async with worker(road, parcel, "status") as running:
        background = Background()
        background.spawn(say(running, "1", "hello"))
        await parcel.wait(lambda: bool(parcel.texts("ada")))
        first = next(one for one in parcel.taken if one.method == "send")
        await post(running, reports=[report(first.id, "read", key=first.key)])
        assert await road.count("effects") == 1, "the send is not noted yet"
        await road.settled()
        (row,) = await messages(road)
        await background.close()
    assert (row["status"], row["external_id"]) == ("read", first.id)


async def test_a_call_in_doubt_that_is_reported_as_failed_is_a_dead_letter(
    road: Road, parcel: MockParcel
) -> None:
    parcel.faults.append("cut")
    async with worker(road, parcel, "status") as running:
        await say(running, "1", "three x")
        await until(lambda: in_doubt(road))
        first = parcel.taken[0]
        await post(
            running, reports=[report(first.id, "failed", key=first.key, error="131026: undeliverable")]
        )
        await parcel.wait(lambda: len(parcel.texts("ada")) == 3)
        await road.settled()
        rows = await messages(road)
        (effect,) = await road.rows("SELECT status, last_error FROM effects")
    assert [row["status"] for row in rows] == ["failed", "sent", "sent"]
    assert (effect["status"], effect["last_error"]) == ("dead", "131026: undeliverable")


async def test_a_send_cut_off_by_a_dying_worker_is_settled_by_its_successor(
    road: Road, parcel: MockParcel
) -> None:
    """The worker stands still in mid-call; its successor learns from the report that the call was carried out."""
    parcel.faults.append("slow")
    async with worker(road, parcel, "status") as dying:
        background = Background()
        background.spawn(say(dying, "1", "three x"))
        await parcel.wait(lambda: bool(parcel.texts("ada")))
        first = next(one for one in parcel.taken if one.method == "send")
        await dying.abandon()
        async with worker(road, parcel, "status") as heir:
            await post(heir, reports=[report(first.id, "delivered", key=first.key)])
            await parcel.wait(lambda: len(parcel.texts("ada")) >= 3, 15)
            await road.settled()
        await background.close()
    assert parcel.texts("ada") == ["1 three x", "2 three x", "3 three x"]


# lookup: the platform is asked


async def test_a_call_in_doubt_is_looked_for_before_it_is_made_again(road: Road, parcel: MockParcel) -> None:
    parcel.faults.append("cut")
    async with worker(road, parcel, "lookup") as running:
        await say(running, "1", "three x")
        await parcel.wait(lambda: len(parcel.texts("ada")) == 3)
        await road.settled()
        rows = await messages(road)
    assert parcel.texts("ada") == ["1 three x", "2 three x", "3 three x"]
    assert parcel.looks == [(parcel.taken[0].key, 0)]
    assert rows[0]["external_id"] == parcel.taken[0].id


async def test_a_call_that_is_looked_for_in_vain_is_made(road: Road, parcel: MockParcel) -> None:
    """The control: what did not arrive is sent, by the worker that takes the lane over."""
    async with worker(road, parcel, "lookup") as dying:
        parcel.faults.extend(["busy"] * 100)
        await say(dying, "1", "hello")
        await until(lambda: attempted(road))
        await dying.abandon()
        parcel.faults.clear()
        async with worker(road, parcel, "lookup"):
            await parcel.wait(lambda: bool(parcel.texts("ada")), 15)
            await road.settled()
    assert parcel.texts("ada") == ["echo hello"]
    assert len(parcel.looks) == 1


async def attempted(road: Road) -> bool:
    return bool(await road.count("effects", "attempts > 0"))


async def test_a_lane_of_a_dead_worker_is_looked_through_at_its_head(road: Road, parcel: MockParcel) -> None:
    parcel.faults.append("slow")
    async with worker(road, parcel, "lookup") as dying:
        background = Background()
        background.spawn(say(dying, "1", "three x"))
        await parcel.wait(lambda: bool(parcel.texts("ada")))
        await dying.abandon()
        async with worker(road, parcel, "lookup"):
            await parcel.wait(lambda: len(parcel.texts("ada")) >= 3, 15)
            await road.settled()
        await background.close()
    assert parcel.texts("ada") == ["1 three x", "2 three x", "3 three x"]
    assert parcel.looks == [(parcel.taken[0].key, 0)]


# none, idempotent: made again


@pytest.mark.parametrize("certainty", ["none", "idempotent"])
async def test_where_nothing_tells_the_call_is_made_again_under_the_same_key(
    road: Road, parcel: MockParcel, certainty: Certainty
) -> None:
    parcel.faults.append("cut")
    async with worker(road, parcel, certainty) as running:
        await say(running, "1", "hello")
        await parcel.wait(lambda: len(parcel.texts("ada")) == 2)
        await road.settled()
    sends = [one for one in parcel.taken if one.method == "send"]
    assert [one.text for one in sends] == ["echo hello"] * 2
    assert sends[0].key == sends[1].key
    assert parcel.looks == []


# Reports


async def test_ten_thousand_shuffled_and_repeated_reports_never_lower_a_status(
    road: Road, parcel: MockParcel
) -> None:
    dice = random.Random(3)
    async with worker(road, parcel, "status") as running:
        for number in range(20):
            await say(running, str(number), "hello", who=f"c{number}")
        await parcel.wait(lambda: sum(one.method == "send" for one in parcel.taken) == 20)
        await road.settled()
        sends = [one for one in parcel.taken if one.method == "send"]
        reports = [
            report(one.id, state, key=one.key, error="131026: x" if state == "failed" else "")
            for one in sends
            for state in (
                ("sent", "delivered", "read") if int(one.to[1:]) % 2 else ("sent", "failed", "read")
            )
        ]
        wave = [dice.choice(reports) for _ in range(9_900)] + reports
        dice.shuffle(wave)
        await asyncio.gather(
            *(post(running, reports=wave[start : start + 400]) for start in range(0, len(wave), 400))
        )
        rows = await road.rows(
            "SELECT m.status, c.contact_key FROM messages m JOIN conversations c ON c.id = m.conversation_id "
            "WHERE m.sender_type = 'bot'"
        )
    assert {row["contact_key"]: row["status"] for row in rows} == {
        f"c{number}": "read" if number % 2 else "failed" for number in range(20)
    }
