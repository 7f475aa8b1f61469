"""The web channel over real sockets: handshake, frames, limits, refusals, shutdown, pages."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from adapters.web import token
from engine.events import ChoiceMade, CommandReceived, ConversationOpened, TextReceived
from gateway.web import session
from gateway.web.limits import BURST, MAX_REFUSED
from gateway.web.service import UNKNOWN_BOT, WRONG_SITE
from tests.integration.web_site import Site, running_site
from tests.unit.web_doubles import NOW, SECRET


@pytest.fixture
async def site(redis_url: str) -> AsyncIterator[Site]:
    async with running_site(redis_url) as made:
        yield made


async def test_a_new_visitor_is_welcomed_and_remembered(site: Site) -> None:
    widget = await site.widget()
    welcome = await widget.hello(language="de-AT", page="https://example.com/")
    assert (welcome["conversation"], welcome["seq"], welcome["bot"]) == ("", 0, {"name": "Pixel"})
    assert welcome["appearance"]["position"] == "bottom-right"
    ack = await widget.say("hello")
    assert ack["seq"] == 1
    (event,) = site.turns.events
    assert event.body == TextReceived(text="hello")
    assert event.sender.language == "de-AT"
    again = await site.widget()
    welcome = await again.hello(token=welcome["token"])
    assert (welcome["conversation"], welcome["seq"]) == (ack["conversation"], 1)
    replayed = await again.get("message")
    assert (replayed["seq"], replayed["from"], replayed["text"]) == (1, "customer", "hello")
    assert replayed["client_id"] == ack["id"]


async def test_a_token_of_nobody_begins_a_new_session(site: Site) -> None:
    channel = site.channels["demo"]
    stranger = token.issue(SECRET, uuid4(), uuid4(), NOW)
    for wrong in ("", "x", stranger, "é", None):
        widget = await site.widget()
        welcome = await widget.hello(token=wrong)
        visitor = token.verify(welcome["token"], SECRET, channel.id, NOW)
        assert visitor is not None


async def test_the_same_message_is_accepted_once_and_acknowledged_each_time(site: Site) -> None:
    widget, id = await site.visitor(), str(uuid4())
    first = await widget.say("hello", id)
    second = await widget.say("hello", id)
    third = await widget.say("hello", id.upper())
    assert first["seq"] == second["seq"] == third["seq"] == 1
    assert [event.external_id for event in site.turns.events] == [id]
    other = await site.visitor(token=widget.token, seq=1)
    assert (await other.say("hello", id))["seq"] == 1
    assert len(site.turns.events) == 1


async def test_everything_a_visitor_can_say_becomes_an_event(site: Site) -> None:
    widget = await site.visitor()
    await widget.send(type="open", id=str(uuid4()))
    assert "seq" not in await widget.get("ack")
    await widget.send(type="choice", id=str(uuid4()), choice="a:1", title="Yes")
    await widget.get("ack")
    await widget.send(type="command", id=str(uuid4()), command="restart")
    await widget.get("ack")
    assert [event.body for event in site.turns.events] == [
        ConversationOpened(),
        ChoiceMade(choice="a:1", title="Yes"),
        CommandReceived(command="start"),
    ]


async def test_the_bot_greets_once(site: Site) -> None:
    widget = await site.visitor()
    for _ in range(3):
        await widget.send(type="open", id=str(uuid4()))
        await widget.get("ack")
    again = await site.visitor(token=widget.token)
    await again.send(type="open", id=str(uuid4()))
    await again.get("ack")
    assert [event.body for event in site.turns.events] == [ConversationOpened()]


async def test_a_channel_may_not_greet(site: Site) -> None:
    site.configure({"greet": False})
    widget = await site.visitor()
    await widget.send(type="open", id=str(uuid4()))
    await widget.get("ack")
    assert site.turns.events == []


async def test_answers_come_in_order_and_once(site: Site) -> None:
    widget = await site.visitor()
    ack = await widget.say("hello")
    conversation = site.turns.transcript.contacts[
        (site.channels["demo"].id, site.turns.events[0].conversation_key)
    ]
    assert ack["conversation"] == str(conversation)
    entries = [site.transcript.add(conversation, f"m{number}") for number in range(5)]
    for index in (1, 0, 4, 4, 2, 3):
        site.deliver(entries[index])
    assert [(await widget.get("message"))["seq"] for _ in entries] == [2, 3, 4, 5, 6]
    await widget.send(type="resume", seq=4)
    assert [(await widget.get("message"))["seq"] for _ in range(2)] == [5, 6]


async def test_a_widget_that_knows_more_than_the_server_starts_anew(site: Site) -> None:
    widget = await site.visitor()
    await widget.say("hello")
    again = await site.widget()
    welcome = await again.hello(token=widget.token, seq=900)
    assert welcome["seq"] == 1
    assert (await again.get("message"))["seq"] == 1
    other = await site.widget()
    await other.hello(token=widget.token, seq=1, conversation=str(uuid4()))
    assert (await other.get("message"))["seq"] == 1


async def test_wrong_frames_are_answered_and_the_session_goes_on(site: Site) -> None:
    widget = await site.visitor()
    await widget.socket.send_str("nonsense")
    assert (await widget.get("error"))["code"] == "bad_json"
    await widget.socket.send_bytes(b"\xff\xfe")
    assert (await widget.get("error"))["code"] == "bad_json"
    id = str(uuid4())
    await widget.send(type="text", id=id, text="")
    error = await widget.get("error")
    assert (error["code"], error["id"], error["retry"]) == ("empty", id, False)
    await widget.send(type="hello")
    assert (await widget.get("error"))["code"] == "bad_frame"
    await widget.send(type="ping")
    await widget.get("pong")
    assert (await widget.say("still here"))["seq"] == 1


async def test_a_message_beyond_the_socket_limit_closes_only_that_socket(site: Site) -> None:
    widget = await site.visitor()
    await widget.send(type="text", id=str(uuid4()), text="x" * 70_000)
    assert await widget.closed() == 1009
    assert (await (await site.visitor()).say("fine"))["seq"] == 1


async def test_nothing_is_heard_before_a_hello(site: Site) -> None:
    widget = await site.widget()
    await widget.send(type="text", id=str(uuid4()), text="hi")
    assert (await widget.get("error"))["code"] == "hello_first"
    await widget.hello()
    impatient = await site.widget()
    for _ in range(session.MAX_EARLY_FRAMES):
        await impatient.socket.send_str("x")
        await impatient.get("error")
    assert await impatient.closed() == session.POLICY_VIOLATION
    assert site.turns.events == []


async def test_a_database_that_is_away_is_told_and_the_message_can_come_again(site: Site) -> None:
    widget, id = await site.visitor(), str(uuid4())
    site.turns.away = True
    await widget.send(type="text", id=id, text="hello")
    error = await widget.get("error")
    assert (error["code"], error["id"], error["retry"]) == ("unavailable", id, True)
    site.turns.away = False
    assert (await widget.say("hello", id))["seq"] == 1
    site.transcript.away = True
    late = await site.widget()
    await late.send(type="hello", token=widget.token)
    assert (await late.get("error"))["retry"] is True
    assert await late.closed() == 1013


async def test_a_flood_is_refused_then_cut_off(site: Site) -> None:
    widget = await site.visitor()
    for _ in range(3 * BURST):
        await widget.send(type="ping")
    answers = [json.loads(await widget.socket.receive_str()) for _ in range(3 * BURST)]
    assert [answer["type"] for answer in answers[:BURST]] == ["pong"] * BURST
    refused = [answer for answer in answers if answer["type"] == "error"]
    assert len(refused) > BURST
    assert {(answer["code"], answer["retry"]) for answer in refused} == {("too_fast", True)}
    for _ in range(2 * MAX_REFUSED):
        await widget.send(type="ping")
    async for _ in widget.socket:
        pass
    assert widget.socket.close_code == session.POLICY_VIOLATION


async def test_receipts_take_the_status_lane(site: Site) -> None:
    widget = await site.visitor()
    await widget.send(type="receipt", seq=3, state="read")
    ack = await widget.say("hello")
    await widget.send(type="receipt", seq=99, state="read")
    await widget.send(type="ping")
    await widget.get("pong")
    (update,) = site.statuses.updates
    assert (str(update.conversation_id), update.seq, update.state) == (ack["conversation"], 1, "read")
    assert len(site.turns.events) == 1


async def test_only_the_listed_sites_get_a_session(site: Site) -> None:
    site.configure({"security": {"allowed_domains": ["*.example.com"]}})
    good = await site.widget(Origin="https://shop.example.com")
    await good.hello()
    own = await site.widget(Origin=str(site.server.make_url("/")).rstrip("/"))
    await own.hello()
    for headers in ({"Origin": "https://evil.org"}, {"Origin": "null"}, {}):
        assert await (await site.widget(**headers)).closed() == WRONG_SITE


async def test_an_unknown_bot_is_told_by_the_close_code_or_a_404(site: Site) -> None:
    assert await (await site.widget("nobody")).closed() == UNKNOWN_BOT
    for route, status in (("nobody", 404), ("demo", 426)):
        async with site.client.get(site.server.make_url(f"/widget/{route}/socket")) as response:
            assert response.status == status


async def test_a_channel_that_is_set_up_wrongly_is_closed_not_open(site: Site) -> None:
    site.configure({"security": {"allowed_domains": "example.com"}})
    assert await (await site.widget()).closed() == 1011
    site.configure({})
    broken = site.channels["demo"]
    site.channels["demo"] = type(broken)(
        **{field: getattr(broken, field) for field in broken.__struct_fields__ if field != "access"},
        access=type(broken.access)(channel_id=broken.id, secrets={}, settings={}),
    )
    widget = await site.widget()
    await widget.send(type="hello")
    assert (await widget.get("error"))["code"] == "misconfigured"
    assert await widget.closed() == 1011


async def test_a_directory_that_is_away_asks_to_come_again(site: Site) -> None:
    site.away = True
    assert await (await site.widget()).closed() == 1013


async def test_shutdown_sends_widgets_to_another_replica(site: Site) -> None:
    widget, other = await site.visitor(), await site.visitor()
    await widget.say("hello")
    await site.service.close_sockets()
    assert [await widget.closed(), await other.closed()] == [1012, 1012]
    for _ in range(500):
        if not len(site.service.hub):
            break
        await asyncio.sleep(0.01)
    assert len(site.service.hub) == 0


async def test_another_tab_sees_both_sides(site: Site) -> None:
    widget = await site.visitor()
    tab = await site.visitor(token=widget.token)
    await widget.say("hello")
    assert (await tab.get("message"))["text"] == "hello"
    (conversation,) = site.transcript.contacts.values()
    site.deliver(site.transcript.add(conversation, "hi there"))
    assert (await tab.get("message"))["text"] == "hi there"
    assert (await widget.get("message"))["text"] == "hi there"


async def test_the_script_is_cached_by_its_contents(site: Site) -> None:
    url = site.server.make_url("/widget.js")
    async with site.client.get(url) as response:
        assert response.status == 200
        assert response.content_type == "text/javascript"
        assert response.headers["Access-Control-Allow-Origin"] == "*"
        etag = response.headers["ETag"]
        assert "channel-gateway-widget" in await response.text()
    async with site.client.get(url, headers={"If-None-Match": etag}) as response:
        assert (response.status, await response.read()) == (304, b"")
    async with site.client.get(url, headers={"Accept-Encoding": "identity"}) as response:
        assert "Content-Encoding" not in response.headers


async def test_the_demo_page_needs_nothing_else(site: Site) -> None:
    async with site.client.get(site.server.make_url("/")) as response:
        page = await response.text()
        policy = response.headers["Content-Security-Policy"]
    assert 'data-bot-id="demo"' in page
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "{{" not in page
    async with site.client.get(site.server.make_url("/").with_query(bot='"><script>')) as response:
        assert 'data-bot-id="demo"' in await response.text()
    site.channels.clear()
    async with site.client.get(site.server.make_url("/")) as response:
        assert "gateway bot publish" in await response.text()


async def test_the_configuration_tells_how_the_widget_looks(site: Site) -> None:
    site.configure({"appearance": {"position": "top-left"}, "security": {"allowed_domains": ["example.com"]}})
    url = site.server.make_url("/widget/demo/config")
    async with site.client.get(url, headers={"Origin": "https://example.com"}) as response:
        told = await response.json()
        assert response.headers["Access-Control-Allow-Origin"] == "https://example.com"
    assert (told["bot"], told["appearance"]["position"]) == ({"name": "Pixel"}, "top-left")
    assert "security" not in told
    async with site.client.get(url, headers={"Origin": "https://evil.org"}) as response:
        assert response.status == 403
    async with site.client.get(site.server.make_url("/widget/nobody/config")) as response:
        assert response.status == 404
