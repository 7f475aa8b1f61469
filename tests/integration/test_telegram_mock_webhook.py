"""The mock's deliveries to a webhook: read by python-telegram-bot, in Telegram's order, until they are taken."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import Any

import aiohttp
import pytest
import telegram
from aiohttp import web

from tests.platforms.telegram import Fault, MockTelegram, people

SECRET = "a-secret_42"


class Receiver:
    """A webhook that keeps what it gets and answers as it is told."""

    def __init__(self) -> None:
        self.updates: list[telegram.Update] = []
        self.secrets: list[str | None] = []
        self.times: list[float] = []
        self.at_once = 0
        self.most_at_once = 0
        self.answer: Callable[[telegram.Update], web.Response] = lambda update: web.Response()
        self.seconds = 0.0
        self.url = ""

    async def handle(self, request: web.Request) -> web.Response:
        update = telegram.Update.de_json(await request.json(), None)
        self.times.append(time.monotonic())
        self.updates.append(update)
        self.secrets.append(request.headers.get("X-Telegram-Bot-Api-Secret-Token"))
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await asyncio.sleep(self.seconds)
        self.at_once -= 1
        return self.answer(update)

    def texts(self) -> list[str | None]:
        return [update.effective_message.text for update in self.updates if update.effective_message]


@asynccontextmanager
async def listening(receiver: Receiver) -> AsyncIterator[Receiver]:
    app = web.Application()
    app.router.add_post("/hook", receiver.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    try:
        yield receiver
    finally:
        await runner.cleanup()


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with listening(Receiver()) as one:
        yield one


@pytest.fixture
async def mock() -> AsyncIterator[MockTelegram]:
    async with MockTelegram().running() as server:
        server.courier.retry_schedule = (0.0, 0.02, 0.04)
        yield server


async def set_webhook(mock: MockTelegram, receiver: Receiver, **more: Any) -> None:
    given = {"url": receiver.url, "secret_token": SECRET, **more}
    async with aiohttp.ClientSession() as session:
        async with session.post(f"{mock.url}/bot{mock.default_token}/setWebhook", json=given) as response:
            assert (await response.json())["ok"]


async def delivered(mock: MockTelegram) -> None:
    await mock.wait(lambda: not mock.bot.pending)


async def test_waiting_and_new_updates_are_delivered_with_the_secret(
    mock: MockTelegram, receiver: Receiver
) -> None:
    people.say(mock.bot, 7, "/start ref")
    await set_webhook(mock, receiver)
    people.say(mock.bot, 7, "second")
    await delivered(mock)
    assert receiver.texts() == ["/start ref", "second"]
    assert receiver.secrets == [SECRET, SECRET]
    assert receiver.updates[0].message is not None
    assert receiver.updates[0].message.entities[0].type == "bot_command"


async def test_every_kind_of_update_is_readable_to_a_stranger(mock: MockTelegram, receiver: Receiver) -> None:
    await set_webhook(
        mock, receiver, allowed_updates=["message", "edited_message", "message_reaction", "my_chat_member"]
    )
    people.say(mock.bot, -1001, "in a topic", thread=4)
    people.send(mock.bot, 7, {"location": {"latitude": 1.5, "longitude": 2.5}})
    people.edit(mock.bot, 7, 1, "edited")
    people.react(mock.bot, 7, 1, ["👍"])
    people.block(mock.bot, 7)
    people.block(mock.bot, 7, blocked=False)
    await delivered(mock)
    by_kind = {
        kind: update for update in receiver.updates for kind in update.to_dict() if kind != "update_id"
    }
    assert set(by_kind) == {"message", "edited_message", "message_reaction", "my_chat_member"}
    topic = next(update.message for update in receiver.updates if update.message and update.message.text)
    assert (topic.is_topic_message, topic.message_thread_id, topic.chat.is_forum) == (True, 4, True)


async def test_a_chat_is_served_in_order_and_chats_in_parallel(
    mock: MockTelegram, receiver: Receiver
) -> None:
    receiver.seconds = 0.02
    await set_webhook(mock, receiver, max_connections=3)
    for number in range(5):
        for chat in range(1, 7):
            people.say(mock.bot, chat, f"{chat}.{number}")
    await delivered(mock)
    for chat in range(1, 7):
        mine = [text for text in receiver.texts() if text and text.startswith(f"{chat}.")]
        assert mine == [f"{chat}.{number}" for number in range(5)]
    assert receiver.most_at_once == 3


async def test_a_refused_update_is_repeated_and_holds_up_its_own_chat_only(
    mock: MockTelegram, receiver: Receiver
) -> None:
    failures = 3

    def answer(update: telegram.Update) -> web.Response:
        nonlocal failures
        if update.effective_message and update.effective_message.text == "stubborn" and failures:
            failures -= 1
            return web.Response(status=503)
        return web.Response()

    receiver.answer = answer
    await set_webhook(mock, receiver)
    people.say(mock.bot, 1, "stubborn")
    people.say(mock.bot, 1, "after it")
    people.say(mock.bot, 2, "elsewhere")
    await delivered(mock)
    assert [text for text in receiver.texts() if text != "elsewhere"] == ["stubborn"] * 4 + ["after it"]
    assert receiver.texts().index("elsewhere") < 4
    waits = [
        attempt for attempt in mock.courier.attempts if attempt.update_id == receiver.updates[0].update_id
    ]
    gaps = [later.started - earlier.finished for earlier, later in pairwise(waits)]
    assert [attempt.status for attempt in waits] == [503, 503, 503, 200]
    assert gaps[1] >= 0.02 and gaps[2] >= 0.04


async def test_retry_after_is_honoured(mock: MockTelegram, receiver: Receiver) -> None:
    mock.courier.retry_after_scale = 0.05
    answers = iter([web.Response(status=503, headers={"Retry-After": "4"}), web.Response()])
    receiver.answer = lambda update: next(answers)
    await set_webhook(mock, receiver)
    people.say(mock.bot, 1, "x")
    await delivered(mock)
    assert receiver.times[1] - receiver.times[0] >= 0.2


async def test_a_webhook_that_is_away_gets_everything_when_it_is_back(mock: MockTelegram) -> None:
    gone = Receiver()
    async with listening(gone):
        await set_webhook(mock, gone)
    people.say(mock.bot, 1, "x")
    await mock.wait(lambda: len(mock.courier.attempts) >= 2)
    assert mock.bot.pending and mock.courier.attempts[0].status == 0
    assert mock.bot.webhook is not None
    assert mock.bot.webhook.last_error_message == "Connection refused"
    async with listening(Receiver()) as back:
        await set_webhook(mock, back)
        await delivered(mock)
        assert back.texts() == ["x"]


async def test_the_answer_may_carry_a_call(mock: MockTelegram, receiver: Receiver) -> None:
    receiver.answer = lambda update: web.json_response(
        {"method": "sendMessage", "chat_id": update.effective_message.chat_id, "text": "by answer"}
        if update.effective_message
        else None
    )
    await set_webhook(mock, receiver)
    people.say(mock.bot, 7, "x")
    await delivered(mock)
    assert [(sent.chat, sent.text, sent.via) for sent in mock.sent()] == [(7, "by answer", "webhook")]


async def test_a_pressed_button_is_answered_by_the_answer(mock: MockTelegram, receiver: Receiver) -> None:
    receiver.answer = lambda update: web.json_response(
        {
            "method": "answerCallbackQuery",
            "callback_query_id": update.callback_query and update.callback_query.id,
        }
    )
    markup = {"inline_keyboard": [[{"text": "One", "callback_data": "x:1"}]]}
    mock.bot.chat(7)
    async with aiohttp.ClientSession() as session:
        await session.post(
            f"{mock.url}/bot{mock.default_token}/sendMessage",
            json={"chat_id": 7, "text": "?", "reply_markup": markup},
        )
    await set_webhook(mock, receiver)
    people.press(mock.bot, 7, 1, "x:1")
    await delivered(mock)
    assert [entry.via for entry in mock.sent(0, "answerCallbackQuery")] == ["webhook"]


async def test_a_lost_answer_and_a_repeat_deliver_twice(mock: MockTelegram, receiver: Receiver) -> None:
    await set_webhook(mock, receiver)
    mock.courier.lose_answers = 1.0
    update_id = people.say(mock.bot, 7, "x")
    await mock.wait(lambda: len(receiver.updates) >= 2)
    mock.courier.lose_answers = 0.0
    await delivered(mock)
    seen = len(receiver.updates)
    assert update_id is not None
    mock.bot.repeat(update_id)
    await delivered(mock)
    assert len(receiver.updates) == seen + 1
    assert {update.update_id for update in receiver.updates} == {update_id}


async def control(mock: MockTelegram, verb: str, name: str, body: Any = None) -> Any:
    async with aiohttp.ClientSession() as session:
        async with session.request(verb, f"{mock.url}/_control/{name}", json=body) as response:
            return response.status, await response.json()


async def test_remote_control_does_what_the_object_does(mock: MockTelegram, receiver: Receiver) -> None:
    await set_webhook(mock, receiver)
    status, answer = await control(
        mock, "POST", "messages", [{"chat": 7, "text": "a"}, {"chat": 8, "text": "b"}]
    )
    assert (status, len(answer["updates"])) == (200, 2)
    await delivered(mock)
    assert sorted(str(text) for text in receiver.texts()) == ["a", "b"]
    await control(mock, "POST", "faults", {"kind": "rate_limit", "chat": 7, "seconds": 3})
    send = f"{mock.url}/bot{mock.default_token}/sendMessage"
    async with aiohttp.ClientSession() as session:
        async with session.post(send, json={"chat_id": 7, "text": "x"}) as response:
            assert (await response.json())["parameters"] == {"retry_after": 3}
        async with session.post(send, json={"chat_id": 8, "text": "x"}) as response:
            assert (await response.json())["ok"]
    _, faults = await control(mock, "GET", "faults")
    assert [fault["hits"] for fault in faults] == [1]
    _, log = await control(mock, "GET", "log?since=0")
    assert [(entry["chat"], entry["text"]) for entry in log["log"]] == [(8, "x")]
    assert abs(log["log"][0]["monotonic"] - time.monotonic()) < 5
    _, deliveries = await control(mock, "GET", "deliveries")
    assert [attempt["status"] for attempt in deliveries["log"]] == [200, 200]
    assert (await control(mock, "POST", "reset"))[0] == 200
    _, state = await control(mock, "GET", "state")
    assert state == {"sent": 0, "attempts": 0, "pending": 0, "webhooks": 0, "webhook_errors": []}
    assert (await control(mock, "POST", "nonsense"))[0] == 404
    assert (await control(mock, "POST", "messages", {"text": "no chat"}))[0] == 400


async def test_faults_do_not_touch_the_remote_control(mock: MockTelegram) -> None:
    mock.faults.add(Fault(kind="refuse"))
    assert await control(mock, "GET", "health") == (200, {"ok": True})
