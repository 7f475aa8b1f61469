"""Opting out: a whole message, recorded and confirmed, and nothing else; and what it forbids from then on."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import structs

from engine.answers.sentences import sentence
from engine.compile import FlowInvalid
from engine.effects import Record, Send, UpdateCustomer
from engine.events import ChoiceMade, CommandReceived, MediaReceived
from engine.state import Control, Customer
from tests.conversations.chat import Chat, bot_of, message, node

ASK = node("ask", "input", "thanks", message="Well?", variable="v", timeout=60, timeout_target="late")


def chat_of(*, customer: Customer | None = None, flow: dict[str, Any] | None = None, **opt_out: Any) -> Chat:
    bot = bot_of(
        ASK, message("thanks"), message("late"), node("human", "human_handoff"),
        global_settings={"opt_out": opt_out}, global_actions={"human": {"keywords": ["agent"], "target": "human"}},
        **(flow or {}),
    )  # fmt: skip
    chat = Chat(bot, customer=customer)
    chat.say("hi")
    return chat


def proofs(chat: Chat) -> list[tuple[str, bool]]:
    return [(record.name, record.properties["granted"]) for record in chat.effects_of(Record)]


@pytest.mark.parametrize("text", ["stop", "STOP", " Stop! ", "unsubscribe"])
def test_an_opt_out_is_recorded_and_confirmed_and_nothing_else_happens(text: str) -> None:
    chat = chat_of()
    before = chat.state
    said = sentence("opted_out", "en")
    assert chat.say(text) == [said]
    assert [type(effect) for effect in chat.effects] == [UpdateCustomer, Record, Send]
    assert chat.effects_of(UpdateCustomer) == [UpdateCustomer(opted_out=True)]
    assert chat.effects_of(Record) == [
        Record(kind="consent", name="messages", properties={"granted": False, "text": said})
    ]
    assert (chat.state.waiting, chat.state.node, chat.state.turns) == (before.waiting, "ask", before.turns)


@pytest.mark.parametrize("text", ["please stop", "stopp", "sto", "stop it", "don't unsubscribe me"])
def test_only_the_whole_message_opts_out(text: str) -> None:
    chat = chat_of()
    assert chat.say(text) == ["thanks"]
    assert proofs(chat) == []


def test_opting_in_again() -> None:
    chat = chat_of()
    chat.say("stop")
    assert chat.say("UNSTOP") == [sentence("opted_in", "en")]
    assert proofs(chat) == [("messages", True)]
    assert not chat.customer.opted_out


def test_an_opt_in_word_means_nothing_to_who_never_opted_out() -> None:
    chat = chat_of()
    assert chat.say("subscribe") == ["thanks"]
    assert chat.state.variables == {"v": "subscribe"}


def test_words_and_sentences_can_be_the_flows_own() -> None:
    chat = chat_of(
        keywords=["leave me alone"], message="Bye {{user.first_name}}", opt_in_keywords=["come back"],
        opt_in_message="Hello again", customer=Customer(first_name="Ana"),
    )  # fmt: skip
    assert chat.say("Leave me alone!") == ["Bye Ana"]
    assert chat.say("come back") == ["Hello again"]
    assert chat.say("stop") == ["thanks"]


def test_words_count_in_every_language_of_the_flow() -> None:
    translations = {"de": {"stop": ["Schluss", "aufhören"], "unstop": "weiter"}}
    chat = chat_of(flow={"translations": translations}, customer=Customer(language="de"))
    assert chat.say("AUFHÖREN") == [sentence("opted_out", "de")]
    assert chat.sends[0].message.language == "de"
    assert chat.say("weiter") == [sentence("opted_in", "de")]


def test_a_timer_says_nothing_to_who_opted_out() -> None:
    chat = chat_of()
    chat.say("stop")
    assert chat.time_out() == []
    assert chat.state.waiting is not None
    assert chat.state.waiting.timer == ""
    assert chat.say("my answer") == ["thanks"]


@pytest.mark.parametrize("control", ["waiting", "human"])
def test_an_opt_out_counts_also_while_a_human_answers(control: Control) -> None:
    chat = chat_of()
    chat.state = structs.replace(chat.state, control=control, waiting=None)
    assert chat.say("stop") == [sentence("opted_out", "en")]
    assert chat.state.control == control


def test_an_opt_out_as_the_first_word_begins_no_session() -> None:
    chat = Chat(bot_of(message("a"), global_settings={"opt_out": {}}))
    assert chat.say("stop") == [sentence("opted_out", "en")]
    assert chat.state.node == ""
    assert chat.say("hello") == ["a"]


@pytest.mark.parametrize(
    "body",
    [
        CommandReceived(command="stop"),
        ChoiceMade(choice="of a template that the platform keeps", title="Stop"),
        MediaReceived(kind="image", file="x", caption="stop"),
    ],
)
def test_a_command_a_caption_or_a_platforms_own_button_opts_out_too(body: Any) -> None:
    chat = chat_of()
    chat.happen(body)
    assert proofs(chat) == [("messages", False)]


def test_a_choice_of_the_flow_called_stop_is_that_choice() -> None:
    menu = node("menu", "quick_reply", message="?", options=[{"text": "Stop", "target": "stopped"}])
    chat = Chat(bot_of(menu, message("stopped"), global_settings={"opt_out": {}}))
    chat.say("hi")
    assert chat.click("menu", 0) == ["stopped"]
    assert proofs(chat) == []


@pytest.mark.parametrize("keyword", [" ", " \n\t "])
def test_an_opt_out_word_of_nothing_is_refused(keyword: str) -> None:
    with pytest.raises(FlowInvalid, match="the keyword is empty"):
        chat_of(keywords=["stop", keyword])
    with pytest.raises(FlowInvalid, match="the keyword is empty"):
        chat_of(opt_in_keywords=[keyword])


def test_without_opt_out_words_stop_is_a_word() -> None:
    chat = Chat(bot_of(ASK, message("thanks"), message("late")))
    assert chat.say("hi", "stop") == ["thanks"]


# Words of the channel's own


def of_channel(**settings: object) -> Chat:
    bot = bot_of(node("ask", "input", "ask", message="?", variable="v", timeout=60), global_settings=settings)
    return Chat(bot, channel="whatsapp", opt_out_words=frozenset({"stop", "cancel"}))


@pytest.mark.parametrize("word", ["STOP", "Cancel!", " stop. "])
def test_a_channels_word_opts_out_of_a_flow_that_says_nothing_of_it(word: str) -> None:
    chat = of_channel()
    chat.say("hello")
    assert chat.say(word) == ["You will not receive any more messages from us."]
    assert chat.customer.opted_out
    (record,) = chat.effects_of(Record)
    assert (record.kind, record.name) == ("consent", "messages")
    assert record.properties == {"granted": False, "text": chat.said[0], "channel": "whatsapp"}
    assert chat.state.waiting is not None, "what was asked waits on"


def test_a_channels_word_within_a_text_opts_nobody_out() -> None:
    chat = of_channel()
    chat.say("hello")
    assert chat.say("please cancel my order") == ["?"]


@pytest.mark.parametrize("word", ["start", "UNSTOP", "Subscribe"])
def test_other_words_opt_in_again_but_only_who_had_opted_out(word: str) -> None:
    chat = of_channel()
    assert chat.say(word) == ["?"]
    chat.say("stop")
    assert chat.say(word) == ["Welcome back! You will receive our messages again."]
    assert not chat.customer.opted_out
    assert chat.effects_of(Record)[0].properties["channel"] == "whatsapp"


def test_the_command_start_begins_anew_and_opts_nobody_in() -> None:
    chat = of_channel()
    chat.say("stop")
    assert chat.command("start") == ["?"]
    assert chat.customer.opted_out


def test_who_opted_out_by_the_channels_word_is_answered_and_not_written_to() -> None:
    chat = of_channel()
    chat.say("hello", "stop")
    assert chat.time_out() == []
    assert chat.say("one more question") == ["?"]


def test_the_flows_own_words_come_first_with_its_own_text() -> None:
    chat = of_channel(opt_out={"keywords": ["stop"], "message": "Goodbye"})
    chat.say("hello")
    assert chat.say("stop") == ["Goodbye"]
    assert "channel" not in chat.effects_of(Record)[0].properties
    assert chat.say("cancel") == ["Goodbye"]
    assert chat.effects_of(Record)[0].properties["channel"] == "whatsapp"


def test_a_channels_word_is_confirmed_in_the_customers_language() -> None:
    bot = bot_of(node("ask", "input", message="?", variable="v"), supported_languages=["en", "de"])
    chat = Chat(bot, customer=Customer(id="1", language="de"), opt_out_words=frozenset({"stop"}))
    assert chat.say("stop") == ["Sie erhalten keine weiteren Nachrichten von uns."]


def test_without_words_of_the_channel_stop_is_a_text() -> None:
    chat = Chat(bot_of(node("ask", "input", "ask", message="?", variable="v")))
    assert chat.say("hello", "stop") == ["?"]
    assert not chat.customer.opted_out
