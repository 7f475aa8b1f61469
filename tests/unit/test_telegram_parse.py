"""What each recorded kind of Telegram update means, and that nothing makes parse raise."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from adapters.protocol import Parsed
from adapters.telegram.parse import ALLOWED_UPDATES, parse_update, wanted_updates
from engine.events import (
    ChoiceMade,
    CommandReceived,
    ContactabilityChanged,
    ContactReceived,
    Context,
    Entity,
    EventBody,
    FormSubmitted,
    HumanReplied,
    IdentityChanged,
    InboundEvent,
    LocationReceived,
    MediaReceived,
    MembersChanged,
    MessageDeleted,
    MessageEdited,
    PollAnswered,
    QueryReceived,
    ReactionReceived,
    Referral,
    Sender,
    TextReceived,
)
from tests.channels import access_with

FOLDER = Path(__file__).parents[1] / "payloads" / "telegram"
NOW = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
NORA = Sender(
    external_id="5183007741", first_name="Nora", last_name="Lindqvist", username="noralind", language="sv"
)
TARO = Sender(external_id="6120045518", first_name="Taro", language="ja")
NAMELESS_TARO = Sender(external_id="6120045518", first_name="Taro")
FILE = "AgACAgEAAxkBAAI-"
ACCESS = access_with(
    {"bot_token": "7700123456:a-token-for-tests"},
    {"bot_configuration": {"bot_username": "@Velo_Workshop_Bot"}},
)

EXPECTED: dict[str, EventBody | str] = {
    "text": TextReceived(text="Hi, is my gravel bike ready?"),
    "text_entities": TextReceived(
        text="🚲 See https://velo.example/order/17 before /start of day",
        entities=(Entity(kind="url", start=6, end=35), Entity(kind="command", start=43, end=49)),
    ),
    "text_every_entity": TextReceived(
        text="👋🏽 @velo_news #bikes $SEK /hours velo.example mail@velo.example +4687001000 bold italic under"
        " struck hidden cited code x = 1 here Ingrid 🚲 soon",
        entities=(
            Entity(kind="mention", start=3, end=13),
            Entity(kind="hashtag", start=14, end=20),
            Entity(kind="hashtag", start=21, end=25),
            Entity(kind="command", start=26, end=32),
            Entity(kind="url", start=33, end=45),
            Entity(kind="email", start=46, end=63),
            Entity(kind="phone", start=64, end=75),
            Entity(kind="bold", start=76, end=80),
            Entity(kind="italic", start=81, end=87),
            Entity(kind="underline", start=88, end=93),
            Entity(kind="strike", start=94, end=100),
            Entity(kind="spoiler", start=101, end=107),
            Entity(kind="quote", start=108, end=113),
            Entity(kind="code", start=114, end=118),
            Entity(kind="pre", start=119, end=124, value="python"),
            Entity(kind="link", start=125, end=129, value="https://velo.example/map"),
            Entity(kind="mention", start=130, end=136, value="5550012345"),
            Entity(kind="emoji", start=137, end=138, value="5368324170671202286"),
        ),
    ),
    "text_in_another_script": TextReceived(text="ブレーキの調整をお願いします 👩🏽‍🔧"),
    "text_reply_and_quote": TextReceived(text="this one"),
    "text_forwarded": TextReceived(text="Closed on Monday"),
    "text_via_inline_bot": TextReceived(text="Route of 42 km"),
    "text_in_group": TextReceived(text="who rides tomorrow?"),
    "text_in_group_reply_thread": TextReceived(text="me"),
    "text_in_forum_topic": TextReceived(text="new chain, which one?"),
    "text_in_forum_topic_first": TextReceived(text="Hello all"),
    "text_in_forum_topic_reply": TextReceived(text="11 speed"),
    "text_in_group_naming_the_bot": TextReceived(
        text="@velo_workshop_bot can you fix this?", entities=(Entity(kind="mention", start=0, end=18),)
    ),
    "text_in_group_naming_the_bot_by_id": TextReceived(
        text="🚲 Velo Workshop, are you there?",
        entities=(Entity(kind="mention", start=2, end=15, value="7700123456"),),
    ),
    "text_in_group_answering_the_bot": TextReceived(text="I do"),
    "text_reply_to_another_chat": TextReceived(text="On Sundays too?"),
    "text_forwarded_from_a_person": TextReceived(text="My chain broke"),
    "text_forwarded_hidden": TextReceived(text="See you there"),
    "text_forwarded_old_server": TextReceived(text="From an old server"),
    "text_anonymous_admin": TextReceived(text="Meeting point is the old station."),
    "command_start": CommandReceived(command="start"),
    "command_start_payload": CommandReceived(command="start", argument="order-17"),
    "command_addressed": CommandReceived(command="help", argument="opening hours"),
    "command_multiline": CommandReceived(command="order", argument="inner tube x2\npump"),
    "command_without_entities": CommandReceived(command="status", argument="17"),
    "command_start_in_group": CommandReceived(command="start", argument="ride-42"),
    "command_to_another_bot": "a command to another bot: @other_shop_bot",
    "slash_is_no_command": TextReceived(text="/////"),
    "channel_post": TextReceived(text="Winter hours from today"),
    "automatic_forward": "a channel post, forwarded to its discussion group by Telegram",
    "from_a_bot": "from a bot",
    "photo_caption": MediaReceived(kind="image", file=FILE + "l", caption="the bent wheel", size=181220),
    "photo_album_second": MediaReceived(kind="image", file=FILE + "x", size=90210, album="13770045518"),
    "photo_in_group_naming_the_bot": MediaReceived(
        kind="image", file=FILE + "g", caption="@velo_workshop_bot this one", size=40210
    ),
    "video_album_first": MediaReceived(
        kind="video",
        file="BAACAgEAAxkBAAI-v1",
        caption="before and after",
        mime_type="video/mp4",
        size=1200400,
        seconds=12,
        album="13770045599",
    ),
    "live_photo": MediaReceived(
        kind="video",
        file="BAACAgEAAxkBAAI-live",
        caption="it moves",
        mime_type="video/mp4",
        size=702211,
        seconds=2,
    ),
    "document": MediaReceived(
        kind="document",
        file=FILE + "doc",
        caption="paid",
        name="invoice 17.pdf",
        mime_type="application/pdf",
        size=48213,
    ),
    "voice": MediaReceived(kind="voice", file=FILE + "voice", mime_type="audio/ogg", size=30112, seconds=7),
    "audio": MediaReceived(
        kind="audio", file=FILE + "audio", name="click.mp3", mime_type="audio/mpeg", size=512004, seconds=31
    ),
    "video": MediaReceived(
        kind="video",
        file=FILE + "video",
        caption="it wobbles",
        name="wobble.mp4",
        mime_type="video/mp4",
        size=4713412,
        seconds=12,
    ),
    "video_note": MediaReceived(kind="video", file=FILE + "note", size=300211, seconds=5),
    "animation": MediaReceived(
        kind="video", file=FILE + "anim", name="ride.mp4", mime_type="video/mp4", size=88321, seconds=2
    ),
    "sticker": MediaReceived(kind="sticker", file=FILE + "stick", caption="👍", size=21110),
    "location": LocationReceived(latitude=59.334591, longitude=18.06324),
    "venue": LocationReceived(latitude=59.334591, longitude=18.06324, name="Velo Workshop, Kungsgatan 9"),
    "contact": ContactReceived(phone="+46701740605", name="Nora Lindqvist", own=True),
    "contact_of_somebody_else": ContactReceived(phone="+46701740999", name="Taro"),
    "web_app_data": FormSubmitted(form="web_app", values={"slot": "2026-09-04T10:00"}, title="Pick a time"),
    "web_app_data_in_words": TextReceived(text="slot 4"),
    "rich_message": TextReceived(text="Order 17\nPlease also true the wheel.\nfront rear"),
    "edited_message": MessageEdited(message="335", text="Hi, is my gravel bike ready today?"),
    "edited_caption": MessageEdited(message="336", text="the bent rear wheel"),
    "edited_live_location": "edited message without text or caption",
    "callback_query": ChoiceMade(choice="2f1a9c3e:1", title="Spare parts"),
    "callback_query_in_topic": ChoiceMade(choice="2f1a9c3e:0", title="Repair"),
    "callback_query_inaccessible": ChoiceMade(choice="2f1a9c3e:0"),
    "callback_query_inline_message": ChoiceMade(choice="2f1a9c3e:0"),
    "callback_query_business": ChoiceMade(choice="2f1a9c3e:0", title="Repair"),
    "callback_query_game": "callback query without a readable data",
    "message_reaction": ReactionReceived(emoji=("👍", "custom_emoji:5368324170671202286"), message="338"),
    "message_reaction_taken_back": ReactionReceived(emoji=(), message="338"),
    "message_reaction_by_a_channel": ReactionReceived(emoji=("⭐",), message="77"),
    "blocked_by_the_customer": ContactabilityChanged(reachable=False),
    "unblocked_by_the_customer": ContactabilityChanged(reachable=True),
    "added_to_a_group": MembersChanged(joined=("Velo Workshop",), bot=True),
    "removed_from_a_group": MembersChanged(left=("Velo Workshop",), bot=True),
    "made_administrator": MembersChanged(joined=("Velo Workshop",), bot=True),
    "dice": TextReceived(text="🎲 4"),
    "game": "message content not handled: game",
    "gift": "message content not handled: gift",
    "paid_media": "message content not handled: paid_media",
    "poll": "update kind not handled: poll",
    "poll_in_a_message": "message content not handled: poll",
    "story": "message content not handled: story",
    "video_chat_started": "message content not handled: video_chat_started",
    "new_chat_members": MembersChanged(joined=("Taro",)),
    "new_chat_members_several": MembersChanged(joined=("Taro", "Ingrid Ek")),
    "new_chat_members_only_the_bot": "nobody but bots joined",
    "left_chat_member": MembersChanged(left=("Taro",)),
    "chat_member": MembersChanged(joined=("Taro",)),
    "chat_member_left": MembersChanged(left=("Taro",)),
    "chat_member_promoted": "a member's rights changed, not whether they are a member",
    "group_became_supergroup": IdentityChanged(old="-77001234", new="-1002077001234"),
    "supergroup_from_group": "message content not handled: migrate_from_chat_id",
    "channel_direct_message": TextReceived(text="Do you sell helmets?"),
    "direct_message_of_an_admin": HumanReplied(text="We do, come by", agent="Ingrid Ek"),
    "poll_answer": PollAnswered(poll="5391700442211", options=(1,)),
    "poll_answer_taken_back": PollAnswered(poll="5391700442211"),
    "poll_answer_of_a_channel": "a vote in the name of a chat",
    "inline_query": QueryReceived(query="2217745102883440099", text="helmet"),
    "chosen_inline_result": "update kind not handled: chosen_inline_result",
    "business_connection": "update kind not handled: business_connection",
    "business_message": TextReceived(text="Hello?"),
    "business_message_of_the_owner": HumanReplied(text="I will look into it", agent="Ingrid Ek"),
    "business_photo_of_the_owner": HumanReplied(
        text="like this",
        agent="Ingrid Ek",
        media=(MediaReceived(kind="image", file=FILE + "own", caption="like this", size=40210),),
    ),
    "business_location_of_the_owner": (
        "answered by hand with something other than words or media (LocationReceived)"
    ),
    "business_message_of_a_bot": "sent by a bot for the business account",
    "edited_business_message": MessageEdited(message="431", text="Hello again?"),
    "edited_business_message_of_the_owner": "edited by the business account itself",
    "deleted_business_messages": MessageDeleted(message="343"),
    "kind_of_the_future": "unknown update kind: hologram",
    "unknown_fields_everywhere": TextReceived(text="still readable"),
    "date_of_tomorrow": TextReceived(text="from the future"),
    "date_zero": TextReceived(text="no date"),
    "lone_surrogate_and_nul": TextReceived(text="half \ufffd an emoji, \ufffd and a whole 🚀"),
    "no_update_id": "no readable update_id",
    "wrong_types": "message content not handled: text",
}
SHARED_KEYS = {
    "new_chat_members": "member:-1002077001234:6120045518:joined:1788512740",
    "left_chat_member": "member:-1002077001234:6120045518:left:1788514423",
    "chat_member": "member:-1002077001234:6120045518:joined:1788513200",
    "chat_member_left": "member:-1002077001234:6120045518:left:1788513301",
}
"""Joins and leaves are told in two ways; one key for both makes them count once."""


def payload(name: str) -> bytes:
    return (FOLDER / f"{name}.json").read_bytes()


def only_event(parsed: Parsed) -> InboundEvent:
    assert parsed.parked == ()
    return parsed.events[0]


def read(name: str) -> Parsed:
    return parse_update(payload(name), NOW, ACCESS)


def parse_message(**message: Any) -> Parsed:
    base = {"message_id": 5, "chat": {"id": 9, "type": "private"}, "date": 1788512400}
    return parse_update(json.dumps({"update_id": 1, "message": {**base, **message}}).encode(), NOW)


def test_every_payload_has_an_expectation() -> None:
    assert {path.stem for path in FOLDER.glob("*.json")} == set(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_payload_means_what_is_expected(name: str) -> None:
    raw = payload(name)
    parsed = parse_update(raw, NOW, ACCESS)
    expected = EXPECTED[name]
    if isinstance(expected, str):
        assert parsed.events == ()
        (parked,) = parsed.parked
        assert (parked.reason, parked.raw) == (expected, raw)
    else:
        assert only_event(parsed).body == expected


@pytest.mark.parametrize("name", EXPECTED)
def test_dedupe_key_is_the_update_id(name: str) -> None:
    parsed = read(name)
    key, *_ = [event.external_id for event in parsed.events] + [one.external_id for one in parsed.parked]
    if name in SHARED_KEYS:
        assert key == SHARED_KEYS[name]
    elif name == "no_update_id":
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
        ("callback_query_inline_message", "5183007741", NORA),
        ("inline_query", "5183007741", NORA),
        ("poll_answer", "5183007741", NORA),
        ("business_message", "business:Qk1pTn0aYQ:6120045518", TARO),
        ("business_message_of_the_owner", "business:Qk1pTn0aYQ:6120045518", NAMELESS_TARO),
        ("callback_query_business", "business:Qk1pTn0aYQ:6120045518", TARO),
        ("deleted_business_messages", "business:Qk1pTn0aYQ:6120045518", NAMELESS_TARO),
        ("channel_direct_message", "direct:-1002077008888:6120045518", TARO),
        ("direct_message_of_an_admin", "direct:-1002077008888:6120045518", TARO),
        ("group_became_supergroup", "-77001234", NORA),
        ("chat_member", "-1002077001234", TARO),
        ("added_to_a_group", "-1002077001234", NORA),
    ],
)  # fmt: skip
def test_conversation_and_sender(name: str, key: str, sender: Sender) -> None:
    event = only_event(read(name))
    assert (event.conversation_key, event.sender) == (key, sender)


def test_message_id_and_time_come_from_the_message() -> None:
    event = only_event(parse_update(payload("text"), NOW))
    assert (event.message, event.occurred_at) == ("301", datetime.fromtimestamp(1788512701, UTC))


def test_edit_is_dated_by_the_edit() -> None:
    event = only_event(parse_update(payload("edited_message"), NOW))
    assert event.occurred_at == datetime.fromtimestamp(1788512999, UTC)


@pytest.mark.parametrize("name", ["date_of_tomorrow", "date_zero", "callback_query"])
def test_a_date_that_means_nothing_is_now(name: str) -> None:
    assert only_event(read(name)).occurred_at == NOW


@pytest.mark.parametrize("date", [None, True, "1788512400", 1.5, -1, 10**30, [], 1230767999])
def test_an_odd_date_is_now(date: Any) -> None:
    assert only_event(parse_message(text="x", date=date)).occurred_at == NOW


def test_a_date_is_never_later_than_the_clock() -> None:
    before = datetime.fromtimestamp(1788512400, UTC) - timedelta(seconds=1)
    body = b'{"update_id":1,"message":{"chat":{"id":9},"date":1788512400,"text":"x"}}'
    assert only_event(parse_update(body, before)).occurred_at == before


@pytest.mark.parametrize("name", EXPECTED)
def test_callback_queries_and_only_they_are_answered(name: str) -> None:
    answer = read(name).answer
    if name.startswith("callback_query"):
        query = json.loads(payload(name))["callback_query"]["id"]
        assert answer is not None
        assert json.loads(answer) == {"method": "answerCallbackQuery", "callback_query_id": query}
    else:
        assert answer is None


@pytest.mark.parametrize(
    ("text", "entities", "expected"),
    [
        (
            "/start",
            [{"type": "bold", "offset": 0, "length": 6}],
            TextReceived(text="/start", entities=(Entity(kind="bold", start=0, end=6),)),
        ),
        (
            "/start",
            [{"type": "bot_command", "offset": 3, "length": 6}],
            TextReceived(text="/start", entities=(Entity(kind="command", start=3, end=6),)),
        ),
        ("/start", "odd", TextReceived(text="/start")),
        ("/start", [7, {"type": "bot_command", "offset": 0, "length": "6"}], TextReceived(text="/start")),
        ("/start-up", None, TextReceived(text="/start-up")),
        ("/start@shop_bot", None, CommandReceived(command="start")),
        ("/START\tX", None, CommandReceived(command="start", argument="X")),
        (" /start", None, TextReceived(text=" /start")),
        (
            "/@bot x",
            [{"type": "bot_command", "offset": 0, "length": 5}],
            TextReceived(text="/@bot x", entities=(Entity(kind="command", start=0, end=5),)),
        ),
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


RIDERS = Context(place="group", title="Saturday riders", overheard=True)
MEANT = Context(place="group", title="Saturday riders", mentioned=True)
CONTEXTS: dict[str, Context | None] = {
    "text": None,
    "text_via_inline_bot": None,
    "command_start": None,
    "command_start_payload": Context(referral=Referral(source="link", payload="order-17")),
    "text_reply_and_quote": Context(reply_to="304", quote="front brake"),
    "text_reply_to_another_chat": Context(quote="Open until six"),
    "text_forwarded": Context(forwarded=True, forwarded_from="Velo news"),
    "text_forwarded_from_a_person": Context(forwarded=True, forwarded_from="Taro"),
    "text_forwarded_hidden": Context(forwarded=True, forwarded_from="A. Rider"),
    "text_forwarded_old_server": Context(forwarded=True, forwarded_from="Taro"),
    "text_in_group": RIDERS,
    "text_in_group_naming_the_bot": MEANT,
    "text_in_group_naming_the_bot_by_id": MEANT,
    "text_in_group_answering_the_bot": Context(
        place="group",
        title="Saturday riders",
        reply_to="390",
        quote="Who needs a new chain?",
        mentioned=True,
    ),
    "photo_in_group_naming_the_bot": MEANT,
    "command_addressed": MEANT,
    "command_start_in_group": Context(
        place="group",
        title="Saturday riders",
        mentioned=True,
        referral=Referral(source="link", payload="ride-42"),
    ),
    "text_in_forum_topic_first": Context(place="group", title="Velo club", overheard=True),
    "text_in_forum_topic_reply": Context(
        place="group", title="Velo club", reply_to="391", quote="Which chain?", overheard=True
    ),
    "callback_query_in_topic": Context(place="group", title="Velo club", mentioned=True),
    "new_chat_members": Context(place="group", title="Saturday riders"),
    "added_to_a_group": Context(place="group", title="Saturday riders"),
    "made_administrator": Context(place="channel", title="Velo news"),
    "channel_post": Context(place="channel", title="Velo news"),
    "channel_direct_message": Context(title="Velo news"),
    "message_reaction_by_a_channel": Context(place="group", title="Saturday riders"),
    "business_message": None,
}


@pytest.mark.parametrize("name", CONTEXTS)
def test_context_tells_the_circumstances(name: str) -> None:
    assert only_event(read(name)).context == CONTEXTS[name]


def test_without_a_name_or_token_nothing_is_taken_for_meant_or_for_another_bot() -> None:
    for name in ("text_in_group_naming_the_bot", "text_in_group_answering_the_bot", "command_to_another_bot"):
        context = only_event(parse_update(payload(name), NOW)).context
        assert context is not None and not context.mentioned


def test_the_connected_name_serves_where_the_configuration_has_none() -> None:
    access = access_with({}, {"username": "velo_workshop_bot"})
    context = only_event(parse_update(payload("text_in_group_naming_the_bot"), NOW, access)).context
    assert context is not None and context.mentioned


@pytest.mark.parametrize(
    "name",
    [
        "text_in_group",
        "command_addressed",
        "callback_query_in_topic",
        "new_chat_members",
        "chat_member",
        "added_to_a_group",
        "group_became_supergroup",
        "message_reaction_by_a_channel",
    ],
)
def test_groups_can_be_switched_off(name: str) -> None:
    parsed = parse_update(payload(name), NOW, access_with({}, {"bot_features": {"group_mode": False}}))
    assert [one.reason for one in parsed.parked] == [
        "group messages are switched off (bot_features.group_mode)"
    ]
    assert parsed.events == ()


def test_a_channel_without_groups_hears_everything_else() -> None:
    access = access_with({}, {"bot_features": {"group_mode": False}})
    for name in ("text", "channel_post", "channel_direct_message", "business_message"):
        assert parse_update(payload(name), NOW, access).events


@pytest.mark.parametrize(
    "settings", [{"advanced_features": {"inline_queries": False}}, {"bot_features": {"inline_mode": False}}]
)
def test_inline_queries_can_be_switched_off(settings: dict[str, Any]) -> None:
    parsed = parse_update(payload("inline_query"), NOW, access_with({}, settings))
    assert [one.reason for one in parsed.parked] == [
        "inline queries are switched off (advanced_features, bot_features)"
    ]


def test_every_deleted_message_is_an_event_of_its_own() -> None:
    events = read("deleted_business_messages").events
    assert [(event.external_id, event.body) for event in events] == [
        ("884200341", MessageDeleted(message="343")),
        ("884200341:344", MessageDeleted(message="344")),
    ]


def test_a_join_that_is_told_twice_has_one_key() -> None:
    service, change = json.loads(payload("new_chat_members")), json.loads(payload("chat_member"))
    service["message"]["date"] = change["chat_member"]["date"]
    keys = {
        only_event(parse_update(json.dumps(update).encode(), NOW)).external_id for update in (service, change)
    }
    assert len(keys) == 1


@pytest.mark.parametrize(
    ("marks", "expected"),
    [
        ([{"type": "bold", "offset": 0, "length": 2}], (Entity(kind="bold", start=0, end=1),)),
        ([{"type": "bold", "offset": 1, "length": 2}], (Entity(kind="bold", start=0, end=2),)),
        ([{"type": "bold", "offset": 2, "length": 99}], (Entity(kind="bold", start=1, end=4),)),
        ([{"type": "bold", "offset": 0, "length": 0}], ()),
        ([{"type": "bold", "offset": -1, "length": 3}], ()),
        ([{"type": "bold", "offset": True, "length": 3}], ()),
        ([{"type": "bold", "offset": 2}], ()),
        ([{"type": [], "offset": 0, "length": 1}], ()),
        ([{"type": "glitter", "offset": 0, "length": 1}], ()),
        ([None, "x", {}], ()),
        ({"type": "bold"}, ()),
    ],
)
def test_entities_of_any_shape_are_read_within_the_text(marks: Any, expected: tuple[Entity, ...]) -> None:
    body = only_event(parse_message(text="🚲abc", entities=marks)).body
    assert body == TextReceived(text="🚲abc", entities=expected)


@pytest.mark.parametrize("data", ['{"n": 1e999}', "[1]", "{", "[" * 5000, '"x"'])
def test_what_a_web_app_says_otherwise_than_as_an_object_is_its_words(data: str) -> None:
    body = only_event(parse_message(web_app_data={"data": data})).body
    assert body == TextReceived(text=data)


def test_what_a_web_app_says_is_fit_to_be_stored() -> None:
    body = only_event(parse_message(web_app_data={"data": r'{"a\u0000": "b\ud800"}'})).body
    assert body == FormSubmitted(form="web_app", values={"a\ufffd": "b\ufffd"})


def test_asked_for_updates_are_those_that_are_handled_unless_the_settings_name_some() -> None:
    assert set(ALLOWED_UPDATES) == {
        "message",
        "edited_message",
        "channel_post",
        "edited_channel_post",
        "business_message",
        "edited_business_message",
        "deleted_business_messages",
        "callback_query",
        "inline_query",
        "poll_answer",
        "message_reaction",
        "my_chat_member",
        "chat_member",
    }
    assert wanted_updates(access_with()) == ALLOWED_UPDATES
    named = {"webhook_setup": {"allowed_updates": ["message", "inline_query", 7]}}
    assert wanted_updates(access_with({}, named)) == (
        "message",
        "inline_query",
        "callback_query",
        "my_chat_member",
    )


@pytest.mark.parametrize("name", EXPECTED)
def test_events_survive_storage(name: str) -> None:
    for event in read(name).events:
        stored = msgspec.json.encode(event)
        assert b"\\u0000" not in stored
        assert msgspec.json.decode(stored, type=InboundEvent) == event
