"""What each recorded kind of Telegram update means, and that nothing makes parse raise."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from adapters.protocol import Parsed
from adapters.telegram.parse import ALLOWED_UPDATES, parse_update
from engine.events import (
    ChoiceMade,
    CommandReceived,
    ContactabilityChanged,
    ContactReceived,
    EventBody,
    InboundEvent,
    LocationReceived,
    MediaReceived,
    MessageEdited,
    ReactionReceived,
    Sender,
    TextReceived,
)

FOLDER = Path(__file__).parents[1] / "payloads" / "telegram"
NOW = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
NORA = Sender(
    external_id="5183007741", first_name="Nora", last_name="Lindqvist", username="noralind", language="sv"
)
TARO = Sender(external_id="6120045518", first_name="Taro", language="ja")
FILE = "AgACAgEAAxkBAAI-"

EXPECTED: dict[str, EventBody | str] = {
    "text": TextReceived(text="Hi, is my gravel bike ready?"),
    "text_entities": TextReceived(text="🚲 See https://velo.example/order/17 before /start of day"),
    "text_in_another_script": TextReceived(text="ブレーキの調整をお願いします 👩🏽‍🔧"),
    "text_reply_and_quote": TextReceived(text="this one"),
    "text_forwarded": TextReceived(text="Closed on Monday"),
    "text_via_inline_bot": TextReceived(text="Route of 42 km"),
    "text_in_group": TextReceived(text="who rides tomorrow?"),
    "text_in_group_reply_thread": TextReceived(text="me"),
    "text_in_forum_topic": TextReceived(text="new chain, which one?"),
    "text_anonymous_admin": TextReceived(text="Meeting point is the old station."),
    "command_start": CommandReceived(command="start"),
    "command_start_payload": CommandReceived(command="start", argument="order-17"),
    "command_addressed": CommandReceived(command="help", argument="opening hours"),
    "command_multiline": CommandReceived(command="order", argument="inner tube x2\npump"),
    "command_without_entities": CommandReceived(command="status", argument="17"),
    "slash_is_no_command": TextReceived(text="/////"),
    "channel_post": TextReceived(text="Winter hours from today"),
    "automatic_forward": "a channel post, forwarded to its discussion group by Telegram",
    "from_a_bot": "from a bot",
    "photo_caption": MediaReceived(kind="image", file=FILE + "l", caption="the bent wheel", size=181220),
    "photo_album_second": MediaReceived(kind="image", file=FILE + "x", size=90210),
    "document": MediaReceived(
        kind="document",
        file=FILE + "doc",
        caption="paid",
        name="invoice 17.pdf",
        mime_type="application/pdf",
        size=48213,
    ),
    "voice": MediaReceived(kind="voice", file=FILE + "voice", mime_type="audio/ogg", size=30112),
    "audio": MediaReceived(
        kind="audio", file=FILE + "audio", name="click.mp3", mime_type="audio/mpeg", size=512004
    ),
    "video": MediaReceived(
        kind="video",
        file=FILE + "video",
        caption="it wobbles",
        name="wobble.mp4",
        mime_type="video/mp4",
        size=4713412,
    ),
    "video_note": MediaReceived(kind="video", file=FILE + "note", size=300211),
    "animation": MediaReceived(
        kind="video", file=FILE + "anim", name="ride.mp4", mime_type="video/mp4", size=88321
    ),
    "sticker": MediaReceived(kind="sticker", file=FILE + "stick", caption="👍", size=21110),
    "location": LocationReceived(latitude=59.334591, longitude=18.06324),
    "venue": LocationReceived(latitude=59.334591, longitude=18.06324, name="Velo Workshop, Kungsgatan 9"),
    "contact": ContactReceived(phone="+46701740605", name="Nora Lindqvist"),
    "web_app_data": TextReceived(text='{"slot":"2026-09-04T10:00"}'),
    "rich_message": TextReceived(text="Order 17\nPlease also true the wheel.\nfront rear"),
    "edited_message": MessageEdited(message="335", text="Hi, is my gravel bike ready today?"),
    "edited_caption": MessageEdited(message="336", text="the bent rear wheel"),
    "edited_live_location": "edited message without text or caption",
    "callback_query": ChoiceMade(choice="2f1a9c3e:1", title="Spare parts"),
    "callback_query_in_topic": ChoiceMade(choice="2f1a9c3e:0", title="Repair"),
    "callback_query_inaccessible": ChoiceMade(choice="2f1a9c3e:0"),
    "callback_query_inline_message": "callback query without a message: its conversation is not known",
    "callback_query_game": "callback query without a readable data",
    "message_reaction": ReactionReceived(emoji=("👍", "custom_emoji:5368324170671202286"), message="338"),
    "message_reaction_taken_back": ReactionReceived(emoji=(), message="338"),
    "message_reaction_by_a_channel": ReactionReceived(emoji=("⭐",), message="77"),
    "blocked_by_the_customer": ContactabilityChanged(reachable=False),
    "unblocked_by_the_customer": ContactabilityChanged(reachable=True),
    "added_to_a_group": "the bot's membership in a group or channel changed",
    "dice": "message content not handled: dice",
    "new_chat_members": (
        "message content not handled: new_chat_member, new_chat_members, new_chat_participant"
    ),
    "group_became_supergroup": "message content not handled: migrate_to_chat_id",
    "channel_direct_message": "a channel's direct messages are not handled",
    "poll_answer": "update kind not handled: poll_answer",
    "inline_query": "update kind not handled: inline_query",
    "chat_member": "update kind not handled: chat_member",
    "business_message": "update kind not handled: business_message",
    "kind_of_the_future": "unknown update kind: hologram",
    "unknown_fields_everywhere": TextReceived(text="still readable"),
    "date_of_tomorrow": TextReceived(text="from the future"),
    "date_zero": TextReceived(text="no date"),
    "lone_surrogate_and_nul": TextReceived(text="half \ufffd an emoji, \ufffd and a whole 🚀"),
    "no_update_id": "no readable update_id",
    "wrong_types": "chat without a readable id",
}


def payload(name: str) -> bytes:
    return (FOLDER / f"{name}.json").read_bytes()


def only_event(parsed: Parsed) -> InboundEvent:
    assert parsed.parked == ()
    (event,) = parsed.events
    return event


def parse_message(**message: Any) -> Parsed:
    base = {"message_id": 5, "chat": {"id": 9, "type": "private"}, "date": 1788512400}
    return parse_update(json.dumps({"update_id": 1, "message": {**base, **message}}).encode(), NOW)


def test_every_payload_has_an_expectation() -> None:
    assert {path.stem for path in FOLDER.glob("*.json")} == set(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_payload_means_what_is_expected(name: str) -> None:
    raw = payload(name)
    parsed = parse_update(raw, NOW)
    expected = EXPECTED[name]
    if isinstance(expected, str):
        assert parsed.events == ()
        (parked,) = parsed.parked
        assert (parked.reason, parked.raw) == (expected, raw)
    else:
        assert only_event(parsed).body == expected


@pytest.mark.parametrize("name", EXPECTED)
def test_dedupe_key_is_the_update_id(name: str) -> None:
    parsed = parse_update(payload(name), NOW)
    (key,) = [event.external_id for event in parsed.events] + [one.external_id for one in parsed.parked]
    if name == "no_update_id":
        assert key.startswith("unreadable:")
    else:
        assert key == str(json.loads(payload(name))["update_id"])


@pytest.mark.parametrize(
    ("name", "key", "sender"),
    [
        ("text", "5183007741", NORA),
        ("text_in_another_script", "6120045518", TARO),
        ("text_in_group", "-1002077001234", NORA),
        ("text_in_group_reply_thread", "-1002077001234", TARO),
        ("text_in_forum_topic", "-1002077005555:12", NORA),
        ("text_anonymous_admin", "-1002077001234", Sender(external_id="-1002077001234", first_name="Saturday riders")),
        (
            "channel_post",
            "-1002077009999",
            Sender(external_id="-1002077009999", first_name="Velo news", username="velo_news"),
        ),
        ("callback_query", "5183007741", NORA),
        ("callback_query_in_topic", "-1002077005555:12", TARO),
        ("callback_query_inaccessible", "5183007741", NORA),
        ("message_reaction", "5183007741", NORA),
        (
            "message_reaction_by_a_channel",
            "-1002077001234",
            Sender(external_id="-1002077009999", first_name="Velo news", username="velo_news"),
        ),
        ("blocked_by_the_customer", "5183007741", NORA),
    ],
)  # fmt: skip
def test_conversation_and_sender(name: str, key: str, sender: Sender) -> None:
    event = only_event(parse_update(payload(name), NOW))
    assert (event.conversation_key, event.sender) == (key, sender)


def test_message_id_and_time_come_from_the_message() -> None:
    event = only_event(parse_update(payload("text"), NOW))
    assert (event.message, event.occurred_at) == ("301", datetime.fromtimestamp(1788512701, UTC))


def test_edit_is_dated_by_the_edit() -> None:
    event = only_event(parse_update(payload("edited_message"), NOW))
    assert event.occurred_at == datetime.fromtimestamp(1788512999, UTC)


@pytest.mark.parametrize("name", ["date_of_tomorrow", "date_zero", "callback_query"])
def test_a_date_that_means_nothing_is_now(name: str) -> None:
    assert only_event(parse_update(payload(name), NOW)).occurred_at == NOW


@pytest.mark.parametrize("date", [None, True, "1788512400", 1.5, -1, 10**30, [], 1230767999])
def test_an_odd_date_is_now(date: Any) -> None:
    assert only_event(parse_message(text="x", date=date)).occurred_at == NOW


def test_a_date_is_never_later_than_the_clock() -> None:
    before = datetime.fromtimestamp(1788512400, UTC) - timedelta(seconds=1)
    body = b'{"update_id":1,"message":{"chat":{"id":9},"date":1788512400,"text":"x"}}'
    assert only_event(parse_update(body, before)).occurred_at == before


@pytest.mark.parametrize("name", EXPECTED)
def test_callback_queries_and_only_they_are_answered(name: str) -> None:
    answer = parse_update(payload(name), NOW).answer
    if name.startswith("callback_query"):
        query = json.loads(payload(name))["callback_query"]["id"]
        assert answer is not None
        assert json.loads(answer) == {"method": "answerCallbackQuery", "callback_query_id": query}
    else:
        assert answer is None


@pytest.mark.parametrize(
    ("text", "entities", "expected"),
    [
        ("/start", [{"type": "bold", "offset": 0, "length": 6}], TextReceived(text="/start")),
        ("/start", [{"type": "bot_command", "offset": 3, "length": 6}], TextReceived(text="/start")),
        ("/start", "odd", TextReceived(text="/start")),
        ("/start", [7, {"type": "bot_command", "offset": 0, "length": "6"}], TextReceived(text="/start")),
        ("/start-up", None, TextReceived(text="/start-up")),
        ("/start@shop_bot", None, CommandReceived(command="start")),
        ("/START\tX", None, CommandReceived(command="start", argument="X")),
        (" /start", None, TextReceived(text=" /start")),
        ("/@bot x", [{"type": "bot_command", "offset": 0, "length": 5}], TextReceived(text="/@bot x")),
        ("/a", [{"type": "bot_command", "offset": 0, "length": 99}], CommandReceived(command="a")),
    ],
)
def test_commands(text: str, entities: Any, expected: EventBody) -> None:
    assert only_event(parse_message(text=text, entities=entities)).body == expected


@pytest.mark.parametrize(
    "content",
    [
        {"location": {"latitude": 91, "longitude": 0}},
        {"location": {"latitude": True, "longitude": 0}},
        {"location": {"latitude": 1, "longitude": "2"}},
        {"location": []},
        {"venue": {"title": "x"}},
        {"photo": []},
        {"photo": [{"width": 1}]},
        {"photo": {"file_id": "x"}},
        {"document": {"file_id": ""}},
        {"document": {"file_id": 7}},
        {"contact": {"first_name": "x"}},
        {"web_app_data": {"data": 5}},
        {"rich_message": {"blocks": [{"type": "divider"}]}},
        {"text": ""},
        {"text": 7},
        {"text": "x", "chat": {"id": 2**63}},
        {"text": "x", "chat": {"id": 1.0}},
        {"text": "x", "chat": {"id": True}},
        {"text": "x", "from": {"id": "7"}},
        {"text": "x", "is_topic_message": True},
    ],
)
def test_unreadable_content_is_parked(content: dict[str, Any]) -> None:
    parsed = parse_message(**content)
    assert (parsed.events, len(parsed.parked)) == ((), 1)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"7",
        b'"text"',
        b"{",
        b"\xff\xfe",
        b"\xef\xbb\xbf{}",
        b'{"update_id": "5"}',
        b'{"update_id": true}',
        b'{"update_id": 1.0}',
        b'{"update_id": 1e999}',
        b'{"update_id": 99999999999999999999}',
        b'{"update_id": ' + b"9" * 5000 + b"}",
        b'{"update_id": NaN}',
        b"[" * 200_000,
        b'{"update_id": 1, "message": ' + b'{"a":' * 100_000,
    ],
)
def test_an_unreadable_body_is_parked_under_its_hash(body: bytes) -> None:
    parsed = parse_update(body, NOW)
    (parked,) = parsed.parked
    assert parsed.events == ()
    assert (parked.raw, parked.external_id) == (body, parse_update(body, NOW).parked[0].external_id)
    assert parked.external_id.startswith("unreadable:")
    assert parked.external_id != parse_update(body + b" ", NOW).parked[0].external_id


@pytest.mark.parametrize("message", ['"hi"', "[]", "null", "3"])
def test_an_update_without_a_piece_is_parked(message: str) -> None:
    parsed = parse_update(f'{{"update_id": 12, "message": {message}}}'.encode(), NOW)
    assert [(one.external_id, one.reason) for one in parsed.parked] == [("12", "no readable piece: message")]


def test_a_second_piece_has_a_key_of_its_own() -> None:
    body = (
        b'{"message":{"chat":{"id":9},"text":"x"},"update_id":12,'
        b'"poll":{},"callback_query":{"from":{"id":9},"message":{"chat":{"id":9}},"data":"d"}}'
    )
    parsed = parse_update(body, NOW)
    assert [event.external_id for event in parsed.events] == ["12", "12:callback_query"]
    assert [parked.external_id for parked in parsed.parked] == ["12:poll"]


def test_broken_utf8_is_read_with_replacements() -> None:
    body = b'{"update_id":1,"message":{"chat":{"id":9},"text":"caf\xe9"}}'
    assert only_event(parse_update(body, NOW)).body == TextReceived(text="caf\ufffd")


def test_wrong_types_of_what_is_optional_count_as_missing() -> None:
    sender: dict[str, Any] = {
        "id": 9,
        "first_name": 5,
        "last_name": None,
        "username": [],
        "language_code": {},
    }
    assert only_event(parse_message(**{"text": "x", "from": sender})).sender == Sender(external_id="9")


def test_asked_for_updates_are_those_that_are_handled() -> None:
    assert set(ALLOWED_UPDATES) == {
        "message",
        "edited_message",
        "channel_post",
        "edited_channel_post",
        "callback_query",
        "message_reaction",
        "my_chat_member",
    }


@pytest.mark.parametrize("name", EXPECTED)
def test_events_survive_storage(name: str) -> None:
    for event in parse_update(payload(name), NOW).events:
        stored = msgspec.json.encode(event)
        assert b"\\u0000" not in stored
        assert msgspec.json.decode(stored, type=InboundEvent) == event
