"""What each kind of WhatsApp webhook means, and that bodies are split whole and in order."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from adapters.protocol import Parsed, StatusUpdate, TemplateChanged
from adapters.whatsapp.parse import parse_body
from engine.events import (
    ChoiceMade,
    CommandReceived,
    ContactReceived,
    Context,
    ConversationOpened,
    EventBody,
    FormSubmitted,
    HumanReplied,
    IdentityChanged,
    LocationReceived,
    MediaReceived,
    MessageDeleted,
    MessageEdited,
    OrderItem,
    OrderPlaced,
    ReactionReceived,
    Referral,
    Sender,
    TextReceived,
)
from tests.pace import assert_within

FOLDER = Path(__file__).parents[1] / "payloads" / "whatsapp"
NOW = datetime(2026, 12, 1, tzinfo=UTC)
AT = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
OWN = "510000000000001"
MAYA = "4915550100311"
SENT_BY_US = Context(reply_to="wamid.OURS009")
OTHER_NUMBER = "for another phone number of the account: id 510000000000777"


def media(kind: Any, number: int, **more: Any) -> MediaReceived:
    return MediaReceived(kind=kind, file=f"164000000000000{number}", **more)


def parked(*reasons: str) -> list[EventBody | str]:
    return list(reasons)


EXPECTED: dict[str, list[EventBody | str]] = {
    "text": [TextReceived(text="Hi, is my gravel bike ready?")],
    "text_in_another_script": [TextReceived(text="ブレーキの調整をお願いします 👩🏽‍🔧")],
    "text_with_marks": [TextReceived(text="*urgent*: chain_v2 is ~broken~")],
    "text_prefilled_by_a_link": [TextReceived(text="I come from the poster in the tram, code TRAM17")],
    "command": [CommandReceived(command="order", argument="17 please")],
    "slash_is_no_command": [TextReceived(text="///")],
    "image_caption": [media("image", 1, caption="the bent wheel", mime_type="image/jpeg", album=MAYA)],
    "image_batch": [
        media("image", 7, mime_type="image/jpeg", album=MAYA),
        media("image", 8, mime_type="image/jpeg", album=MAYA, caption="both sides"),
    ],
    "video": [media("video", 2, mime_type="video/mp4", album=MAYA)],
    "audio": [media("audio", 3, mime_type="audio/mpeg")],
    "voice": [media("voice", 4, mime_type="audio/ogg; codecs=opus")],
    "document": [media("document", 5, caption="paid", name="invoice 17.pdf", mime_type="application/pdf")],
    "sticker": [media("sticker", 6, mime_type="image/webp")],
    "location": [
        LocationReceived(latitude=52.5163, longitude=13.3777, name="The old station, Gleis 1, Berlin")
    ],
    "location_bare": [LocationReceived(latitude=-33.45, longitude=-70.0)],
    "no_type": [LocationReceived(latitude=1.5, longitude=2.5)],
    "contact": [ContactReceived(phone="+49 155 50100400", name="Velo Shop")],
    "contact_own": [ContactReceived(phone="+49 155 50100311", name="Maya Okonkwo", own=True)],
    "contact_asked_for": [ContactReceived(phone="+4915550100311", own=True)],
    "contacts_two": [
        ContactReceived(phone="+49 155 50100400", name="Velo Shop"),
        ContactReceived(phone="+919995550100", name="Ravi Menon"),
    ],
    "contacts_without_a_phone": parked("contacts without a phone number"),
    "reaction": [ReactionReceived(emoji=("🚲",), message="wamid.OURS009")],
    "reaction_taken_back": [ReactionReceived(emoji=(), message="wamid.OURS009")],
    "reaction_emptied": [ReactionReceived(emoji=(), message="wamid.OURS009")],
    "button_reply": [ChoiceMade(choice="3kf9:1", title="Repair")],
    "list_reply": [ChoiceMade(choice="a1b2c3d4:p1", title="More …")],
    "form_reply": [
        FormSubmitted(
            form="770000000000001",
            values={"day": "2026-11-05", "bikes": [{"kind": "gravel", "count": 2}]},
            title="Sent",
        )
    ],
    "form_reply_without_token": [FormSubmitted(values={"day": "2026-11-05"}, title="Sent")],
    "form_reply_broken": parked("form whose answers are no JSON"),
    "call_permission_reply": parked("interactive reply not handled: call_permission_reply"),
    "template_button_ours": [ChoiceMade(choice="3f9c01aa:2", title="Yes, Tuesday")],
    "template_button_words": [TextReceived(text="Yes, Tuesday")],
    "order": [
        OrderPlaced(
            items=(
                OrderItem(product="tube-28", quantity=2, price="7.5", currency="EUR"),
                OrderItem(product="pump", quantity=1, price="19", currency="EUR"),
            ),
            catalog="880000000000001",
            text="by Friday?",
        )
    ],
    "reply": [TextReceived(text="this one")],
    "forwarded": [TextReceived(text="Closed on Monday")],
    "forwarded_often": [TextReceived(text="Free bikes!!!")],
    "product_inquiry": [TextReceived(text="Is it still there?")],
    "ad": [TextReceived(text="Tell me more")],
    "edit": [MessageEdited(message="wamid.MAYA000", text="Tuesday, not Monday")],
    "edit_caption": [MessageEdited(message="wamid.MAYA000", text="the front wheel")],
    "revoke": [MessageDeleted(message="wamid.MAYA000")],
    "welcome": [ConversationOpened()],
    "number_changed": [IdentityChanged(old=MAYA, new="4915550100999")],
    "number_changed_of_old": [IdentityChanged(old=MAYA, new="4915550100999")],
    "user_id_changed": [IdentityChanged(old="DE.770011", new="DE.880022")],
    "identity_key_changed": parked(
        "customer_identity_changed: the customer's identity key changed, the id did not"
    ),
    "system_unknown": parked("system message not handled: user_grew_wings"),
    "unsupported": parked(
        "message of a type that WhatsApp hands on to no business: poll (131051: WhatsApp does not support this type"
        " of message (Message type is currently not supported.))"
    ),
    "unknown_type": parked("message type not handled: hologram"),
    "scoped_only": [TextReceived(text="こんにちは")],
    "scoped_with_number": [TextReceived(text="hello")],
    "scoped_with_parent": [TextReceived(text="hello")],
    "no_contacts": [TextReceived(text="anybody there?")],
    "no_sender": parked("message without a readable sender"),
    "number_differs_from_id": [TextReceived(text="hola")],
    "group_message": [TextReceived(text="who rides tomorrow?")],
    "echo": [HumanReplied(text="I am on it. Jo")],
    "echo_image": [
        HumanReplied(
            text="your wheel", media=(media("image", 9, caption="your wheel", mime_type="image/jpeg"),)
        )
    ],
    "echo_revoke": parked("echo not handled: revoke"),
    "status_sent": [],
    "status_played_and_read": [],
    "status_failed": [],
    "status_failed_unknown_code": [],
    "status_failed_without_reason": [],
    "status_of_the_future": parked("status not handled: framed"),
    "error_report": parked(
        "error report: 130429: too many messages a second from this number (Cloud API message throughput has been"
        " reached.)"
    ),
    "template_approved": [],
    "template_rejected": [],
    "calls": parked("field not handled: calls (a voice call)"),
    "user_preferences": [],
    "group_participants": parked("field not handled: group_participants_update (members of a group changed)"),
    "account_update": parked(
        "field not handled: account_update (the account changed, such as its verification or a ban)"
    ),
    "automatic_event": parked("field not handled: automatic_events (an ad's conversion that Meta detected)"),
    "field_of_the_future": parked("field not handled: smell_update (unknown to this version)"),
    "another_number": parked(OTHER_NUMBER),
    "statuses_of_another_number": parked(OTHER_NUMBER),
    "many_of_everything": [
        TextReceived(text="first"),
        TextReceived(text="second"),
        TextReceived(text="third"),
        "message type not handled: hologram",
        "field not handled: calls (a voice call)",
    ],
    "same_message_twice": [TextReceived(text="once"), TextReceived(text="another under the same id")],
    "no_entry": parked("nothing in it: no entry with a readable change"),
    "another_object": parked("not about WhatsApp: object 'instagram'"),
    "wrong_types": parked(
        "messages with an unreadable piece",
        "message without a readable id",
        "message without a readable sender",
        "image without a readable id",
        "location without a readable latitude",
        "status without a readable status",
        "statuses with an unreadable piece",
        "change without a readable value: messages",
    ),
    "lone_surrogate_and_nul": [TextReceived(text="cut \ufffd emoji and \ufffd")],
    "unknown_fields_everywhere": [TextReceived(text="hello")],
    "number_as_timestamp": [TextReceived(text="on time")],
    "timestamp_of_tomorrow": [TextReceived(text="early")],
}


def load(name: str) -> bytes:
    return (FOLDER / f"{name}.json").read_bytes()


def parse(name: str) -> Parsed:
    return parse_body(load(name), OWN, NOW)


def test_every_payload_has_its_meaning_here() -> None:
    assert {path.stem for path in FOLDER.glob("*.json")} == EXPECTED.keys()


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_a_payload_means(name: str) -> None:
    parsed = parse(name)
    found = [event.body for event in parsed.events] + [one.reason for one in parsed.parked]
    assert found == EXPECTED[name]
    for event in parsed.events:
        assert event.occurred_at in (AT, NOW)
        assert event.message


@pytest.mark.parametrize(
    ("name", "context"),
    [
        ("text", None),
        ("reply", SENT_BY_US),
        ("button_reply", SENT_BY_US),
        ("forwarded", Context(forwarded=True)),
        ("forwarded_often", Context(forwarded=True)),
        ("group_message", Context(place="group")),
        (
            "product_inquiry",
            Context(
                reply_to="wamid.OURS010",
                referral=Referral(source="product", id="tube-28", payload="880000000000001"),
            ),
        ),
        (
            "ad",
            Context(
                referral=Referral(
                    source="ad",
                    id="120000000000007",
                    url="https://fb.me/velo",
                    headline="Winter check",
                    text="From 49 €",
                    payload="ARclick01",
                )
            ),
        ),
    ],
)
def test_the_circumstances_of_a_message(name: str, context: Context | None) -> None:
    (event,) = parse(name).events
    assert event.context == context


@pytest.mark.parametrize(
    ("name", "conversation", "sender"),
    [
        ("text", MAYA, Sender(external_id=MAYA, first_name="Maya Okonkwo", phone=f"+{MAYA}")),
        ("no_contacts", MAYA, Sender(external_id=MAYA, phone=f"+{MAYA}")),
        (
            "scoped_only",
            "JP.5588001122",
            Sender(external_id="JP.5588001122", first_name="Kenji", username="kenji.rides"),
        ),
        (
            "scoped_with_number",
            "DE.770011",
            Sender(external_id="DE.770011", first_name="Maya Okonkwo", phone=f"+{MAYA}", aliases=(MAYA,)),
        ),
        (
            "scoped_with_parent",
            "US.ENT.4400",
            Sender(external_id="US.ENT.4400", first_name="Lee", aliases=("US.9900",)),
        ),
        (
            "number_differs_from_id",
            "5215550100222",
            Sender(
                external_id="5215550100222",
                first_name="Lupe",
                phone="+5215550100222",
                aliases=("525550100222",),
            ),
        ),
        (
            "group_message",
            "Y2FwaV9ncm91cDoxNTU1",
            Sender(external_id=MAYA, first_name="Maya Okonkwo", phone=f"+{MAYA}"),
        ),
        ("echo", MAYA, Sender(external_id=MAYA, first_name="Maya Okonkwo", phone=f"+{MAYA}")),
        ("number_changed", MAYA, Sender(external_id=MAYA, phone=f"+{MAYA}")),
    ],
)
def test_who_wrote_and_where(name: str, conversation: str, sender: Sender) -> None:
    (event,) = parse(name).events
    assert (event.conversation_key, event.sender) == (conversation, sender)


def test_each_author_of_a_batch_has_their_own_contact() -> None:
    senders = [event.sender.first_name for event in parse("many_of_everything").events]
    assert senders == ["Maya Okonkwo", "Ravi", "Maya Okonkwo"]


def test_the_key_of_a_message_is_its_id() -> None:
    assert [event.external_id for event in parse("image_batch").events] == ["wamid.MAYA011", "wamid.MAYA012"]
    assert [event.external_id for event in parse("contacts_two").events] == [
        "wamid.MAYA001",
        "wamid.MAYA001:1",
    ]
    first, second = parse("same_message_twice").events
    assert first.external_id == "wamid.D1"
    assert second.external_id.startswith("wamid.D1:")


def test_a_status_brings_our_key_back() -> None:
    at = datetime(2026, 11, 1, 12, 0, 1, tzinfo=UTC)
    assert parse("status_sent").statuses == (
        StatusUpdate(
            message="wamid.OURS009",
            state="sent",
            occurred_at=at,
            key=UUID("0195f3a2-7c1d-7e55-9a10-1b2c3d4e5f60"),
            call=2,
        ),
    )
    assert [status.state for status in parse("status_played_and_read").statuses] == [
        "read",
        "read",
        "delivered",
    ]


@pytest.mark.parametrize(
    ("name", "error"),
    [
        (
            "status_failed",
            "131047: the customer last wrote more than 24 hours ago; only an approved template is taken now (Message"
            " failed to send because more than 24 hours have passed since the customer last replied to this number.)",
        ),
        ("status_failed_unknown_code", "199999: Something new"),
        ("status_failed_without_reason", "0: WhatsApp says that it failed and gives no reason"),
    ],
)
def test_a_failed_status_says_why(name: str, error: str) -> None:
    (status,) = parse(name).statuses
    assert (status.state, status.error, status.key) == ("failed", error, None)


def test_what_meta_decided_about_a_template() -> None:
    assert parse("template_approved").templates == (
        TemplateChanged(name="appointment_v1", language="en_US", status="APPROVED", category="UTILITY"),
    )
    assert parse("template_rejected").templates == (
        TemplateChanged(
            name="sale_v3",
            language="de",
            status="REJECTED",
            reason="INCORRECT_CATEGORY: It reads like an advertisement.",
        ),
    )


def preferences(*chosen: dict[str, Any], contacts: Any = ()) -> bytes:
    value = {"messaging_product": "whatsapp", "contacts": list(contacts), "user_preferences": list(chosen)}
    change = {"field": "user_preferences", "value": value}
    return json.dumps({"object": "whatsapp_business_account", "entry": [{"changes": [change]}]}).encode()


STOP: dict[str, Any] = {
    "wa_id": MAYA,
    "category": "marketing_messages",
    "value": "stop",
    "timestamp": "1761998400",
}


def test_what_a_customer_chose_about_marketing_is_a_consent() -> None:
    (stopped,) = parse("user_preferences").consents
    assert (stopped.customer, stopped.purpose, stopped.granted) == ((MAYA,), "marketing", False)
    assert stopped.text == "User requested to stop marketing messages"
    assert stopped.occurred_at == min(datetime.fromtimestamp(1793534400, UTC), NOW)
    (again,) = parse_body(stopped.raw, OWN, NOW).consents
    assert again == stopped, "a body of its own, with the same key"
    contact = {"wa_id": MAYA, "user_id": "DE.770011"}
    resumed, other = parse_body(
        preferences({**STOP, "value": "resume"}, {**STOP, "wa_id": "4915550100999"}, contacts=[contact]),
        OWN,
        NOW,
    ).consents
    assert (resumed.customer, resumed.granted) == ((MAYA, "DE.770011"), True)
    assert other.customer == ("4915550100999",), "another's contact is not theirs"
    assert len({stopped.external_id, resumed.external_id, other.external_id}) == 3


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"value": "pause"}, "preference not handled: marketing_messages pause"),
        ({"category": "stories"}, "preference not handled: stories stop"),
        ({"category": None, "value": 1}, "preference not handled: no category no value"),
        ({"wa_id": ""}, "preference without a readable customer"),
    ],
)
def test_a_choice_that_says_nothing_known_is_parked(change: dict[str, Any], reason: str) -> None:
    parsed = parse_body(preferences(STOP, {**STOP, **change}), OWN, NOW)
    assert len(parsed.consents) == 1
    assert [one.reason for one in parsed.parked] == [reason]


def test_a_choice_that_comes_twice_in_a_body_has_one_key() -> None:
    keys = {one.external_id for one in parse_body(preferences(STOP, STOP), OWN, NOW).consents}
    assert len(keys) == 1


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_what_is_parked_can_be_posted_again(name: str) -> None:
    """Each parked piece is a body of its own, with its key and its reason, however it is read."""
    for one in parse(name).parked:
        (again,) = parse_body(one.raw, OWN, NOW).parked
        assert again == one


def test_a_parked_piece_does_not_hold_its_neighbours() -> None:
    piece = next(one for one in parse("many_of_everything").parked if one.external_id == "wamid.B3")
    assert b"hologram" in piece.raw
    assert b"wamid.B1" not in piece.raw and b"statuses" not in piece.raw


def test_without_a_number_of_its_own_a_channel_hears_all() -> None:
    (event,) = parse_body(load("another_number"), "", NOW).events
    assert event.body == TextReceived(text="for the other shop")


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"\xff\xfe", b"[" * 100_000, b'"text"'])
def test_what_is_no_body_is_parked_whole(body: bytes) -> None:
    parsed = parse_body(body, OWN, NOW)
    assert parsed.events == ()
    (one,) = parsed.parked
    assert one.raw == body and one.external_id.startswith("unreadable:")


def thousand(text: str) -> bytes:
    """One body with 1,000 messages of 250 customers, about 3 MB: the most that Meta posts at once."""
    customers = [f"49155502{number:05d}" for number in range(250)]
    value = {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": "15550100200", "phone_number_id": OWN},
        "contacts": [{"profile": {"name": f"Customer {id}"}, "wa_id": id} for id in customers],
        "messages": [
            {
                "from": customers[number % 250],
                "id": f"wamid.BIG{number:04d}",
                "timestamp": "1793534400",
                "type": "text",
                "text": {"body": f"{number} {text}"},
            }
            for number in range(1000)
        ],
    }
    change = {"field": "messages", "value": value}
    body = {"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [change]}]}
    return json.dumps(body).encode()


def test_a_thousand_messages_in_one_body_stay_in_order_and_take_no_second() -> None:
    body = thousand("x" * 2_850)
    assert 2_900_000 < len(body) < 3_200_000
    parsed = assert_within(1.0, lambda: parse_body(body, OWN, NOW))
    assert [event.external_id for event in parsed.events] == [f"wamid.BIG{n:04d}" for n in range(1000)]
    assert [event.sender.first_name for event in parsed.events[:2]] == [
        "Customer 4915550200000",
        "Customer 4915550200001",
    ]
    assert parsed.parked == ()
