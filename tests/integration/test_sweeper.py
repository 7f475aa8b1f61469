"""What workers do by the clock: take over from those that are gone, fire timers, get past what can't be read."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from gateway.worker import utc_now
from storage import channels
from tests.integration.road import LEASE_SECONDS, Road, Running, open_road, until
from tests.platforms.telegram import Fault

QUIET_SECONDS = 1.2
"""Longer than two sweeps."""


@pytest.fixture
async def road(database_url: str, redis_url: str, tmp_path: Path) -> AsyncIterator[Road]:
    async with open_road(database_url, redis_url, tmp_path) as road:
        yield road


def after_the_lease() -> datetime:
    """The clock of a worker for which every lease of now is over."""
    return utc_now() + timedelta(seconds=LEASE_SECONDS + 2)


def just_before() -> datetime:
    """The clock of a worker for which no lease of now is over, but work is due."""
    return utc_now() + timedelta(seconds=LEASE_SECONDS - 3)


async def postponed(road: Road) -> bool:
    return bool(await road.count("effects", "attempts > 0"))


async def fail_to_send(road: Road, worker: Running, chat: int) -> None:
    """A worker has three sends of a chat in its hands, of which the first has failed once."""
    road.mock.faults.add(Fault(kind="error", status=500, chat=chat))
    assert await worker.say(chat, chat, "three x") == 200
    await until(lambda: postponed(road))


async def leave_behind(road: Road, *, chat: int = 7) -> None:
    """A worker that shuts down leaves a chat's sends behind."""
    async with road.worker(drain_seconds=0.1) as worker:
        await fail_to_send(road, worker, chat)
    road.mock.faults.clear()


async def stand_still(road: Road, worker: Running, *, chat: int = 7) -> None:
    """A worker stops in the middle of a chat's sends, with its leases."""
    await fail_to_send(road, worker, chat)
    await worker.abandon()
    road.mock.faults.clear()


EXPECTED = ("1 three x", "2 three x", "3 three x")


async def test_the_work_of_a_worker_that_stands_still_is_taken_over_after_its_lease(road: Road) -> None:
    async with road.worker() as still:
        await stand_still(road, still)
        async with road.worker(clock=just_before):  # the control: nobody takes what is still leased
            await asyncio.sleep(QUIET_SECONDS)
            assert road.mock.sent(7) == []
        async with road.worker(clock=after_the_lease):
            await road.delivered(7, *EXPECTED)
            await road.settled()


async def test_the_work_of_a_worker_that_shut_down_is_taken_over_at_once(road: Road) -> None:
    await leave_behind(road)
    assert await road.count("effects", "lease_owner IS NOT NULL") == 0
    async with road.worker():
        await road.delivered(7, *EXPECTED, seconds=4)
        await road.settled()


async def test_a_new_turn_does_not_overtake_what_another_worker_left_behind(road: Road) -> None:
    async with road.worker() as still:
        await stand_still(road, still)
        async with road.worker(clock=after_the_lease) as worker:
            assert await worker.say(100, 7, "and now") == 200
            await road.delivered(7, *EXPECTED, "echo and now")
            await road.settled()


# Timers


async def test_a_timer_fires_once_though_several_workers_look(road: Road) -> None:
    async with road.worker() as first, road.worker() as second:
        for chat, worker in ((7, first), (8, second)):
            assert await worker.say(chat, chat, "wait x") == 200
            await road.delivered(chat, "ask wait x")
        await until(lambda: len(road.mock.sent()) >= 4)
        await asyncio.sleep(QUIET_SECONDS)
        for chat in (7, 8):
            await road.delivered(chat, "ask wait x", "late wait x")
    assert await road.count("inbox", "external_id LIKE 'timer:%'") == 2
    assert await road.count("effects") == 0


async def test_a_timer_does_not_fire_after_it_was_cancelled(road: Road) -> None:
    """That it fires when it is not, the test above shows."""
    async with road.worker() as worker:
        assert await worker.say(1, 7, "wait x") == 200
        await road.delivered(7, "ask wait x")
        assert await worker.say(2, 7, "skip") == 200
        assert await road.count("effects", "lane = 'timer'") == 0
        await asyncio.sleep(1.0 + QUIET_SECONDS)
        assert len(road.mock.sent(7)) == 2
    assert await road.count("inbox", "external_id LIKE 'timer:%'") == 0


async def test_a_timer_fires_though_the_worker_that_started_it_is_gone(road: Road) -> None:
    async with road.worker() as worker:
        assert await worker.say(1, 7, "wait x") == 200
        await road.delivered(7, "ask wait x")
    await asyncio.sleep(1.0)
    assert len(road.mock.sent(7)) == 1
    async with road.worker():
        await road.delivered(7, "ask wait x", "late wait x")


# What stands in the way


async def test_an_effect_that_can_not_be_read_is_buried_and_holds_up_nobody(road: Road) -> None:
    await leave_behind(road, chat=7)
    await road.observer.execute(
        "UPDATE effects SET payload = '{\"send\": 7}' WHERE position = (SELECT min(position) FROM effects)"
    )
    await leave_behind(road, chat=8)
    async with road.worker() as worker:
        await road.delivered(8, *EXPECTED)
        await road.delivered(7, "2 three x", "3 three x")
        assert await worker.say(100, 7, "next") == 200
        await road.delivered(7, "2 three x", "3 three x", "echo next")
        await road.settled()
    (dead,) = await road.rows("SELECT status, last_error FROM effects")
    assert (dead["status"], dead["last_error"]) == ("dead", "the stored effect can't be read")
    assert await road.count("messages", "status = 'failed'") == 1


async def test_what_waits_for_a_disabled_channel_leaves_when_it_is_back(road: Road) -> None:
    await leave_behind(road)
    change = await road.change()
    async with road.database.transaction([road.ids.organization]) as connection:
        await channels.set_status(connection, change, road.ids.telegram, "disabled")
    async with road.worker():
        await asyncio.sleep(QUIET_SECONDS)
        assert road.mock.sent(7) == []
    async with road.database.transaction([road.ids.organization]) as connection:
        await channels.set_status(connection, await road.change(), road.ids.telegram, "active")
    async with road.worker(clock=after_the_lease):
        await road.delivered(7, *EXPECTED)
