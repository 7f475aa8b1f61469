"""What is promised on each platform: nothing lost, nothing twice, nothing out of order, and answered in time."""

from __future__ import annotations

import asyncio
import json
import random
import statistics
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from aiohttp import web

from tests.integration.four import Four, open_four
from tests.integration.road import until, update
from tests.platforms.slack import BOT_USER, TEAM, people
from tests.platforms.slack import Fault as SlackFault
from tests.platforms.telegram import Fault as TelegramFault
from tests.platforms.whatsapp import Fault as WhatsAppFault
from tests.platforms.whatsapp.people import message_body

ANA = "4915112345678"
RANKS = {"queued": 0, "sent": 1, "delivered": 2, "read": 3, "failed": 4}


@pytest.fixture
async def four(database_url: str, redis_url: str, tmp_path: Path) -> AsyncIterator[Four]:
    async with open_four(database_url, redis_url, tmp_path) as running:
        yield running


def whatsapp_text(number: Any, customer: str, text: str) -> bytes:
    return json.dumps(message_body(number, customer, "text", {"body": text})[1]).encode()


def slack_event(text: str, **more: Any) -> bytes:
    event = {"type": "message", "channel": "D0ANA", "user": "U0ANA", "channel_type": "im", "text": text}
    event |= {"ts": f"{time.time():.6f}", **more}
    body = {"type": "event_callback", "team_id": TEAM, "event_id": f"Ev{uuid4().hex}", "event": event}
    return json.dumps(body).encode()


# WhatsApp: large bodies, and reports in any order


async def test_a_thousand_messages_in_one_body_are_a_thousand_turns_in_order(four: Four) -> None:
    number = four.whatsapp.number
    customers = [f"49151{index:07}" for index in range(40)]
    messages: list[Any] = []
    contacts: dict[str, Any] = {}
    for index in range(1_000):
        customer = customers[index % len(customers)]
        _, body = message_body(number, customer, "text", {"body": f"{index} " + "padding " * 350})
        value = body["entry"][0]["changes"][0]["value"]
        messages += value["messages"]
        contacts[customer] = value["contacts"][0]
    together = {**value, "messages": messages, "contacts": list(contacts.values())}
    whole = number.webhook("messages", together)
    encoded = json.dumps(whole).encode()
    assert 2_900_000 < len(encoded) < 3_300_000
    status, _ = await four.post("whatsapp", encoded)
    assert status == 200
    assert await four.count("inbox", "status = 'done'") == 1_000
    assert await four.count("messages", "sender_type = 'customer'") == 1_000
    rows = await four.rows(
        "SELECT conversation_id, array_agg(content ORDER BY seq) AS said FROM messages"
        " WHERE sender_type = 'customer' GROUP BY conversation_id"
    )
    assert len(rows) == len(customers)
    for row in rows:
        numbers = [int(text.split()[0]) for text in row["said"]]
        assert numbers == sorted(numbers) and len(numbers) == 25
    assert (await four.post("whatsapp", encoded))[0] == 200
    assert await four.count("inbox") == 1_000, "the same body once more"


async def test_reports_in_any_order_and_again_never_lower_a_status(four: Four) -> None:
    """2,500 messages, four reports each, shuffled, every second one repeated: 15,000 reports."""
    sent = 2_500
    channel = four.ids.channels["whatsapp"]
    conversation = uuid4()
    await four.observer.executemany(
        "INSERT INTO messages (id, organization_id, conversation_id, channel_id, seq, sender_type, status,"
        " external_id) VALUES ($1, $2, $3, $4, $5, 'bot', 'sent', $6)",
        [(uuid4(), four.ids.organization, conversation, channel, n, f"wamid.S{n}") for n in range(sent)],
    )
    number = four.whatsapp.number
    reports: list[dict[str, Any]] = []
    for index in range(sent):
        states = ["sent", "delivered", "read"] if index % 10 else ["sent", "failed", "delivered"]
        for state in states:
            one: dict[str, Any] = {
                "id": f"wamid.S{index}", "status": state, "timestamp": str(int(time.time())), "recipient_id": ANA,
            }  # fmt: skip
            if state == "failed":
                one["errors"] = [{"code": 131026, "title": "Message undeliverable"}]
            reports += [one, one] if index % 2 else [one]
    random.Random(7).shuffle(reports)
    assert len(reports) > 10_000
    lowered: list[Any] = []
    before: dict[str, str] = {}
    for start in range(0, len(reports), 500):
        value = {
            "messaging_product": "whatsapp",
            "metadata": number.metadata(),
            "statuses": reports[start : start + 500],
        }
        body = json.dumps(number.webhook("messages", value)).encode()
        assert (await four.post("whatsapp", body))[0] == 200
        now = {
            row["external_id"]: row["status"]
            for row in await four.rows(
                "SELECT external_id, status FROM messages WHERE channel_id = $1", channel
            )
        }
        lowered += [id for id, status in now.items() if RANKS[status] < RANKS[before.get(id, "queued")]]
        before = now
    assert lowered == []
    assert sum(status == "read" for status in before.values()) == sent * 9 // 10
    assert sum(status == "failed" for status in before.values()) == sent // 10
    assert await four.count("inbox") == 0, "a report runs no turn"


# A send that was accepted, and whose answer was cut


async def test_whatsapp_sends_once_though_the_answer_was_cut(four: Four) -> None:
    number = four.whatsapp.number
    number.webhook_url = four.webhook("whatsapp")
    four.whatsapp.world.statuses = "ordered"
    for index in range(10):
        four.whatsapp.faults.add(WhatsAppFault(kind="cut", path="messages", times=1))
        status, _ = await four.post(
            "whatsapp", whatsapp_text(number, f"4915100000{index:02}", f"hello {index}")
        )
        assert status == 200
    await four.settled(30)
    texts = [one for one in four.whatsapp.sent() if one.kind == "text"]
    assert sorted(one.to for one in texts) == sorted(f"4915100000{index:02}" for index in range(10))
    rows = await four.rows("SELECT status, external_id FROM messages WHERE sender_type = 'bot'")
    assert {row["external_id"] for row in rows} == {one.message for one in texts}
    assert {row["status"] for row in rows} <= {"sent", "delivered", "read"}


async def test_slack_sends_once_though_the_answer_was_cut(four: Four) -> None:
    for index in range(5):
        four.slack.world.private(f"U0ANA{index}")
        four.slack.faults.add(SlackFault(kind="cut", method="chat.postMessage", times=1))
        body = slack_event(f"hello {index}", channel=f"D0ANA{index}", user=f"U0ANA{index}")
        assert (await four.post("slack", body))[0] == 200
    await four.settled(30)
    assert sorted(one.text for one in four.slack.sent()) == [f"echo hello {index}" for index in range(5)]


@pytest.mark.parametrize(("policy", "most"), [("resend", 2), ("drop", 1)])
async def test_telegram_resends_or_drops_as_its_policy_says(
    database_url: str, redis_url: str, tmp_path: Path, policy: str, most: int
) -> None:
    documents = {"telegram": {"uncertain_send": policy}}
    async with open_four(database_url, redis_url, tmp_path, documents=documents) as four:
        for index in range(5):
            four.telegram.faults.add(
                TelegramFault(kind="cut", method="sendMessage", times=1, chat=100 + index)
            )
            assert (await four.post("telegram", update(500 + index, 100 + index, f"hi {index}")))[0] == 200
        await four.settled(30)
        for index in range(5):
            assert len(four.telegram.sent(100 + index)) == most
        details = await four.rows("SELECT metadata FROM messages WHERE sender_type = 'bot'")
        assert all(("uncertain" in row["metadata"]) == (policy == "drop") for row in details)


# Slack: an answer in time, and no second turn


STALLED_FLOW: dict[str, Any] = {
    "start_node": "call",
    "nodes": [
        {
            "id": "call",
            "type": "http",
            "config": {"url": "http://127.0.0.1:{port}/model", "timeout": 60, "method": "POST"},
            "connections": [{"target": "done"}],
        },
        {"id": "done", "type": "message", "config": {"message": "done"}},
    ],
}


async def test_slack_is_answered_in_time_while_the_model_stalls(
    database_url: str, redis_url: str, tmp_path: Path
) -> None:
    """100 messages to a bot whose model never answers: Slack waits for the commit and for nothing else."""
    stalled = asyncio.Event()
    asked = 0

    async def model(request: web.BaseRequest) -> web.StreamResponse:
        nonlocal asked
        asked += 1
        await stalled.wait()
        return web.Response(text="{}", content_type="application/json")

    server = await asyncio.get_running_loop().create_server(web.Server(model), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    flow = json.loads(json.dumps(STALLED_FLOW).replace("{port}", str(port)))
    try:
        async with open_four(
            database_url, redis_url, tmp_path, flow=flow, http_allowed_hosts="127.0.0.1", drain_seconds=0.5
        ) as four:
            for index in range(100):
                four.slack.world.private(f"U0P{index:03}")
            took: list[float] = []

            async def one(index: int) -> None:
                body = slack_event("hello", channel=f"D0P{index:03}", user=f"U0P{index:03}")
                started = time.perf_counter()
                status, _ = await four.post("slack", body)
                took.append(time.perf_counter() - started)
                assert status == 200

            for start in range(0, 100, 5):
                await asyncio.gather(*(one(index) for index in range(start, start + 5)))
            await until(lambda: asked > 0)
            p99 = statistics.quantiles(took, n=100)[98]
            print(
                f"Slack, the model stalled: p50 {statistics.median(took) * 1000:.0f} ms, p99 {p99 * 1000:.0f} ms"
            )
            assert p99 < 0.5
            assert await four.count("inbox", "status = 'done'") == 100
            assert four.slack.sent() == []
            stalled.set()
    finally:
        stalled.set()
        server.close()


async def test_slacks_retries_cause_no_second_turn(four: Four) -> None:
    four.slack.world.private("U0ANA")
    body = slack_event("hello")
    for retry in range(4):
        more = {"X-Slack-Retry-Num": str(retry), "X-Slack-Retry-Reason": "http_timeout"} if retry else {}
        assert (await four.post("slack", body, **more))[0] == 200
    await four.settled()
    assert [one.text for one in four.slack.sent()] == ["echo hello"]
    assert await four.count("inbox") == 1


async def test_a_mention_that_slack_tells_twice_is_one_turn(four: Four) -> None:
    four.slack.world.channel("C0SHOP")
    four.slack.courier.url = four.webhook("slack")
    people.say(four.slack, "U0ANA", f"<@{BOT_USER}> hello", channel="C0SHOP")
    await four.slack.wait(lambda: bool(four.slack.sent()), 10)
    await asyncio.sleep(0.3)
    await four.settled()
    assert len(four.slack.sent()) == 1
    assert four.slack.sent()[0].thread


# Telegram: albums, edits, and buttons that stop spinning


async def test_an_album_is_one_turn(four: Four) -> None:
    for index in range(4):
        message = json.loads(update(900 + index, 55, "x"))
        del message["message"]["text"]
        message["message"] |= {
            "media_group_id": "777",
            "message_id": 900 + index,
            "photo": [{"file_id": f"file{index}", "file_unique_id": f"u{index}", "width": 90, "height": 90}],
            **({"caption": "my photos"} if index == 0 else {}),
        }
        assert (await four.post("telegram", json.dumps(message).encode()))[0] == 200
    await four.telegram.wait(lambda: len(four.telegram.sent(55)) >= 1, 10)
    await asyncio.sleep(1.0)
    assert [sent.text for sent in four.telegram.sent(55)] == ["echo my photos"]
    assert await four.count("conversations") == 1


async def test_an_edit_is_heard_and_runs_no_second_answer(four: Four) -> None:
    assert (await four.post("telegram", update(1, 56, "first")))[0] == 200
    edited = json.loads(update(2, 56, "second"))
    edited["edited_message"] = {**edited.pop("message"), "edit_date": int(time.time()), "message_id": 1}
    assert (await four.post("telegram", json.dumps(edited).encode()))[0] == 200
    await four.settled()
    assert [sent.text for sent in four.telegram.sent(56)] == ["echo first"]
    assert await four.count("inbox", "status = 'done'") == 2


async def test_a_pressed_button_is_answered_with_the_webhooks_own_answer(four: Four) -> None:
    press = json.loads(update(3, 57, "x"))
    message = press.pop("message")
    press["callback_query"] = {
        "id": "4242", "from": message["from"], "message": message, "chat_instance": "1", "data": "nothing:0",
    }  # fmt: skip
    started = time.monotonic()
    status, answered = await four.post("telegram", json.dumps(press).encode())
    assert status == 200
    assert json.loads(answered) == {"method": "answerCallbackQuery", "callback_query_id": "4242"}
    assert time.monotonic() - started < 15, "Telegram waits 150 s"


# Opting out


async def test_stop_opts_out_with_proof_and_start_brings_back(four: Four) -> None:
    """The words of the channel's document count, though the flow knows nothing of them."""
    number = four.whatsapp.number
    for text in ("STOP", "start"):
        assert (await four.post("whatsapp", whatsapp_text(number, ANA, text)))[0] == 200
        await four.settled()
        (row,) = await four.rows("SELECT opted_out_at IS NOT NULL AS out FROM customers")
        assert row["out"] == (text == "STOP")
    proof = await four.rows("SELECT purpose, granted, text FROM consents ORDER BY recorded_at, id")
    assert [(row["purpose"], row["granted"]) for row in proof] == [("messages", False), ("messages", True)]
    said = [one.content["body"] for one in four.whatsapp.sent(ANA) if one.kind == "text"]
    assert said == [row["text"] for row in proof]
    assert (await four.post("whatsapp", whatsapp_text(number, ANA, "please stop by")))[0] == 200
    await four.settled()
    assert len(await four.rows("SELECT id FROM consents")) == 2, "only the whole message counts"


# Somebody answers by hand


async def test_an_answer_in_the_whatsapp_app_joins_the_transcript_and_the_bot_falls_silent(
    four: Four,
) -> None:
    """An echo: the business answered from its own phone. One owner has the conversation: from then on a person."""
    number = four.whatsapp.number
    assert (await four.post("whatsapp", whatsapp_text(number, ANA, "hello")))[0] == 200
    await four.settled()
    echo = {
        "from": number.display, "to": ANA, "id": "wamid.ECHO1", "timestamp": str(int(time.time())),
        "type": "text", "text": {"body": "I am on it"},
    }  # fmt: skip
    value = {"messaging_product": "whatsapp", "metadata": number.metadata(), "message_echoes": [echo]}
    body = json.dumps(number.webhook("smb_message_echoes", value)).encode()
    assert (await four.post("whatsapp", body))[0] == 200
    assert (await four.post("whatsapp", whatsapp_text(number, ANA, "thank you")))[0] == 200
    await four.settled()
    rows = await four.rows("SELECT sender_type, content, external_id FROM messages ORDER BY seq")
    assert [(row["sender_type"], row["content"]) for row in rows] == [
        ("customer", "hello"), ("bot", "echo hello"), ("agent", "I am on it"), ("customer", "thank you"),
    ]  # fmt: skip
    assert rows[2]["external_id"] == "wamid.ECHO1"
    (conversation,) = await four.rows("SELECT status FROM conversations")
    assert conversation["status"] == "with_agent"
