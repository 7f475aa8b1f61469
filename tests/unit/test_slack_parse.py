"""What each recorded kind of Slack body means, and that nothing makes parse raise."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.protocol import Parsed
from adapters.slack.adapter import SlackAdapter
from adapters.slack.parse import EVENTS, parse_body
from engine.events import (
    AlbumReceived,
    ChoiceMade,
    CommandReceived,
    ConversationOpened,
    Entity,
    EventBody,
    FormSubmitted,
    InboundEvent,
    MediaReceived,
    MembersChanged,
    MessageDeleted,
    MessageEdited,
    ReactionReceived,
    TextReceived,
)
from tests.channels import access_with
from tests.unit.slack_bodies import NAMES, body, body_of, payload

NOW = datetime(2026, 11, 1, 12, 30, tzinfo=UTC)
TEAM = "T0MOORLAND"
NEL = f"{TEAM}:U0NELEVANS"
CHANNEL = f"{TEAM}:C0GARDENRY"
THREAD = f"{CHANNEL}:1793534300.000100"
ACCESS = access_with(
    {}, {"workspace": {"team_id": TEAM, "bot_user_id": "U0GREENBOT", "app_id": "A0GREENHSE"}}
)
FILES = f"https://files.slack.com/files-pri/{TEAM}-F0GREEN00"
TS = "1793534395.000200"


def image(number: int, caption: str = "") -> MediaReceived:
    return MediaReceived(
        kind="image",
        file=f"{FILES}{number}/download/p{number}.jpg",
        caption=caption,
        name=f"p{number}.jpg",
        mime_type="image/jpeg",
        size=48000 + number,
    )


EXPECTED: dict[str, tuple[str, EventBody] | str | bytes | None] = {
    "dm_text": (NEL, TextReceived(text="Are the tulips in yet?")),
    "dm_text_without_blocks": (
        NEL,
        TextReceived(
            text="see <this> & that 🌷", entities=(Entity(kind="emoji", start=18, end=19, value="tulip"),)
        ),
    ),
    "dm_rich_text": (
        NEL,
        TextReceived(
            text="Two things: bed 7 and @U0OTTO0001 👋\nx = 1\n1. soil\n2. water\nas ever",
            entities=(
                Entity(kind="bold", start=0, end=3),
                Entity(kind="link", start=12, end=17, value="https://beds.example/7"),
                Entity(kind="mention", start=22, end=33, value="U0OTTO0001"),
                Entity(kind="emoji", start=34, end=35, value="wave"),
                Entity(kind="pre", start=36, end=41),
                Entity(kind="italic", start=53, end=58),
                Entity(kind="quote", start=59, end=66),
            ),
        ),
    ),
    "dm_mrkdwn": (
        NEL,
        TextReceived(
            text="@otto in #gardenry: bed 7, nel@beds.example, @here 1 Nov, https://beds.example/8",
            entities=(
                Entity(kind="mention", start=0, end=5, value="U0OTTO0001"),
                Entity(kind="mention", start=9, end=18, value="C0GARDENRY"),
                Entity(kind="link", start=20, end=25, value="https://beds.example/7"),
                Entity(kind="email", start=27, end=43, value="mailto:nel@beds.example"),
                Entity(kind="mention", start=45, end=50, value="here"),
                Entity(kind="url", start=58, end=80, value="https://beds.example/8"),
            ),
        ),
    ),
    "dm_in_a_thread": (NEL, TextReceived(text="yes, those")),
    "dm_with_profile": (NEL, TextReceived(text="hi")),
    "dm_only_a_mention_of_the_app": (NEL, TextReceived(text="")),
    "mpim_text": (f"{TEAM}:G0TRIO0001", TextReceived(text="shall we?")),
    "mpim_in_a_thread": (f"{TEAM}:G0TRIO0001:1793534300.000100", TextReceived(text="we shall")),
    "mention": (f"{CHANNEL}:{TS}", TextReceived(text="opening hours")),
    "mention_as_message": (f"{CHANNEL}:{TS}", TextReceived(text="opening hours")),
    "mention_in_a_thread": (
        THREAD,
        TextReceived(
            text="ask @U0GREENBOT about seeds",
            entities=(Entity(kind="mention", start=4, end=15, value="U0GREENBOT"),),
        ),
    ),
    "shared_channel": (f"{CHANNEL}:{TS}", TextReceived(text="hello from next door")),
    "channel_text": "a channel's message that does not mention the app",
    "channel_thread_of_the_app": (THREAD, TextReceived(text="the second one")),
    "channel_thread_overheard": (THREAD, TextReceived(text="not me")),
    "private_channel_thread": (f"{TEAM}:G0SECRET01:1793534300.000100", TextReceived(text="and mine")),
    "thread_broadcast": (THREAD, TextReceived(text="for all")),
    "me_message": (NEL, TextReceived(text="waters the ferns")),
    "forwarded": (NEL, TextReceived(text="Frost on *Tuesday*")),
    "file_image": (NEL, image(1, "look")),
    "file_voice": (
        NEL,
        MediaReceived(
            kind="voice",
            file=f"{FILES}2/download/p2.jpg",
            name="audio_message.m4a",
            mime_type="audio/mp4",
            size=48002,
            seconds=5,
        ),
    ),
    "file_video": (
        NEL,
        MediaReceived(
            kind="video", file=f"{FILES}3/download/p3.jpg", name="bed.mp4", mime_type="video/mp4", size=48003
        ),
    ),
    "file_audio": (
        NEL,
        MediaReceived(
            kind="audio",
            file=f"{FILES}9/download/p9.jpg",
            name="rain.mp3",
            mime_type="audio/mpeg",
            size=48009,
        ),
    ),
    "file_document": (
        NEL,
        MediaReceived(
            kind="document",
            file=f"{FILES}4/download/p4.jpg",
            name="plan.pdf",
            mime_type="application/pdf",
            size=48004,
        ),
    ),
    "file_album": (NEL, AlbumReceived(items=(image(5), image(6)), caption="both")),
    "file_to_be_asked_for": (NEL, MediaReceived(kind="document", file="F0GREEN007", name="x.pdf")),
    "file_gone": "files that Slack does not keep any more, or that can't be read",
    "edited": (NEL, MessageEdited(message=TS, text="Are the roses in yet?")),
    "edited_in_a_channel": (THREAD, MessageEdited(message=TS, text="Are the roses in yet?")),
    "unfurled": "message changed, but not its text: a preview, a file or a pin",
    "edited_by_the_app": None,
    "tombstone": (NEL, MessageDeleted(message=TS)),
    "deleted": (NEL, MessageDeleted(message=TS)),
    "deleted_by_the_app": None,
    "own_message": None,
    "another_app": "from another app",
    "another_app_legacy": "from another app",
    "channel_topic": "message subtype not handled: channel_topic",
    "reaction_added": (NEL, ReactionReceived(emoji=("👍🏽",), message="1793534390.000100")),
    "reaction_removed": (NEL, ReactionReceived(emoji=(), message="1793534390.000100")),
    "reaction_of_the_workspace": (
        f"{CHANNEL}:1793534390.000100",
        ReactionReceived(emoji=(":moorland_owl:",), message="1793534390.000100"),
    ),
    "reaction_by_the_app": None,
    "reaction_to_a_file": "a reaction to something else than a message",
    "member_joined": (CHANNEL, MembersChanged(joined=("U0OTTO0001",))),
    "member_left": (CHANNEL, MembersChanged(left=("U0OTTO0001",))),
    "app_joined": (CHANNEL, MembersChanged(joined=("U0GREENBOT",), bot=True)),
    "home_opened": (NEL, ConversationOpened()),
    "home_tab_opened": (NEL, ConversationOpened()),
    "app_uninstalled": "the app was uninstalled from the workspace: connect it again",
    "tokens_revoked": "tokens of the app were revoked: connect it again",
    "channel_archive": "event not handled: channel_archive",
    "event_of_the_future": "event not handled: hologram_shown",
    "another_workspace": "from the workspace T0ELSEWHER, which is not this channel's",
    "date_of_tomorrow": (NEL, TextReceived(text="from the future")),
    "app_rate_limited": "Slack held events back: more than 30,000 in an hour",
    "url_verification": b'{"challenge":"3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P"}',
    "button": (NEL, ChoiceMade(choice="2f1a9c3e:1", title="Seeds")),
    "button_in_a_thread": (THREAD, ChoiceMade(choice="2f1a9c3e:1", title="Seeds")),
    "button_in_a_channel": (CHANNEL, ChoiceMade(choice="2f1a9c3e:1", title="Seeds")),
    "button_without_value": (NEL, ChoiceMade(choice="approve", title="Approve")),
    "button_that_opens_an_address": "a button that only opens an address",
    "button_in_the_home": (NEL, ChoiceMade(choice="start", title="Start")),
    "menu": (NEL, ChoiceMade(choice="2f1a9c3e:6", title="Bulbs")),
    "menu_in_a_modal": "an element of a form that is not sent yet",
    "overflow": (NEL, ChoiceMade(choice="later", title="Later")),
    "radio": (NEL, ChoiceMade(choice="L", title="Large")),
    "datepicker": (NEL, ChoiceMade(choice="day", title="2026-11-05")),
    "timepicker": (NEL, ChoiceMade(choice="hour", title="10:30")),
    "checkboxes": (NEL, ChoiceMade(choice="tools", title="spade, rake")),
    "users_select": (NEL, ChoiceMade(choice="who", title="U0OTTO0001")),
    "view_submission": (
        NEL,
        FormSubmitted(
            form="order",
            values={
                "name": "Nel",
                "day": "2026-11-05",
                "size": "L",
                "tools": ["spade"],
                "who": ["U0OTTO0001"],
                "note": None,
                "b7.name": "second",
                "when": 1793534400,
                "more": "in bold",
            },
            title="Order",
        ),
    ),
    "view_closed": "interaction not handled: view_closed",
    "shortcut": (NEL, CommandReceived(command="new_order")),
    "message_shortcut": (NEL, CommandReceived(command="make_ticket", argument="The *pump* & the hose leak")),
    "block_suggestion": b'{"options":[]}',
    "interactive_message": "interaction not handled: interactive_message",
    "slash_command": (NEL, CommandReceived(command="order", argument="2 roses")),
    "slash_command_in_private": (NEL, CommandReceived(command="help")),
    "ssl_check": "neither an event nor an interaction nor a command",
}
"""By file: the conversation and the event, why it is parked, what is answered, or None for what the app itself did."""


def read(name: str) -> Parsed:
    return parse_body(body(name), ACCESS, NOW)


def event(name: str) -> InboundEvent:
    (one,) = read(name).events
    return one


def test_every_file_has_its_meaning() -> None:
    assert set(NAMES) == set(EXPECTED)


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_each_body_means_what_it_should(name: str) -> None:
    expected, parsed = EXPECTED[name], read(name)
    match expected:
        case tuple():
            (one,) = parsed.events
            assert (one.conversation_key, one.body) == expected
            assert parsed.parked == () and parsed.answer is None
            assert one.occurred_at <= NOW and one.occurred_at.tzinfo is UTC
        case str():
            assert [piece.reason for piece in parsed.parked] == [expected]
            assert parsed.parked[0].raw == body(name)
        case _:
            assert (parsed.events, parsed.parked, parsed.answer) == ((), (), expected)


def test_a_mention_that_is_told_twice_is_one_turn() -> None:
    mention, message = event("mention"), event("mention_as_message")
    assert mention.external_id == message.external_id
    assert mention.conversation_key == message.conversation_key
    assert mention.body == message.body
    for one in (mention, message):
        assert one.context is not None and one.context.mentioned and not one.context.overheard


def test_a_mention_is_known_without_knowing_the_app_only_by_app_mention() -> None:
    """With nobody to say who the app is, the copy that may be the mention must not take its key."""
    value = payload("mention_as_message")
    del value["authorizations"]
    parsed = parse_body(body_of(value), access_with(), NOW)
    assert parsed.events == () and parsed.parked[0].external_id.startswith("event:")
    value = payload("mention")
    del value["authorizations"]
    (one,) = parse_body(body_of(value), access_with(), NOW).events
    assert isinstance(one.body, TextReceived) and one.body.text == "@U0GREENBOT opening hours"


def test_what_is_overheard_begins_nothing() -> None:
    def overheard(name: str) -> bool:
        context = event(name).context
        return context is not None and context.overheard

    assert overheard("channel_thread_overheard") and overheard("edited_in_a_channel")
    assert overheard("reaction_of_the_workspace") and overheard("member_joined")
    for name in (
        "channel_thread_of_the_app",
        "mention",
        "dm_text",
        "edited",
        "deleted",
        "button",
        "app_joined",
    ):
        assert not overheard(name), name


def test_context_says_where_and_what_it_answers() -> None:
    reply, forwarded = event("dm_in_a_thread").context, event("forwarded").context
    assert reply is not None and reply.reply_to == "1793534300.000100" and reply.place == "private"
    assert forwarded is not None and forwarded.forwarded and forwarded.forwarded_from == "Otto"
    shortcut, command = event("message_shortcut").context, event("slash_command").context
    assert shortcut is not None and shortcut.reply_to == "1793534200.000100" and shortcut.title == "gardenry"
    assert shortcut.quote == "The *pump* & the hose leak"
    assert command is not None and command.title == "gardenry"
    group = event("mpim_text").context
    assert group is not None and group.place == "group"


def test_people_are_named_by_workspace_and_id_with_what_slack_tells() -> None:
    known = event("dm_with_profile").sender
    assert (known.external_id, known.first_name, known.last_name) == (NEL, "Nel", "Evans")
    assert (known.username, known.timezone) == ("nelevans", "Europe/Amsterdam")
    assert event("button").sender.username == "nelevans"
    assert event("slash_command").sender.username == "nelevans"
    assert event("shared_channel").sender.external_id == f"{TEAM}:U0NEXTDOOR"
    assert {
        event(name).sender.external_id for name in ("dm_text", "button", "shortcut", "view_submission")
    } == {NEL}


def test_an_event_is_keyed_by_its_id_and_an_interaction_by_its_bytes() -> None:
    assert event("reaction_added").external_id.startswith("event:Ev0GREEN")
    assert event("button").external_id == event("button").external_id
    changed = payload("button") | {"trigger_id": "another"}
    (other,) = parse_body(body_of(changed), ACCESS, NOW).events
    assert other.external_id != event("button").external_id
    again = payload("dm_text") | {"event_id": "EvOTHER"}
    (same,) = parse_body(body_of(again), ACCESS, NOW).events
    assert same.external_id == event("dm_text").external_id, (
        "a message is the same whatever event tells of it"
    )


def test_a_command_in_a_channel_is_acknowledged_in_words_when_the_settings_say_so() -> None:
    features = {"command_acknowledgement": "I answered <you> in private"}
    access = access_with({}, {"workspace": {"team_id": TEAM}, "features": features})
    answer = parse_body(body("slash_command"), access, NOW).answer
    assert answer is not None and json.loads(answer) == {
        "response_type": "ephemeral",
        "text": "I answered &lt;you&gt; in private",
    }
    assert parse_body(body("slash_command_in_private"), access, NOW).answer is None


@pytest.mark.parametrize(
    ("name", "switch"),
    [
        ("dm_text", "direct_messages"),
        ("edited", "direct_messages"),
        ("file_image", "files"),
        ("file_album", "files"),
        ("mention", "mentions"),
        ("channel_thread_of_the_app", "channel_threads"),
        ("home_opened", "app_home"),
    ],
)
def test_what_is_switched_off_is_parked(name: str, switch: str) -> None:
    def with_switch(value: bool) -> Parsed:
        settings = {"workspace": {"team_id": TEAM, "bot_user_id": "U0GREENBOT"}, "features": {switch: value}}
        return parse_body(body(name), access_with({}, settings), NOW)

    assert [one.reason for one in with_switch(False).parked] == [f"switched off by features.{switch}"]
    assert with_switch(True).events == read(name).events, "the control"


def test_an_interaction_reads_the_same_as_bare_json() -> None:
    """As Socket Mode carries it."""
    for name in ("button", "view_submission", "slash_command", "message_shortcut"):
        (bare,) = parse_body(msgspec.json.encode(payload(name)), ACCESS, NOW).events
        form = event(name)
        assert (bare.body, bare.conversation_key, bare.context) == (
            form.body,
            form.conversation_key,
            form.context,
        )


def test_several_actions_have_keys_of_their_own() -> None:
    value = payload("button")
    value["actions"].append(payload("datepicker")["actions"][0])
    first, second = parse_body(body_of(value), ACCESS, NOW).events
    assert second.external_id == f"{first.external_id}:1"


def test_the_time_of_tomorrow_is_not_believed() -> None:
    assert event("date_of_tomorrow").occurred_at == NOW
    assert event("dm_text").occurred_at == datetime(2026, 11, 1, 11, 59, 55, 200, tzinfo=UTC)


def test_every_kind_that_the_manifest_asks_for_is_read_or_named() -> None:
    seen = {
        value["event"]["type"] if value["event"]["type"] != "message" else "message"
        for value in map(payload, NAMES)
        if value.get("type") == "event_callback"
    }
    assert {kind.partition(".")[0] for kind in EVENTS} <= seen


@pytest.mark.parametrize(
    "raw",
    [b"", b"{", b"[]", b"null", b"\xff\xfe", b"payload=", b"payload=%7B", b"payload=[]", b"a" * 100, b"{}",
     b"[" * 5000, b"payload=" + b"%5B" * 20_000, b"&".join([b"a=1"] * 500), b'{"type":"event_callback"}',
     b'{"type":"event_callback","event":{"type":"message"}}', b'{"type":"block_actions"}', b'{"command":7}'],
)  # fmt: skip
def test_what_is_no_event_is_parked_once(raw: bytes) -> None:
    first, second = parse_body(raw, ACCESS, NOW), parse_body(raw, ACCESS, NOW)
    assert first.events == () and len(first.parked) == 1
    assert first.parked[0].external_id == second.parked[0].external_id
    assert first.parked[0].raw == raw and first.parked[0].reason


JUNK: list[Any] = [None, 0, -1, True, 1.5, "", "x", "\x00", "U" * 300, [], {}, [None], {"id": None}, 2**80]


@settings(max_examples=400, deadline=None)
@given(name=st.sampled_from(NAMES), data=st.data())
def test_nothing_makes_parse_raise(name: str, data: st.DataObject) -> None:
    """A field, anywhere, is replaced by something else, taken away, or doubled into a list."""
    value = payload(name)
    where: Any = value
    for _ in range(data.draw(st.integers(0, 6))):
        keys = list(where) if isinstance(where, dict) else list(range(len(where)))
        if not keys:
            break
        key = data.draw(st.sampled_from(keys))
        if data.draw(st.booleans()) and isinstance(where[key], dict | list) and where[key]:
            where = where[key]
            continue
        if data.draw(st.booleans()):
            where[key] = data.draw(st.sampled_from(JUNK))
        elif isinstance(where, dict):
            del where[key]
        break
    parsed = parse_body(
        body_of(value) if isinstance(value.get("type", ""), str) else urlencode(value).encode(), ACCESS, NOW
    )
    for one in parsed.events:
        assert one.external_id and one.conversation_key.startswith(f"{TEAM}:")
        assert one.occurred_at <= NOW + timedelta(seconds=1)
        assert "\x00" not in msgspec.json.encode(one).decode()


@settings(max_examples=200, deadline=None)
@given(name=st.sampled_from(NAMES), at=st.integers(0, 5000), byte=st.integers(0, 255))
def test_no_flipped_byte_makes_parse_raise(name: str, at: int, byte: int) -> None:
    raw = bytearray(body(name))
    raw[at % len(raw)] = byte
    parsed = SlackAdapter().parse(bytes(raw), ACCESS, NOW)
    assert len(parsed.events) + len(parsed.parked) <= 1 or parsed.answer is None
