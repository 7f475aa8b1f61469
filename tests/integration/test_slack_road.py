"""Slack from end to end: a signed request becomes one turn, its answer is posted once, and nobody else is bothered."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from adapters.slack.verify import SIGNATURE_HEADER, TIMESTAMP_HEADER
from gateway.turns.decide import OVERHEARD
from storage.flows import add_flow_version
from storage.publishing import publish
from tests.integration.relay import Relay
from tests.integration.road import Running
from tests.integration.slack_road import ADA, GENERAL, MENTION, ROUTE, SlackRoad, open_slack_road
from tests.pace import slowness
from tests.platforms.slack import SIGNING_SECRET, Fault, people
from tests.platforms.slack.signing import signature
from tests.unit.slack_bodies import NAMES, body

BEN = "U0AKBEN001"


@pytest.fixture
async def road(database_url: str, redis_url: str, tmp_path: Path) -> AsyncIterator[SlackRoad]:
    async with open_slack_road(database_url, redis_url, tmp_path) as one:
        yield one


async def post(
    worker: Running,
    raw: bytes,
    *,
    secret: str = SIGNING_SECRET,
    at: int = 0,
    route: str = ROUTE,
    signed: str = "",
) -> tuple[int, bytes]:
    """One request as Slack signs it, `at` seconds from now."""
    stamp = str(int(time.time()) + at)
    headers = {
        TIMESTAMP_HEADER: stamp,
        SIGNATURE_HEADER: signed or signature(raw, stamp, secret),
        "Content-Type": "application/json",
    }
    url = f"http://127.0.0.1:{worker.port}/webhook/slack/{route}"
    async with aiohttp.ClientSession() as session, session.post(url, data=raw, headers=headers) as response:
        return response.status, await response.read()


async def test_a_private_message_is_answered_once(road: SlackRoad) -> None:
    await road.connect()
    road.slack.echoes = True
    async with road.road.worker() as worker:
        road.lead_to(worker)
        people.say(road.slack, ADA, "hello &lt;you&gt;")
        await road.answered("echo hello &lt;you&gt;")
        await road.taken(2)
        await road.settled()
    assert await road.turns() == 1
    assert await road.parked() == [], "our own message came back and left nothing"


async def test_a_mention_that_is_told_twice_is_one_turn_in_its_thread(road: SlackRoad) -> None:
    await road.connect()
    road.slack.world.channel(GENERAL)
    async with road.road.worker() as worker:
        road.lead_to(worker)
        root = people.say(road.slack, ADA, f"{MENTION} name", channel=GENERAL)
        await road.answered("name?", channel=GENERAL)
        await road.taken(2)
        assert road.slack.sent(GENERAL)[0].thread == root
        people.say(road.slack, ADA, "Ada", channel=GENERAL, thread=root)
        await road.answered("name?", "thanks Ada", channel=GENERAL)
        assert {sent.thread for sent in road.slack.sent(GENERAL)} == {root}
    assert await road.turns() == 2


async def test_what_people_say_among_themselves_is_overheard_and_begins_nothing(road: SlackRoad) -> None:
    await road.connect()
    road.slack.world.channel(GENERAL)
    async with road.road.worker() as worker:
        road.lead_to(worker)
        root = people.say(road.slack, ADA, "lunch?", channel=GENERAL)
        people.say(road.slack, BEN, "yes", channel=GENERAL, thread=root)
        people.react(road.slack, BEN, GENERAL, root, "tada")
        people.join(road.slack, BEN, GENERAL)
        await road.taken(4)
        assert await road.road.count("conversations") == 0 and await road.road.count("customers") == 0
        assert sorted(await road.parked()) == sorted(
            ["a channel's message that does not mention the app", OVERHEARD, OVERHEARD, OVERHEARD]
        )
        people.say(road.slack, BEN, f"{MENTION} help us", channel=GENERAL, thread=root)
        await road.answered("echo help us", channel=GENERAL)
        people.say(road.slack, ADA, "and now", channel=GENERAL, thread=root)
        await road.answered("echo help us", "echo and now", channel=GENERAL)
    assert await road.road.count("conversations") == 1


async def test_buttons_menus_and_commands_reach_the_private_talk(road: SlackRoad) -> None:
    await road.connect()
    private = road.slack.world.private(ADA).id
    async with road.road.worker() as worker:
        road.lead_to(worker)
        people.say(road.slack, ADA, "wait for it")
        await road.answered("ask wait for it")
        offered = road.slack.sent(private)[0]
        button = offered.blocks[-1]["elements"][0]
        assert (await people.press(road.slack, ADA, private, offered.ts, button["action_id"])).status == 200
        await road.answered("ask wait for it", "echo wait for it")
        assert (await people.command(road.slack, ADA, "/order", "17", channel=GENERAL)).answer == ""
        await road.answered("ask wait for it", "echo wait for it", "echo /order 17")
        assert road.slack.sent(GENERAL) == [], "nobody else in the channel reads it"
        assert (await people.shortcut(road.slack, ADA, "new_order")).status == 200
        await road.answered("ask wait for it", "echo wait for it", "echo /order 17", "echo /new_order")
    assert await road.road.count("conversations") == 1


async def test_slack_tries_the_address_out(road: SlackRoad) -> None:
    await road.connect()
    async with road.road.worker() as worker:
        road.lead_to(worker)
        attempt = await road.slack.courier.verify_url("3eZbrw1a")
    assert (attempt.status, attempt.answer) == (200, '{"challenge":"3eZbrw1a"}')


async def test_repeats_cause_no_second_turn(road: SlackRoad) -> None:
    await road.connect()
    road.slack.courier.scale = 0.001
    road.slack.courier.lose_answers = 3
    async with road.road.worker() as worker:
        road.lead_to(worker)
        people.say(road.slack, ADA, "once")
        await road.slack.wait(lambda: len(road.slack.courier.attempts) == 4)
        await road.answered("echo once")
        await road.settled()
        assert [attempt.retry for attempt in road.slack.courier.attempts] == [0, 1, 2, 3]
    assert await road.turns() == 1 and road.answers() == ["echo once"]


async def test_an_event_waits_while_the_database_is_away(road: SlackRoad) -> None:
    await road.connect()
    road.slack.courier.retry_schedule = (0.0, *[0.2] * 60)
    async with Relay(road.road.database_url) as relay, road.road.worker(database_url=relay.url) as worker:
        road.lead_to(worker)
        people.say(road.slack, ADA, "first")
        await road.answered("echo first")
        await relay.cut()
        people.say(road.slack, ADA, "second")
        await road.slack.wait(lambda: any(one.status == 503 for one in road.slack.courier.attempts))
        assert road.answers() == ["echo first"]
        await relay.open()
        await road.answered("echo first", "echo second", seconds=20)
    assert await road.turns() == 2


async def test_strangers_are_refused_and_replays_count_once(road: SlackRoad) -> None:
    await road.connect()
    road.slack.world.open = True
    raw = body("dm_text").replace(b"T0MOORLAND", b"T0AKTEAM01")
    async with road.road.worker() as worker:
        assert (await post(worker, raw, secret="another"))[0] == 401
        assert (await post(worker, raw, at=-400))[0] == 401
        assert (await post(worker, raw, at=400))[0] == 401
        assert (await post(worker, raw, signed="v0=" + "ü" * 8))[0] == 401
        assert (await post(worker, raw, signed="v0=short"))[0] == 401
        refused, unknown = await post(worker, raw, secret="x"), await post(worker, raw, route="r" * 20)
        assert refused == unknown, "unknown paths and wrong secrets answer alike"
        stamp = str(int(time.time()))
        signed = signature(raw, stamp, SIGNING_SECRET)
        for at in range(0, len(raw), 37):
            changed = bytearray(raw)
            changed[at] ^= 4
            assert (await post(worker, bytes(changed), signed=signed))[0] == 401
        assert await road.road.count("inbox") == 0
        for _ in range(3):
            assert (await post(worker, raw))[0] == 200
        await road.slack.wait(lambda: len(road.slack.sent()) == 1)
        await road.settled()
    assert await road.road.count("inbox") == 1 and len(road.slack.sent()) == 1


async def test_every_recorded_body_is_taken(road: SlackRoad) -> None:
    """Whatever Slack tells is answered with a 2xx and is a turn, or parked with its reason, or our own."""
    await road.connect()
    road.slack.world.open = True
    ours_or_asked = 6  # four things that the app itself did, a challenge, a menu's options
    async with road.road.worker() as worker:
        for number, name in enumerate(NAMES):
            raw = body(name).replace(b"T0MOORLAND", b"T0AKTEAM01")
            raw = raw.replace(b"https://files.slack.com", road.slack.url.encode())
            raw = raw.replace(b"1793534395.000200", f"1793534395.{number:06}".encode())
            assert (await post(worker, raw))[0] == 200, name
        await road.settled()
    reasons = await road.parked()
    assert await road.turns() + len(reasons) == len(NAMES) - ours_or_asked
    assert await road.turns() > 40 and all(reasons)


@pytest.mark.parametrize("kind", ["cut", "cut_body", "slow"])
async def test_an_answer_that_is_lost_doubles_nothing(road: SlackRoad, kind: Any) -> None:
    """Slack took the message and its answer got lost: the history tells, and the next one follows in order."""
    await road.connect()
    seconds = 0.1
    road.slack.faults.add(Fault(kind=kind, method="chat.postMessage", times=2, seconds=seconds))
    async with road.road.worker() as worker:
        road.lead_to(worker)
        people.say(road.slack, ADA, "three x")
        await road.answered("1 three x", "2 three x", "3 three x", seconds=20)
        await road.settled()
        await asyncio.sleep(0.2)
    assert road.answers() == ["1 three x", "2 three x", "3 three x"]
    keys = [sent.metadata["event_payload"]["key"] for sent in road.slack.sent() if sent.metadata]
    assert len(set(keys)) == 3


async def test_a_wait_that_slack_asks_for_is_kept(road: SlackRoad) -> None:
    await road.connect()
    road.slack.faults.add(Fault(kind="rate_limit", method="chat.postMessage", times=1, seconds=1))
    async with road.road.worker() as worker:
        road.lead_to(worker)
        started = time.monotonic()
        people.say(road.slack, ADA, "three x")
        await road.answered("1 three x", "2 three x", "3 three x")
        assert time.monotonic() - started >= 1.0


async def test_slack_is_answered_at_once_though_an_integration_hangs(road: SlackRoad) -> None:
    """The webhook answers after the commit and never after what a flow calls: p99 below 500 ms."""
    hold = asyncio.Event()

    async def hang(request: web.BaseRequest) -> web.StreamResponse:
        await hold.wait()
        return web.json_response({})

    server = web.Server(hang)
    listener = await asyncio.get_running_loop().create_server(server, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    nodes: list[dict[str, Any]] = [
        {
            "id": "ask",
            "type": "http",
            "config": {"url": f"http://127.0.0.1:{port}/", "save": {"n": "response.body.n"}},
            "connections": [{"target": "tell"}],
        },
        {"id": "tell", "type": "message", "config": {"message": "told"}},
    ]
    change = await road.road.change()
    async with road.road.database.transaction([road.road.ids.organization]) as connection:
        flow = await add_flow_version(
            connection, change, chatbot_id=road.road.ids.bot, flow_id="road",
            definition={"start_node": "ask", "nodes": nodes},
        )  # fmt: skip
        await publish(connection, change, flow.id)
    await road.connect()
    try:
        async with road.road.worker(http_allowed_hosts="127.0.0.1", drain_seconds=0.5) as worker:
            road.lead_to(worker)
            for number in range(200):
                people.say(road.slack, f"U0AK{number:06}", "hi")
                await asyncio.sleep(0.01)
            await road.taken(200, 30)
            waits = sorted(one.finished - one.started for one in road.slack.courier.attempts)
            assert waits[197] < 0.5 * slowness(), waits[-5:]
            assert all(one.retry == 0 for one in road.slack.courier.attempts)
            assert road.slack.world.log == [], "the control: nothing came of the calls yet"
            hold.set()
    finally:
        hold.set()
        listener.close()
        await server.shutdown(0.5)
