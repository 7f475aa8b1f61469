"""Slack by Socket Mode: one socket a channel, acknowledged after the commit, and nothing falls between two sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from storage import channels
from tests.integration.relay import Relay
from tests.integration.road import until
from tests.integration.slack_road import ADA, SlackRoad, open_slack_road
from tests.platforms.slack import Fault, people


@pytest.fixture
async def road(database_url: str, redis_url: str, tmp_path: Path) -> AsyncIterator[SlackRoad]:
    async with open_slack_road(database_url, redis_url, tmp_path) as one:
        await one.connect(socket_mode=True)
        yield one


async def listening(road: SlackRoad, seconds: float = 10.0) -> None:
    """Wait until there is a socket."""
    await road.slack.wait(lambda: road.slack.sockets.count == 1, seconds)


async def test_one_of_two_workers_listens_and_what_it_hears_is_answered_once(road: SlackRoad) -> None:
    async with road.road.worker(), road.road.worker():
        await listening(road)
        for number in range(3):
            people.say(road.slack, ADA, f"m{number}")
        await road.answered("echo m0", "echo m1", "echo m2")
        await asyncio.sleep(2.5)  # a search for channels later there is still one
        assert road.slack.sockets.count == 1
        assert all(one.retry == 0 for one in road.slack.sockets.acknowledged)
    assert await road.turns() == 3
    assert await road.road.count("channels", "lease_owner IS NOT NULL") == 0, "the lease is released"


async def test_another_worker_takes_over_when_the_first_one_stops(road: SlackRoad) -> None:
    async with road.road.worker() as first:
        await listening(road)
        async with road.road.worker():
            await first.stop()
            people.say(road.slack, ADA, "still there?")
            await road.answered("echo still there?", seconds=15)
    assert await road.turns() == 1


async def test_buttons_commands_and_forms_come_over_the_socket(road: SlackRoad) -> None:
    private = road.slack.world.private(ADA).id
    async with road.road.worker():
        await listening(road)
        people.say(road.slack, ADA, "wait for it")
        await road.answered("ask wait for it")
        offered = road.slack.sent(private)[0]
        action = offered.blocks[-1]["elements"][0]["action_id"]
        await people.press(road.slack, ADA, private, offered.ts, action)
        await road.answered("ask wait for it", "echo wait for it")
        assert (await people.command(road.slack, ADA, "/order", "17")).answer == ""
        await people.submit(road.slack, ADA, "form", {"b": {"a": {"type": "plain_text_input", "value": "7"}}})
        await road.answered("ask wait for it", "echo wait for it", "echo /order 17")
    kinds = {one.kind for one in road.slack.sockets.acknowledged}
    assert kinds == {"events_api", "interactive", "slash_commands"}
    assert await road.turns() == 4


async def test_an_envelope_is_acknowledged_only_once_it_is_stored(road: SlackRoad) -> None:
    """With the database away nothing is acknowledged, and nothing is lost."""
    road.slack.sockets.ack_seconds = 1.0
    async with Relay(road.road.database_url) as relay, road.road.worker(database_url=relay.url):
        await listening(road)
        people.say(road.slack, ADA, "first")
        await road.answered("echo first")
        await relay.cut()
        before = len(road.slack.sockets.acknowledged)
        people.say(road.slack, ADA, "second")
        await asyncio.sleep(0.7)
        assert len(road.slack.sockets.acknowledged) == before
        await relay.open()
        await road.answered("echo first", "echo second", seconds=30)
    assert await road.turns() == 2


async def test_a_repeated_envelope_is_one_turn(road: SlackRoad) -> None:
    async with road.road.worker():
        await listening(road)
        event = road.slack.tell(
            {
                "type": "message",
                "user": ADA,
                "channel": "D0AKADA001",
                "channel_type": "im",
                "ts": "1.2",
                "text": "x",
            }
        )
        road.slack.repeat(event)
        await road.slack.wait(lambda: len(road.slack.sockets.acknowledged) == 2)
        await road.answered("echo x")
        await road.settled()
    assert await road.turns() == 1 and road.answers() == ["echo x"]


async def test_nothing_falls_between_two_sockets(road: SlackRoad) -> None:
    """Slack refreshes its sockets every few hours; here it does ten times while somebody writes."""
    async with road.road.worker():
        await listening(road)
        for number in range(10):
            people.say(road.slack, ADA, f"m{number}")
            await road.slack.sockets.disconnect("warning", close=number % 2 == 0)
            await listening(road, 30)
        await road.slack.wait(lambda: len(road.slack.sockets.acknowledged) == 10, 30)
        await until(lambda: len(road.answers()) == 10, 20)
    assert sorted(road.answers()) == sorted(f"echo m{number}" for number in range(10))
    assert await road.turns() == 10


async def test_trouble_with_opening_is_waited_out(road: SlackRoad) -> None:
    road.slack.faults.add(Fault(kind="error", method="apps.connections.open", code="internal_error", times=1))
    async with road.road.worker():
        await listening(road, 20)
        people.say(road.slack, ADA, "hello")
        await road.answered("echo hello")
    assert road.slack.faults.faults[0].hits == 1


async def test_a_channel_that_is_disabled_is_let_go(road: SlackRoad) -> None:
    async with road.road.worker():
        await listening(road)
        (row,) = await road.road.rows("SELECT id FROM channels WHERE type = 'slack'")
        change = await road.road.change()
        async with road.road.database.transaction([road.road.ids.organization]) as connection:
            await channels.set_status(connection, change, row["id"], "disabled")
        await road.slack.wait(lambda: road.slack.sockets.count == 0, 25)
