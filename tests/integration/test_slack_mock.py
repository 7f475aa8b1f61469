"""The mock Slack against clients that the adapter does not use: slack_sdk's Web API client, slack_bolt's app."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.app.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.models.blocks import ActionsBlock, ButtonElement, SectionBlock
from slack_sdk.web.async_client import AsyncWebClient

from tests.platforms.slack import (
    APP_TOKEN,
    BOT_TOKEN,
    BOT_USER,
    SIGNING_SECRET,
    TEAM,
    Fault,
    MockSlack,
    people,
)

ADA = "U0AKADA001"


@pytest.fixture
async def mock() -> AsyncIterator[MockSlack]:
    async with MockSlack().running() as server:
        server.world.person(ADA)
        yield server


@pytest.fixture
def client(mock: MockSlack) -> AsyncWebClient:
    return AsyncWebClient(BOT_TOKEN, base_url=f"{mock.api}/", retry_handlers=[])


async def refused(call: Any) -> dict[str, Any]:
    """The answer of a call that is refused."""
    with pytest.raises(SlackApiError) as caught:
        await call
    answer: dict[str, Any] = caught.value.response.data
    return answer


async def test_slacks_own_client_posts_changes_and_reads_back(
    mock: MockSlack, client: AsyncWebClient
) -> None:
    metadata = {"event_type": "gateway_message", "event_payload": {"key": "k", "call": 0}}
    posted = await client.chat_postMessage(channel=ADA, text="hello", metadata=metadata)
    channel, ts = posted["channel"], posted["ts"]
    assert channel == mock.world.private(ADA).id
    await client.chat_update(channel=channel, ts=ts, text="hello again")
    await client.reactions_add(channel=channel, timestamp=ts, name="tada")
    plain = await client.conversations_history(channel=channel)
    assert [one["text"] for one in plain["messages"]] == ["hello again"]
    assert "metadata" not in plain["messages"][0]
    marked = await client.conversations_history(channel=channel, include_all_metadata=True)
    assert marked["messages"][0]["metadata"] == metadata
    assert (await client.reactions_get(channel=channel, timestamp=ts))["message"]["reactions"] == [
        {"name": "tada", "users": [BOT_USER]}
    ]
    assert (await client.auth_test())["team_id"] == TEAM
    assert (await client.users_info(user=ADA, include_locale=True))["user"]["locale"] == "en-GB"
    assert "locale" not in (await client.users_info(user=ADA))["user"]


async def test_a_thread_is_read_by_its_first_message(mock: MockSlack, client: AsyncWebClient) -> None:
    root = (await client.chat_postMessage(channel=ADA, text="root"))["ts"]
    channel = mock.world.private(ADA).id
    for number in range(3):
        await client.chat_postMessage(channel=channel, text=f"reply {number}", thread_ts=root)
    assert len((await client.conversations_history(channel=channel))["messages"]) == 1
    first = await client.conversations_replies(channel=channel, ts=root, limit=2)
    assert [one["text"] for one in first["messages"]] == ["root", "reply 0"] and first["has_more"]
    cursor = first["response_metadata"]["next_cursor"]
    second = await client.conversations_replies(channel=channel, ts=root, limit=2, cursor=cursor)
    assert [one["text"] for one in second["messages"]] == ["reply 1", "reply 2"] and not second["has_more"]


async def test_slacks_own_client_uploads_a_file(mock: MockSlack, client: AsyncWebClient) -> None:
    channel = mock.world.private(ADA).id
    await client.files_upload_v2(
        channel=channel, content="a,b\n1,2\n", filename="t.csv", initial_comment="numbers"
    )
    (shared,) = mock.sent(channel, "files.completeUploadExternal")
    (file,) = (mock.world.files[id] for id in shared.files)
    assert (file.name, file.data, shared.text) == ("t.csv", b"a,b\n1,2\n", "numbers")
    url = (await client.files_info(file=file.id))["file"]["url_private"]
    async with aiohttp.ClientSession() as session:
        async with session.get(url, headers={"Authorization": f"Bearer {BOT_TOKEN}"}) as response:
            assert await response.read() == file.data
        async with session.get(url) as response:
            assert response.content_type == "text/html", "without a token one is asked to sign in"


async def test_refusals_are_slacks(mock: MockSlack, client: AsyncWebClient) -> None:
    private = mock.world.private(ADA).id
    assert (await refused(client.chat_postMessage(channel="C0NOWHERE", text="x")))[
        "error"
    ] == "channel_not_found"
    assert (await refused(client.api_call("chat.postMessage", json={"channel": private, "text": ""})))[
        "error"
    ] == "no_text"
    assert (await refused(client.chat_postMessage(channel=private, text="x" * 40_001)))[
        "error"
    ] == "msg_too_long"
    mock.world.channel("C0AKGENERAL").archived = True
    assert (await refused(client.chat_postMessage(channel="C0AKGENERAL", text="x")))["error"] == "is_archived"
    mock.world.channel("C0AKOTHERS").members.clear()
    assert (await refused(client.chat_postMessage(channel="C0AKOTHERS", text="x")))[
        "error"
    ] == "not_in_channel"
    assert (await refused(client.chat_update(channel=private, ts="1.2", text="x")))[
        "error"
    ] == "message_not_found"
    ts = (await client.chat_postMessage(channel=private, text="x"))["ts"]
    bad = await refused(client.reactions_add(channel=private, timestamp=ts, name="unheard_of"))
    assert bad["error"] == "invalid_name"
    await client.reactions_add(channel=private, timestamp=ts, name="eyes")
    again = await refused(client.reactions_add(channel=private, timestamp=ts, name="eyes"))
    assert again["error"] == "already_reacted"
    theirs = people.say(mock, ADA, "mine")
    assert (await refused(client.chat_update(channel=private, ts=theirs, text="x")))[
        "error"
    ] == "cant_update_message"
    stranger = AsyncWebClient("xoxb-wrong", base_url=f"{mock.api}/", retry_handlers=[])
    assert (await refused(stranger.auth_test()))["error"] == "invalid_auth"
    nobody = AsyncWebClient(base_url=f"{mock.api}/", retry_handlers=[])
    assert (await refused(nobody.auth_test()))["error"] == "not_authed"
    assert (await refused(client.api_call("chat.postSomething")))["error"] == "unknown_method"


@pytest.mark.parametrize(
    ("blocks", "where"),
    [
        ([{"type": "divider"}] * 51, "/blocks"),
        ([{"type": "section", "text": {"type": "plain_text", "text": "x" * 3001}}], "/blocks/0/text/text"),
        ([{"type": "section", "text": {"type": "plain_text", "text": ""}}], "/blocks/0/text/text"),
        ([{"type": "header", "text": {"type": "plain_text", "text": "x" * 151}}], "/blocks/0/text/text"),
        ([{"type": "header", "text": {"type": "mrkdwn", "text": "x"}}], "/blocks/0/text/type"),
        ([{"type": "marquee"}], "/blocks/0/type"),
        ([{"type": "divider", "block_id": "a"}, {"type": "divider", "block_id": "a"}], "/blocks/1/block_id"),
        ([{"type": "image", "image_url": "ftp://x", "alt_text": "x"}], "/blocks/0/image_url"),
        ([{"type": "image", "image_url": "https://x.example/a.png", "alt_text": ""}], "/blocks/0/alt_text"),
        ([{"type": "actions", "elements": []}], "/blocks/0/elements"),
        (
            [{"type": "actions", "elements": [
                {"type": "button", "action_id": "a", "text": {"type": "plain_text", "text": "A"}},
                {"type": "button", "action_id": "a", "text": {"type": "plain_text", "text": "B"}}]}],
            "/blocks/0/elements/1/action_id",
        ),
        (
            [{"type": "actions", "elements": [
                {"type": "button", "action_id": "a", "text": {"type": "plain_text", "text": "A" * 76}}]}],
            "/blocks/0/elements/0/text/text",
        ),
        (
            [{"type": "actions", "elements": [
                {"type": "button", "url": "no address", "text": {"type": "plain_text", "text": "A"}}]}],
            "/blocks/0/elements/0/url",
        ),
        ([{"type": "actions", "elements": [{"type": "static_select", "options": []}]}], "/blocks/0/elements/0/options"),
        (
            [{"type": "rich_text", "elements": [
                {"type": "rich_text_section", "elements": [{"type": "text", "text": ""}]}]}],
            "/blocks/0/elements/0/elements/0/text",
        ),
        (
            [{"type": "rich_text", "elements": [
                {"type": "rich_text_section", "elements": [{"type": "link", "url": "javascript:x"}]}]}],
            "/blocks/0/elements/0/elements/0/url",
        ),
    ],
)  # fmt: skip
async def test_blocks_that_slack_refuses_are_refused_with_their_place(
    mock: MockSlack, client: AsyncWebClient, blocks: list[dict[str, Any]], where: str
) -> None:
    answer = await refused(client.chat_postMessage(channel=ADA, text="x", blocks=blocks))
    assert answer["error"] == "invalid_blocks"
    assert any(f"[json-pointer:{where}]" in message for message in answer["response_metadata"]["messages"])
    assert mock.sent() == []


async def test_blocks_of_slacks_own_models_are_taken(mock: MockSlack, client: AsyncWebClient) -> None:
    blocks = [
        SectionBlock(text="*hello*"),
        ActionsBlock(elements=[ButtonElement(text="Go", action_id="go", value="1")]),
    ]
    await client.chat_postMessage(channel=ADA, text="x", blocks=blocks)
    assert len(mock.sent()[0].blocks) == 2
    long = [{"type": "section", "text": {"type": "plain_text", "text": "x" * 3000}}] * 5
    assert (await refused(client.chat_postMessage(channel=ADA, blocks=long, text="x")))[
        "error"
    ] == "msg_blocks_too_long"


async def test_a_channel_takes_about_one_message_a_second(mock: MockSlack, client: AsyncWebClient) -> None:
    mock.world.rate_limits = True
    for _ in range(5):
        await client.chat_postMessage(channel=ADA, text="x")
    with pytest.raises(SlackApiError) as caught:
        await client.chat_postMessage(channel=ADA, text="x")
    assert caught.value.response.status_code == 429
    assert int(caught.value.response.headers["Retry-After"]) >= 1
    await client.chat_postMessage(channel="U0AKBEN001" if mock.world.person("U0AKBEN001") else "", text="x")


async def test_faults_strike_as_ordered(mock: MockSlack, client: AsyncWebClient) -> None:
    mock.faults.add(Fault(kind="cut", method="chat.postMessage", times=1))
    with pytest.raises(aiohttp.ClientError):
        await client.chat_postMessage(channel=ADA, text="taken, but who knows")
    assert len(mock.sent()) == 1
    mock.faults.add(Fault(kind="error", code="fatal_error", times=1))
    assert (await refused(client.auth_test()))["error"] == "fatal_error"
    assert (await client.auth_test())["ok"]


class Bolt:
    """slack_bolt's app, behind an address of its own or on a socket."""

    def __init__(self, mock: MockSlack, client: AsyncWebClient) -> None:
        self.heard: list[str] = []
        self.app = AsyncApp(client=client, signing_secret=SIGNING_SECRET, process_before_response=True)
        self.app.event("message")(self._message)
        self.app.event("app_mention")(self._mention)
        self.app.action("go")(self._action)
        self.app.command("/order")(self._command)
        self.app.view("form")(self._view)

    async def _message(self, event: dict[str, Any]) -> None:
        self.heard.append(f"message {event.get('subtype', event.get('text'))}")

    async def _mention(self, event: dict[str, Any]) -> None:
        self.heard.append(f"mention {event['text']}")

    async def _action(self, ack: Any, action: dict[str, Any]) -> None:
        await ack()
        self.heard.append(f"action {action['value']}")

    async def _command(self, ack: Any, command: dict[str, Any]) -> None:
        await ack("on its way")
        self.heard.append(f"command {command['text']}")

    async def _view(self, ack: Any, view: dict[str, Any]) -> None:
        await ack()
        self.heard.append(f"form {view['state']['values']['b']['a']['value']}")


async def play(mock: MockSlack, client: AsyncWebClient, bolt: Bolt) -> None:
    """Everything that bolt listens to happens, and reaches it."""
    block = {"type": "actions", "elements": [
        {"type": "button", "action_id": "go", "value": "v1", "text": {"type": "plain_text", "text": "Go"}}
    ]}  # fmt: skip
    ts = (await client.chat_postMessage(channel=ADA, text="x", blocks=[block]))["ts"]
    private = mock.world.private(ADA).id
    own = people.say(mock, ADA, "hello")
    people.edit(mock, private, own, "hello!")
    people.say(mock, ADA, f"<@{BOT_USER}> hi", channel="C0AKGENERAL")
    assert (await people.press(mock, ADA, private, ts, "go")).status == 200
    assert "on its way" in (await people.command(mock, ADA, "/order", "17")).answer
    assert (
        await people.submit(mock, ADA, "form", {"b": {"a": {"type": "plain_text_input", "value": "seven"}}})
    ).status == 200
    for _ in range(200):
        if len(bolt.heard) >= 7:
            break
        await asyncio.sleep(0.01)
    assert sorted(bolt.heard) == sorted([
        "message hello", "message message_changed", f"mention <@{BOT_USER}> hi", f"message <@{BOT_USER}> hi",
        "action v1", "command 17", "form seven",
    ])  # fmt: skip


async def test_bolt_takes_what_the_mock_signs_and_posts(mock: MockSlack, client: AsyncWebClient) -> None:
    bolt = Bolt(mock, client)

    async def receive(request: web.BaseRequest) -> web.StreamResponse:
        answer = await bolt.app.async_dispatch(await to_bolt_request(request))  # type: ignore[arg-type]
        return await to_aiohttp_response(answer)

    server = web.Server(receive)
    listener = await asyncio.get_running_loop().create_server(server, "127.0.0.1", 0)
    mock.courier.url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}/slack/events"
    try:
        challenge = await mock.courier.verify_url("abc123")
        assert "abc123" in challenge.answer
        await play(mock, client, bolt)
        assert all(attempt.status == 200 for attempt in mock.courier.attempts)
        mock.courier.secret = "another-secret"
        assert (await people.command(mock, ADA, "/order", "18")).status == 401
    finally:
        listener.close()
        await server.shutdown(1.0)


async def test_bolt_takes_what_comes_over_the_socket(mock: MockSlack, client: AsyncWebClient) -> None:
    mock.world.socket_mode = True
    bolt = Bolt(mock, client)
    handler = AsyncSocketModeHandler(bolt.app, APP_TOKEN, web_client=client)
    handler.client.web_client = client
    await handler.connect_async()  # type: ignore[no-untyped-call]
    try:
        await mock.wait(lambda: mock.sockets.count == 1)
        await play(mock, client, bolt)
        assert all(one.retry == 0 for one in mock.sockets.acknowledged)
    finally:
        await handler.close_async()  # type: ignore[no-untyped-call]


async def test_an_event_comes_again_until_it_is_taken(mock: MockSlack) -> None:
    seen: list[tuple[str | None, str | None]] = []

    async def receive(request: web.BaseRequest) -> web.StreamResponse:
        seen.append((request.headers.get("X-Slack-Retry-Num"), request.headers.get("X-Slack-Retry-Reason")))
        return web.Response(status=503 if len(seen) < 3 else 200)

    server = web.Server(receive)
    listener = await asyncio.get_running_loop().create_server(server, "127.0.0.1", 0)
    mock.courier.url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}/"
    mock.courier.scale = 0.0005
    try:
        people.say(mock, ADA, "hello")
        await mock.wait(lambda: len(mock.courier.attempts) == 3)
        assert seen == [(None, None), ("1", "http_error"), ("2", "http_error")]
        assert len({attempt.id for attempt in mock.courier.attempts}) == 1
    finally:
        listener.close()
        await server.shutdown(1.0)
