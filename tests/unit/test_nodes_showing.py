"""What the bot shows and sends: variations, media, cards and their buttons, e-mails and events on record."""

from __future__ import annotations

from typing import Any

import pytest

from engine.compile import FlowInvalid
from engine.effects import Record, SendEmail
from engine.messages import Card, CardButton, Media
from engine.nodes.base import choice_id
from engine.state import ConversationState, Customer
from tests.conversations.chat import Chat, bot_of, message, node

ERROR = {"target": "sorry", "condition": "error"}


def chat_of(
    *nodes: dict[str, Any], variables: dict[str, Any] | None = None, customer: Customer | None = None,
    **sections: Any,
) -> Chat:  # fmt: skip
    bot = bot_of(*nodes, message("bought"), message("sorry"), message("after"), **sections)
    chat = Chat(bot, state=ConversationState(variables=variables or {}), customer=customer)
    chat.say("hi")
    return chat


# Variations


def test_variations_are_said_in_turn() -> None:
    ask = message("say", message="a", variations=["b", "c"])
    chat = chat_of(ask)
    said = [*chat.said, *(chat.say("again")[0] for _ in range(5))]
    assert said[:3] == said[3:]
    assert sorted(said[:3]) == ["a", "b", "c"]


def test_customers_begin_at_different_variations() -> None:
    nodes = message("say", message="a", variations=["b"])
    first = {chat_of(nodes, customer=Customer(id=str(id))).said[0] for id in range(20)}
    assert first == {"a", "b"}


def test_a_variation_is_a_template_with_a_greeting_before_it() -> None:
    say = message("say", message="{{n}}", variations=["{{n}}"], personalization={"use_name": True})
    assert chat_of(say, variables={"n": 5}, customer=Customer(first_name="Ana")).said == ["Hi Ana! 5"]


# Media


def media(*items: dict[str, Any], **config: Any) -> dict[str, Any]:
    return node("show", "message", "after", media=list(items), **config)


def test_media_are_shown_with_the_text() -> None:
    picture = {"url": "https://e.com/{{n}}.png", "alt": "Number {{n}}"}
    document = {"kind": "document", "url": " https://e.com/a.pdf ", "name": "a.pdf"}
    chat = chat_of(
        media(picture, document, message="Look:", delay=100, typing_indicator=True), variables={"n": 5}
    )
    send = chat.sends[0]
    assert send.message.text == "Look:"
    assert send.message.media == (
        Media(kind="image", url="https://e.com/5.png", alt="Number 5"),
        Media(kind="document", url="https://e.com/a.pdf", name="a.pdf"),
    )
    assert (send.delay_ms, send.typing) == (100, True)
    assert chat.said == ["Look:", "after"]


def test_media_need_no_text() -> None:
    chat = chat_of(media({"url": "https://e.com/a.png"}))
    assert chat.said == ["", "after"]


@pytest.mark.parametrize(
    "url",
    [
        None,
        "",
        "javascript:alert(1)",
        "file:///etc/passwd",
        "data:text/html,x",
        "/a.png",
        "https://a b",
        "http://",
    ],
)
def test_what_is_no_address_is_not_shown(url: str | None) -> None:
    button = {"text": "Open", "url": "{{url}}"}
    cards = [{"title": "T", "image": "{{url}}", "url": "{{url}}", "buttons": [button]}]
    chat = chat_of(media({"url": "{{url}}"}, cards=cards, message="Look:"), variables={"url": url})
    assert chat.sends[0].message.media == ()
    assert chat.sends[0].message.cards == (Card(title="T"),)
    chat = chat_of(media({"url": "{{url}}"}), variables={"url": url})
    assert chat.said == ["after"]


# Cards


CARDS = [
    {
        "title": "{{name}}",
        "subtitle": "Cheap",
        "image": "https://e.com/1.png",
        "url": "https://e.com/1",
        "buttons": [
            {"text": "Buy", "target": "bought"},
            {"text": "Site", "url": "https://e.com/{{name}}"},
            {"text": "More", "target": "after"},
        ],
    },
    {"title": "Second", "buttons": [{"text": "Take", "target": "sorry"}]},
]


def test_cards_are_shown_with_their_buttons() -> None:
    chat = chat_of(node("show", "message", cards=CARDS), variables={"name": "Pen"})
    assert chat.sends[0].message.cards == (
        Card(
            title="Pen",
            subtitle="Cheap",
            image="https://e.com/1.png",
            url="https://e.com/1",
            buttons=(
                CardButton(title="Buy", id=choice_id("show", 0)),
                CardButton(title="Site", url="https://e.com/Pen"),
                CardButton(title="More", id=choice_id("show", 1)),
            ),
        ),
        Card(title="Second", buttons=(CardButton(title="Take", id=choice_id("show", 2)),)),
    )


@pytest.mark.parametrize(("index", "target"), [(0, "bought"), (1, "after"), (2, "sorry")])
def test_a_button_leads_to_its_node_also_later(index: int, target: str) -> None:
    ask = node("ask", "input", "ask", message="?", variable="v")
    chat = chat_of(node("show", "message", "ask", cards=CARDS), ask)
    assert chat.click("show", index) == [target]
    chat.say("hello")
    chat.say("something else")
    assert chat.click("show", index) == [target]
    assert chat.traced("choice") == [("Buy", "More", "Take")[index]]


def test_buttons_are_translated() -> None:
    translations = {"de": {"Buy": "Kaufen", "Site": "Seite", "Second": "Zweite", "Cheap": "Billig"}}
    chat = chat_of(
        node("show", "message", cards=CARDS), customer=Customer(language="de"), translations=translations
    )
    first, second = chat.sends[0].message.cards
    assert [button.title for button in first.buttons] == ["Kaufen", "Seite", "More"]
    assert (first.subtitle, second.title) == ("Billig", "Zweite")


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"variations": ["x"]},
        {"cards": [{"title": "x", "buttons": [{"text": "b"}]}]},
        {"cards": [{"title": "x", "buttons": [{"text": "b", "target": "after", "url": "https://e.com"}]}]},
        {"cards": [{"title": "x", "buttons": [{"text": "b", "target": "after"}] * 4}]},
        {"cards": [{"title": "x"}] * 11},
        {"media": [{"url": "https://e.com"}] * 11},
        {"media": [{"kind": "smell", "url": "https://e.com"}]},
    ],
)
def test_what_can_not_be_shown_is_refused(config: dict[str, Any]) -> None:
    with pytest.raises(FlowInvalid):
        chat_of(node("show", "message", **config))


# E-mails


def email(*ways: Any, **config: Any) -> dict[str, Any]:
    return node("mail", "email", *(ways or ("after", ERROR)), **{"subject": "S", "body": "B", **config})


def test_an_email_is_queued_and_the_conversation_goes_on() -> None:
    mail = email(
        to=["{{a}}", "team@example.com", "{{a}}"], subject="For {{n}}", body="{{n}}\n!", reply_to="{{a}}"
    )
    chat = chat_of(mail, variables={"a": "ana@example.com", "n": "Ana"})
    assert chat.effects_of(SendEmail) == [
        SendEmail(
            to=("ana@example.com", "team@example.com"), subject="For Ana", body="Ana\n!",
            reply_to="ana@example.com",
        )
    ]  # fmt: skip
    assert chat.said == ["after"]
    assert "ana@" not in repr(chat.trace)


@pytest.mark.parametrize("value", ["x\r\nBcc: evil@example.com", "a\nb", "a\u2028b", "a\x0bb"])
def test_a_subject_is_one_line(value: str) -> None:
    chat = chat_of(email(to=["a@example.com"], subject="S {{v}}"), variables={"v": value})
    (sent,) = chat.effects_of(SendEmail)
    assert len(sent.subject.splitlines()) == 1


@pytest.mark.parametrize("value", [None, "", "nobody", "a@b", "<script>"])
def test_an_email_to_nobody_takes_the_way_for_errors(value: str | None) -> None:
    chat = chat_of(email(to=["{{v}}"]), variables={"v": value})
    assert (chat.said, chat.effects_of(SendEmail)) == (["sorry"], [])


def test_a_wrong_address_to_reply_to_is_left_out() -> None:
    chat = chat_of(email(to=["a@example.com"], reply_to="{{v}}"), variables={"v": "x\r\nBcc: y"})
    assert chat.effects_of(SendEmail)[0].reply_to == ""


# Events on record


def test_an_event_is_recorded_with_its_properties() -> None:
    track = node(
        "t", "track", "after", event="order_placed", properties={"n": 5, "who": ["{{name}}", {"a": "{{no}}"}]}
    )
    chat = chat_of(track, variables={"name": "Ana"})
    properties = {"n": 5, "who": ["Ana", {"a": ""}]}
    assert chat.effects_of(Record) == [Record(kind="track", name="order_placed", properties=properties)]
    assert chat.said == ["after"]


def test_an_event_needs_no_properties() -> None:
    chat = chat_of(node("t", "track", event="seen"))
    assert chat.effects_of(Record) == [Record(kind="track", name="seen")]


def test_a_text_too_long_takes_the_way_for_errors() -> None:
    track = node("t", "track", ERROR, event="seen", properties={"x": "{{v}}{{v}}"})
    assert chat_of(track, variables={"v": "x" * 15_000}).said == ["sorry"]
