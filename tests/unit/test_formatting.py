"""Texts with markup: which nodes read it, what is data in them, and what stays plain."""

from __future__ import annotations

from typing import Any

import pytest

from engine.effects import Record
from engine.events import ChoiceMade, Passage
from engine.messages import OutboundMessage
from engine.state import Customer
from tests.conversations.chat import Chat, bot_of, message, node

ANA = Customer(id="1", first_name="*Ana*")
BOLD = [("bold", "Hi")]
END = node("end", "end")


def looks(said: OutboundMessage) -> list[tuple[str, str]]:
    return [(span.kind, said.text[span.start : span.end]) for span in said.spans]


def last(chat: Chat) -> OutboundMessage:
    return chat.sends[-1].message


SPEAKERS: dict[str, dict[str, Any]] = {
    "message": {"message": "**Hi**"},
    "message in other words": {"message": "**Hi**", "variations": ["**Hi**"]},
    "message with media": {"message": "**Hi**", "media": [{"url": "https://e.example/a.png"}]},
    "quick_reply": {"message": "**Hi**", "options": [{"text": "x"}]},
    "input": {"message": "**Hi**", "variable": "v"},
    "feedback": {"message": "**Hi**"},
    "consent": {"message": "**Hi**", "purpose": "p"},
    "human_handoff": {"message": "**Hi**"},
    "end": {"message": "**Hi**"},
}


@pytest.mark.parametrize("name", SPEAKERS)
def test_every_node_that_speaks_can_be_formatted_and_is_plain_otherwise(name: str) -> None:
    type_, config = name.partition(" ")[0], SPEAKERS[name]
    plain, marked = (
        Chat(bot_of(node("a", type_, **config))),
        Chat(bot_of(node("a", type_, **config, format="markdown"))),
    )
    assert plain.say("hello") == ["**Hi**"]
    assert last(plain).spans == ()
    assert marked.say("hello") == ["Hi"]
    assert looks(last(marked)) == BOLD


def test_the_flow_says_how_its_nodes_are_written_and_a_node_may_differ() -> None:
    nodes = [message("a", "b", message="**Hi**"), message("b", message="**Hi**", format="plain")]
    chat = Chat(bot_of(*nodes, global_settings={"format": "markdown"}))
    assert chat.say("hello") == ["Hi", "**Hi**"]
    assert looks(chat.sends[0].message) == BOLD


def test_what_a_customer_is_called_is_no_markup() -> None:
    chat = Chat(
        bot_of(message("a", message="**{{user.first_name}}**, _hi_", format="markdown")), customer=ANA
    )
    assert chat.say("hello") == ["*Ana*, hi"]
    assert looks(last(chat)) == [("bold", "*Ana*"), ("italic", "hi")]


def test_spans_stand_behind_the_greeting() -> None:
    config = {"format": "markdown", "personalization": {"use_name": True}}
    for more in ({}, {"variations": ["**Hi**"]}):
        chat = Chat(bot_of(message("a", message="**Hi**", **config, **more)), customer=ANA)
        assert chat.say("hello") == ["Hi *Ana*! Hi"]
        assert [(span.start, span.end) for span in last(chat).spans] == [(10, 12)]


def test_a_translation_has_markup_of_its_own() -> None:
    flow = {
        "supported_languages": ["en", "de"],
        "translations": {"de": {"**Hi** {{user.first_name}}": "Hallo, **{{user.first_name}}**"}},
    }
    bot = bot_of(message("a", message="**Hi** {{user.first_name}}", format="markdown"), **flow)
    german = Chat(bot, customer=Customer(id="1", first_name="Jo", language="de"))
    assert german.say("hello") == ["Hallo, Jo"]
    assert looks(last(german)) == [("bold", "Jo")]
    english = Chat(bot, customer=Customer(id="1", first_name="Jo"))
    english.say("hello")
    assert looks(last(english)) == BOLD


def test_titles_of_options_and_cards_are_plain() -> None:
    cards = [{"title": "**A**", "subtitle": "*b*"}]
    menu = node("b", "quick_reply", message="?", options=[{"text": "**x**"}])
    chat = Chat(
        bot_of(message("a", "b", message="**Hi**", cards=cards), menu, global_settings={"format": "markdown"})
    )
    chat.say("hello")
    assert chat.sends[0].message.cards[0].title == "**A**"
    assert chat.choices == ["**x**"]


def test_what_is_said_again_is_formatted_too() -> None:
    chat = Chat(bot_of(node("a", "input", message="?", variable="v", type="number", format="markdown",
                            retry_messages=["**Hi** again"], error_messages={"too_large": "*small*"},
                            validation={"maximum": 3})))  # fmt: skip
    chat.say("hello", "x")
    assert looks(last(chat)) == BOLD
    chat.say("4")
    assert looks(last(chat)) == [("italic", "small")]


def test_what_was_agreed_to_is_recorded_as_it_was_read() -> None:
    chat = Chat(bot_of(node("a", "consent", message="**Hi**, may we?", purpose="p", format="markdown")))
    chat.say("hello", "yes")
    (record,) = chat.effects_of(Record)
    assert record.properties["text"] == "Hi, may we?"


def test_an_action_and_an_opt_out_speak_as_the_flow_does() -> None:
    chat = Chat(bot_of(
        node("a", "quick_reply", message="?", options=[{"text": "x"}]), END,
        global_settings={"format": "markdown", "opt_out": {"message": "**Hi**, bye"}},
        global_actions={"h": {"keywords": ["human"], "target": "end", "conditions": ["1 > 2"],
                              "otherwise_message": "**Hi**, nobody"}},
    ))  # fmt: skip
    chat.say("hello", "human")
    assert looks(chat.sends[0].message) == BOLD
    chat.say("stop")
    assert looks(last(chat)) == BOLD
    assert chat.effects_of(Record)[0].properties["text"] == "Hi, bye"


@pytest.mark.parametrize(("format_", "said"), [("plain", "**Hi**"), ("markdown", "Hi")])
def test_a_models_answer_is_read_as_the_node_says(format_: str, said: str) -> None:
    chat = Chat(bot_of(node("a", "ai_answer", prompt="p", format=format_)))
    chat.say("hello")
    assert chat.finish(text="**Hi**") == [said]


def test_within_a_template_a_models_answer_is_data() -> None:
    chat = Chat(bot_of(node("a", "ai_answer", prompt="p", format="markdown", message="*{{response.text}}*")))
    chat.say("hello")
    assert chat.finish(text="**Hi**") == ["**Hi**"]
    assert looks(last(chat)) == [("italic", "**Hi**")]


def test_a_passage_is_read_as_the_node_says() -> None:
    chat = Chat(bot_of(node("a", "knowledge", query="q", format="markdown")))
    chat.say("hello")
    assert chat.finish(passages=(Passage(text="**Hi**"),)) == ["Hi"]
    assert looks(last(chat)) == BOLD


def test_a_page_of_a_menu_is_formatted_too() -> None:
    options = [{"text": str(number)} for number in range(4)]
    chat = Chat(bot_of(node("a", "quick_reply", message="**Hi**", options=options, format="markdown")))
    chat.say("hello")
    paging = last(chat).paging
    assert paging is not None
    chat.happen(ChoiceMade(choice=f"{paging.key}1"))
    assert looks(last(chat)) == BOLD
