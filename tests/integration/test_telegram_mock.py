"""The mock Bot API held against clients that were written for the real one: python-telegram-bot and aiogram.

If a stranger's client can work with the mock, the mock speaks Telegram's protocol and not only ours.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import aiogram
import aiogram.exceptions
import aiogram.types
import aiohttp
import pytest
import telegram
import telegram.error
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from telegram.request import HTTPXRequest

from tests.platforms.telegram import Fault, MockTelegram, Person, people

CHAT = 71


@pytest.fixture
async def mock() -> AsyncIterator[MockTelegram]:
    async with MockTelegram().running() as server:
        server.bot.chat(CHAT)
        yield server


@pytest.fixture(autouse=True)
def timedeltas(monkeypatch: pytest.MonkeyPatch) -> None:
    """python-telegram-bot's coming behaviour; without it, it warns."""
    monkeypatch.setitem(os.environ, "PTB_TIMEDELTA", "true")


@pytest.fixture
async def ptb(mock: MockTelegram) -> AsyncIterator[telegram.Bot]:
    async with telegram.Bot(
        mock.default_token,
        base_url=f"{mock.url}/bot",
        base_file_url=f"{mock.url}/file/bot",
        request=HTTPXRequest(read_timeout=3),
    ) as bot:
        yield bot


@pytest.fixture
async def gram(mock: MockTelegram) -> AsyncIterator[aiogram.Bot]:
    session = AiohttpSession(api=TelegramAPIServer.from_base(mock.url), timeout=3)
    async with aiogram.Bot(mock.default_token, session=session) as bot:
        yield bot


def keyboard(data: str = "x:1") -> telegram.InlineKeyboardMarkup:
    return telegram.InlineKeyboardMarkup([[telegram.InlineKeyboardButton("One", callback_data=data)]])


async def test_both_clients_get_acquainted(ptb: telegram.Bot, gram: aiogram.Bot) -> None:
    assert ptb.username == "mock_bot"
    me = await gram.get_me()
    assert (me.id, me.is_bot, me.username) == (ptb.id, True, "mock_bot")


async def test_a_sent_message_comes_back_and_is_logged(mock: MockTelegram, ptb: telegram.Bot) -> None:
    message = await ptb.send_message(CHAT, "Hello 🚲", reply_markup=keyboard())
    assert (message.text, message.chat_id, message.from_user) == ("Hello 🚲", CHAT, ptb.bot)
    assert message.reply_markup == keyboard()
    (sent,) = mock.sent(CHAT)
    assert (sent.text, sent.message_id) == ("Hello 🚲", message.message_id)
    assert sent.reply_markup == keyboard().to_dict() | {
        "inline_keyboard": [[{"text": "One", "callback_data": "x:1"}]]
    }


async def test_aiogram_sends_too(mock: MockTelegram, gram: aiogram.Bot) -> None:
    button = aiogram.types.InlineKeyboardButton(text="One", callback_data="x:1")
    markup = aiogram.types.InlineKeyboardMarkup(inline_keyboard=[[button]])
    message = await gram.send_message(CHAT, "Hej", reply_markup=markup)
    assert message.text == "Hej" and message.reply_markup is not None
    assert message.reply_markup.model_dump() == markup.model_dump()
    assert await gram.send_chat_action(CHAT, "typing")
    assert [entry.method for entry in mock.world.log] == ["sendMessage", "sendChatAction"]


async def test_retry_after_has_the_right_value(
    mock: MockTelegram, ptb: telegram.Bot, gram: aiogram.Bot
) -> None:
    mock.faults.add(Fault(kind="rate_limit", times=2, seconds=17))
    with pytest.raises(telegram.error.RetryAfter) as by_ptb:
        await ptb.send_message(CHAT, "x")
    assert by_ptb.value.retry_after == timedelta(seconds=17)
    with pytest.raises(aiogram.exceptions.TelegramRetryAfter) as by_gram:
        await gram.send_message(CHAT, "x")
    assert by_gram.value.retry_after == 17
    assert mock.sent() == []


async def test_a_customer_who_blocked_the_bot_is_forbidden(
    mock: MockTelegram, ptb: telegram.Bot, gram: aiogram.Bot
) -> None:
    people.block(mock.bot, CHAT)
    with pytest.raises(telegram.error.Forbidden, match="bot was blocked by the user"):
        await ptb.send_message(CHAT, "x")
    people.block(mock.bot, CHAT, blocked=False)
    with pytest.raises(aiogram.exceptions.TelegramBadRequest, match="chat not found"):
        await gram.send_message(999, "x")


@pytest.mark.parametrize(
    ("parameters", "complaint"),
    [
        ({"chat_id": 999, "text": "x"}, "Chat not found"),
        ({"chat_id": "@nobody", "text": "x"}, "Chat not found"),
        ({"chat_id": "", "text": "x"}, "Chat_id is empty"),
        ({"chat_id": CHAT, "text": ""}, "Message text is empty"),
        ({"chat_id": CHAT, "text": " \n"}, "Text must be non-empty"),
        ({"chat_id": CHAT, "text": "x" * 4097}, "Message is too long"),
        ({"chat_id": CHAT, "text": "🚲" * 2049}, "Message is too long"),
        ({"chat_id": CHAT, "text": "a *b", "parse_mode": "Markdown"}, "Can't parse entities"),
        ({"chat_id": CHAT, "text": "a.b", "parse_mode": "MarkdownV2"}, "is reserved and must be escaped"),
        ({"chat_id": CHAT, "text": "_a", "parse_mode": "MarkdownV2"}, "Can't find end of Italic entity"),
        ({"chat_id": CHAT, "text": "<b>a", "parse_mode": "HTML"}, "Can't find end tag"),
        ({"chat_id": CHAT, "text": "1 < 2", "parse_mode": "HTML"}, "Unsupported start tag"),
        ({"chat_id": CHAT, "text": "<b>a</i>", "parse_mode": "HTML"}, "Unmatched end tag"),
        ({"chat_id": CHAT, "text": "x", "parse_mode": "RTF"}, "Unsupported parse_mode"),
        ({"chat_id": CHAT, "text": "x", "message_thread_id": 9}, "Message thread not found"),
        ({"chat_id": CHAT, "text": "x", "reply_markup": keyboard("é" * 33)}, "Button_data_invalid"),
    ],
)
async def test_what_telegram_refuses_is_refused(
    mock: MockTelegram, ptb: telegram.Bot, parameters: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(telegram.error.BadRequest, match=f"(?i){complaint}"):
        await ptb.send_message(**parameters)
    assert mock.sent() == []


@pytest.mark.parametrize(
    "markup",
    [
        {"inline_keyboard": [[{"text": str(n), "callback_data": str(n)}] for n in range(101)]},
        {"inline_keyboard": [[{"text": "x" * 2000, "callback_data": "a"}] for n in range(6)]},
        {"inline_keyboard": [[{"text": "no kind"}]]},
        {"inline_keyboard": [[{"callback_data": "no text"}]]},
        {"inline_keyboard": [{"text": "no row", "callback_data": "a"}]},
        {"inline_keyboard": [[{"text": "x", "callback_data": ""}]]},
        {"buttons": []},
        [],
        "{",
    ],
)
async def test_keyboards_that_telegram_refuses_are_refused(mock: MockTelegram, markup: Any) -> None:
    status, answer = await call(mock, "sendMessage", {"chat_id": CHAT, "text": "x", "reply_markup": markup})
    assert (status, answer["ok"], answer["error_code"]) == (400, False, 400)
    assert answer["description"].startswith("Bad Request: ")


@pytest.mark.parametrize(
    ("text", "parse_mode", "plain"),
    [
        ("<b>Bold</b> &lt;1&gt; <a href='https://velo.example'>x</a>", "HTML", "Bold <1> x"),
        ("*Bold* _it_ `co*de` [x](https://velo.example)", "Markdown", "Bold it co*de x"),
        (r"*Bold _it_* \. `a.b` [x](https://velo.example/a.b) ||s||", "MarkdownV2", "Bold it . a.b x s"),
    ],
)
async def test_markup_is_read(ptb: telegram.Bot, text: str, parse_mode: str, plain: str) -> None:
    assert (await ptb.send_message(CHAT, text, parse_mode=parse_mode)).text == plain


async def call(mock: MockTelegram, method: str, given: Any = None, token: str = "", **options: Any) -> Any:
    async with aiohttp.ClientSession() as session:
        url = f"{mock.url}/bot{token or mock.default_token}/{method}"
        async with session.post(url, json=given, **options) as response:
            return response.status, await response.json()


async def test_wrong_tokens_and_methods_are_turned_away(mock: MockTelegram) -> None:
    unauthorized = {"ok": False, "error_code": 401, "description": "Unauthorized"}
    not_found = {"ok": False, "error_code": 404, "description": "Not Found"}
    assert await call(mock, "getMe", token="4242424242:wrong") == (401, unauthorized)
    assert await call(mock, "getMe", token="nonsense") == (404, not_found)
    assert await call(mock, "sendHologram") == (404, not_found)
    stranger = telegram.Bot("4242424242:wrong", base_url=f"{mock.url}/bot")
    with pytest.raises(telegram.error.InvalidToken):
        await stranger.initialize()
    await stranger.shutdown()


@pytest.mark.parametrize("way", ["query", "form", "multipart", "json"])
async def test_parameters_come_in_every_way(mock: MockTelegram, way: str) -> None:
    given = {"chat_id": str(CHAT), "text": "a & b", "reply_markup": '{"inline_keyboard": []}'}
    url = f"{mock.url}/bot{mock.default_token}/SENDMESSAGE"
    form = aiohttp.FormData(default_to_multipart=True)
    for name, value in given.items():
        form.add_field(name, value)
    ways: dict[str, dict[str, Any]] = {
        "query": {"params": given},
        "form": {"data": given},
        "multipart": {"data": form},
        "json": {"json": given},
    }
    async with aiohttp.ClientSession() as session:
        async with session.request("GET" if way == "query" else "POST", url, **ways[way]) as response:
            assert (await response.json())["result"]["text"] == "a & b"


async def test_updates_are_polled_and_confirmed_by_offset(mock: MockTelegram, ptb: telegram.Bot) -> None:
    person = Person(id=CHAT, first_name="Nora", language_code="sv")
    people.say(mock.bot, CHAT, "/start abc", person=person)
    people.say(mock.bot, CHAT, "hello", person=person)
    first, second = await ptb.get_updates(timeout=0)
    assert first.message is not None and second.message is not None
    assert first.message.parse_entities(["bot_command"]) != {}
    assert second.message.from_user is not None
    assert second.message.from_user.language_code == "sv"
    assert second.update_id == first.update_id + 1
    assert [update.update_id for update in await ptb.get_updates(timeout=0)] == [
        first.update_id,
        second.update_id,
    ]
    assert [update.update_id for update in await ptb.get_updates(first.update_id + 1)] == [second.update_id]
    assert await ptb.get_updates(second.update_id + 1, timeout=0) == ()
    assert mock.bot.pending == {}


async def test_a_long_poll_wakes_up(mock: MockTelegram, ptb: telegram.Bot) -> None:
    poll = asyncio.create_task(ptb.get_updates(timeout=10))
    await asyncio.sleep(0.05)
    people.say(mock.bot, CHAT, "late")
    (update,) = await asyncio.wait_for(poll, 2)
    assert update.effective_message is not None and update.effective_message.text == "late"


async def test_two_pollers_conflict(mock: MockTelegram, ptb: telegram.Bot, gram: aiogram.Bot) -> None:
    older = asyncio.create_task(gram.get_updates(timeout=10))
    await asyncio.sleep(0.05)
    newer = asyncio.create_task(ptb.get_updates(timeout=1))
    with pytest.raises(aiogram.exceptions.TelegramConflictError, match="terminated by other getUpdates"):
        await older
    assert await newer == ()


async def test_polling_conflicts_with_a_webhook(mock: MockTelegram, ptb: telegram.Bot) -> None:
    await ptb.set_webhook("http://127.0.0.1:9/hook")
    with pytest.raises(telegram.error.Conflict, match="webhook is active"):
        await ptb.get_updates()
    await ptb.delete_webhook()
    assert await ptb.get_updates(timeout=0) == ()


@pytest.mark.parametrize(
    ("parameters", "complaint"),
    [
        ({"url": "http://velo.example/hook"}, "HTTPS URL must be provided"),
        ({"url": "https://velo.example:8080/hook"}, "only on ports"),
        ({"url": "https://velo.example/", "secret_token": "a b"}, "unallowed characters"),
        ({"url": "https://velo.example/", "secret_token": "x" * 257}, "too long"),
        ({"url": "https://[/"}, "invalid webhook URL"),
    ],
)
async def test_webhooks_that_telegram_refuses_are_refused(
    mock: MockTelegram, gram: aiogram.Bot, parameters: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(aiogram.exceptions.TelegramBadRequest, match=complaint):
        await gram.set_webhook(**parameters)
    assert (await gram.get_webhook_info()).url == ""


async def test_webhook_settings_are_told(mock: MockTelegram, gram: aiogram.Bot, ptb: telegram.Bot) -> None:
    people.say(mock.bot, CHAT, "waiting")
    assert await gram.set_webhook(
        "https://velo.example:8443/hook", max_connections=7, allowed_updates=["message"]
    )
    info = await ptb.get_webhook_info()
    assert (info.url, info.max_connections, info.allowed_updates) == (
        "https://velo.example:8443/hook",
        7,
        ("message",),
    )
    assert info.pending_update_count == 1
    assert await ptb.delete_webhook(drop_pending_updates=True)
    assert (await ptb.get_webhook_info()).pending_update_count == 0


async def test_allowed_updates_are_honoured(mock: MockTelegram, ptb: telegram.Bot) -> None:
    people.say(mock.bot, CHAT, "hi")
    assert people.react(mock.bot, CHAT, 1, ["👍"]) is None
    await ptb.get_updates(allowed_updates=["message_reaction"])
    assert people.say(mock.bot, CHAT, "unwanted") is None
    people.react(mock.bot, CHAT, 1, ["👍"])
    kinds = [update.message_reaction is not None for update in await ptb.get_updates()]
    assert kinds == [False, True]


async def test_buttons_are_pressed_answered_and_edited(mock: MockTelegram, ptb: telegram.Bot) -> None:
    message = await ptb.send_message(CHAT, "?", reply_markup=keyboard())
    people.press(mock.bot, CHAT, message.message_id, "x:1")
    (update,) = await ptb.get_updates(timeout=0)
    query = update.callback_query
    assert query is not None and query.data == "x:1" and query.message is not None
    assert await query.answer("ok")
    edited = await query.edit_message_text("done")
    assert isinstance(edited, telegram.Message) and edited.reply_markup is None
    with pytest.raises(telegram.error.BadRequest, match="Message is not modified"):
        await query.edit_message_text("done")
    with pytest.raises(telegram.error.BadRequest, match="Message to edit not found"):
        await ptb.edit_message_text("x", CHAT, 12345)
    with pytest.raises(telegram.error.BadRequest, match="Query is too old"):
        await ptb.answer_callback_query("123")
    with pytest.raises(KeyError):
        people.press(mock.bot, CHAT, message.message_id, "x:1")


async def test_commands_and_descriptions_are_kept(ptb: telegram.Bot, gram: aiogram.Bot) -> None:
    assert await ptb.set_my_commands([("start", "Begin")])
    assert [(one.command, one.description) for one in await gram.get_my_commands()] == [("start", "Begin")]
    with pytest.raises(telegram.error.BadRequest, match="Bot_command_invalid"):
        await ptb.set_my_commands([("Start!", "Begin")])
    assert await gram.set_my_description("Repairs") and await gram.set_my_short_description("Bikes")
    assert (await ptb.get_my_description()).description == "Repairs"
    assert (await ptb.get_my_short_description()).short_description == "Bikes"


@pytest.mark.parametrize(
    ("fault", "error", "accepted"),
    [
        (Fault(kind="error", status=502, html=True), telegram.error.NetworkError, 0),
        (Fault(kind="error", status=500), telegram.error.NetworkError, 0),
        (Fault(kind="error", status=403, description="Forbidden: x"), telegram.error.Forbidden, 0),
        (Fault(kind="refuse"), telegram.error.NetworkError, 0),
        (Fault(kind="cut"), telegram.error.NetworkError, 1),
        (Fault(kind="cut_body"), telegram.error.NetworkError, 1),
        (Fault(kind="slow", seconds=4), telegram.error.TimedOut, 1),
        (Fault(kind="late", seconds=4), telegram.error.TimedOut, 0),
    ],
)
async def test_faults_look_real_to_a_stranger(
    mock: MockTelegram, ptb: telegram.Bot, fault: Fault, error: type[Exception], accepted: int
) -> None:
    mock.faults.add(fault)
    with pytest.raises(error):
        await ptb.send_message(CHAT, "x", read_timeout=0.3)
    assert len(mock.sent()) == accepted
    assert fault.hits == 1


async def test_faults_choose_by_chat_method_count_and_probability(
    mock: MockTelegram, gram: aiogram.Bot
) -> None:
    mock.bot.chat(72)
    mock.faults.add(Fault(kind="error", chat=72, method="sendMessage", times=1))
    await gram.send_message(CHAT, "other chat")
    await gram.send_chat_action(72, "typing")
    with pytest.raises(aiogram.exceptions.TelegramServerError):
        await gram.send_message(72, "struck")
    await gram.send_message(72, "used up")
    mock.faults.clear()
    mock.faults.add(half := Fault(kind="error", probability=0.5))
    for _ in range(60):
        try:
            await gram.send_message(CHAT, "x")
        except aiogram.exceptions.TelegramServerError:
            continue
    assert 15 < half.hits < 45


async def test_rate_limits_are_telegrams() -> None:
    async with MockTelegram(rate_limits=True, open_chats=True).running() as mock:
        statuses = [(await call(mock, "sendMessage", {"chat_id": 5, "text": "x"}))[0] for _ in range(7)]
        assert statuses == [200] * 5 + [429] * 2
        others = [(await call(mock, "sendMessage", {"chat_id": 100 + n, "text": "x"}))[0] for n in range(30)]
        assert others.count(429) >= 1
