"""Groups: what is meant for the bot, whom its answers answer, and what is known of a message's circumstances."""

from __future__ import annotations

from typing import Any

import pytest

from engine.events import (
    ChoiceMade,
    CommandReceived,
    ContactReceived,
    Context,
    EventBody,
    LocationReceived,
    MediaReceived,
    Referral,
    TextReceived,
)
from engine.nodes.base import choice_id
from tests.conversations.chat import Chat, bot_of, message, node

GROUP = Context(place="group", title="Riders", overheard=True)
NAMED = Context(place="group", title="Riders", mentioned=True)
THREAD = Context(place="channel", overheard=True)


def chat_with(**settings: Any) -> Chat:
    return Chat(bot_of(
        node("ask", "input", "got", message="?", variable="v"), message("got", message="{{v}}"),
        global_settings={"opt_out": {}, **settings},
    ))  # fmt: skip


UNMEANT: list[EventBody] = [
    TextReceived(text="hello"),
    TextReceived(text="stop"),
    MediaReceived(kind="image", file="f", album="a"),
    LocationReceived(latitude=1, longitude=2),
    ContactReceived(phone="+49"),
]


@pytest.mark.parametrize("body", UNMEANT)
@pytest.mark.parametrize("asked", [True, False])
def test_what_does_not_name_the_bot_changes_nothing(body: EventBody, asked: bool) -> None:
    chat = chat_with()
    if asked:
        chat.happen(TextReceived(text="hi"), message="1", context=NAMED)
    before = chat.state
    assert chat.happen(body, message="2", context=GROUP) == []
    assert chat.state == before
    assert chat.effects == ()
    assert chat.traced("ignored") == ["in a group, and not meant for the bot"]


def test_what_names_it_is_answered() -> None:
    assert chat_with().happen(TextReceived(text="@bot hi"), context=NAMED) == ["?"]


def test_commands_and_buttons_are_meant_for_it() -> None:
    chat = chat_with()
    assert chat.happen(CommandReceived(command="start"), context=Context(place="group")) == ["?"]
    menu = node("menu", "quick_reply", message="?", options=[{"text": "a", "target": "b"}])
    chat = Chat(bot_of(menu, message("b")))
    assert chat.happen(ChoiceMade(choice=choice_id("menu", 0)), context=Context(place="group")) == ["b"]


def test_a_flow_may_take_everything() -> None:
    assert chat_with(groups="all").happen(TextReceived(text="hi"), context=GROUP) == ["?"]


def test_in_a_thread_that_it_takes_part_in_everything_is_meant_for_it() -> None:
    chat = chat_with()
    assert chat.happen(TextReceived(text="hi"), context=THREAD) == []
    chat.happen(TextReceived(text="hi"), context=Context(place="channel", mentioned=True))
    assert chat.happen(TextReceived(text="Ana"), context=THREAD) == ["Ana"]


def test_an_answer_in_a_group_says_what_it_answers() -> None:
    chat = chat_with()
    chat.happen(TextReceived(text="hi"), message="17", context=NAMED)
    assert chat.sends[0].message.reply_to == "17"
    chat.happen(TextReceived(text="hi"), message="18")
    assert chat.sends[0].message.reply_to == "", "among two nobody asks who is meant"


def test_what_comes_later_answers_the_last_message_that_was_meant() -> None:
    chat = Chat(
        bot_of(
            node("h", "http", "m", url="https://e.example"),
            node("m", "input", message="?", variable="v", timeout=60, timeout_target="late"),
            message("late"),
        )
    )
    chat.happen(TextReceived(text="hi"), message="17", context=NAMED)
    chat.happen(TextReceived(text="what?"), message="18", context=GROUP)
    chat.finish(status=200)
    assert chat.sends[0].message.reply_to == "17"
    chat.time_out()
    assert [send.message.reply_to for send in chat.sends] == ["17"]


def test_what_is_leafed_through_answers_nothing() -> None:
    menu = node("menu", "quick_reply", message="?", options=[{"text": str(number)} for number in range(5)])
    chat = Chat(bot_of(menu))
    chat.happen(TextReceived(text="hi"), message="17", context=NAMED)
    paging = chat.sends[0].message.paging
    assert paging is not None
    chat.happen(ChoiceMade(choice=f"{paging.key}1"), message="18", context=NAMED)
    assert (chat.sends[0].message.edits, chat.sends[0].message.reply_to) == ("18", "")


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("{{message_context.id}} {{message_context.reply_to}} {{message_context.quote}}", "17 9 the words"),
        ("{{message_context.forwarded}} {{message_context.forwarded_from}}", "true Bo"),
        ("{{message_context.place}} {{message_context.mentioned}}", "private false"),
        ("{{message_context.referral.source}} {{message_context.referral.payload}}", "ad summer"),
    ],
)
def test_the_circumstances_of_a_message_are_known(template: str, said: str) -> None:
    chat = Chat(bot_of(message("m", message=template)))
    context = Context(
        reply_to="9",
        quote="the words",
        forwarded=True,
        forwarded_from="Bo",
        referral=Referral(source="ad", payload="summer"),
    )
    assert chat.happen(TextReceived(text="hi"), message="17", context=context) == [said]


def test_without_circumstances_all_of_it_is_empty() -> None:
    chat = Chat(
        bot_of(
            message("m", message="{{message_context.place}}{{message_context.referral.source}}{{event.text}}")
        )
    )
    assert chat.say("hi") == ["privatehi"]


def test_a_condition_can_ask_where_the_customer_comes_from() -> None:
    way = {"target": "b", "condition": "message_context.referral?.source === 'ad'"}
    bot = bot_of(
        node("a", "condition", way, "c", cases=[{"condition": "1 > 2", "target": "c"}]),
        message("b"),
        message("c"),
    )
    assert Chat(bot).say("hi") == ["c"]
    assert Chat(bot).happen(TextReceived(text="hi"), context=Context(referral=Referral(source="ad"))) == ["b"]
