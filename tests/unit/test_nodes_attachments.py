"""What a message carries besides text, media and cards, what it replaces, and reactions."""

from __future__ import annotations

from typing import Any

import pytest

from engine.compile import FlowInvalid
from engine.events import ChoiceMade, MessageEdited, TextReceived
from engine.messages import ContactCard, Link, Media, OutboundMessage, Place, Reaction, TemplateCall
from tests.conversations.chat import Chat, bot_of, message, node

OOPS = node("oops", "message", message="oops")


def said(**config: Any) -> OutboundMessage:
    chat = Chat(bot_of(node("a", "message", **config)))
    chat.say("52.5")
    (send,) = chat.sends
    return send.message


def test_links_open_pages_apps_and_forms() -> None:
    found = said(
        message="x",
        links=[
            {"text": "Page", "url": "https://e.example/{{message}}"},
            {"text": "App", "url": "https://e.example/app", "kind": "web_app"},
            {"text": "Form", "kind": "form", "form": "17"},
            {"text": "Lost", "url": "{{nothing}}"},
        ],
    )
    assert found.links == (
        Link(title="Page", url="https://e.example/52.5"),
        Link(title="App", url="https://e.example/app", kind="web_app"),
        Link(title="Form", kind="form", form="17"),
    )


def test_a_links_title_is_translated() -> None:
    flow = {
        "default_language": "de",
        "supported_languages": ["de", "en"],
        "translations": {"en": {"Seite": "Page"}},
    }
    bot = bot_of(
        node("a", "message", message="x", links=[{"text": "Seite", "url": "https://e.example"}]), **flow
    )
    chat = Chat(bot)
    chat.say("hello")
    assert chat.sends[0].message.links[0].title == "Seite"
    chat = Chat(bot)
    chat.customer = type(chat.customer)(id="1", language="en")
    chat.say("hello")
    assert chat.sends[0].message.links[0].title == "Page"


def test_a_place_is_of_numbers_or_templates() -> None:
    assert said(
        location={"latitude": "{{message}}", "longitude": 13, "name": " Desk ", "address": "{{none}}"}
    ).location == (Place(latitude=52.5, longitude=13.0, name="Desk"))


@pytest.mark.parametrize("latitude", ["north", "", "91", "1e3", "nan", "52,5"])
def test_what_is_no_degree_is_an_error_of_the_node(latitude: str) -> None:
    place = {"latitude": "{{v}}", "longitude": 13}
    way = {"target": "oops", "condition": "error"}
    chat = Chat(
        bot_of(
            node("s", "set_variable", "a", variable="v", value=latitude),
            node("a", "message", way, location=place),
            OOPS,
        )
    )
    assert chat.say("hello") == ["oops"]
    assert chat.traced("error") == ["VariableError: the latitude is no number of degrees"]


def test_a_contact_is_said() -> None:
    card = {"name": "Desk {{message}}", "phone": "+49 30 1", "email": "d@e.example", "organization": "E"}
    assert said(contact=card).contact == ContactCard(
        name="Desk 52.5", phone="+49 30 1", email="d@e.example", organization="E"
    )


def test_a_contact_without_a_phone_is_an_error_of_the_node() -> None:
    way = {"target": "oops", "condition": "error"}
    chat = Chat(bot_of(node("a", "message", way, contact={"name": "Desk", "phone": "{{none}}"}), OOPS))
    assert chat.say("hello") == ["oops"]


def test_an_approved_template_is_called_with_its_parameters() -> None:
    found = said(
        message="Instead",
        template={"key": "welcome", "parameters": {"name": "{{message}}"}, "media": {"url": "media:abc-1"}},
    )
    assert found.text == "Instead"
    assert found.template == TemplateCall(
        key="welcome", parameters=(("name", "52.5"),), media=Media(kind="image", url="media:abc-1")
    )
    assert said(template={"key": "welcome", "media": {"url": "nowhere"}}).template == TemplateCall(
        key="welcome"
    )


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("media:0193-ab_C", "media:0193-ab_C"), ("media:", ""), ("media:a b", ""), ("media:../x", ""),
        ("file:///x", ""),
        (" https://e.example/a ", "https://e.example/a"),
    ],
)  # fmt: skip
def test_media_is_on_the_web_or_the_gateways_own(url: str, shown: str) -> None:
    found = said(message="x", media=[{"url": url, "kind": "voice"}])
    assert [media.url for media in found.media] == ([shown] if shown else [])


def test_a_sticker_is_media() -> None:
    assert said(media=[{"url": "https://e.example/a.webp", "kind": "sticker"}]).media[0].kind == "sticker"


def test_a_message_takes_the_place_of_another() -> None:
    chat = Chat(bot_of(message("a", "b"), node("b", "message", message="done", edit="a"), message("c")))
    chat.say("hello")
    assert [(send.label, send.replaces) for send in chat.sends] == [("a", ""), ("", "a")]


def test_within_a_sub_flow_it_is_that_of_the_sub_flow() -> None:
    sub = {"start_node": "a", "nodes": [message("a", "b"), node("b", "message", message="done", edit="a")]}
    chat = Chat(bot_of(node("go", "call", flow="sub"), flows={"sub": sub}))
    chat.say("hello")
    assert [(send.label, send.replaces) for send in chat.sends] == [("sub/a", ""), ("", "sub/a")]


def test_only_a_message_is_replaced_and_no_way_leads_there() -> None:
    with pytest.raises(FlowInvalid, match="is no message"):
        bot_of(node("a", "message", message="x", edit="b"), node("b", "input", message="?", variable="v"))
    chat = Chat(bot_of(node("a", "message", message="x", edit="b"), message("b")))
    assert chat.say("hello") == ["x"]


def reacting(emoji: str = "👍") -> Chat:
    return Chat(
        bot_of(
            node("a", "react", "b", emoji=emoji),
            node("b", "quick_reply", message="b", options=[{"text": "x", "target": "a"}]),
        )
    )


def test_a_reaction_goes_to_the_message_that_was_just_sent() -> None:
    chat = reacting("{{message}}")
    assert chat.happen(TextReceived(text="❤️"), message="17") == ["", "b"]
    assert chat.sends[0].message.reaction == Reaction(message="17", emoji="❤️")


def test_an_empty_emoji_takes_the_reaction_back() -> None:
    chat = reacting("")
    chat.happen(TextReceived(text="hello"), message="17")
    assert chat.sends[0].message.reaction == Reaction(message="17", emoji="")


def test_without_a_message_there_is_nothing_to_react_to() -> None:
    chat = reacting()
    assert chat.say("hello") == ["b"]
    assert "there is no message to react to" in chat.traced("ignored")
    choice = chat.sends[-1].message.choices[0].id
    assert chat.happen(ChoiceMade(choice=choice), message="18") == ["b"], (
        "the button stands on the bot's own message"
    )


def test_a_reaction_says_nothing_so_that_an_intent_behind_it_reads_the_text() -> None:
    intents = [{"name": "buy", "target_node": "c", "examples": ["what do you sell"]}]
    chat = Chat(
        bot_of(
            node("a", "react", "b", emoji="👀"),
            node("b", "ai_intent", "d", intents=intents),
            message("c"),
            message("d"),
        )
    )
    assert chat.happen(TextReceived(text="nonsense"), message="17") == ["", "d"]


def test_an_edited_message_can_be_reacted_to() -> None:
    chat = Chat(
        bot_of(
            message("m"),
            node("a", "react", emoji="✏️"),
            global_actions={"e": {"events": ["edit"], "target": "a"}},
        )
    )
    chat.happen(MessageEdited(message="17", text="x"), message="17")
    assert chat.sends[0].message.reaction == Reaction(message="17", emoji="✏️")
