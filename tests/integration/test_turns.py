"""Turns on real PostgreSQL: once for each event, whole, pinned to their flow, and refused openly when they can't be."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from adapters.protocol import Parked, Parsed
from adapters.telegram.adapter import TelegramAdapter
from adapters.telegram.parse import parse_update
from engine.events import InboundEvent, Sender, TextReceived
from gateway.directory import Directory
from gateway.errors import Unavailable
from gateway.worker import utc_now
from storage import bots, channels, flows, publishing
from storage.database import Database
from tests.integration.relay import Relay
from tests.integration.road import (
    ROUTE,
    SECRET,
    Road,
    Running,
    changed_flow,
    open_road,
    until,
    update,
)


@pytest.fixture
async def road(database_url: str, redis_url: str, tmp_path: Path) -> AsyncIterator[Road]:
    async with open_road(database_url, redis_url, tmp_path) as road:
        yield road


def parsed(update_id: int, chat: int, text: str) -> Parsed:
    """What the adapter makes of a message."""
    return parse_update(update(update_id, chat, text), datetime.now(UTC))


def event(external_id: str, key: str, text: str) -> InboundEvent:
    """An event as an adapter with a bug might make it."""
    return InboundEvent(
        external_id=external_id, conversation_key=key, sender=Sender(external_id=key), body=TextReceived(text=text),
        occurred_at=datetime.now(UTC),
    )  # fmt: skip


# Once


async def test_an_update_that_comes_twenty_times_at_once_and_later_is_one_turn(road: Road) -> None:
    async with road.worker(turn_lanes=2) as first, road.worker(turn_lanes=2) as second:
        for number in range(1, 6):
            posts = [worker.say(number, 7, f"m{number}") for worker in (first, second) * 10]
            assert await asyncio.gather(*posts) == [200] * 20
        assert [await worker.say(3, 7, "m3") for worker in (first, second)] == [200, 200]
        await road.delivered(7, *(f"echo m{number}" for number in range(1, 6)))
        await road.settled()
    assert await road.count("inbox") == 5
    assert await road.observer.fetchval("SELECT state_version FROM conversations") == 5
    assert [row["seq"] for row in await road.rows("SELECT seq FROM messages ORDER BY seq")] == list(
        range(1, 11)
    )


async def test_the_same_words_under_other_ids_are_other_turns(road: Road) -> None:
    """The control of the test above: a second turn would be seen."""
    async with road.worker() as worker:
        assert await asyncio.gather(*(worker.say(number, 7, "same") for number in (1, 2))) == [200, 200]
        await road.delivered(7, "echo same", "echo same")
    assert await road.observer.fetchval("SELECT state_version FROM conversations") == 2


async def test_a_parked_body_that_comes_again_is_parked_once(road: Road) -> None:
    async with road.worker() as first, road.worker() as second:
        answers = await asyncio.gather(*(worker.post(b"{no json") for worker in (first, second) * 5))
    assert {answer.status for answer in answers} == {200}
    (row,) = await road.rows("SELECT status, error, raw FROM inbox")
    assert (row["status"], row["raw"]) == ("parked", b"{no json")
    assert row["error"].startswith("not JSON")


# Together


async def test_what_waits_together_commits_together(road: Road) -> None:
    async with road.worker() as worker:
        channel = await worker.channel()
        await worker.together(*((channel, parsed(number, 100 + number, "hi")) for number in range(1, 9)))
        for number in range(1, 9):
            await road.delivered(100 + number, "echo hi")
    batches = await road.rows("SELECT received_at, count(*) AS events FROM inbox GROUP BY received_at")
    assert [batch["events"] for batch in batches] == [8], "one batch has one time"


async def test_what_comes_apart_commits_apart(road: Road) -> None:
    """The control of the test above: batches can be told apart by their time."""
    async with road.worker() as worker:
        assert [await worker.say(number, 100, "hi") for number in (1, 2)] == [200, 200]
    assert len(await road.rows("SELECT DISTINCT received_at FROM inbox")) == 2


async def test_an_event_whose_step_fails_is_parked_beside_healthy_ones_of_its_batch(road: Road) -> None:
    """A bot without a published flow can't answer: its step raises."""
    change = await road.change()
    async with road.database.transaction([road.ids.organization]) as connection:
        mute = await bots.save_chatbot(connection, change, slug="mute", name="Mute")
        await channels.create_channel(
            connection, change, road.keyring, chatbot_id=mute.id, type="telegram", name="Mute", route="mute-route",
            config={"bot_token": "777:mute-mute-mute-mute-mute", "secret_token": SECRET},
            secret_paths=["/bot_token", "/secret_token"],
        )  # fmt: skip
    async with road.worker() as worker:
        healthy, silent = await worker.channel(), await worker.channel("mute-route")
        answers = await worker.together(
            (healthy, parsed(1, 7, "one")), (silent, parsed(2, 7, "anybody?")), (healthy, parsed(3, 8, "two"))
        )
        assert not [answer for answer in answers if isinstance(answer, BaseException)]
        await road.delivered(7, "echo one")
        await road.delivered(8, "echo two")
    rows = await road.rows("SELECT status, error, raw, received_at FROM inbox ORDER BY external_id")
    assert [row["status"] for row in rows] == ["done", "parked", "done"]
    assert rows[1]["error"].startswith("NoPublishedFlow: The channel's bot has no published flow")
    assert b"anybody?" in rows[1]["raw"]
    assert len({row["received_at"] for row in rows}) == 1, "they shared the batch"


@pytest.mark.parametrize(
    ("key", "text", "reason"),
    [
        ("9", "a\0b", "null character|\\\\u0000|0x00"),
        ("9\ud800", "hello", "surrogates not allowed"),
        ("9", "\ud800", "surrogate"),
    ],
    ids=["refused by the server", "refused by the driver", "refused by the encoder"],
)
async def test_a_body_that_can_not_be_stored_is_parked_alone(
    road: Road, key: str, text: str, reason: str
) -> None:
    """Our adapters clean their texts; this one is as of an adapter that forgets to."""
    async with road.worker() as worker:
        channel = await worker.channel()
        bad = Parsed(events=(event("bad", key, text),))
        before, refused, after = await worker.together(
            (channel, parsed(1, 7, "one")), (channel, bad), (channel, parsed(2, 8, "two"))
        )
        assert isinstance(before, list) and isinstance(refused, list) and isinstance(after, list)
        assert refused[0].parked and not before[0].parked and not after[0].parked
        await road.delivered(7, "echo one")
        await road.delivered(8, "echo two")
    (row,) = await road.rows(
        "SELECT status, raw FROM inbox WHERE external_id = 'bad' AND error ~* $1", reason
    )
    assert row["status"] == "parked" and row["raw"]


async def test_a_conversation_whose_state_can_not_be_read_does_not_disturb_others(road: Road) -> None:
    async with road.worker() as worker:
        assert await worker.say(1, 7, "hi") == 200
        await road.delivered(7, "echo hi")
        await road.observer.execute("""UPDATE conversations SET state = '{"turns": "many"}'""")
        channel = await worker.channel()
        await worker.together((channel, parsed(2, 7, "broken")), (channel, parsed(3, 8, "whole")))
        await road.delivered(8, "echo whole")
    statuses = await road.rows("SELECT status FROM inbox ORDER BY external_id")
    assert [row["status"] for row in statuses] == ["done", "parked", "done"]


async def test_a_body_of_several_pieces_is_all_or_nothing(road: Road) -> None:
    async with Relay(road.database_url) as relay, road.worker(database_url=relay.url) as worker:
        channel = await worker.channel()
        pieces = Parsed(
            events=(event("a", "7", "first"), event("b", "8", "second")),
            parked=(Parked(external_id="c", reason="odd", raw=b"?"),),
        )
        await relay.cut()
        with pytest.raises(Unavailable):
            await worker.worker.turns.accept(channel, pieces)
        assert await road.count("inbox") == 0
        await relay.open()
        assert len(await worker.worker.turns.accept(channel, pieces)) == 3
    assert await road.count("inbox") == 3


# The database is away


async def test_without_the_database_503_and_the_same_update_is_accepted_once_later(road: Road) -> None:
    async with Relay(road.database_url) as relay, road.worker(database_url=relay.url) as worker:
        assert await worker.say(1, 7, "before") == 200
        await road.delivered(7, "echo before")
        await road.settled()
        await relay.cut()
        for _ in range(3):
            refused = await worker.post(update(2, 7, "meanwhile"))
            assert refused.status == 503
            assert int(refused.headers["Retry-After"]) >= 1
            assert b"Relay" not in refused.body and b"127.0.0.1" not in refused.body
        assert await worker.say(3, 7, "to nobody", route="not-known-yet") == 503
        assert await road.count("inbox") == 1
        await relay.open()
        assert [await worker.say(2, 7, "meanwhile") for _ in range(3)] == [200] * 3
        await road.delivered(7, "echo before", "echo meanwhile")
    assert await road.count("inbox") == 2


async def test_a_database_that_is_back_before_the_next_message_is_not_noticed(road: Road) -> None:
    """Every resting connection is broken; the lanes get new ones without refusing anybody."""
    async with Relay(road.database_url) as relay, road.worker(database_url=relay.url) as worker:
        assert await worker.say(1, 7, "before") == 200
        await road.delivered(7, "echo before")
        await road.settled()
        await relay.cut()
        await relay.open()
        assert await worker.say(2, 7, "after") == 200
        await road.delivered(7, "echo before", "echo after")


async def test_a_connection_that_breaks_in_a_turn_is_replaced_and_the_turn_runs_once(road: Road) -> None:
    async with Relay(road.database_url) as relay, road.worker(database_url=relay.url) as worker:
        assert await worker.say(1, 7, "before") == 200
        await road.delivered(7, "echo before")
        await road.settled()
        for number in (2, 3, 4):
            relay.break_when_used()
            assert await worker.say(number, 7, f"m{number}") == 200
        await road.delivered(7, "echo before", "echo m2", "echo m3", "echo m4", seconds=20)
    assert await road.observer.fetchval("SELECT state_version FROM conversations") == 4


# Flows and channels change


async def publish(road: Road, label: str, **changes: Any) -> None:
    """Publish another version, whose answers carry `label` and whose parts are replaced by `changes`."""
    change = await road.change()
    async with road.database.transaction([road.ids.organization]) as connection:
        flow = await flows.add_flow_version(
            connection,
            change,
            chatbot_id=road.ids.bot,
            flow_id="road",
            definition=changed_flow(label) | changes,
        )
        await publishing.publish(connection, change, flow.id)


async def test_a_published_version_is_for_new_conversations_and_one_under_way_stays(road: Road) -> None:
    async with road.worker() as worker:
        assert await worker.say(1, 7, "name") == 200
        await road.delivered(7, "name?")
        before = (await worker.channel()).flow_id
        await publish(road, "v2")
        await until(lambda: has_other_flow(worker, before), 2.0)
        assert await worker.say(2, 8, "new here") == 200
        assert await worker.say(3, 7, "Ada") == 200
        await road.delivered(8, "v2 echo new here")
        await road.delivered(7, "name?", "thanks Ada")  # a worker that forgot the pin would say: v2 thanks
        assert await worker.say(4, 7, "again") == 200
        await road.delivered(7, "name?", "thanks Ada", "v2 echo again")


MIGRATES = {"live_conversations": "migrate"}


async def test_a_version_that_migrates_goes_on_with_conversations_where_they_wait(road: Road) -> None:
    async with road.worker() as worker:
        assert await worker.say(1, 7, "name") == 200
        await road.delivered(7, "name?")
        before = (await worker.channel()).flow_id
        await publish(road, "v2", global_settings=MIGRATES)
        await until(lambda: has_other_flow(worker, before), 2.0)
        assert await worker.say(2, 7, "Ada") == 200
        await road.delivered(7, "name?", "v2 thanks Ada")
        after = (await worker.channel()).flow_id
    (row,) = await road.rows("SELECT state ->> 'flow' AS flow FROM conversations")
    assert row["flow"] == str(after)


async def test_a_version_that_migrates_leaves_conversations_whose_place_it_does_not_have(road: Road) -> None:
    nodes = [
        node | {"connections": [way for way in node.get("connections", ()) if way["target"] != "name"]}
        for node in changed_flow("v2")["nodes"]
        if node["id"] != "name"
    ]
    async with road.worker() as worker:
        assert await worker.say(1, 7, "name") == 200
        await road.delivered(7, "name?")
        before = (await worker.channel()).flow_id
        await publish(road, "v2", global_settings=MIGRATES, nodes=nodes)
        await until(lambda: has_other_flow(worker, before), 2.0)
        assert await worker.say(2, 7, "Ada") == 200
        await road.delivered(7, "name?", "thanks Ada")
        assert await worker.say(3, 7, "again") == 200
        await road.delivered(7, "name?", "thanks Ada", "v2 echo again")


async def has_other_flow(worker: Running, before: UUID | None) -> bool:
    return (await worker.channel()).flow_id != before


async def test_a_conversation_stays_pinned_when_another_worker_that_started_later_goes_on(road: Road) -> None:
    async with road.worker() as worker:
        assert await worker.say(1, 7, "name") == 200
        await road.delivered(7, "name?")
    await publish(road, "v2")
    async with road.worker() as worker:
        assert await worker.say(2, 7, "Ada") == 200
        await road.delivered(7, "name?", "thanks Ada")


async def test_a_disabled_channel_answers_like_an_unknown_one_within_two_seconds(road: Road) -> None:
    async with road.worker() as worker:
        assert await worker.say(1, 7, "hi") == 200
        unknown = await worker.post(update(2, 7, "x"), route="nobody-nobody")
        await set_status(road, "disabled")
        await until(lambda: answers(worker, 401), 2.0)
        disabled = await worker.post(update(2, 7, "x"))
        assert (disabled.status, disabled.body) == (unknown.status, unknown.body)
        assert {k: v for k, v in disabled.headers.items() if k != "Date"} == {
            k: v for k, v in unknown.headers.items() if k != "Date"
        }
        assert await road.count("inbox") == 1
        await set_status(road, "active")
        await until(lambda: answers(worker, 200), 4.0)


async def answers(worker: Running, status: int) -> bool:
    """Whether the channel's webhook answers so by now, to the same update."""
    return await worker.say(1, 7, "hi") == status


async def set_status(road: Road, status: Any) -> None:
    change = await road.change()
    async with road.database.transaction([road.ids.organization]) as connection:
        await channels.set_status(connection, change, road.ids.telegram, status)


class Gated(Database):
    """A database that makes whoever asks wait, while it is closed."""

    def __init__(self, url: str) -> None:
        super().__init__(url, pool_size=2)
        self.questions = 0
        self.open_after = 0
        self.gate = asyncio.Event()

    @asynccontextmanager
    async def raw(self) -> AsyncIterator[Any]:
        self.questions += 1
        if self.open_after and self.questions > self.open_after:
            await self.gate.wait()
        async with super().raw() as connection:
            yield connection


async def test_a_channel_that_changes_goes_on_serving_while_the_change_is_read(road: Road) -> None:
    database = Gated(road.database_url)
    directory = Directory(database, road.keyring, {"telegram": TelegramAdapter()}, {}, utc_now)
    before = await directory.by_route("telegram", ROUTE)
    assert before is not None
    await publish(road, "v2")
    database.open_after = database.questions + 1  # what has changed can be asked, and no more
    refresh = asyncio.create_task(directory.refresh())
    await until(lambda: database.questions > database.open_after)
    async with asyncio.timeout(1.0):
        assert await directory.by_route("telegram", ROUTE) is before
    database.gate.set()
    await refresh
    after = await directory.by_route("telegram", ROUTE)
    assert after is not None and after.flow_id != before.flow_id
    await database.dispose()
