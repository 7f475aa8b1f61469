"""Our Telegram client against the mock Bot API: what each outcome is called, and that no token leaks."""

from __future__ import annotations

import asyncio
import json
import traceback
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from uuid import UUID

import pytest

from adapters.errors import CustomerGone, Misconfigured, Refused, SendFailed, TryLater, Uncertain
from adapters.protocol import Adapter, Call, ChannelAccess, Envelope, Receipt
from adapters.telegram import manage
from adapters.telegram.adapter import TelegramAdapter
from adapters.telegram.client import TelegramClient
from adapters.telegram.failures import Migrated
from adapters.telegram.poll import get_updates, next_offset
from engine.events import ChoiceMade, CommandReceived
from engine.messages import Choice, OutboundMessage
from tests.channels import calls_for
from tests.platforms.telegram import DEFAULT_TOKEN, Fault, MockTelegram, people

CHAT = 71
ENVELOPE = Envelope(key=UUID(int=2), conversation_id=UUID(int=3), seq=1, at=datetime(2026, 11, 1, tzinfo=UTC))
HIDDEN = DEFAULT_TOKEN.partition(":")[2]


@pytest.fixture
async def mock() -> AsyncIterator[MockTelegram]:
    async with MockTelegram().running() as server:
        server.bot.chat(CHAT)
        yield server


@pytest.fixture
async def adapter() -> AsyncIterator[TelegramAdapter]:
    one = TelegramAdapter()
    yield one
    await one.close()


def access_to(base: str, token: str = DEFAULT_TOKEN) -> ChannelAccess:
    return ChannelAccess(channel_id=UUID(int=1), secrets={"bot_token": token}, settings={"api_base": base})


def say(adapter: Adapter, text: str, *choices: Choice, to: str = str(CHAT)) -> Call:
    return calls_for(adapter, to, OutboundMessage(text=text, choices=choices))[-1]


async def outcome(
    adapter: Adapter, access: ChannelAccess, text: str = "x", to: str = str(CHAT)
) -> SendFailed:
    """The failure of a send; nothing of it may tell the token or an address."""
    with pytest.raises(SendFailed) as caught:
        await adapter.send(say(adapter, text, to=to), access, ENVELOPE)
    failure = caught.value
    told = "".join(traceback.format_exception(failure)) + repr(failure) + failure.reason
    assert HIDDEN not in told
    assert "/bot4242" not in told
    assert failure.__cause__ is None and failure.__context__ is None
    return failure


async def test_a_send_gives_telegrams_message_id(mock: MockTelegram, adapter: TelegramAdapter) -> None:
    access = access_to(mock.url + "/")
    receipt = await adapter.send(say(adapter, "Hello", Choice(id="x:1", title="One")), access, ENVELOPE)
    (sent,) = mock.sent(CHAT)
    assert receipt == Receipt(message=str(sent.message_id))
    assert sent.reply_markup == {"inline_keyboard": [[{"text": "One", "callback_data": "x:1"}]]}
    typing = adapter.announce(str(CHAT), "", access, typing=True)
    assert typing is not None
    assert await adapter.send(typing, access, ENVELOPE) == Receipt()
    assert [entry.text for entry in mock.sent(CHAT, "sendChatAction")] == ["typing"]


@pytest.mark.parametrize(
    "message",
    [
        OutboundMessage(text="long " * 3000, choices=(Choice(id="a", title="A"),)),
        OutboundMessage(text="🚲" * 6000),
        OutboundMessage(
            text="", choices=tuple(Choice(id=f"c:{n}", title="日本語" * 9 + str(n)) for n in range(150))
        ),
        OutboundMessage(text="<b>*_[", choices=(Choice(id="ü" * 40, title=""), Choice(id="b", title="\x00"))),
    ],
)
async def test_whatever_is_rendered_is_accepted(
    mock: MockTelegram, adapter: TelegramAdapter, message: OutboundMessage
) -> None:
    calls = calls_for(adapter, str(CHAT), message)
    for call in calls:
        await adapter.send(call, access_to(mock.url), ENVELOPE)
    assert len(mock.sent(CHAT)) == len(calls)


@pytest.mark.parametrize(
    ("fault", "kind", "accepted"),
    [
        (Fault(kind="rate_limit", seconds=7), TryLater, 0),
        (Fault(kind="error", status=500), TryLater, 0),
        (Fault(kind="error", status=502, html=True), TryLater, 0),
        (Fault(kind="error", status=504, html=True), Uncertain, 0),
        (Fault(kind="error", status=403, description="Forbidden: user is deactivated"), CustomerGone, 0),
        (Fault(kind="error", status=400, description="Bad Request: PEER_ID_INVALID"), CustomerGone, 0),
        (Fault(kind="error", status=400, description="Bad Request: no rights"), Refused, 0),
        (Fault(kind="error", status=400, parameters={"migrate_to_chat_id": -5}), Migrated, 0),
        (Fault(kind="error", status=302, html=True), Misconfigured, 0),
        (Fault(kind="error", status=200, html=True), Uncertain, 0),
        (Fault(kind="refuse"), Uncertain, 0),
        (Fault(kind="cut"), Uncertain, 1),
        (Fault(kind="cut_body"), Uncertain, 1),
    ],
)
async def test_faults_have_their_names(
    mock: MockTelegram, adapter: TelegramAdapter, fault: Fault, kind: type[SendFailed], accepted: int
) -> None:
    mock.faults.add(fault)
    failure = await outcome(adapter, access_to(mock.url))
    assert type(failure) is kind
    assert len(mock.sent()) == accepted
    mock.faults.clear()
    await adapter.send(say(adapter, "after it"), access_to(mock.url), ENVELOPE)
    assert mock.sent()[-1].text == "after it"


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_redirect_takes_the_token_nowhere(
    mock: MockTelegram, adapter: TelegramAdapter, status: int
) -> None:
    async with MockTelegram(open_chats=True).running() as elsewhere:
        target = f"{elsewhere.url}/bot{DEFAULT_TOKEN}/sendMessage"
        mock.faults.add(Fault(kind="error", status=status, html=True, location=target))
        assert type(await outcome(adapter, access_to(mock.url))) is Misconfigured
        assert elsewhere.world.log == []


async def test_too_many_requests_say_when(mock: MockTelegram, adapter: TelegramAdapter) -> None:
    mock.faults.add(Fault(kind="rate_limit", seconds=7))
    failure = await outcome(adapter, access_to(mock.url))
    assert isinstance(failure, TryLater) and failure.retry_after == 7.0


async def test_an_unknown_or_lost_customer_is_gone(mock: MockTelegram, adapter: TelegramAdapter) -> None:
    assert type(await outcome(adapter, access_to(mock.url), to="999")) is CustomerGone
    people.block(mock.bot, CHAT)
    assert type(await outcome(adapter, access_to(mock.url))) is CustomerGone


@pytest.mark.parametrize(
    "token", ["", "4242424242:wrong-one", "nonsense", f"../{DEFAULT_TOKEN}", DEFAULT_TOKEN + "\r\nX: y"]
)
async def test_wrong_tokens_are_the_operators(
    mock: MockTelegram, adapter: TelegramAdapter, token: str
) -> None:
    assert type(await outcome(adapter, access_to(mock.url, token))) is Misconfigured


@pytest.mark.parametrize(
    "base", ["ftp://velo.example", "velo.example", "http://", "http://[x", "http://a:99999999"]
)
async def test_wrong_addresses_are_the_operators(adapter: TelegramAdapter, base: str) -> None:
    assert type(await outcome(adapter, access_to(base))) is Misconfigured


async def test_nothing_was_sent_where_nothing_listens(adapter: TelegramAdapter) -> None:
    async with MockTelegram().running() as mock:
        base = mock.url
    assert type(await outcome(adapter, access_to(base))) is TryLater
    assert type(await outcome(adapter, access_to("http://name.invalid"))) is TryLater


async def test_no_trusted_tls_is_no_send(mock: MockTelegram, adapter: TelegramAdapter) -> None:
    assert type(await outcome(adapter, access_to(mock.url.replace("http:", "https:")))) is TryLater


async def test_a_closed_client_sends_nothing(mock: MockTelegram, adapter: TelegramAdapter) -> None:
    await adapter.send(say(adapter, "x"), access_to(mock.url), ENVELOPE)
    await adapter.close()
    assert type(await outcome(adapter, access_to(mock.url))) is TryLater
    assert len(mock.sent()) == 1


async def test_many_sends_share_the_session(mock: MockTelegram, adapter: TelegramAdapter) -> None:
    mock.world.open_chats = True
    access = access_to(mock.url)
    sends = [adapter.send(say(adapter, "x", to=str(chat)), access, ENVELOPE) for chat in range(1, 301)]
    receipts = await asyncio.gather(*sends)
    assert len(receipts) == 300
    assert {sent.chat for sent in mock.sent()} == set(range(1, 301))


async def test_polled_updates_enter_like_posted_ones(mock: MockTelegram, adapter: TelegramAdapter) -> None:
    access = access_to(mock.url)
    people.say(mock.bot, CHAT, "/start ref42")
    await adapter.send(say(adapter, "?", Choice(id="x:1", title="One")), access, ENVELOPE)
    people.press(mock.bot, CHAT, mock.sent(CHAT)[0].message_id, "x:1")
    bodies = await adapter.get_updates(access, 0, 0)
    first, second = (adapter.parse(body, access, datetime.now(UTC)) for body in bodies)
    assert first.events[0].body == CommandReceived(command="start", argument="ref42")
    assert second.events[0].body == ChoiceMade(choice="x:1", title="One")
    assert second.answer is not None
    await adapter.send(adapter.answer_call(second.answer), access, ENVELOPE)
    assert len(mock.sent(0, "answerCallbackQuery")) == 1
    offset = next_offset(bodies, 0)
    assert offset == json.loads(bodies[1])["update_id"] + 1
    assert await adapter.get_updates(access, offset, 0) == []
    assert mock.bot.pending == {}


async def test_a_quiet_poll_is_empty_and_a_late_one_wakes(
    mock: MockTelegram, adapter: TelegramAdapter
) -> None:
    assert await adapter.get_updates(access_to(mock.url), 0, 0) == []
    poll = asyncio.create_task(adapter.get_updates(access_to(mock.url), 0, 10))
    await asyncio.sleep(0.05)
    people.react(mock.bot, CHAT, 1, ["👍"])
    (body,) = await asyncio.wait_for(poll, 3)
    assert adapter.parse(body, access_to(mock.url), datetime.now(UTC)).events


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Fault(kind="cut"), TryLater),
        (Fault(kind="error", status=502, html=True), TryLater),
        (Fault(kind="error", status=200, html=True), TryLater),
        (Fault(kind="rate_limit", seconds=3), TryLater),
        (Fault(kind="error", status=401), Misconfigured),
    ],
)
async def test_a_failed_poll_loses_nothing(
    mock: MockTelegram, adapter: TelegramAdapter, fault: Fault, kind: type[SendFailed]
) -> None:
    people.say(mock.bot, CHAT, "x")
    mock.faults.add(fault)
    with pytest.raises(kind):
        await adapter.get_updates(access_to(mock.url), 0, 0)
    mock.faults.clear()
    assert len(await adapter.get_updates(access_to(mock.url), 0, 0)) == 1


async def test_polling_beside_a_webhook_is_the_operators(mock: MockTelegram) -> None:
    client = TelegramClient()
    access = access_to(mock.url)
    await manage.set_webhook(access, url="http://127.0.0.1:9/hook", secret="s")
    with pytest.raises(Misconfigured, match="webhook is active"):
        await get_updates(client, access, 0, 0)
    await client.close()


async def test_a_bot_is_set_up(mock: MockTelegram) -> None:
    access = access_to(mock.url)
    assert await manage.get_me(access) == manage.BotIdentity(
        id=4242424242, username="mock_bot", name="Mock Bot"
    )
    secret, route = manage.make_secret(), "polled-route"
    await manage.set_webhook(access, url=f"http://127.0.0.1:9/{route}", secret=secret, max_connections=9)
    assert mock.bot.webhook is not None
    assert (mock.bot.webhook.secret, mock.bot.webhook.max_connections) == (secret, 9)
    assert mock.bot.allowed is not None and "message_reaction" in mock.bot.allowed
    info = await manage.get_webhook_info(access)
    assert (info.url.endswith(route), info.pending, info.last_error) == (True, 0, "")
    await manage.set_my_commands(access, [("start", "Begin"), ("help", "Get help")])
    await manage.set_my_description(access, description="Repairs", about="Bikes")
    assert [command["command"] for command in mock.bot.commands] == ["start", "help"]
    assert (mock.bot.description, mock.bot.short_description) == ("Repairs", "Bikes")
    await manage.delete_webhook(access, drop_pending_updates=True)
    assert (await manage.get_webhook_info(access)).url == ""


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Fault(kind="rate_limit", seconds=3), TryLater),
        (Fault(kind="error", status=500), TryLater),
        (Fault(kind="error", status=502, html=True), Misconfigured),
        (Fault(kind="refuse"), TryLater),
        (Fault(kind="error", status=400, description=f"Bad Request: bad webhook {DEFAULT_TOKEN}"), Refused),
        (Fault(kind="error", status=409, description="Conflict: x"), Misconfigured),
        (Fault(kind="error", status=403, description="Forbidden: x"), Refused),
    ],
)
async def test_setting_up_fails_in_words_for_an_operator(
    mock: MockTelegram, fault: Fault, kind: type[SendFailed]
) -> None:
    mock.faults.add(fault)
    with pytest.raises(SendFailed) as caught:
        await manage.set_webhook(access_to(mock.url), url="https://velo.example/hook", secret="s")
    assert type(caught.value) is kind
    told = "".join(traceback.format_exception(caught.value))
    assert HIDDEN not in told
    assert caught.value.__context__ is None


@pytest.mark.parametrize("token", ["", "nonsense", "4242424242:wrong-one"])
async def test_a_wrong_token_is_told_before_or_by_telegram(mock: MockTelegram, token: str) -> None:
    with pytest.raises(Misconfigured):
        await manage.get_me(access_to(mock.url, token))


@pytest.mark.parametrize(
    ("url", "fits"),
    [
        ("https://velo.example/telegram/abc", True),
        ("https://velo.example:8443/telegram/abc", True),
        ("https://velo.example:8080/telegram/abc", False),
        ("http://velo.example/telegram/abc", False),
        ("https:///telegram", False),
        ("https://velo.example:port/", False),
    ],
)
def test_webhook_addresses_are_checked_for_telegrams_own_server(url: str, fits: bool) -> None:
    access = ChannelAccess(channel_id=UUID(int=1), secrets={"bot_token": DEFAULT_TOKEN}, settings={})
    if fits:
        manage.check_webhook_url(url, access)
    else:
        with pytest.raises(Refused):
            manage.check_webhook_url(url, access)
    manage.check_webhook_url(url, access_to("http://127.0.0.1:8081"))


def test_secrets_are_long_and_differ() -> None:
    made = [manage.make_secret() for _ in range(50)]
    assert len(set(made)) == 50
    assert min(map(len, made)) >= 32
    assert all(
        set(one) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-") for one in made
    )
