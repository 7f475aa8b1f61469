"""A whole worker: it drains and lets go when it stops, says whether it is ready, and polls where nobody can call it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from storage import channels
from tests.integration.relay import Relay
from tests.integration.road import SECRET_HEADER, Road, Running, open_road, until, update
from tests.platforms.telegram import Fault, people

POLLED_TOKEN = "5151515151:polled-bot-token-for-tests-0000000"
CHAT = 77


@pytest.fixture
async def road(database_url: str, redis_url: str, tmp_path: Path) -> AsyncIterator[Road]:
    async with open_road(database_url, redis_url, tmp_path) as road:
        yield road


# Stopping


async def test_a_worker_that_stops_finishes_what_is_under_way(road: Road) -> None:
    road.mock.faults.add(Fault(kind="late", chat=7, times=1, seconds=1.0))
    async with road.worker() as worker:
        assert await worker.say(1, 7, "three x") == 200
        assert road.mock.sent(7) == [], "nothing is sent yet"
        await worker.stop()
        assert [sent.text for sent in road.mock.sent(7)] == ["1 three x", "2 three x", "3 three x"]
    assert await road.count("effects") == 0
    assert await road.count("messages", "status = 'sent'") == 3


async def test_a_worker_that_stops_lets_go_of_what_it_can_not_finish(road: Road) -> None:
    road.mock.faults.add(Fault(kind="rate_limit", chat=7, times=1, seconds=60))
    async with road.worker(drain_seconds=0.3) as worker:
        assert await worker.say(1, 7, "three x") == 200
        await until(lambda: waits(road))
        assert await road.count("effects", "lease_owner IS NOT NULL") == 3, "the control: they were held"
        started = time.monotonic()
        await worker.stop()
        assert time.monotonic() - started < 9.0
    rows = await road.rows("SELECT lease_owner, lease_until, attempts FROM effects ORDER BY position")
    assert [row["lease_owner"] for row in rows] == [None] * 3
    assert [row["lease_until"] for row in rows] == [None] * 3
    assert [row["attempts"] for row in rows] == [1, 0, 0]


async def waits(road: Road) -> bool:
    return bool(await road.count("effects", "attempts > 0"))


async def test_requests_on_kept_connections_are_answered_until_the_end(road: Road) -> None:
    """Whoever gets a 2xx while the worker stops is in the inbox; everybody else is told to come again."""
    accepted: set[str] = set()
    statuses: set[int] = set()
    async with road.worker() as worker, aiohttp.ClientSession() as session:
        posting = [
            asyncio.create_task(keep_posting(session, worker, chat, accepted, statuses))
            for chat in range(1, 9)
        ]
        await until(lambda: len(accepted) > 50)
        await worker.stop()
        await asyncio.gather(*posting)
    stored = {row["external_id"] for row in await road.rows("SELECT external_id FROM inbox")}
    assert accepted <= stored
    assert statuses <= {0, 200, 503}, "0 is a connection that was closed or refused"
    assert statuses >= {200}


async def keep_posting(
    session: aiohttp.ClientSession, worker: Running, chat: int, accepted: set[str], statuses: set[int]
) -> None:
    url = f"http://127.0.0.1:{worker.port}/webhook/telegram/{'telegram' * 3}"
    for ordinal in range(10_000):
        number = chat * 100_000 + ordinal
        try:
            async with session.post(
                url, data=update(number, chat, "hi"), headers={SECRET_HEADER: "s3cret-s3cret-s3cret"}
            ) as response:
                await response.read()
                statuses.add(response.status)
        except aiohttp.ClientError:
            statuses.add(0)
            return
        if response.status == 200:
            accepted.add(str(number))
        else:
            return


async def test_a_worker_stops_in_time_though_the_database_is_away(road: Road) -> None:
    async with (
        Relay(road.database_url) as relay,
        road.worker(database_url=relay.url, drain_seconds=1.0) as worker,
    ):
        road.mock.faults.add(Fault(kind="late", chat=7, seconds=0.5))
        assert await worker.say(1, 7, "three x") == 200
        await relay.cut()
        started = time.monotonic()
        await worker.stop()
        assert time.monotonic() - started < 18.0
    assert await road.count("effects", "status = 'pending'") > 0, (
        "they are found again when their leases are over"
    )


# Health


async def health(road: Road, worker: Running, path: str) -> tuple[int, dict[str, Any]]:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{worker.port}{path}") as response,
    ):
        return response.status, await response.json()


async def test_a_worker_says_that_it_is_not_ready_without_its_database_and_ready_when_it_is_back(
    road: Road,
) -> None:
    async with Relay(road.database_url) as relay, road.worker(database_url=relay.url) as worker:
        assert (await health(road, worker, "/readyz")) == (
            200,
            {"status": "ok", "database": "ok", "valkey": "ok"},
        )
        await relay.cut()
        status, body = await health(road, worker, "/readyz")
        assert (status, body["status"], body["database"]) == (503, "unavailable", "unavailable")
        assert (await health(road, worker, "/healthz"))[0] == 200, "a restart would not bring it back"
        await relay.open()
        assert (await health(road, worker, "/readyz"))[0] == 200


# Polling


async def polled_channel(road: Road) -> None:
    """A Telegram bot without a webhook."""
    road.mock.world.add_bot(POLLED_TOKEN)
    change = await road.change()
    async with road.database.transaction([road.ids.organization]) as connection:
        await channels.create_channel(
            connection, change, road.keyring, chatbot_id=road.ids.bot, type="telegram", name="Polled",
            route="polled-polled-polled", config={"bot_token": POLLED_TOKEN}, secret_paths=["/bot_token"], polled=True,
        )  # fmt: skip


async def test_one_of_two_workers_polls_and_what_it_gets_is_answered_once(road: Road) -> None:
    await polled_channel(road)
    bot = road.mock.world.bots[POLLED_TOKEN]
    async with road.worker(), road.worker():
        for ordinal in range(3):
            people.say(bot, CHAT, f"m{ordinal}")
        await road.delivered(CHAT, "echo m0", "echo m1", "echo m2")
        await road.settled()
        assert len(await road.rows("SELECT lease_owner FROM channels WHERE lease_owner IS NOT NULL")) == 1
        polls = bot.polls
        await asyncio.sleep(0.5)
        assert bot.polls - polls <= 1, "two pollers would send each other away, again and again"
    assert await road.count("inbox") == 3
    assert await road.count("channels", "lease_owner IS NOT NULL") == 0, "the lease is released"


async def test_an_update_is_confirmed_only_once_it_is_stored(road: Road) -> None:
    """With the database away nothing is confirmed, and nothing is lost."""
    await polled_channel(road)
    bot = road.mock.world.bots[POLLED_TOKEN]
    async with Relay(road.database_url) as relay, road.worker(database_url=relay.url):
        people.say(bot, CHAT, "first")
        await road.delivered(CHAT, "echo first")
        await until(lambda: not bot.pending)
        await relay.cut()
        people.say(bot, CHAT, "second")
        await asyncio.sleep(0.5)
        assert len(bot.pending) == 1
        await relay.open()
        await road.delivered(CHAT, "echo first", "echo second", seconds=20)
        await until(lambda: not bot.pending, 20)
    assert await road.count("inbox") == 2


async def test_a_button_that_was_pressed_stops_spinning_though_no_webhook_carries_the_answer(
    road: Road,
) -> None:
    await polled_channel(road)
    bot = road.mock.world.bots[POLLED_TOKEN]
    async with road.worker():
        people.say(bot, CHAT, "wait for it")
        await road.delivered(CHAT, "ask wait for it")
        offered = road.mock.sent(CHAT)[0]
        assert offered.reply_markup is not None
        data = offered.reply_markup["inline_keyboard"][0][0]["callback_data"]
        people.press(bot, CHAT, offered.message_id, data)
        await until(lambda: len(road.mock.sent(method="answerCallbackQuery")) == 1)
        await road.delivered(CHAT, "ask wait for it", "echo wait for it")
